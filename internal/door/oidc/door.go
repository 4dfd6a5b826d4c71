// Package oidc is the wire format of OAuth 2 and OpenID Connect at the issuer. It parses, asks one rule of package oauth, and spells the answer.
package oidc

import (
	"net/http"
	"slices"
	"strings"

	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// Parts are what the door stands on.
type Parts struct {
	OAuth   *oauth.Service
	Proxies web.Proxies
	Limiter *web.Limiter // nil: no limits
	BaseURL string

	// Authorize is the authorization endpoint, which is a matter of pages.
	Authorize http.Handler
	// Logout is the end-session endpoint, CheckSession the page that apps ask whether
	// a sign-in goes on: they are, too.
	Logout, CheckSession http.Handler
	// AppAuthorize, AppToken and AppUser return the handler of a request that means
	// another API at the same address, or nil (the URL map of docs/architecture.md).
	AppAuthorize, AppToken, AppUser func(*http.Request) http.Handler
	// AppConsent and AppUserinfo are the same of the addresses below /oauth that apps of
	// that API know.
	AppConsent, AppUserinfo func(*http.Request) http.Handler
	// AppOrigin reports an origin whose pages are of that other API; nil: there is none.
	AppOrigin func(origin string) bool
	// AppKeys returns the keys of an app that grant nothing: the metadata tells of them.
	// Nil: there is no other API.
	AppKeys func() (anon, publishable string, err error)
}

type door struct {
	Parts
	open      web.Door
	bearer    web.Door // takes access tokens
	another   web.Door // another address of the token endpoint
	challenge string   // WWW-Authenticate of a client that did not prove itself
}

// Who may call an endpoint from a browser: pages of registered clients, all pages,
// or pages that send the browser here.
const (
	listed   = iota // the server's own list
	clients         // and the pages of registered clients
	everyone        // documents, the same for all
	forms           // a form of any page may lead here
)

// An endpoint is one that the metadata tells of.
type endpoint struct {
	methods string // with spaces between them
	path    string // below the issuer
	member  string // of the metadata, its URL; "": it is told of elsewhere
	auth    string // of the metadata, how clients prove themselves; "": they do not
	origins int
	serve   func(door) http.Handler
}

// endpoints is the list to extend: each is served and told of, or neither. Those
// without a member are other addresses of one that is told of.
var endpoints = []endpoint{
	{"GET POST", "/authorize", "authorization_endpoint", "", forms,
		func(d door) http.Handler { return unless(d.AppAuthorize, d.Authorize) }},
	{"GET POST", "/oauth/logout", "end_session_endpoint", "", forms,
		func(d door) http.Handler { return d.Logout }},
	{"GET", "/oauth/check-session", "check_session_iframe", "", listed,
		func(d door) http.Handler { return d.CheckSession }},
	{"POST", "/oauth/par", "pushed_authorization_request_endpoint", "", clients,
		func(d door) http.Handler { return web.Handle(d.open, d.push) }},
	{"POST", "/oauth/device", "device_authorization_endpoint", "", clients,
		func(d door) http.Handler { return web.Handle(d.open, d.device) }},
	{"POST", "/oauth/bc-authorize", "backchannel_authentication_endpoint", "", listed,
		func(d door) http.Handler { return web.Handle(d.open, d.askPerson) }},
	{"POST", oauth.TokenPath, "token_endpoint", "token_endpoint_auth_methods_supported", clients,
		func(d door) http.Handler { return unless(d.AppToken, web.Handle(d.open, d.token)) }},
	{"GET POST", "/user", "userinfo_endpoint", "", clients,
		func(d door) http.Handler { return unless(d.AppUser, web.Handle(d.bearer, d.userinfo)) }},
	{"POST", "/oauth/introspect", "introspection_endpoint", "introspection_endpoint_auth_methods_supported", listed,
		func(d door) http.Handler { return web.Handle(d.open, d.introspect) }},
	{"POST", "/oauth/revoke", "revocation_endpoint", "revocation_endpoint_auth_methods_supported", clients,
		func(d door) http.Handler { return web.Handle(d.open, d.revoke) }},
	{"POST", "/oauth/token", "", "", clients,
		func(d door) http.Handler { return web.Handle(d.another, d.tokenAgain) }},
	{"GET POST", "/oauth/authorize", "", "", forms,
		func(d door) http.Handler { return unless(d.AppConsent, d.Authorize) }},
	{"GET", "/oauth/userinfo", "", "", clients,
		func(d door) http.Handler { return unless(d.AppUserinfo, web.Handle(d.bearer, d.userinfo)) }},
	{"GET", "/.well-known/jwks.json", "jwks_uri", "", everyone,
		func(d door) http.Handler { return web.Handle(d.open, d.keySet) }},
}

// unless serves by h what is not meant for others.
func unless(others func(*http.Request) http.Handler, h http.Handler) http.Handler {
	if others == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if other := others(r); other != nil {
			other.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// offered is the endpoints of this server.
func (d door) offered() []endpoint {
	if d.OAuth.Registers() {
		return slices.Concat(endpoints, registration)
	}
	return endpoints
}

// Mount hangs the endpoints and their metadata on rt.
func Mount(rt *web.Router, p Parts) error {
	d := door{Parts: p, challenge: `Basic realm="` + p.OAuth.Issuer() + `", charset="UTF-8"`}
	d.open = web.Door{Fail: d.fail}
	d.bearer = web.Door{Fail: d.failBearer}
	d.another = web.Door{Fail: d.failAgain}
	rt.Fail(oauth.IssuerPath, d.fail)
	for _, e := range d.offered() {
		h, origins := e.serve(d), d.policy(e.origins)
		for method := range strings.FieldsSeq(e.methods) {
			rt.Add(web.Route{Method: method, Pattern: oauth.IssuerPath + e.path, Handler: h, Origins: origins})
		}
	}
	d.mountWebFinger(rt)
	return d.mountMetadata(rt)
}

// policy is what the pages of other origins may do with an endpoint.
func (d door) policy(origins int) web.Policy {
	switch origins {
	case everyone:
		return web.Policy{Public: true}
	case forms:
		return web.Policy{Forms: true}
	case clients:
		return web.Policy{Also: func(r *http.Request, origin string) bool {
			return d.AppOrigin != nil && d.AppOrigin(origin) || d.OAuth.KnowsOrigin(r.Context(), origin)
		}}
	}
	return web.Policy{}
}
