package oidc

import (
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

const (
	webfingerAt = "/.well-known/webfinger"
	issuerRel   = "http://openid.net/specs/connect/1.0/issuer" // OpenID Connect Discovery §2
	maxResource = 2048                                         // bytes
)

// A descriptor is a JRD (RFC 7033 §4.4).
type descriptor struct {
	Subject string `json:"subject"`
	Links   []link `json:"links"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

func (d door) mountWebFinger(rt *web.Router) {
	rt.Fail(webfingerAt, d.fail)
	rt.Add(web.Route{
		Method: "GET", Pattern: webfingerAt, Handler: web.Handle(d.open, d.webfinger), Origins: web.Policy{Public: true},
	})
}

// webfinger serves GET /.well-known/webfinger (RFC 7033 §4.1, OpenID Connect Discovery
// §2.1): who vouches for a resource. We do, whatever it is: whether there is such an
// account is told to nobody.
func (d door) webfinger(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	in, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(in["resource"]) != 1 || !isResource(in.Get("resource")) {
		return headykey.ErrInvalid.Saying("Name one resource, such as acct:ada@example.com or an https URL.").About("resource")
	}
	out := descriptor{Subject: in.Get("resource"), Links: []link{}}
	if wanted := in["rel"]; len(wanted) == 0 || slices.Contains(wanted, issuerRel) {
		out.Links = append(out.Links, link{issuerRel, d.BaseURL + oauth.IssuerPath})
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/jrd+json")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(text) // the client is gone: nobody is left to tell
	return nil
}

// isResource reports whether text is a URI of the kinds that can be asked for.
func isResource(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxResource || !utf8.ValidString(text) {
		return false
	}
	switch u.Scheme {
	case "acct":
		return u.Opaque != ""
	case "https", "http":
		return u.Host != ""
	}
	return false
}
