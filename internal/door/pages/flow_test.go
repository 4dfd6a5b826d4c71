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

const callback = "https://app.example/cb"

// person makes an account that may sign in.
func (h *house) person(t *testing.T, email string) *headykey.User {
	t.Helper()
	u, err := h.auth.CreateUser(t.Context(), headykey.System, auth.NewUser{
		Email: email, Password: goodPassword, Name: "Ada Okafor", Role: headykey.RoleUser, Verified: true,
	})
	check(t, err)
	return u
}

// app registers a client; each change makes it another one than usual.
func (h *house) app(t *testing.T, changes ...func(*oauth.ClientWish)) *headykey.Client {
	t.Helper()
	wish := oauth.ClientWish{Name: "Acme Notes", Redirects: []string{callback}}
	for _, change := range changes {
		change(&wish)
	}
	c, err := h.oauth.CreateClient(t.Context(), headykey.System, wish)
	check(t, err)
	return &c.Record
}

// asking is the address at which c asks; pairs of values come on top.
func asking(c *headykey.Client, values ...string) string {
	in := url.Values{
		"client_id": {string(c.ID)}, "response_type": {"code"}, "scope": {"openid email"}, "redirect_uri": {callback},
		"state": {"s1"}, "nonce": {"n1"}, "heady_bounced": {"1"},
	}
	for i := 0; i < len(values); i += 2 {
		in.Set(values[i], values[i+1])
	}
	return "/auth/v1/authorize?" + in.Encode()
}

// sent is where the answer sends the browser.
func (a answer) sent(t *testing.T) string {
	t.Helper()
	if a.Code != http.StatusSeeOther {
		t.Fatalf("got %d, want 303: %s", a.Code, a.Body)
	}
	return a.Header().Get("Location")
}

// follow gets pages as a browser does, until one is shown or the way leads to an app.
func (b *browser) follow(t *testing.T, path string) (at string, a answer) {
	t.Helper()
	for range 5 {
		if strings.Contains(path, ":") && !strings.HasPrefix(path, "/") {
			return path, a
		}
		if a = b.get(path); a.Code != http.StatusSeeOther {
			return path, a
		}
		path = a.sent(t)
	}
	t.Fatalf("it goes round and round: %s", path)
	return "", a
}

// signIn fills the sign-in page a and returns where it leads.
func (b *browser) signIn(t *testing.T, a answer, email string) string {
	t.Helper()
	return b.post("/sign-in", a.fill("email", email, "password", goodPassword)).sent(t)
}

// atConsent brings somebody who was not signed in to the question of c.
func (b *browser) atConsent(t *testing.T, c *headykey.Client, values ...string) (at string, a answer) {
	t.Helper()
	_, a = b.follow(t, asking(c, values...))
	at, a = b.follow(t, b.signIn(t, a.want(t, http.StatusOK, "<h1>Sign in</h1>"), email))
	if !strings.HasPrefix(at, "/consent?") {
		t.Fatalf("at %s: %s", at, a.Body)
	}
	return at, a
}

// wantAnswer checks that the browser is sent to the app with the parameters, and that
// the address is ours.
func wantAnswer(t *testing.T, to, app string, pairs ...string) url.Values {
	t.Helper()
	u, err := url.Parse(to)
	check(t, err)
	in := u.Query()
	if !strings.HasPrefix(to, app+"?") || in.Get("state") != "s1" || in.Get("iss") != base+"/auth/v1" {
		t.Errorf("sent to %s", to)
	}
	for i := 0; i < len(pairs); i += 2 {
		if in.Get(pairs[i]) != pairs[i+1] {
			t.Errorf("%s is %q, want %q", pairs[i], in.Get(pairs[i]), pairs[i+1])
		}
	}
	return in
}

func TestAPersonComesFromAnAppAndGoesBack(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	c, b := h.app(t), h.visitor()
	_, page := b.follow(t, asking(c))
	page.want(t, http.StatusOK, "to continue to <strong><bdi>Acme Notes</bdi></strong>", "app.example", `aria-label="Show password"`,
		`href="/sign-up?request=`, ">Create an account</a>").lacks(t, "Forgot", "passkey", "<p class=\"notice\">")

	back := b.post("/sign-in", page.fill("email", email, "password", "not "+goodPassword)).sent(t)
	page = b.get(back).want(t, http.StatusOK, "The email or password is not right.", `value="ada@example.com"`, "Acme Notes").lacks(t, "not "+goodPassword)

	at, page := b.follow(t, b.signIn(t, page, email))
	if !strings.HasPrefix(at, "/consent?") {
		t.Fatalf("at %s", at)
	}
	page.want(t, http.StatusOK, `<h1>Allow <bdi class="who">Acme Notes</bdi> to use your account?</h1>`, "Ada Okafor", email, "Unverified",
		"Nobody has checked this name.", "Registered by an administrator on ", "https://id.example.com/api/v1", "<b>app.example</b>", callback,
		"Know that you are you", "See your email address", ">Don’t allow</button>", ">Allow</button>", ">Not you?</button>").
		lacks(t, "This computer", "Until I remove it", "Already allowed", "Verified</span>")
	to := b.post("/consent", page.fill("scope", "email", "duration", "8h", "decision", "allow")).sent(t)
	if code := wantAnswer(t, to, callback).Get("code"); code == "" {
		t.Errorf("no code in %s", to)
	}
	b.post("/consent", page.fill("scope", "email", "duration", "8h", "decision", "allow")).
		want(t, http.StatusBadRequest, "That sign-in link has run out. Go back to the app and start again.")

	if to, _ := b.follow(t, asking(c)); wantAnswer(t, to, callback).Get("code") == "" {
		t.Errorf("allowed before: sent to %s", to)
	}
	_, page = b.follow(t, asking(c, "scope", "openid email profile"))
	page.want(t, http.StatusOK, "Already allowed", "See your name").lacks(t, "Your account ID. Always needed.</small></span></label>")
	to = b.post("/consent", page.fill("decision", "deny")).sent(t)
	wantAnswer(t, to, callback, "error", "access_denied")
}

