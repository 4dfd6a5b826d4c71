package supabase_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/door/supabase"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/web"
)

const (
	admBase     = "https://id.example.com"
	admPassword = "verdigris under brass"
)

// An admHouse is the API over its own database, without a network, as an operator of
// an app sees it.
type admHouse struct {
	http.Handler
	router    *web.Router
	db        *store.DB
	auth      *auth.Service
	directory *directory.Service
	receipts  *receipt.Ledger
	keys      token.ProjectKeys
	letters   chan mail.Message
}

// admBuild returns a house in which addresses must be confirmed.
func admBuild(t *testing.T) *admHouse {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	admCheck(t, err)
	t.Cleanup(func() { admCheck(t, db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	admCheck(t, err)
	ring, err := keyring.New(t.Context(), db, sealer, nil, log)
	admCheck(t, err)
	admCheck(t, ring.Prepare(t.Context()))
	pool := secret.NewPool(1, 8, time.Minute)
	t.Cleanup(pool.Close)
	lives := headykey.Lifetimes{
		Access: time.Hour, Refresh: 30 * 24 * time.Hour, Session: 8 * time.Hour, SessionMax: 89 * 24 * time.Hour, EmailLink: 21 * time.Minute,
		SessionKey: 21 * 24 * time.Hour, SessionKeyGrace: 34 * time.Hour,
	}
	h := &admHouse{db: db, receipts: receipt.New(db, ring, "id.example.com"), letters: make(chan mail.Message, 34)}
	tokens := token.New(db, ring, token.Config{
		Issuer: admBase, Audience: admBase + "/api", OAuthIssuer: admBase + "/auth/v1", Access: lives.Access, Refresh: lives.Refresh,
	})
	h.keys, err = tokens.ProjectKeys()
	admCheck(t, err)
	h.auth, err = auth.New(auth.Parts{
		DB: db, Tokens: tokens, Receipts: h.receipts, Pool: pool, Sealer: sealer, Log: log,
		Outbox: outbox.New(db, sealer, log, map[string]outbox.Sender{"mail": h.send}),
		Change: func(ctx context.Context, tx *store.Tx, by headykey.Caller, user *headykey.User, c headykey.UserChange) error {
			return h.directory.Apply(ctx, tx, by, user, c)
		},
	}, auth.Config{BaseURL: admBase, AppsURL: admBase + "/auth/v1", ConfirmEmail: true, Lifetimes: lives})
	admCheck(t, err)
	h.directory = directory.New(db, h.receipts, ring, lives, h.auth.EndAll, sealer, nil)
	targets, err := web.NewTargets("https://app.example.com", []string{"https://*.example.com/**"})
	admCheck(t, err)
	public, err := url.Parse(admBase)
	admCheck(t, err)
	h.router = web.NewRouter(nil, nil)
	door := supabase.New(supabase.Parts{
		Auth: h.auth, Directory: h.directory, Targets: targets, Version: "1", BaseURL: admBase, LetterLink: http.NotFoundHandler(),
	})
	door.Mount(h.router)
	mux := http.NewServeMux()
	mux.Handle("/", h.router)
	mux.HandleFunc("POST /auth/v1/token", func(w http.ResponseWriter, r *http.Request) { door.Token(r).ServeHTTP(w, r) })
	mux.HandleFunc("GET /auth/v1/user", func(w http.ResponseWriter, r *http.Request) { door.User(r).ServeHTTP(w, r) })
	h.Handler = web.Front(public, nil, mux)
	return h
}

func admCheck(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *admHouse) send(_ context.Context, payload []byte) error {
	var m mail.Message
	err := json.Unmarshal(payload, &m)
	h.letters <- m
	return err
}

// An admReply is an answer and the members of its body.
type admReply struct {
	*httptest.ResponseRecorder
	body map[string]any
}

// raw sends one request with these header lines ("Name: value").
func (h *admHouse) raw(method, path, body string, headers ...string) admReply {
	r := httptest.NewRequest(method, "/auth/v1"+path, strings.NewReader(body))
	r.Header.Set("X-Supabase-Api-Version", "2024-01-01")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := admReply{w, map[string]any{}}
	_ = json.Unmarshal(w.Body.Bytes(), &out.body)
	return out
}

// ask is raw by who has the secret key.
func (h *admHouse) ask(method, path, body string) admReply {
	return h.raw(method, path, body, "Apikey: "+h.keys.ServiceRole, "Authorization: Bearer "+h.keys.ServiceRole)
}

// want fails the test unless the answer has this status and code ("": it is none).
func (a admReply) want(t *testing.T, what string, status int, code string) admReply {
	t.Helper()
	got, _ := a.body["code"].(string)
	if a.Code != status || got != code {
		t.Errorf("%s: got %d %s, want %d %q", what, a.Code, a.Body, status, code)
	}
	return a
}

func (a admReply) text(name string) string { s, _ := a.body[name].(string); return s }

// make makes an account and returns its id.
func (h *admHouse) make(t *testing.T, body string) string {
	t.Helper()
	return h.ask("POST", "/admin/users", body).want(t, "make "+body, http.StatusOK, "").text("id")
}

// signIn signs in by password.
func (h *admHouse) signIn(email, password string) admReply {
	return h.raw("POST", "/token?grant_type=password", admJSON(map[string]any{"email": email, "password": password}))
}

func admJSON(v any) string {
	text, _ := json.Marshal(v) // text and numbers always marshal
	return string(text)
}

// types returns the types of the receipts about user, the oldest first.
func (h *admHouse) types(t *testing.T, user string) []string {
	t.Helper()
	all, err := h.receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Subject: headykey.ID(user), Limit: 100})
	admCheck(t, err)
	out := make([]string, len(all))
	for i, r := range all {
		out[len(all)-1-i] = r.Type
	}
	return out
}
