package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/mail"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// tour sees every page there is.
func tour(t *testing.T, see func(path string, a answer)) {
	t.Helper()
	h := build(t, plan{})
	b := h.visitor()
	check(t, h.mailbox.Send(t.Context(), mail.Message{To: email, Subject: "Hello", Text: "x", HTML: "<p>x</p>"}))
	setup := h.setupPath(t)
	paths := []string{"/", setup, "/setup", "/verify-email?token=x", "/verify-email", "/verify-email/done",
		"/mailbox", "/mailbox/" + h.mailbox.List("")[0].ID.String(), "/nowhere", "/setup/next", "/mailbox/clear"}
	for _, path := range paths {
		see(path, b.get(path))
	}
	b.post("/setup", b.get(setup).fill("email", email, "password", "password"))
	see(setup, b.get(setup))
	b.post("/setup", b.get(setup).fill("email", email, "password", goodPassword)).leads(t, "/setup/next")
	see("/setup/next", b.get("/setup/next"))
}

func TestEveryPageIsWellMade(t *testing.T) {
	tour(t, func(path string, a answer) {
		body, h := a.Body.String(), a.Header()
		want := policy
		if strings.HasPrefix(path, "/mailbox/") && a.Code == http.StatusOK {
			want += "; frame-src 'self'"
		}
		if h.Get("Content-Security-Policy") != want || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, h)
		}
		if h.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: type %q", path, h.Get("Content-Type"))
		}
		for text, n := range map[string]int{"<h1": 1, "<main ": 1, `<html lang="en">`: 1, " · HeadyKey</title>": 1, `class="skip" href="#main"`: 1,
			`<meta name="color-scheme"`: 1, " style=": 0, "<style": 0, "onclick": 0, "javascript:": 0, "ZgotmplZ": 0, "&lt;no value": 0} {
			if got := strings.Count(body, text); got != n {
				t.Errorf("%s has %q %d times, want %d", path, text, got, n)
			}
		}
		seen := map[string]bool{}
		for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(body, -1) {
			if seen[id[1]] {
				t.Errorf("%s: two elements are called %q", path, id[1])
			}
			seen[id[1]] = true
		}
	})
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	b := build(t, plan{}).visitor()
	page := b.get("/").Body.String()
	files := regexp.MustCompile(`/static/[0-9a-f]{16}/[a-z-]+\.(css|js|svg)`).FindAllString(page, -1)
	if len(files) < 5 {
		t.Fatalf("files %v", files)
	}
	folder := files[0][:strings.LastIndexByte(files[0], '/')+1]
	types := map[string]string{"css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, path := range append(files, folder+"spiral.svg", folder+"spiral-tall.svg") {
		h := b.get(path).want(t, http.StatusOK).Header()
		if h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Content-Type") != types[path[len(path)-3:]] {
			t.Errorf("%s: %v", path, h)
		}
	}
	for _, path := range []string{folder + "none.css", "/static/0000000000000000/ui.css", "/static/", folder} {
		b.get(path).want(t, http.StatusNotFound)
	}
}

func TestConfirmEmail(t *testing.T) {
	h := build(t, plan{confirm: true})
	_, err := h.auth.Register(t.Context(), auth.Registration{Email: email, Password: goodPassword})
	check(t, err)
	<-h.arrived
	b := h.visitor()
	letter := b.get("/mailbox/" + h.mailbox.List(email)[0].ID.String())
	link := regexp.MustCompile(`href="(https://[^"]+)"[^>]*><svg[^>]*>.*?</svg>Open link`).FindStringSubmatch(letter.Body.String())
	if link == nil {
		t.Fatalf("no link in %s", letter.Body)
	}
	path := strings.TrimPrefix(link[1], base)

	b.get(path).want(t, http.StatusOK)
	form := b.get(path).want(t, http.StatusOK, `<button class="btn primary wide" type="submit">Confirm email address</button>`)
	b.post("/verify-email", form.fill()).leads(t, "/verify-email/done")
	b.get("/verify-email/done").want(t, http.StatusOK, "Your address is confirmed")
	if _, err := h.auth.Login(t.Context(), auth.PasswordLogin{Email: email, Password: goodPassword}); err != nil {
		t.Errorf("sign-in after confirmation: %v", err)
	}

	b.post("/verify-email", b.get(path).fill()).leads(t, path)
	b.get(path).want(t, http.StatusNotFound, "This link does not work any more")
	b.get("/verify-email").want(t, http.StatusNotFound, "This link does not work any more")
}

