package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/door/pages"
	"headykey.com/headykey/internal/web"
)

func TestFirstAdministrator(t *testing.T) {
	h := build(t, plan{facts: pages.Facts{Data: "/var/lib/headykey", MasterKey: "/var/lib/headykey/master.key"}})
	b := h.visitor()
	b.get("/").want(t, http.StatusOK, "There is no administrator yet", "headykey admin link", base, "SQLite", "1.2.3")

	path := h.setupPath(t)
	form := b.get(path).want(t, http.StatusOK, "<h1>Create the first administrator</h1>", `autocomplete="new-password"`)
	made := b.post("/setup", form.fill("name", "Ada", "email", email, "password", goodPassword))
	made.leads(t, "/setup/next")
	session := b.cookies[web.SessionCookieName]
	if session == nil || !session.HttpOnly || !session.Secure || session.SameSite != http.SameSiteStrictMode || session.MaxAge != int(8*time.Hour/time.Second) {
		t.Errorf("session cookie %+v", session)
	}

	b.get("/setup/next").want(t, http.StatusOK, `role="status"`, "<strong>"+email+"</strong>", base, "/var/lib/headykey/master.key", "To do")
	b.get("/setup/next").want(t, http.StatusOK).lacks(t, `role="status"`)
	b.get("/").want(t, http.StatusOK).lacks(t, "There is no administrator yet")

	b.get(path).want(t, http.StatusNotFound, "This link does not work any more", "headykey admin link")
	b.get(h.setupPath(t)).want(t, http.StatusOK, "<h1>Create another administrator</h1>")
	b.post("/setup", form.fill("email", "eve@example.com", "password", goodPassword)).leads(t, path)
	b.get(path).want(t, http.StatusNotFound, "This link does not work any more")
}

func TestSetUpKeepsWhatWasTyped(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	path := h.setupPath(t)
	form := b.get(path)
	b.post("/setup", form.fill("name", `Ada "A" <b>`, "email", email, "password", "password")).leads(t, path)

	flash := b.cookies["__Host-heady_flash"]
	if flash == nil || !flash.HttpOnly || !flash.Secure || flash.SameSite != http.SameSiteStrictMode || flash.MaxAge > 89 || flash.MaxAge <= 0 {
		t.Fatalf("flash cookie %+v", flash)
	}
	if strings.Contains(flash.Value, "ada") {
		t.Error("the cookie can be read")
	}
	b.get(path).want(t, http.StatusOK, `role="alert"`, `value="Ada &#34;A&#34; &lt;b&gt;"`, `value="`+email+`"`,
		`aria-invalid="true" aria-describedby="password-fault password-help" autofocus`, "among the first that anybody tries").
		lacks(t, `value="password"`)
	b.get(path).want(t, http.StatusOK).lacks(t, `role="alert"`, email)
}

func TestSetUpNamesTheFieldAtFault(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	_, err := h.auth.Register(t.Context(), auth.Registration{Email: "taken@example.com", Password: goodPassword})
	check(t, err)
	path := h.setupPath(t)
	tests := []struct {
		name, email, password, field, text string
	}{
		{"no address", "nobody", goodPassword, "email", "does not look like"},
		{"no password", email, "", "password", "required field"},
		{"short password", email, "q7 zv", "password", "at least 8"},
		{"taken address", "taken@example.com", goodPassword, "email", "exists already"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.post("/setup", b.get(path).fill("email", tt.email, "password", tt.password)).leads(t, path)
			b.get(path).want(t, http.StatusOK, tt.text, `id="`+tt.field+`-fault"`)
		})
	}
}

func TestTypedTextTooLongToCarryIsLeftBehind(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	path := h.setupPath(t)
	b.post("/setup", b.get(path).fill("name", strings.Repeat("a", 4000), "email", email, "password", goodPassword)).leads(t, path)
	if n := len(b.cookies["__Host-heady_flash"].Value); n > 3800 {
		t.Errorf("a cookie of %d bytes", n)
	}
	b.get(path).want(t, http.StatusOK, "at most 200 characters").lacks(t, email)
}

func TestDeadSetupLinks(t *testing.T) {
	b := build(t, plan{}).visitor()
	for _, path := range []string{"/setup", "/setup?token=", "/setup?token=x", "/setup?token=" + strings.Repeat("0", 68)} {
		b.get(path).want(t, http.StatusNotFound, "This link does not work any more", "headykey admin link")
	}
}

func TestForgedFormsChangeNothing(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	path := h.setupPath(t)
	good := b.get(path).fill("email", email, "password", goodPassword)
	with := func(name, value string) url.Values {
		in := url.Values{}
		for k, v := range good {
			in[k] = v
		}
		in.Set(name, value)
		return in
	}
	tests := []struct {
		name    string
		in      url.Values
		headers []string
	}{
		{"no token", with("csrf_token", ""), []string{"Origin", base}},
		{"another browser's token", with("csrf_token", h.visitor().get(path).fill().Get("csrf_token")), []string{"Origin", base}},
		{"another form's token", with("csrf_token", b.get("/verify-email?token=x").fill().Get("csrf_token")), []string{"Origin", base}},
		{"another site", good, []string{"Origin", "https://evil.example"}},
		{"no word of its origin", good, nil},
		{"a hidden origin", good, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}},
		{"another type", good, []string{"Origin", base, "Content-Type", "text/plain"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.do(posting("/setup", tt.in, tt.headers...)).want(t, http.StatusForbidden, "<h1>")
		})
	}
	two := posting("/setup", good, "Origin", base)
	two.AddCookie(&http.Cookie{Name: "__Host-heady_csrf", Value: strings.Repeat("A", 26)})
	b.do(two).want(t, http.StatusForbidden, "This form is out of date")

	b.do(posting("/setup", good, "Sec-Fetch-Site", "same-origin")).leads(t, "/setup/next")
}

func TestNextStepsAreForAdministrators(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	b.get("/setup/next").want(t, http.StatusUnauthorized, "Sign in first")
	grant, err := h.auth.Register(t.Context(), auth.Registration{Email: email, Password: goodPassword})
	check(t, err)
	b.cookies[web.SessionCookieName] = web.SessionCookie(grant.Cookie, time.Hour, true)
	b.get("/setup/next").want(t, http.StatusForbidden, "You do not have access to this page")
	b.cookies[web.SessionCookieName] = web.SessionCookie(strings.Repeat("0", 68), time.Hour, true)
	b.get("/setup/next").want(t, http.StatusUnauthorized, "Sign in first")
	b.get("/").want(t, http.StatusOK) // a dead cookie bars nobody
}

func TestTicksAreTrue(t *testing.T) {
	tests := []struct {
		name  string
		facts pages.Facts
		done  int // the administrator and what else
	}{
		{"nothing yet", pages.Facts{}, 1},
		{"own address", pages.Facts{OwnURL: true}, 2},
		{"own address and mail", pages.Facts{OwnURL: true, MailServer: "mail.example.com:587"}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := build(t, plan{facts: tt.facts, production: true})
			b := h.visitor()
			b.post("/setup", b.get(h.setupPath(t)).fill("email", email, "password", goodPassword)).leads(t, "/setup/next")
			got := b.get("/setup/next").want(t, http.StatusOK, tt.facts.MailServer)
			if n := strings.Count(got.Body.String(), `<span class="badge good dot">Done</span>`); n != tt.done {
				t.Errorf("%d ticks, want %d", n, tt.done)
			}
		})
	}
}
