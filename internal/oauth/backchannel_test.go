package oauth_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A receiver is a client's server, which takes logout tokens.
type receiver struct {
	*httptest.Server
	status atomic.Int32 // that it answers with
	got    chan url.Values
}

func newReceiver(t *testing.T, h *house) *receiver {
	t.Helper()
	r := &receiver{got: make(chan url.Values, 34)}
	r.status.Store(http.StatusOK)
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || req.ParseForm() != nil {
			t.Errorf("got %s %v", req.Method, req.Header)
		}
		r.got <- req.PostForm
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(r.status.Load()))
	}))
	t.Cleanup(r.Close)
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: roots})
	check(t, err)
	t.Cleanup(out.Close)
	h.Fetch = out
	return r
}

// app registers a client that people sign in to.
func (h *house) app(t *testing.T, change func(*headykey.ClientDetails)) *headykey.Client {
	t.Helper()
	wish := oauth.ClientWish{AuthMethod: headykey.AuthNone, Redirects: []string{"https://app.example/cb"}}
	change(&wish.Details)
	c := h.program(t, wish).Record
	return &c
}

// somebody stores a person with a session, in which each of clients has an
// authorization.
func (h *house) somebody(t *testing.T, clients ...*headykey.Client) (user, session headykey.ID) {
	t.Helper()
	user, session = headykey.NewID(), headykey.NewOrderedID()
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		u := &headykey.User{ID: user, Email: string(user) + "@example.com", Type: headykey.Human, Role: headykey.RoleUser, Created: tx.Now}
		if err := tx.InsertUser(u, u.Email, ""); err != nil {
			return err
		}
		err := tx.InsertSession(&headykey.Session{ID: session, User: user, Created: tx.Now, Proven: tx.Now, LastUsed: tx.Now, Ends: tx.Now.Add(time.Hour)}, nil)
		for _, c := range clients {
			err = errors.Join(err, tx.InsertAuthorization(&headykey.Authorization{
				ID: headykey.NewID(), User: user, Client: c.ID, Session: session, Offline: c == clients[0],
				Created: tx.Now, Expires: tx.Now.Add(time.Hour),
			}))
		}
		return err
	}))
	return user, session
}

// part is one part of a token, read.
func part(t *testing.T, text string, n int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[n])
	check(t, err)
	var out map[string]any
	check(t, json.Unmarshal(raw, &out))
	return out
}

func TestClientsAreToldThatASessionEnded(t *testing.T) {
	h := build(t)
	r := newReceiver(t, h)
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	h.Outbox = outbox.New(h.db, sealer, slog.New(slog.DiscardHandler), map[string]outbox.Sender{oauth.LogoutKind: h.DeliverLogout})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Outbox.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	apps := map[string]*headykey.Client{}
	for path, change := range map[string]func(*headykey.ClientDetails){
		"/usual":    func(*headykey.ClientDetails) {},
		"/es256":    func(d *headykey.ClientDetails) { d.IDTokenAlg = "ES256" },
		"/pairwise": func(d *headykey.ClientDetails) { d.SubjectType = "pairwise" },
	} {
		apps[path] = h.app(t, func(d *headykey.ClientDetails) { d.BackLogoutURI = r.URL + path; change(d) })
	}
	mute := h.app(t, func(*headykey.ClientDetails) {})
	stranger := h.app(t, func(d *headykey.ClientDetails) { d.BackLogoutURI = r.URL + "/stranger" })
	h.somebody(t, stranger)
	user, session := h.somebody(t, apps["/usual"], apps["/es256"], apps["/pairwise"], mute, apps["/usual"])

	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		return h.SessionsEnded(t.Context(), tx, user, []headykey.ID{session})
	}))
	for range apps {
		form := <-r.got
		if len(form) != 1 {
			t.Errorf("got %v", form)
		}
		text := form.Get("logout_token")
		claims := part(t, text, 1)
		var c *headykey.Client
		for _, one := range apps {
			if string(one.ID) == claims["aud"] {
				c = one
			}
		}
		if c == nil {
			t.Fatalf("nobody's: %v", claims)
		}
		want := map[string]any{
			"iss": issuer, "aud": string(c.ID), "sub": h.Subject(c, user), "sid": string(session), "jti": claims["jti"],
			"iat": claims["iat"], "exp": claims["iat"].(float64) + 120,
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}
		if !reflect.DeepEqual(claims, want) || claims["jti"] == "" {
			t.Errorf("got %v, want %v", claims, want)
		}
		alg := map[bool]string{true: "ES256", false: "RS256"}[c == apps["/es256"]]
		if head := part(t, text, 0); head["typ"] != "logout+jwt" || head["alg"] != alg {
			t.Errorf("head %v", head)
		}
		if _, err := h.tokens.VerifyOwn(text, "logout+jwt"); err != nil {
			t.Errorf("the signature: %v", err)
		}
		if _, err := h.BeginLogout(t.Context(), url.Values{"id_token_hint": {text}}); !errors.Is(err, headykey.ErrBadAuthorization) {
			t.Errorf("as a hint: got %v", err)
		}
	}
	if len(r.got) != 0 {
		t.Errorf("somebody was told who has nothing to do with it: %v", <-r.got)
	}
}

