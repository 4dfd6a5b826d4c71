package pages

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// A visit is somebody at a page, with the authorization request that waits for them.
type visit struct {
	id string         // of the request; "": none waits
	p  *oauth.Pending // nil: none waits
	by headykey.Caller

	toward string // the page of ours that the person is on their way to, as in afterSignIn; "": none
}

// visit returns who is there and the request that this browser left under id ("":
// none). After headykey.ErrBadRequestURI the visit may tell of the client.
func (d *door) visit(r *http.Request, id string) (visit, error) {
	v := visit{id: id, by: d.whoever(r)}
	if id == "" {
		return v, nil
	}
	var err error
	v.p, err = d.OAuth.Resume(r.Context(), id, d.knownBrowser(r))
	return v, err
}

// visitFor is visit where a request must wait.
func (d *door) visitFor(r *http.Request, id string) (visit, error) {
	if id == "" {
		return visit{}, headykey.ErrBadRequestURI
	}
	return d.visit(r, id)
}

// policy is the Content-Security-Policy of a page from which the browser may be sent
// back to the client.
func (v visit) policy() string {
	if v.p == nil {
		return policy
	}
	return policyFor(v.p.Ask.Redirect)
}

// to is a path of ours with the request.
func (v visit) to(path string) string {
	if v.id == "" && afterSignIn[v.toward] != "" {
		return path + "?" + url.Values{"to": {v.toward}}.Encode()
	}
	return withRequest(path, v.id)
}

// withRequest is path for the request under id; "": none waits.
func withRequest(path, id string) string {
	if id == "" {
		return path
	}
	return path + "?" + url.Values{"request": {id}}.Encode()
}

// stale answers for a request that cannot be gone on with, because of err.
func (d *door) stale(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	out := problem{
		Text: "That sign-in link has run out. Go back to the app and start again.",
		Next: "If you finished it in another tab, nothing is lost.",
	}
	switch {
	case errors.Is(err, headykey.ErrBadClient):
		out = problem{Text: "The app that you came from is not known here any more."}
	case !errors.Is(err, headykey.ErrBadRequestURI):
		return err
	case v.p != nil:
		if home := homeOf(v.p); home != nil {
			out.Back = &link{"Back to " + appOf(v.p).Name, home.String()}
		}
	}
	return d.show(w, r, http.StatusBadRequest, "problem", page{Title: "This link has run out", Data: out})
}

// An app is a client as people know it.
type app struct{ Name, Host string }

// app returns the client that waits, or nil.
func (v visit) app() *app {
	if v.p == nil {
		return nil
	}
	return appOf(v.p)
}

func appOf(p *oauth.Pending) *app {
	return &app{nameOf(p.Client), placeOf(p.Ask.Redirect).Host}
}

func nameOf(c *headykey.Client) string {
	return cmp.Or(headykey.ShownName(c.Name), string(c.ID))
}

// homeOf is the web site that the client of p says is its own, or nil. It is believed
// if somebody vouched for the client, or if people are sent back to the same host.
func homeOf(p *oauth.Pending) *url.URL {
	home := webAddress(p.Client.Details.URI)
	if home == nil || !p.Client.Vouched() && home.Host != placeOf(p.Ask.Redirect).Host {
		return nil
	}
	return home
}

// webAddress returns the address text if it is one of the web, or nil.
func webAddress(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

// A place is where people are sent back to.
type place struct {
	Host string // or the private scheme of an app on the device
	Mark string // what kind of place it is, if that is worth a word
	Full string
}

func placeOf(redirect string) place {
	u, err := url.Parse(redirect)
	switch {
	case err != nil:
		return place{Full: redirect} // it was read before
	case u.Host == "":
		return place{u.Scheme, "App on this device", redirect}
	case isLoopback(u.Hostname()):
		return place{u.Hostname(), "This computer", redirect}
	}
	return place{u.Host, "", redirect}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
