package conformance

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A person is somebody with an account.
type person struct{ email, password string }

// A browser is one without scripts, in which one person sits. It keeps cookies as
// browsers do: what is SameSite=Strict stays at home when another site sends the
// browser here, and of the rest only Lax ones come along, on a GET.
type browser struct {
	*provider
	person
	cookies map[string]*http.Cookie // by name: the provider's alone
	deny    bool                    // the person says no
	stop    string                  // go no further than this screen
	silent  bool                    // an old browser: no Sec-Fetch headers
	frame   bool                    // what it opens lies in a frame
}

// A page is where a browser came to. left is where it was sent to outside the
// provider; then the rest is empty.
type page struct {
	url    *url.URL
	left   string
	status int
	header http.Header
	text   string
	doc    *html.Node
}

// The sites that a visit may begin at (Fetch Metadata §2.3).
const (
	byHand    = "none"
	crossSite = "cross-site"
	sameSite  = "same-origin"
)

// visit opens an address of the provider, and follows where it leads.
func (b *browser) visit(t *testing.T, to, from string) page {
	t.Helper()
	return b.open(t, "GET", to, nil, from)
}

// post sends a form to the provider, as a page of from does.
func (b *browser) post(t *testing.T, to string, in url.Values, from string) page {
	t.Helper()
	return b.open(t, "POST", to, in, from)
}

func (b *browser) open(t *testing.T, method, to string, in url.Values, from string) page {
	t.Helper()
	for range 13 {
		if !strings.HasPrefix(to, b.provider.URL+"/") {
			return page{left: to}
		}
		res := b.ask(t, method, to, in, from)
		next := res.Header.Get("Location")
		if res.StatusCode < 300 || res.StatusCode > 399 || next == "" {
			return read(t, res)
		}
		_ = res.Body.Close()
		if method == "POST" && res.StatusCode >= 307 {
			t.Fatalf("POST %s: %d would send a form on to %s (RFC 9700 §4.12)", to, res.StatusCode, next)
		}
		u, err := res.Request.URL.Parse(next)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(u.String(), b.provider.URL+"/") {
			next = u.String()
		}
		method, to, in = "GET", next, nil
	}
	t.Fatalf("%s: too many redirects", to)
	return page{}
}

// ask sends one request and keeps the cookies of its answer.
func (b *browser) ask(t *testing.T, method, to string, in url.Values, from string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(in.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	b.dress(r, from)
	res, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c
	}
	return res
}

// dress adds what a browser adds to a request.
func (b *browser) dress(r *http.Request, from string) {
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Accept-Language", "en")
	if r.Method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://rp.example")
		if from == sameSite {
			r.Header.Set("Origin", b.provider.URL)
		}
	}
	if !b.silent {
		r.Header.Set("Sec-Fetch-Site", from)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		if b.frame {
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		}
	}
	for _, c := range b.cookies {
		switch {
		case from != crossSite, c.SameSite == http.SameSiteNoneMode,
			c.SameSite != http.SameSiteStrictMode && r.Method == "GET" && !b.frame:
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
}

func read(t *testing.T, res *http.Response) page {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return page{url: res.Request.URL, status: res.StatusCode, header: res.Header, text: string(body), doc: doc}
}

// An answer is what came back to the client, or the page on which the way ended.
type answer struct {
	mode     string // query, fragment, form_post; "": nothing came back
	redirect string // where to, without what was added
	params   url.Values
	page     page     // the last one
	seen     []string // the screens on the way, in order
	frames   []string // what the pages had in frames
}

// walk goes on from a page as the person does: it signs in, allows or denies, and
// does what a page without scripts asks for.
func (b *browser) walk(t *testing.T, p page) answer {
	t.Helper()
	var out answer
	for range 13 {
		out.page = p
		out.frames = append(out.frames, p.links("iframe", "src")...)
		if p.left != "" {
			out.arrive(t, p.left)
			return out
		}
		screen, next := b.look(t, p)
		if screen == "form_post" {
			out.post(t, p)
			return out
		}
		if screen != "" {
			out.seen = append(out.seen, screen)
		}
		if next == nil || screen == b.stop && screen != "" {
			return out
		}
		p = next()
	}
	t.Fatalf("the way never ends: %v", out.seen)
	return out
}

// look says what screen a page is, and how the person goes on; nil: they cannot.
func (b *browser) look(t *testing.T, p page) (screen string, next func() page) {
	t.Helper()
	if to := p.refresh(); to != "" {
		u, err := p.url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(u.String(), b.provider.URL+"/") {
			return "", func() page { return page{left: to} }
		}
		return "", func() page { return b.visit(t, u.String(), sameSite) }
	}
	for _, f := range p.forms() {
		switch {
		case !strings.HasPrefix(f.action, b.provider.URL+"/"):
			return "form_post", nil
		case f.kinds["password"] != "" && f.fields.Has("email"):
			return "sign-in", func() page { return b.signIn(t, f) }
		case slices.ContainsFunc(f.buttons, func(x button) bool { return x.value == "allow" }):
			return "consent", func() page { return b.post(t, f.action, b.decided(f, "allow"), sameSite) }
		case slices.ContainsFunc(f.buttons, func(x button) bool { return x.value == "leave" }):
			return "sign-out", func() page { return b.post(t, f.action, b.decided(f, "leave"), sameSite) }
		}
	}
	return "", nil
}

func (b *browser) signIn(t *testing.T, f form) page {
	t.Helper()
	f.fields.Set("email", b.email)
	f.fields.Set("password", b.password)
	return b.post(t, f.action, f.fields, sameSite)
}

// decided presses the button that the person wants.
func (b *browser) decided(f form, yes string) url.Values {
	for _, x := range f.buttons {
		if (x.value == yes) != b.deny {
			f.fields.Set(x.name, x.value)
		}
	}
	return f.fields
}

// arrive reads what stands in the address that the browser was sent to.
func (a *answer) arrive(t *testing.T, to string) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	a.mode, a.redirect = "query", strings.SplitN(to, "?", 2)[0]
	text := u.RawQuery
	if strings.Contains(to, "#") {
		a.mode, a.redirect, text = "fragment", strings.SplitN(to, "#", 2)[0], u.EscapedFragment()
	}
	if a.params, err = url.ParseQuery(text); err != nil {
		t.Fatalf("%s: %v", to, err)
	}
}

// post reads a page that carries the answer as a form (OAuth 2.0 Form Post Response
// Mode): a button sends it where scripts are off.
func (a *answer) post(t *testing.T, p page) {
	t.Helper()
	f := p.forms()[0]
	a.mode, a.redirect, a.params = "form_post", f.action, f.fields
	if f.method != "post" || len(f.buttons) == 0 || len(p.forms()) != 1 {
		t.Errorf("the form has method %q and %d buttons", f.method, len(f.buttons))
	}
	if !strings.Contains(p.header.Get("Cache-Control"), "no-store") {
		t.Errorf("the form may be cached: %q", p.header.Get("Cache-Control"))
	}
	for _, x := range f.buttons {
		if x.name != "" {
			t.Errorf("the button adds %s", x.name)
		}
	}
}