func TestTheConsentPageKnowsWhomToTrust(t *testing.T) {
	const loopback, phone = "http://127.0.0.1:8000/cb", "com.example.app:/cb"
	redirect := func(to string) func(*oauth.ClientWish) {
		return func(w *oauth.ClientWish) { w.Redirects = []string{to} }
	}
	scopes := func(w *oauth.ClientWish) { w.Scopes = []string{"openid", "notes.read", "notes.write", "mail.*"} }
	home := func(w *oauth.ClientWish) { w.Details.URI = "https://acme.example/about" }
	tests := []struct {
		name        string
		verified    bool
		changes     []func(*oauth.ClientWish)
		ask         []string
		want, lacks []string
	}{
		{"nobody vouched for it", false, []func(*oauth.ClientWish){scopes, home}, []string{"scope", "openid notes.read notes.write mail.*"},
			[]string{`<span class="badge warn dot">Unverified</span>`, `value="notes.read" checked>`, `value="notes.write">`, `value="mail.*">`,
				"Asked for, off until you turn it on.", "Can change data", `<option value="8h" selected>`, `<option value="34d">`, "Registered by an administrator on "},
			[]string{"Until I remove it", "acme.example</b>", `<span class="badge good dot">Verified`}},
		{"an administrator vouched for it", true, []func(*oauth.ClientWish){scopes, home}, []string{"scope", "openid notes.write"},
			[]string{`<span class="badge good dot">Verified</span>`, `value="notes.write" checked>`, "Can change data", `<option value="34d" selected>`,
				"Until I remove it", "<b>acme.example</b>"}, []string{"Unverified", "Nobody has checked", "off until you turn it on"}},
		{"ours", false, []func(*oauth.ClientWish){func(w *oauth.ClientWish) { w.Trusted = true }}, []string{"prompt", "consent"},
			[]string{"First party", "Until I remove it"}, []string{"Unverified", "Nobody has checked"}},
		{"on this computer", true, []func(*oauth.ClientWish){redirect(loopback)}, []string{"redirect_uri", "http://127.0.0.1:52731/cb"},
			[]string{"<b>127.0.0.1</b>", "This computer", `<option value="session" selected>`, "http://127.0.0.1:52731/cb"}, nil},
		{"on this phone", false, []func(*oauth.ClientWish){redirect(phone)}, []string{"redirect_uri", phone},
			[]string{"<b>com.example.app</b>", "App on this device", phone}, []string{"This computer"}},
		{"with a home of its own", false, []func(*oauth.ClientWish){func(w *oauth.ClientWish) { w.Details.URI = "https://app.example/" }}, nil,
			[]string{"<dd><code><b>app.example</b></code></dd>"}, []string{"Registered by"}},
		{"with a name that hides", false, []func(*oauth.ClientWish){func(w *oauth.ClientWish) { w.Name = "Goo\u200bgle<b> " + strings.Repeat("x", 90) }}, nil,
			[]string{`<bdi class="who">Google&lt;b&gt; ` + strings.Repeat("x", 53) + "…</bdi>"}, nil},
		{"with its documents", false, []func(*oauth.ClientWish){func(w *oauth.ClientWish) {
			w.Details.PolicyURI, w.Details.TermsURI = "https://app.example/privacy", "https://app.example/terms"
		}}, nil, []string{`<a href="https://app.example/privacy" rel="noreferrer nofollow">Its privacy policy</a>`, ">Its terms</a>"}, nil},
		{"with details", false, []func(*oauth.ClientWish){func(w *oauth.ClientWish) { w.Details.DetailTypes = []string{"payment"} }},
			[]string{"authorization_details", `[{"type":"payment","amount":{"eur":"1.00"},"to":"Eve<b>","for":["tea","cake"]}]`},
			[]string{"<b>payment</b>", "<dt>amount</dt><dd>{&#34;eur&#34;:&#34;1.00&#34;}</dd>", "<dt>to</dt><dd>Eve&lt;b&gt;</dd>", "<dt>for</dt><dd>tea, cake</dd>", "This cannot be allowed in part."}, nil},
	}
	h := build(t, plan{})
	h.person(t, email)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := h.app(t, tt.changes...)
			if tt.verified {
				_, err := h.oauth.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Verified: &tt.verified})
				check(t, err)
			}
			ask := append([]string{"code_challenge", strings.Repeat("A", 43), "code_challenge_method", "S256"}, tt.ask...)
			_, a := h.visitor().atConsent(t, c, ask...)
			a.want(t, http.StatusOK, tt.want...).lacks(t, tt.lacks...)
		})
	}
}

