package compat_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// An agent is a person's browser, as far as one without scripts needs to be: it
// keeps cookies, follows redirects until one leads to an app, and fills forms in.
type agent struct {
	*http.Client
	landed *url.URL // where the app was called
}

var errLanded = errors.New("back at the app")

func newAgent(t *testing.T, trusted *x509.CertPool) *agent {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{}
	a.Client = &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	a.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Host, ".example") {
			a.landed = r.URL
			return errLanded
		}
		return nil
	}
	t.Cleanup(a.CloseIdleConnections)
	return a
}

// A shown is a page that the agent is at.
type shown struct {
	at   *url.URL
	root *html.Node
}

// do makes the request and reads the page it ends on; nil if that is the app's.
func (a *agent) do(t *testing.T, r *http.Request) *shown {
	t.Helper()
	answer, err := a.Do(r)
	if errors.Is(err, errLanded) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	root, err := html.Parse(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", answer.Request.URL.Path, answer.Status, err)
	}
	return &shown{at: answer.Request.URL, root: root}
}

// open goes to an address, and on where a page at once goes on by itself.
func (a *agent) open(ctx context.Context, t *testing.T, address string) *shown {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := a.do(t, r)
	if p == nil {
		return nil
	}
	for n := range p.root.Descendants() {
		if n.Data != "meta" || !strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
			continue
		}
		if _, next, ok := strings.Cut(attribute(n, "content"), "url="); ok {
			return a.open(ctx, t, resolve(t, p.at, next))
		}
	}
	return p
}

// send fills the form of this accessible name in and sends it off.
func (a *agent) send(ctx context.Context, t *testing.T, p *shown, name string, with url.Values) *shown {
	t.Helper()
	for n := range p.root.Descendants() {
		if n.Data != "form" || attribute(n, "aria-label") != name {
			continue
		}
		values := filled(n)
		for field, value := range with {
			values[field] = value
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, resolve(t, p.at, attribute(n, "action")), strings.NewReader(values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.at.Scheme+"://"+p.at.Host)
		return a.do(t, r)
	}
	t.Fatalf("%s has no form %q", p.at.Path, name)
	return nil
}

// filled is what the form sends if nobody touches it.
func filled(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		kind := attribute(n, "type")
		_, checked := lookUp(n, "checked")
		switch {
		case n.Data != "input", kind == "checkbox" && !checked, kind == "radio" && !checked:
		case attribute(n, "name") != "":
			values.Add(attribute(n, "name"), attribute(n, "value"))
		}
	}
	return values
}

func attribute(n *html.Node, name string) string {
	value, _ := lookUp(n, name)
	return value
}

func lookUp(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func resolve(t *testing.T, at *url.URL, text string) string {
	t.Helper()
	to, err := at.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return to.String()
}
