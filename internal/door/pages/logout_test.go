package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
)

const (
	appURI   = "https://app.example/cb"
	afterURI = "https://app.example/after?x=1"
	endPath  = "/auth/v1/oauth/logout"
)

// leaving registers a client that gets its ID token at once; with, if any, makes it
// another than usual.
func (h *house) leaving(t *testing.T, with ...func(*headykey.ClientDetails)) headykey.ID {
	t.Helper()
	wish := oauth.ClientWish{
		Name: "Notes", AuthMethod: headykey.AuthNone, Trusted: true, Grants: []string{"implicit"}, Redirects: []string{appURI},
		Details: headykey.ClientDetails{Responses: []string{"id_token"}, LogoutRedirects: []string{afterURI}},
	}
	for _, change := range with {
		change(&wish.Details)
	}
	if wish.Details.FrontLogoutURI != "" {
		wish.Redirects = append(wish.Redirects, wish.Details.FrontLogoutURI)
	}
	c, err := h.oauth.CreateClient(t.Context(), headykey.System, wish)
	check(t, err)
	return c.Record.ID
}

// insider signs a fresh account in and returns their browser.
func (h *house) insider(t *testing.T, email string) *browser {
	t.Helper()
	_, err := h.auth.Register(t.Context(), auth.Registration{Email: email, Password: goodPassword})
	check(t, err)
	b := h.visitor()
	b.comeIn(t, email)
	return b
}

func (b *browser) comeIn(t *testing.T, email string) {
	t.Helper()
	form := b.get("/sign-in").want(t, http.StatusOK)
	b.post("/sign-in", form.fill("email", email, "password", goodPassword)).leads(t, "/")
}

// authorize sends the browser to the authorization endpoint and returns what the
// client gets.
func (b *browser) authorize(t *testing.T, client headykey.ID, more ...string) url.Values {
	t.Helper()
	in := url.Values{
		"client_id": {string(client)}, "redirect_uri": {appURI}, "response_type": {"id_token"}, "scope": {"openid"}, "nonce": {"n"},
		"heady_bounced": {"1"}, // nothing was kept back
	}
	for i := 0; i < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	a := b.get("/auth/v1/authorize?" + in.Encode())
	_, text, ok := strings.Cut(a.Header().Get("Location"), "#")
	if !ok {
		t.Fatalf("got %d %v: %s", a.Code, a.Header(), a.Body)
	}
	out, err := url.ParseQuery(text)
	check(t, err)
	return out
}

// isIn reports whether the browser is signed in.
func (b *browser) isIn(t *testing.T, client headykey.ID) bool {
	t.Helper()
	return b.authorize(t, client, "prompt", "none").Get("error") != "login_required"
}

// leave sends the browser to the end-session endpoint, from our own site: nothing
// was kept back.
func (b *browser) leave(params ...string) answer {
	in := url.Values{"heady_bounced": {"1"}}
	for i := 0; i < len(params); i += 2 {
		in.Set(params[i], params[i+1])
	}
	return b.get(endPath + "?" + in.Encode())
}

func TestAnAppSignsItsPersonOut(t *testing.T) {
	h := build(t, plan{})
	app := h.leaving(t)
	tests := []struct {
		name   string
		params []string
		to     string
	}{
		{"back with the state", []string{"post_logout_redirect_uri", afterURI, "state", "a b&c"}, afterURI + "&state=a+b%26c"},
		{"back without a state", []string{"post_logout_redirect_uri", afterURI}, afterURI},
		{"back, and its name", []string{"post_logout_redirect_uri", afterURI, "client_id", string(app)}, afterURI},
		{"nowhere", nil, "/signed-out"},
		{"nowhere, with a state", []string{"state", "x"}, "/signed-out"},
		{"hints", []string{"logout_hint", email, "ui_locales", "de"}, "/signed-out"},
	}
	b := h.insider(t, email)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hint := b.authorize(t, app).Get("id_token")
			a := b.leave(append(tt.params, "id_token_hint", hint)...)
			a.leads(t, tt.to)
			if b.cookies["__heady_session"] != nil || b.isIn(t, app) {
				t.Error("the person is still signed in")
			}
			b.leave(append(tt.params, "id_token_hint", hint)...).leads(t, tt.to) // nobody is there any more
			b.comeIn(t, email)
		})
	}
	b.get("/signed-out").want(t, http.StatusOK, "You are signed out")
}

