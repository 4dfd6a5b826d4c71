package pages_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/door/pages"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/web"
)

const (
	base         = "https://id.example.com"
	goodPassword = "verdigris under brass"
	email        = "ada@example.com"
	letterPath   = "/auth/v1/verify"
)

// A house is a server with pages, its own database and no network.
type house struct {
	http.Handler
	auth    *auth.Service
	oauth   *oauth.Service
	db      *store.DB
	mailbox *mail.Mailbox
	arrived chan struct{} // a letter
}

// A plan is what differs between houses.
type plan struct {
	production bool // no mailbox
	confirm    bool // new addresses must be confirmed
	facts      pages.Facts
}

func build(t *testing.T, p plan) *house {
	t.Helper()
	h := &house{mailbox: mail.NewMailbox("headykey@example.com"), arrived: make(chan struct{}, 8)}
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	check(t, err)
	h.db = db
	t.Cleanup(func() { _ = db.Close() })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	ring, err := keyring.New(t.Context(), db, sealer, nil, log)
	check(t, err)
	pool := secret.NewPool(1, 8, time.Minute)
	t.Cleanup(pool.Close)
	box := outbox.New(db, sealer, log, map[string]outbox.Sender{
		"mail":           h.send,
		oauth.LogoutKind: func(ctx context.Context, payload []byte) error { return h.oauth.DeliverLogout(ctx, payload) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ran })

	lifetimes := headykey.Lifetimes{
		Access: time.Hour, Refresh: time.Hour, Session: 8 * time.Hour, SessionMax: 8 * time.Hour,
		SetupLink: time.Hour, EmailLink: time.Hour,
	}
	ledger := receipt.New(db, ring, "127.0.0.1")
	tokens := token.New(db, ring, token.Config{
		Issuer: base, Audience: base + "/api", OAuthIssuer: base + oauth.IssuerPath, Access: time.Hour, Refresh: time.Hour,
	})
	out, err := fetch.New(fetch.Config{})
	check(t, err)
	t.Cleanup(out.Close)
	h.db = db
	h.oauth, err = oauth.New(oauth.Parts{DB: db, Tokens: tokens, Receipts: ledger, Ring: ring, Sealer: sealer, Fetch: out, DetailTypes: []string{"payment"}, Outbox: box}, base)
	check(t, err)
	h.auth, err = auth.New(auth.Parts{
		DB: db, Receipts: ledger, Outbox: box, Pool: pool, Sealer: sealer, Log: log, Tokens: tokens, Ended: h.oauth.SessionsEnded,
	}, auth.Config{BaseURL: base, ConfirmEmail: p.confirm, Throttle: true, Lifetimes: lifetimes})
	check(t, err)
	go func() { defer close(ran); box.Run(ctx) }()
	h.mount(t, p, db, sealer)
	return h
}

func (h *house) mount(t *testing.T, p plan, db *store.DB, sealer *secret.Sealer) {
	t.Helper()
	public, err := url.Parse(base)
	check(t, err)
	cors, err := web.NewCORS(public, []string{"https://friend.example"}, false)
	check(t, err)
	limiter := web.NewLimiter()
	t.Cleanup(limiter.Close)
	d := pages.Deps{
		Auth: h.auth, OAuth: h.oauth, CORS: cors, Limiter: limiter, Secure: true,
		MAC: sealer.MAC, Seal: sealer.Seal, Open: sealer.Open,
		BaseURL: base, Version: "1.2.3", Database: "SQLite", Mailbox: h.mailbox,
		Facts: func(ctx context.Context) (pages.Facts, error) {
			facts := p.facts
			err := db.View(ctx, func(tx *store.Tx) error {
				stats, err := tx.Stats()
				facts.Admin, facts.APIKey = stats.Admins > 0, stats.APIKeys > 0
				return err
			})
			return facts, err
		},
	}
	if p.production {
		d.Mailbox = nil
	}
	router := web.NewRouter(cors, nil)
	front := pages.Mount(router, d)
	for path, handler := range map[string]http.Handler{"/auth/v1/authorize": front.Authorize, "/auth/v1/oauth/logout": front.Logout, "/auth/v1/oauth/check-session": front.CheckSession} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			router.Add(web.Route{Method: method, Pattern: path, Handler: handler, Origins: web.Policy{Forms: true}})
		}
	}
	router.Handle(http.MethodGet, letterPath, front.LetterLink)
	router.Handle(http.MethodGet, "/api/auth/me", http.NotFoundHandler())
	h.Handler = web.Front(public, nil, router)
}

// send is the outbox's way into the mailbox.
func (h *house) send(ctx context.Context, payload []byte) error {
	var m mail.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return err
	}
	err := h.mailbox.Send(ctx, m)
	h.arrived <- struct{}{}
	return err
}

// setupPath returns the path of a fresh set-up link.
func (h *house) setupPath(t *testing.T) string {
	t.Helper()
	link, err := h.auth.NewSetupLink(t.Context())
	check(t, err)
	return strings.TrimPrefix(link, base)
}

// A browser keeps cookies and sends what browsers send.
type browser struct {
	house   *house
	cookies map[string]*http.Cookie
}

func (h *house) visitor() *browser { return &browser{house: h, cookies: map[string]*http.Cookie{}} }

// An answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
}

func (b *browser) do(r *http.Request) answer {
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	}
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	w := httptest.NewRecorder()
	b.house.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer{w}
}

func (b *browser) get(path string) answer {
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form as one of our own pages does.
func (b *browser) post(path string, in url.Values) answer {
	return b.do(posting(path, in, "Origin", base))
}

func posting(path string, in url.Values, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(in.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// fill returns the hidden inputs of the page's form, and the given values.
func (a answer) fill(values ...string) url.Values {
	in := url.Values{}
	for _, found := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(a.Body.String(), -1) {
		in.Set(found[1], found[2])
	}
	for i := 0; i < len(values); i += 2 {
		in.Set(values[i], values[i+1])
	}
	return in
}

// want checks the status and that the page holds all the texts.
func (a answer) want(t *testing.T, status int, texts ...string) answer {
	t.Helper()
	if a.Code != status {
		t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
	}
	for _, text := range texts {
		if !strings.Contains(a.Body.String(), text) {
			t.Errorf("the page lacks %q:\n%s", text, a.Body)
		}
	}
	return a
}

// lacks checks that the page holds none of the texts.
func (a answer) lacks(t *testing.T, texts ...string) answer {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.Body.String(), text) {
			t.Errorf("the page has %q:\n%s", text, a.Body)
		}
	}
	return a
}

// leads checks that the answer is a redirect to the path.
func (a answer) leads(t *testing.T, to string) {
	t.Helper()
	if got := a.Header().Get("Location"); a.Code != http.StatusSeeOther || got != to {
		t.Fatalf("got %d %q, want 303 %q: %s", a.Code, got, to, a.Body)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// claims is what a token says.
func claims(t *testing.T, text string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	check(t, err)
	var out map[string]any
	check(t, json.Unmarshal(raw, &out))
	return out
}