// A client in trouble is asked again; one that says no is not.
func TestWhenALogoutIsTriedAgain(t *testing.T) {
	h := build(t)
	r := newReceiver(t, h)
	c := h.app(t, func(d *headykey.ClientDetails) { d.BackLogoutURI = r.URL })
	payload := func(id headykey.ID) []byte { return []byte(`{"client":"` + string(id) + `","sub":"x","sid":"y"}`) }
	const again, never = "again", "never"
	for status, want := range map[int32]string{200: "", 204: "", 301: never, 303: never, 400: never, 404: never, 429: never, 500: again, 503: again} {
		r.status.Store(status)
		got := ""
		if err := h.DeliverLogout(t.Context(), payload(c.ID)); errors.Is(err, outbox.ErrPermanent) {
			got = never
		} else if err != nil {
			got = again
		}
		if got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
	if len(r.got) != 9 {
		t.Errorf("posted %d times: a redirect was followed", len(r.got))
	}
	private := h.app(t, func(d *headykey.ClientDetails) { d.BackLogoutURI = "https://10.0.0.1/out" })
	if err := h.DeliverLogout(t.Context(), payload(private.ID)); !errors.Is(err, outbox.ErrPermanent) {
		t.Errorf("a private address: got %v", err)
	}
	if err := h.DeliverLogout(t.Context(), []byte("x")); !errors.Is(err, outbox.ErrPermanent) {
		t.Errorf("nonsense: got %v", err)
	}
	check(t, h.DeliverLogout(t.Context(), payload(headykey.NewID())))
	r.Close()
	if err := h.DeliverLogout(t.Context(), payload(c.ID)); err == nil || errors.Is(err, outbox.ErrPermanent) {
		t.Errorf("nobody there: got %v", err)
	}
}

func TestWhichLogoutAddressesMayBeRegistered(t *testing.T) {
	h := build(t)
	tests := []struct {
		field, address string
		good           bool
	}{
		{"post", "https://app.example/after?x=1", true},
		{"post", "com.example.app:/after", true},
		{"post", "http://app.example/after", false},
		{"post", "javascript:alert(1)", false},
		{"post", "https://app.example/#x", false},
		{"front", "https://app.example/out", true},
		{"front", "https://app.example:8443/out", false},
		{"front", "http://127.0.0.1:8080/out", false},
		{"front", "http://app.example/out", false},
		{"front", "com.example.app:/out", false},
		{"front", "https://app.example;script-src/out", false},
		{"front", "https://u@app.example/out", false},
		{"back", "https://app.example/out", true},
		{"back", "http://app.example/out", false},
		{"back", "https://app.example/out#x", false},
	}
	for _, tt := range tests {
		wish := oauth.ClientWish{Name: "x", AuthMethod: headykey.AuthNone, Redirects: []string{"https://app.example/cb"}}
		switch tt.field {
		case "post":
			wish.Details.LogoutRedirects = []string{tt.address}
		case "front":
			wish.Details.FrontLogoutURI = tt.address
		case "back":
			wish.Details.BackLogoutURI = tt.address
		}
		_, err := h.CreateClient(t.Context(), headykey.System, wish)
		if tt.good != (err == nil) || err != nil && !errors.Is(err, headykey.ErrInvalid) {
			t.Errorf("%s %s: got %v", tt.field, tt.address, err)
		}
	}
}