// Whatever is wrong, nobody is signed out and nothing is sent anywhere.
func TestALogoutRequestThatIsWrongGoesNowhere(t *testing.T) {
	h := build(t, plan{})
	app, other := h.leaving(t), h.leaving(t)
	b := h.insider(t, email)
	hint := b.authorize(t, app).Get("id_token")
	foreign := build(t, plan{})
	strange := foreign.insider(t, email).authorize(t, foreign.leaving(t)).Get("id_token")
	parts := strings.Split(hint, ".")
	for name, params := range map[string][]string{
		"a URI that is not registered": {"id_token_hint", hint, "post_logout_redirect_uri", "https://eve.example/"},
		"a query more":                 {"id_token_hint", hint, "post_logout_redirect_uri", afterURI + "&y=2"},
		"a redirect URI":               {"id_token_hint", hint, "post_logout_redirect_uri", appURI},
		"no signature":                 {"id_token_hint", "eyJhbGciOiJub25lIn0." + parts[1] + ".", "post_logout_redirect_uri", afterURI},
		"no signature, ours cut off":   {"id_token_hint", parts[0] + "." + parts[1] + ".", "post_logout_redirect_uri", afterURI},
		"a stranger's signature":       {"id_token_hint", strange, "post_logout_redirect_uri", afterURI},
		"no token":                     {"id_token_hint", "x", "post_logout_redirect_uri", afterURI},
		"another client's":             {"id_token_hint", hint, "client_id", string(other), "post_logout_redirect_uri", afterURI},
		"no client":                    {"client_id", "x", "post_logout_redirect_uri", afterURI},
		"a client that is not":         {"client_id", string(headykey.NewID())},
		"a URI without a hint":         {"client_id", string(app), "post_logout_redirect_uri", "https://eve.example/"},
		"a long state":                 {"state", strings.Repeat("x", 5000)},
	} {
		a := b.leave(params...)
		a.want(t, http.StatusBadRequest, "<h1>This sign-out request is not valid</h1>", `href="/logout"`)
		if a.Header().Get("Location") != "" || a.Header().Get("Refresh") != "" {
			t.Errorf("%s: sent to %v", name, a.Header())
		}
	}
	b.get(endPath+"?heady_bounced=1&state=a&state=b").want(t, http.StatusBadRequest, "not valid")
	b.get(endPath+"?a=%zz").want(t, http.StatusBadRequest, "not valid")
	if !b.isIn(t, app) {
		t.Error("signed out all the same")
	}
}

// Without an ID token of this very session anybody may have sent the browser here:
// the person is asked.
func TestWhoCannotProveToBeTheAppAsksThePerson(t *testing.T) {
	h := build(t, plan{})
	app := h.leaving(t)
	first := h.insider(t, "first@example.com")
	old := first.authorize(t, app).Get("id_token")
	tests := []struct {
		name   string
		params []string
		to     string
	}{
		{"no parameters", nil, "/signed-out"},
		{"only a state", []string{"state", "x"}, "/signed-out"},
		{"a URI of nobody", []string{"post_logout_redirect_uri", afterURI, "state", "x"}, "/signed-out"},
		{"a client by name", []string{"client_id", string(app), "post_logout_redirect_uri", afterURI, "state", "x"}, afterURI + "&state=x"},
		{"another session's hint", []string{"id_token_hint", old, "post_logout_redirect_uri", afterURI}, afterURI},
	}
	b := h.insider(t, email)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := b.leave(tt.params...).want(t, http.StatusOK, "<h1>Sign out of HeadyKey?</h1>", email, "Sign out</button>", "Stay signed in</button>")
			if !b.isIn(t, app) {
				t.Fatal("signed out before the answer")
			}
			b.post("/logout", asked.fill("decision", "stay")).leads(t, "/")
			if !b.isIn(t, app) {
				t.Fatal("signed out, who stays")
			}
			b.post("/logout", asked.fill("decision", "leave")).leads(t, tt.to)
			if b.isIn(t, app) {
				t.Error("still signed in")
			}
			b.comeIn(t, email)
		})
	}
	if !first.isIn(t, app) {
		t.Error("the session of the hint was ended by another browser")
	}
	b.post("/logout", url.Values{"decision": {"leave"}}).want(t, http.StatusForbidden)
	if !b.isIn(t, app) {
		t.Error("a form that is not ours signs out")
	}
}

