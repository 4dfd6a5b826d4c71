package heady_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/door/heady"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/web"
)

const (
	base     = "https://id.example.com"
	friend   = "https://friend.example"
	password = "verdigris under brass"
)

// A house is the whole HeadyKey API over its own database, without a network.
type house struct {
	http.Handler
	router   *web.Router
	db       *store.DB
	auth     *auth.Service
	tokens   *token.Service
	receipts *receipt.Ledger
}

func build(t *testing.T) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	ring, err := keyring.New(t.Context(), db, sealer, nil, log)
	check(t, err)
	pool := secret.NewPool(1, 8, time.Minute)
	t.Cleanup(pool.Close)
	lives := headykey.Lifetimes{
		Access: time.Hour, Refresh: 30 * 24 * time.Hour, Session: 8 * time.Hour, SessionMax: 89 * 24 * time.Hour, KeyGrace: 34 * time.Hour,
		SetupLink: 34 * time.Minute, EmailLink: 21 * time.Minute, JWTSecretRotation: 144 * 24 * time.Hour, JWTSecretOverlap: 21 * 24 * time.Hour,
		SessionKey: 21 * 24 * time.Hour, SessionKeyGrace: 34 * time.Hour,
	}
	h := &house{db: db, receipts: receipt.New(db, ring, "id.example.com")}
	h.tokens = token.New(db, ring, token.Config{Issuer: base, Audience: base + "/api", Access: lives.Access, Refresh: lives.Refresh})
	h.auth, err = auth.New(auth.Parts{
		DB: db, Tokens: h.tokens, Receipts: h.receipts, Outbox: outbox.New(db, sealer, log, nil), Pool: pool, Sealer: sealer, Log: log,
	}, auth.Config{BaseURL: base, Throttle: true, Lifetimes: lives})
	check(t, err)
	programs, err := oauth.New(oauth.Parts{DB: db, Tokens: h.tokens, Receipts: h.receipts, Ring: ring, Sealer: sealer}, base)
	check(t, err)
	public, err := url.Parse(base)
	check(t, err)
	cors, err := web.NewCORS(public, []string{friend}, false)
	check(t, err)
	h.router = web.NewRouter(cors, nil)
	heady.Mount(h.router, heady.Parts{
		Auth: h.auth, Account: account.New(db, h.receipts, lives.KeyGrace, h.auth.ProveAgain, h.auth.EndAll), Receipts: h.receipts, CORS: cors, OAuth: programs,
		Directory: directory.New(db, h.receipts, ring, lives, h.auth.EndAll, sealer, nil),
		Cursors:   web.NewCursors(func(b []byte) []byte { m := sealer.MAC("cursor", b); return m[:] }),
		BaseURL:   base, Origins: []string{friend, base}, Secure: true, Lifetimes: lives,
	})
	h.Handler = web.Front(public, nil, h.router)
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A guest of the house holds one credential of each kind.
type guest struct {
	id, session, keyID, receipt, client headykey.ID
	email, token, cookie, refresh, key  string
	link                                string // confirms the address
}

func (h *house) person(t *testing.T, role headykey.Role, scopes ...string) guest {
	t.Helper()
	g := guest{
		id: headykey.NewID(), session: headykey.NewOrderedID(), keyID: headykey.NewOrderedID(), key: headykey.NewAPIKey(),
		client: headykey.NewID(), cookie: secret.Token(34), refresh: token.NewRefreshToken(), link: secret.Token(34),
	}
	g.email = string(g.id) + "@example.com"
	user := headykey.User{ID: g.id, Email: g.email, Role: role, Type: headykey.Human}
	session := headykey.Session{ID: g.session, User: g.id, AMR: []string{"pwd"}, AAL: "aal1", Surface: "api"}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	check(t, err)
	keyHash, err := headykey.HashAPIKey(g.key)
	check(t, err)
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		now, cookie, link := tx.Now, secret.Hash(g.cookie), secret.Hash(g.link)
		user.Created = now
		session.Created, session.Proven, session.LastUsed = now, now, now
		session.CookieExpires, session.Ends = now.Add(8*time.Hour), now.Add(89*24*time.Hour)
		check(t, tx.InsertUser(&user, g.email, ""))
		check(t, tx.SetPassword(g.id, string(hash)))
		check(t, tx.InsertSession(&session, cookie[:]))
		check(t, h.tokens.NewRefresh(tx, g.id, g.session, g.refresh))
		check(t, tx.InsertLink(store.Link{Hash: link[:], Purpose: "email.confirm", User: g.id, Expires: now.Add(time.Hour)}))
		g.receipt, err = h.receipts.Append(tx, "", headykey.Act{Type: "account.created", By: headykey.System, Subject: g.id})
		check(t, err)
		check(t, tx.InsertClient(&headykey.Client{
			ID: g.client, Name: "a client", AuthMethod: "client_secret_basic", Secret: keyHash[:],
			Profile: headykey.ProfileOIDC, Origin: headykey.ByOperator, Grants: []string{"client_credentials"}, Created: now,
		}, nil))
		check(t, tx.PutConsent(&headykey.Consent{User: g.id, Client: g.client, Scopes: []string{"openid"}, Created: now, Updated: now}))
		return tx.InsertAPIKey(&headykey.APIKey{ID: g.keyID, User: g.id, Role: role, Prefix: g.key[:12], Hash: keyHash[:], Scopes: scopes, Created: now})
	}))
	g.token, err = h.tokens.MakeAccess((&headykey.Proof{User: user, Session: session}).Holder())
	check(t, err)
	return g
}

// ask sends one request with these header lines ("Name: value").
func (h *house) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (g guest) bearer() string { return "Authorization: Bearer " + g.token }
func (g guest) jar() string    { return "Cookie: __heady_session=" + g.cookie }

// code is the code of a failure, or "".
func code(w *httptest.ResponseRecorder) string {
	var out struct{ Code string }
	_ = json.Unmarshal(w.Body.Bytes(), &out)
	return out.Code
}

// left returns the types of all receipts there are, sorted.
func (h *house) left(t *testing.T) map[headykey.ID]string {
	t.Helper()
	check(t, h.auth.FlushUses(t.Context()))
	all, err := h.receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Limit: 10_000})
	check(t, err)
	out := map[headykey.ID]string{}
	for _, r := range all {
		out[r.ID] = r.Type
	}
	return out
}

// since returns the sorted types of the receipts that are new.
func (h *house) since(t *testing.T, before map[headykey.ID]string) (out []string) {
	t.Helper()
	for id, kind := range h.left(t) {
		if before[id] == "" {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}
