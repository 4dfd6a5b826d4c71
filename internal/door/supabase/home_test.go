package supabase_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/door/supabase"
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
	homeURL      = "https://id.example.com"
	homeSite     = "https://app.example.com"
	homePassword = "verdigris under brass"
	homeAPI      = "/auth/v1"
	speakWords   = "X-Supabase-Api-Version: 2024-01-01"
)

// A home is the API over its own database, with a mailbox and no network.
type home struct {
	http.Handler
	db      *store.DB
	auth    *auth.Service
	people  *directory.Service
	tokens  *token.Service
	box     *outbox.Outbox
	mailbox *mail.Mailbox
	keys    token.ProjectKeys
}

// A homePlan is what differs between homes.
type homePlan struct {
	confirm, closed, anonymous, unkeyed, limited bool
	reauthenticate, currentPassword              bool
	secret                                       []byte // that apps share
}

// atHome runs story in a home of its own, where time moves only when everybody
// sleeps.
func atHome(t *testing.T, p homePlan, story func(t *testing.T, h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(t, moveIn(t, p)) })
}

func moveIn(t *testing.T, p homePlan) *home {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	fine(t, err)
	t.Cleanup(func() { fine(t, db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	fine(t, err)
	ring, err := keyring.New(t.Context(), db, sealer, nil, log)
	fine(t, err)
	pool := secret.NewPool(1, 8, time.Minute)
	t.Cleanup(pool.Close)
	h := &home{db: db, mailbox: mail.NewMailbox("headykey@example.com")}
	h.box = outbox.New(db, sealer, log, map[string]outbox.Sender{
		"mail":         h.send,
		auth.KnockKind: func(ctx context.Context, payload []byte) error { return h.auth.AnswerKnock(ctx, payload) },
	})
	lives := headykey.Lifetimes{
		Access: time.Hour, Refresh: 30 * 24 * time.Hour, Session: 8 * time.Hour, SessionMax: 89 * 24 * time.Hour,
		KeyGrace: 34 * time.Hour, EmailLink: 21 * time.Minute, SessionKeyGrace: 34 * time.Hour,
	}
	ledger := receipt.New(db, ring, "id.example.com")
	h.tokens = token.New(db, ring, token.Config{
		Issuer: homeURL, Audience: homeURL + "/api", OAuthIssuer: homeURL + homeAPI,
		Access: lives.Access, Refresh: lives.Refresh, ProjectSecret: p.secret,
	})
	h.keys, err = h.tokens.ProjectKeys()
	fine(t, err)
	h.auth, err = auth.New(auth.Parts{
		DB: db, Tokens: h.tokens, Receipts: ledger, Outbox: h.box, Pool: pool, Sealer: sealer, Log: log,
	}, auth.Config{
		BaseURL: homeURL, AppsURL: homeURL + homeAPI, ConfirmEmail: p.confirm, Throttle: true, Closed: p.closed, Lifetimes: lives,
		Apps: auth.Apps{Anonymous: p.anonymous, Reauthenticate: p.reauthenticate, CurrentPassword: p.currentPassword},
	})
	fine(t, err)
	h.people = directory.New(db, ledger, ring, lives, h.auth.EndAll, sealer, nil)
	programs, err := oauth.New(oauth.Parts{DB: db, Tokens: h.tokens, Receipts: ledger, Ring: ring, Sealer: sealer}, homeURL)
	fine(t, err)
	h.open(t, p, supabase.Parts{
		Auth: h.auth, Account: account.New(db, ledger, lives.KeyGrace, h.auth.ProveAgain, h.auth.EndAll), Directory: h.people,
		OAuth: programs, DemandKey: !p.unkeyed, Version: "1.2.3", BaseURL: homeURL,
		Settings: supabase.Settings{AutoConfirm: !p.confirm, Closed: p.closed, Anonymous: p.anonymous},
	})
	return h
}

// open hangs the door, with the addresses that it shares.
func (h *home) open(t *testing.T, p homePlan, parts supabase.Parts) {
	t.Helper()
	public, err := url.Parse(homeURL)
	fine(t, err)
	cors, err := web.NewCORS(public, nil, false)
	fine(t, err)
	if p.limited {
		parts.Limiter = web.NewLimiter()
		t.Cleanup(parts.Limiter.Close)
	}
	parts.Targets, err = web.NewTargets(homeSite, []string{"https://*.preview.example.com/**", "myapp://callback"})
	fine(t, err)
	parts.LetterLink = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("page " + r.URL.Query().Get("redirect_to")))
	})
	d := supabase.New(parts)
	rt := web.NewRouter(cors, nil)
	d.Mount(rt)
	for path, meant := range map[string]func(*http.Request) http.Handler{"POST /token": d.Token, "GET /user": d.User} {
		method, path, _ := strings.Cut(path, " ")
		rt.Add(web.Route{Method: method, Pattern: homeAPI + path, Origins: d.Policy(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if h := meant(r); h != nil {
				h.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(http.StatusTeapot) // it means another API
		})})
	}
	h.Handler = web.Front(public, nil, rt)
}