// A browser stops a form whose answer leads to an address that the page's policy does
// not name.
func TestPagesOfARequestMayLeadToItsApp(t *testing.T) {
	tests := []struct{ redirect, source string }{
		{callback, "https://app.example"},
		{"https://app.example:8443/cb", "https://app.example:8443"},
		{"http://127.0.0.1:9/cb", "http://127.0.0.1:9"},
		{"http://[::1]:9/cb", "http:"},
		{"com.example.app:/cb", "com.example.app:"},
	}
	h := build(t, plan{})
	h.person(t, email)
	for _, tt := range tests {
		c, b := h.app(t, func(w *oauth.ClientWish) { w.Redirects = []string{tt.redirect} }), h.visitor()
		see := func(a answer) answer {
			t.Helper()
			if got := a.want(t, http.StatusOK).Header().Get("Content-Security-Policy"); got != policy+" "+tt.source {
				t.Errorf("%s: policy %q", tt.redirect, got)
			}
			return a
		}
		pkce := []string{"code_challenge", strings.Repeat("A", 43), "code_challenge_method", "S256", "redirect_uri", tt.redirect}
		_, a := b.follow(t, asking(c, append(pkce, "prompt", "create")...))
		see(a)
		at, a := b.follow(t, asking(c, append(pkce, "prompt", "select_account")...))
		see(a)
		to := b.signIn(t, a, email)
		_, a = b.follow(t, to)
		see(a)
		_, a = b.follow(t, asking(c, append(pkce, "prompt", "select_account")...))
		see(a)
		_, a = b.follow(t, asking(c, append(pkce, "response_mode", "form_post")...))
		see(b.post("/consent", see(a).fill("decision", "deny"))).want(t, http.StatusOK, `action="`+tt.redirect+`"`, `name="error" value="access_denied"`, `>Continue</button>`, " data-submit>")
		_ = at
	}
}

func TestAnAnswerMayTravelInAForm(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	_, a := h.visitor().follow(t, asking(h.app(t), "response_mode", "form_post", "prompt", "none"))
	a.want(t, http.StatusOK, `<form class="stack-l" method="post" action="https://app.example/cb" aria-label="Going back to the app" data-submit>`,
		`name="error" value="login_required"`, `name="state" value="s1"`, `name="iss" value="https://id.example.com/auth/v1"`)
}

// The session cookie is Strict: a visit from another site comes without it, once.
func TestAVisitFromAnotherSiteIsBouncedOnce(t *testing.T) {
	h := build(t, plan{})
	c, b := h.app(t), h.visitor()
	visit := func(values ...string) answer {
		r := httptest.NewRequest(http.MethodGet, strings.Replace(asking(c), "heady_bounced=1&", "", 1), nil)
		for i := 0; i < len(values); i += 2 {
			r.Header.Set(values[i], values[i+1])
		}
		return b.do(r)
	}
	a := visit("Sec-Fetch-Site", "cross-site").want(t, http.StatusOK, `<meta http-equiv="refresh" content="0; url=/auth/v1/authorize?`, "heady_bounced=1", ">Continue</a>")
	if got := a.Header().Get("Content-Security-Policy"); got != policy {
		t.Errorf("policy %q", got)
	}
	visit().want(t, http.StatusOK, `http-equiv="refresh"`)
	for name, a := range map[string]answer{
		"from our own site": visit("Sec-Fetch-Site", "same-origin"), "in a frame": visit("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "iframe"),
		"once more": b.get(asking(c)),
	} {
		if to := a.sent(t); !strings.HasPrefix(to, "/sign-in?request=") {
			t.Errorf("%s: sent to %s", name, to)
		}
	}
}

func TestWhatIsWrongWithARequestIsForDevelopers(t *testing.T) {
	h := build(t, plan{})
	c, b := h.app(t), h.visitor()
	b.get(asking(c, "redirect_uri", "https://evil.example/cb")).want(t, http.StatusBadRequest, "<h1>This sign-in request is not valid</h1>", "For developers",
		"<code>https://evil.example/cb</code>", `<dt>redirect_uri expected</dt><dd><code class="line">https://app.example/cb</code>`, "<code>"+string(c.ID)+"</code>",
		`aria-label="Copy request ID"`).lacks(t, `href="https://evil.example`)
	b.get(asking(c, "client_id", "nobody")).want(t, http.StatusBadRequest, "<h1>This sign-in request is not valid</h1>", "<code>nobody</code>").lacks(t, "redirect_uri expected")
	b.get("/auth/v1/authorize").want(t, http.StatusBadRequest, "<dt>client_id</dt><dd>none</dd>")
	b.get("/auth/v1/authorize?a=%zz").want(t, http.StatusBadRequest, "The address is not well formed.")
}
