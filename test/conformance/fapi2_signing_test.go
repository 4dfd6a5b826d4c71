package conformance

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"
)

// signingModules are what FAPI 2.0 Message Signing adds: signed requests that are
// pushed, and signed answers.
var signingModules = []module{
	{"ensure-request-object-with-multiple-aud-succeeds", nil, multipleAudience},
	{"ensure-request-object-without-exp-fails", nil, objectFails(obj{"exp": nil})},
	{"ensure-request-object-without-nbf-fails", nil, objectFails(obj{"nbf": nil})},
	{"ensure-expired-request-object-fails", nil, objectFails(obj{"exp": ago(5), "nbf": ago(10), "iat": ago(10)})},
	{"ensure-request-object-with-bad-aud-fails", nil, objectFails(obj{"aud": "https://other.example"})},
	{"ensure-request-object-with-exp-over-60-fails", nil, objectFails(obj{"exp": ago(-70)})},
	{"ensure-request-object-with-nbf-over-60-fails", nil, objectFails(obj{"nbf": ago(70), "iat": ago(70)})},
	{"ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted", nil, objectSoon},
	{"ensure-signed-request-object-with-RS256-fails", nil, objectRS256},
	{"ensure-request-object-signature-algorithm-is-not-none", nil, objectUnsigned},
	{"ensure-request-object-with-invalid-signature-fails", nil, objectForged},
	{"ensure-matching-key-in-authorization-request", nil, objectForeign},
	{"ensure-unsigned-request-at-par-endpoint-fails", nil, objectMissing},
	{"par-authorization-request-containing-request_uri-in-request-object", nil,
		objectFails(obj{"request_uri": "urn:ietf:params:oauth:request_uri:x"})},
	{"state-only-outside-request-object-not-used", nil, stateOutside},
	{"ensure-request-object-without-redirect-uri-fails", nil, objectFails(obj{"redirect_uri": nil})},
	{"ensure-different-nonce-inside-and-outside-request-object", nil, differs("nonce")},
	{"ensure-different-state-inside-and-outside-request-object", nil, differs("state")},
}

// signs makes a request object of changed claims, by the client's key.
func (a *ask) signs(t *testing.T, changes obj) url.Values {
	t.Helper()
	return url.Values{"request": {a.client.key.sign(t, obj{"typ": "oauth-authz-req+jwt"}, changed(a.object(), changes))}}
}

func multipleAudience(t *testing.T, r *round) {
	c := r.fapi(t)
	c.pushes(t, c.ask().signs(t, obj{"aud": []any{c.meta["issuer"], "https://other.example"}})).want(t, 201)
}

func objectFails(changes obj) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		c.pushes(t, c.ask().signs(t, maps.Clone(changes))).refuses(t, "invalid_request_object", "invalid_request", "invalid_redirect_uri")
	}
}

func objectSoon(t *testing.T, r *round) {
	c := r.fapi(t)
	c.pushes(t, c.ask().signs(t, obj{"nbf": in(8 * time.Second)})).want(t, 201)
}

func objectRS256(t *testing.T, r *round) {
	k := newKey(t, "RS256")
	k.kid = ""
	jwk := k.jwk()
	jwk.Algorithm = ""
	c := r.fapi(t, obj{"jwks": obj{"keys": []any{jwk}}})
	proving := *k
	proving.alg = "PS256"
	c.key = &proving
	c.pushes(t, url.Values{"request": {k.sign(t, obj{"typ": "oauth-authz-req+jwt"}, c.ask().object())}}).
		refuses(t, "invalid_request_object", "invalid_request")
	c.pushes(t, c.ask().form(t)).want(t, 201)
}

func objectUnsigned(t *testing.T, r *round) {
	c := r.fapi(t)
	c.pushes(t, url.Values{"request": {c.key.sign(t, obj{"alg": "none"}, c.ask().object())}}).
		refuses(t, "invalid_request_object", "invalid_request", "request_not_supported")
}

func objectForged(t *testing.T, r *round) {
	c := r.fapi(t)
	form := c.ask().form(t)
	parts := strings.Split(form.Get("request"), ".")
	form.Set("request", parts[0]+"."+parts[1]+"."+strings.Repeat("A", len(parts[2])))
	c.pushes(t, form).refuses(t, "invalid_request_object")
}

func objectForeign(t *testing.T, r *round) {
	c, other := r.fapi(t), r.fapi(t)
	k := *other.key
	form := url.Values{"request": {k.sign(t, obj{"typ": "oauth-authz-req+jwt"}, c.ask().object())}}
	c.pushes(t, form).refuses(t, "invalid_request_object")
	c.pushes(t, other.ask().form(t)).refuses(t, "invalid_request_object", "invalid_request")
}

func objectMissing(t *testing.T, r *round) {
	c := r.fapi(t)
	c.pushes(t, c.ask().params).refuses(t, "invalid_request", "invalid_request_object")
}

// stateOutside: what nobody signed does not count.
func stateOutside(t *testing.T, r *round) {
	c := r.fapi(t)
	a := c.ask("state=")
	form := a.form(t)
	form.Set("state", nonsense())
	a.carry(t, c.pushes(t, form).want(t, 201))
	a.finish(t, a.by(t, r.member()))
}

// carry leaves the browser the name of a pushed request.
func (a *ask) carry(t *testing.T, pushed reply) {
	t.Helper()
	a.front = url.Values{"client_id": {a.client.id}, "request_uri": {text(t, pushed.object(t), "request_uri")}}
}

// differs: what is signed wins.
func differs(name string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		a := c.ask()
		form := a.form(t)
		form.Set(name, nonsense())
		got := c.pushes(t, form)
		if got.status == 400 {
			got.refuses(t, "invalid_request", "invalid_request_object")
			return
		}
		a.carry(t, got)
		a.finish(t, a.by(t, r.member()))
	}
}