func TestMailbox(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	b.get("/mailbox").want(t, http.StatusOK, "Development mailbox: nothing was sent.", "No letters yet").lacks(t, "<form")
	m := mail.Message{To: email, Subject: "123456 is your <code>", Text: "Hello\n\nCode: 123456\n\nGo:\nhttps://id.example.com/x?a=b&c=d\n", HTML: "<p onclick=x>Hi</p>"}
	check(t, h.mailbox.Send(t.Context(), m))
	id := h.mailbox.List("")[0].ID.String()

	list := b.get("/mailbox").want(t, http.StatusOK, "/mailbox/"+id, "123456 is your &lt;code&gt;", email)
	b.get("/mailbox/"+id).want(t, http.StatusOK, "Development mailbox: nothing was sent.", `href="https://id.example.com/x?a=b&amp;c=d"`,
		`<code id="code">123456</code>`, `<iframe class="paper" sandbox title="The letter as HTML" src="/mailbox/`+id+`/html"`)
	inside := b.get("/mailbox/"+id+"/html").want(t, http.StatusOK)
	if csp := inside.Header().Get("Content-Security-Policy"); inside.Body.String() != m.HTML || !strings.HasPrefix(csp, "sandbox; default-src 'none'; ") ||
		strings.Contains(csp, "script") || inside.Header().Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("inside of the frame: %v %s", inside.Header(), inside.Body)
	}
	b.get("/mailbox.json?to=ADA@example.com").want(t, http.StatusOK, `"to":"ada@example.com"`, `"subject":"123456 is your <code>"`, `"from":"headykey@example.com"`)
	if got := b.get("/mailbox.json?to=eve@example.com").Body.String(); got != "[]" {
		t.Errorf("mail to nobody: %s", got)
	}
	b.get("/mailbox/"+id+"0").want(t, http.StatusNotFound, "This page does not exist")

	b.post("/mailbox/clear", url.Values{}).want(t, http.StatusForbidden)
	b.post("/mailbox/clear", list.fill()).leads(t, "/mailbox")
	b.get("/mailbox").want(t, http.StatusOK, "The mailbox is empty now.", "No letters yet")
	b.get("/mailbox/"+id).want(t, http.StatusNotFound)
}

func TestMailboxIsForDevelopment(t *testing.T) {
	h := build(t, plan{production: true})
	for _, path := range []string{"/mailbox", "/mailbox.json", "/mailbox/x", "/mailbox/x/html"} {
		h.visitor().get(path).want(t, http.StatusNotFound)
	}
	h.visitor().get("/").want(t, http.StatusOK).lacks(t, "mailbox")
}

func TestProblemsArePagesForPeople(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	a := b.get("/nowhere").want(t, http.StatusNotFound, "<h1>This page does not exist</h1>", ">Go home</a>")
	if id := a.Header().Get("X-Request-Id"); id == "" || !strings.Contains(a.Body.String(), `<code id="request">`+id+`</code>`) {
		t.Errorf("the request id %q is not on the page", id)
	}
	a = b.do(httptest.NewRequest(http.MethodDelete, "/setup", nil)).want(t, http.StatusMethodNotAllowed, "This address does not answer that")
	if a.Header().Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("Allow: %q", a.Header().Get("Allow"))
	}
	b.post("/setup", url.Values{"name": {strings.Repeat("x", 70_000)}}).want(t, http.StatusRequestEntityTooLarge, "That is too much")
	bad := posting("/setup", nil, "Origin", base)
	bad.URL.RawQuery = "a=%zz"
	b.do(bad).want(t, http.StatusBadRequest, "This request cannot be used")
}

func TestTooManyTriesIsAPage(t *testing.T) {
	b := build(t, plan{}).visitor()
	for range 89 {
		b.post("/setup", url.Values{}).want(t, http.StatusForbidden)
	}
	a := b.post("/setup", url.Values{}).want(t, http.StatusTooManyRequests, "Too many tries", "Try again in a second.")
	if a.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.Header().Get("Retry-After"))
	}
}

func TestProblemsAreJSONForPrograms(t *testing.T) {
	h := build(t, plan{})
	tests := []struct {
		name, path, accept string
		html               bool
	}{
		{"a browser on a page", "/nowhere", "text/html,*/*;q=0.8", true},
		{"a browser on the API", "/api/nowhere", "text/html,*/*;q=0.8", false},
		{"a browser at a well-known document", "/.well-known/nothing", "text/html", false},
		{"a page that only looks like the API", "/apiary", "text/html", true},
		{"curl", "/nowhere", "*/*", false},
		{"a script", "/nowhere", "application/json", false},
		{"no HTML, please", "/nowhere", "application/json, text/html;q=0", false},
		{"rather HTML", "/nowhere", "application/json;q=0.5, text/html;q=0.9", true},
		{"nonsense", "/nowhere", ";;;,", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, tt.path, nil)
			r.Header.Set("Accept", tt.accept)
			a := h.visitor().do(r).want(t, http.StatusNotFound)
			if got := strings.HasPrefix(a.Header().Get("Content-Type"), "text/html"); got != tt.html {
				t.Errorf("HTML %v, want %v: %s", got, tt.html, a.Body)
			}
		})
	}
}

func TestOtherOriginsReadNoPage(t *testing.T) {
	h := build(t, plan{})
	r := httptest.NewRequest(http.MethodGet, h.setupPath(t), nil)
	r.Header.Set("Origin", "https://friend.example")
	a := h.visitor().do(r).want(t, http.StatusOK)
	if got := a.Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("shared with %q", got)
	}
}
