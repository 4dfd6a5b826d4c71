package pages_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
)

// unchanged computes what the script of the check-session page does.
func (b *browser) unchanged(client headykey.ID, origin, state string) bool {
	_, salt, _ := strings.Cut(state, ".")
	value := ""
	if c := b.cookies["__heady_state"]; c != nil {
		value = c.Value
	}
	sum := sha256.Sum256([]byte(string(client) + " " + origin + " " + value + " " + salt))
	return state == hex.EncodeToString(sum[:])+"."+salt
}

func TestTheStateOfABrowserChangesWithItsSession(t *testing.T) {
	h := build(t, plan{})
	app, other := h.leaving(t), h.leaving(t)
	const origin = "https://app.example"
	b := h.insider(t, email)
	state := b.authorize(t, app).Get("session_state")
	if !b.unchanged(app, origin, state) || !b.unchanged(app, origin, b.authorize(t, app).Get("session_state")) {
		t.Fatal("changed at once")
	}
	if b.unchanged(other, origin, state) || b.unchanged(app, "https://eve.example", state) {
		t.Error("told to others")
	}
	if c := b.cookies["__heady_state"]; c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteNoneMode || c.Path != "/" {
		t.Errorf("cookie %v", c)
	}
	b.leave("id_token_hint", b.authorize(t, app).Get("id_token"))
	if b.cookies["__heady_state"] != nil || b.unchanged(app, origin, state) {
		t.Error("signed out, and nothing changed")
	}
	if got := b.authorize(t, app, "prompt", "none"); got.Has("session_state") || got.Get("error") != "login_required" {
		t.Errorf("got %v", got)
	}
	b.comeIn(t, email)
	if b.unchanged(app, origin, state) || !b.unchanged(app, origin, b.authorize(t, app).Get("session_state")) {
		t.Error("a new sign-in passes for the old one")
	}

	// Whoever lost the cookie alone gets it again.
	delete(b.cookies, "__heady_state")
	if !b.unchanged(app, origin, b.authorize(t, app).Get("session_state")) {
		t.Error("the state was not given again")
	}
}

func TestOtherSitesMayFrameTheCheckAlone(t *testing.T) {
	h := build(t, plan{})
	a := h.visitor().get("/auth/v1/oauth/check-session").want(t, http.StatusOK, `/check-session.js"></script>`).lacks(t, "ui.js", "<form")
	want := "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
	if got := a.Header(); got.Get("Content-Security-Policy") != want || got.Get("X-Frame-Options") != "" {
		t.Errorf("headers %v", got)
	}
	if got := h.visitor().get("/logout?heady_bounced=1").Header().Get("X-Frame-Options"); got != "DENY" {
		t.Errorf("another page: %q", got)
	}
}

// From the button to the server of the app: who signs out is signed out there, too.
func TestAppsAreToldByTheirServer(t *testing.T) {
	h := build(t, plan{})
	got := make(chan string, 8)
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.PostFormValue("logout_token") }))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: roots})
	check(t, err)
	t.Cleanup(out.Close)
	h.oauth.Fetch = out
	app := h.leaving(t, func(d *headykey.ClientDetails) { d.BackLogoutURI = server.URL + "/out" })

	b := h.insider(t, email)
	id := claims(t, b.authorize(t, app).Get("id_token"))
	b.post("/logout", b.get("/logout?heady_bounced=1").fill("decision", "leave")).leads(t, "/signed-out")
	told := claims(t, <-got)
	for _, name := range []string{"iss", "aud", "sub", "sid"} {
		if told[name] != id[name] || told[name] == nil {
			t.Errorf("%s: told of %v, want %v", name, told[name], id[name])
		}
	}
	if _, has := told["nonce"]; has {
		t.Error("a logout token has no nonce")
	}
}
