package pages

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"headykey.com/headykey"
)

// policy is the Content-Security-Policy of every page. A page that needs more
// adds to it: nothing is inline, nothing comes from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

//go:embed templates
var templates embed.FS

// screens are the templates that are pages. Each defines "screen", which chooses
// its frame, and "main", which the frame puts in its middle.
var screens = [...]string{"welcome", "setup", "next", "confirm", "done", "mailbox", "letter", "problem",
	"sign-in", "sign-up", "inbox", "select-account", "consent", "bounce", "form-post", "bad-request",
	"device", "device-allow", "device-done", "approvals", "logout", "signed-out", "bad-logout", "check-session"}

// A page is what every screen knows.
type page struct {
	Title     string // also its h1
	Status    string // good news from the page before
	Form      *form  // may be nil
	Data      any    // the screen's own
	Policy    string // Content-Security-Policy; "": the one of every page
	Dev       bool
	RequestID string
	Version   string
}

func newScreens(a assets) map[string]*template.Template {
	funcs := template.FuncMap{"asset": a.path}
	base := template.Must(template.New("").Funcs(funcs).ParseFS(templates, "templates/parts.html", "templates/frames.html", "templates/question.html"))
	out := map[string]*template.Template{}
	for _, name := range screens {
		out[name] = template.Must(template.Must(base.Clone()).ParseFS(templates, "templates/"+name+".html"))
	}
	return out
}

// show answers with a screen.
func (d *door) show(w http.ResponseWriter, r *http.Request, status int, screen string, p page) error {
	p.Dev, p.Version, p.RequestID = d.Mailbox != nil, d.Version, headykey.RequestID(r.Context())
	var body bytes.Buffer
	if err := d.screens[screen].ExecuteTemplate(&body, "screen", p); err != nil {
		return fmt.Errorf("page %s: %w", screen, err)
	}
	h := w.Header()
	private(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", cmp.Or(p.Policy, policy))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client is gone: nobody is left to tell
	return nil
}

// policyFor is policy with another address that the forms of a page may lead to: a
// browser stops a form whose answer sends it on to an address that is not named
// (Content Security Policy 3 §6.4.1). A host that the policy cannot spell, such as an
// IPv6 address, is let in by its scheme.
func policyFor(redirect string) string {
	u, err := url.Parse(redirect)
	switch {
	case err != nil || u.Scheme == "":
		return policy
	case u.Host != "" && strings.Trim(u.Host, hostLetters) == "":
		return policy + " " + u.Scheme + "://" + u.Host
	}
	return policy + " " + u.Scheme + ":"
}

// hostLetters are what a host and its port are made of in a policy (Content Security
// Policy 3 §2.3.1).
const hostLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:"

// private sets what every answer of this door needs: no copy is kept, no other
// origin's script reads it, and a form's POST still names its Origin.
func private(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Del("Access-Control-Allow-Origin")
	h.Del("Access-Control-Allow-Credentials")
}

// goTo sends the browser on with a GET (RFC 9110 §15.4.4).
func goTo(w http.ResponseWriter, path string) {
	h := w.Header()
	private(h)
	h.Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