func (h *home) send(ctx context.Context, payload []byte) error {
	var m mail.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return err
	}
	return h.mailbox.Send(ctx, m)
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A heard answer is what came back.
type heard struct{ *httptest.ResponseRecorder }

// raw sends one request with these header lines ("Name: value") and no others.
func (h *home) raw(method, path, body string, headers ...string) heard {
	r := httptest.NewRequest(method, homeAPI+path, strings.NewReader(body))
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return heard{w}
}

// ask sends a request as an app of today does.
func (h *home) ask(method, path, body string, headers ...string) heard {
	return h.raw(method, path, body, append([]string{"Apikey: " + h.keys.Anon, speakWords}, headers...)...)
}

func (h *home) post(path, body string, headers ...string) heard {
	return h.ask("POST", path, body, headers...)
}

func (w heard) object(t *testing.T) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
		t.Fatalf("%v: %d %s", err, w.Code, w.Body)
	}
	return o
}

// want checks the status and returns the object that came.
func (w heard) want(t *testing.T, status int) map[string]any {
	t.Helper()
	if w.Code != status {
		t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	return w.object(t)
}

// refused checks that the answer is this failure, as clients of today read it.
func (w heard) refused(t *testing.T, what string, status int, code string) {
	t.Helper()
	var o map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &o)
	text, _ := o["message"].(string)
	if w.Code != status || o["code"] != code || text == "" || w.Header().Get("X-Sb-Error-Code") != code ||
		w.Header().Get("X-Supabase-Api-Version") != "2024-01-01" {
		t.Errorf("%s: got %d %s with %v, want %d %s", what, w.Code, w.Body, w.Header(), status, code)
	}
}

// A seated person holds what a sign-in gave.
type seated struct {
	id, session     string
	access, refresh string
	user            map[string]any
}

func (w heard) seat(t *testing.T) seated {
	t.Helper()
	o := w.want(t, http.StatusOK)
	user, _ := o["user"].(map[string]any)
	text := func(v any) string { s, _ := v.(string); return s }
	s := seated{
		id: text(user["id"]), access: text(o["access_token"]), refresh: text(o["refresh_token"]), user: user,
		session: w.Header().Get("Sb-Auth-Session-Id"),
	}
	if s.id == "" || s.access == "" || s.refresh == "" || s.session == "" {
		t.Fatalf("no session: %s", w.Body)
	}
	return s
}

func (s seated) bearer() string { return "Authorization: Bearer " + s.access }

func credentials(email, password string) string {
	text, _ := json.Marshal(map[string]string{"email": email, "password": password})
	return string(text)
}

// join signs up where addresses need not be confirmed.
func (h *home) join(t *testing.T, email string) seated {
	t.Helper()
	return h.post("/signup", credentials(email, homePassword)).seat(t)
}

// drift begins without an address.
func (h *home) drift(t *testing.T) seated {
	t.Helper()
	return h.post("/signup", `{}`).seat(t)
}

// A posted letter is what its reader uses of it.
type posted struct {
	count   int // of letters to the address
	subject string
	code    string
	link    *url.URL
}

var (
	codeForm = regexp.MustCompile(`Code: (\d{6})|(\d{6}) is your`)
	linkForm = regexp.MustCompile(`https://id\.example\.com/\S+`)
)

// deliver runs the outbox for three seconds of the bubble.
func (h *home) deliver() {
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); h.box.Run(ctx) }()
	time.Sleep(3 * time.Second)
	stop()
	<-ran
}

// letter returns the newest letter to an address once all are delivered.
func (h *home) letter(t *testing.T, to string) posted {
	t.Helper()
	h.deliver()
	all := h.mailbox.List(to)
	if len(all) == 0 {
		return posted{}
	}
	p := posted{count: len(all), subject: all[0].Subject}
	if m := codeForm.FindStringSubmatch(all[0].Subject + "\n" + all[0].Text); m != nil {
		p.code = m[1] + m[2]
	}
	if at := linkForm.FindString(all[0].Text); at != "" {
		link, err := url.Parse(at)
		fine(t, err)
		p.link = link
	}
	return p
}

// spend sends the form of the page that a link leads to, as a browser does.
func (h *home) spend(p posted) heard {
	form := p.link.Query()
	return h.raw("POST", "/verify", form.Encode(), "Content-Type: application/x-www-form-urlencoded", "Origin: "+homeURL)
}

// pause is longer than the time between two letters to one address.
func pause() { time.Sleep(61 * time.Second) }