func TestNobodyIsSentAwayUnasked(t *testing.T) {
	h := build(t, plan{})
	app := h.leaving(t)
	b := h.visitor()
	b.leave("client_id", string(app), "post_logout_redirect_uri", afterURI).leads(t, "/signed-out")
	b.leave().leads(t, "/signed-out")
	b.get("/logout?heady_bounced=1").leads(t, "/signed-out")
}

// The session cookie does not come with a visit from another site, so the browser
// goes round by our own before anybody is taken for signed out.
func TestSigningOutFromAnotherSite(t *testing.T) {
	h := build(t, plan{})
	app := h.leaving(t)
	b := h.insider(t, email)
	in := url.Values{"id_token_hint": {b.authorize(t, app).Get("id_token")}, "post_logout_redirect_uri": {afterURI}}

	r := posting(endPath, in, "Origin", "https://app.example", "Sec-Fetch-Site", "cross-site")
	h.visitor().do(r).leads(t, endPath+"?"+in.Encode())
	r = httptest.NewRequest(http.MethodGet, endPath+"?"+in.Encode(), nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	h.visitor().do(r).want(t, http.StatusOK, "One moment", "heady_bounced=1")
	b.leave("id_token_hint", in.Get("id_token_hint"), "post_logout_redirect_uri", afterURI).leads(t, afterURI)
}

func TestAPersonSignsOut(t *testing.T) {
	h := build(t, plan{})
	app := h.leaving(t)
	b := h.insider(t, email)
	form := b.get("/logout").want(t, http.StatusOK, "<h1>Sign out of HeadyKey?</h1>", email)
	b.post("/logout", form.fill("decision", "leave")).leads(t, "/signed-out")
	if b.isIn(t, app) {
		t.Error("still signed in")
	}
	b.post("/logout", form.fill("decision", "leave")).leads(t, "/signed-out")
}

func TestAppsAreToldInTheBrowser(t *testing.T) {
	h := build(t, plan{})
	app := h.leaving(t, func(d *headykey.ClientDetails) {
		d.FrontLogoutURI, d.FrontLogoutSession = "https://app.example/out?a=b", true
	})
	plain := h.leaving(t, func(d *headykey.ClientDetails) { d.FrontLogoutURI = "https://plain.example:8443/out" })
	stranger := h.leaving(t, func(d *headykey.ClientDetails) { d.FrontLogoutURI = "https://stranger.example/out" })
	b := h.insider(t, email)
	b.authorize(t, plain)
	hint := b.authorize(t, app).Get("id_token")
	h.insider(t, "eve@example.com").authorize(t, stranger)
	session := claims(t, hint)["sid"].(string)

	a := b.leave("id_token_hint", hint, "post_logout_redirect_uri", afterURI, "state", "s").want(t, http.StatusOK, "You are signed out",
		`<iframe src="https://app.example/out?a=b&amp;iss=https%3A%2F%2Fid.example.com%2Fauth%2Fv1&amp;sid=`+session+`"`,
		`<iframe src="https://plain.example:8443/out"`, `href="https://app.example/after?x=1&amp;state=s"`).lacks(t, "stranger")
	head := a.Header()
	if got := head.Get("Refresh"); got != "3; url="+afterURI+"&state=s" {
		t.Errorf("Refresh: %q", got)
	}
	csp := head.Get("Content-Security-Policy")
	frames, ok := strings.CutPrefix(csp, policy+"; frame-src ")
	if got := strings.Fields(frames); !ok || len(got) != 2 || !strings.Contains(csp, " https://app.example") || !strings.Contains(csp, " https://plain.example:8443") {
		t.Errorf("policy %q", csp)
	}
	if b.isIn(t, app) {
		t.Error("still signed in")
	}
}
