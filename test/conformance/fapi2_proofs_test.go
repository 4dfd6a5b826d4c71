package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// fapiProofModules are those about the proofs of clients, and about pushed requests.
var fapiProofModules = []module{
	{"ensure-signed-client-assertion-with-RS256-fails", nil, assertionRS256},
	{"ensure-client-assertion-in-token-endpoint", nil, assertionMissing},
	{"ensure-client-assertion-with-exp-is-5-minutes-in-past-fails", nil, assertionFails(obj{"exp": ago(5)})},
	{"ensure-client-assertion-with-wrong-aud-fails", nil, assertionFails(obj{"aud": "https://other.example"})},
	{"ensure-client-assertion-with-no-sub-fails", nil, assertionFails(obj{"sub": nil})},
	{"par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted", nil, assertionSoon(8*time.Second, true)},
	{"par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails", nil, assertionSoon(70*time.Second, false)},
	{"par-test-array-as-audience-fails", nil, assertionFor(func(t *testing.T, c *client) any { return []any{c.meta["issuer"]} })},
	{"par-test-par-endpoint-url-as-audience-fails", nil,
		assertionFor(func(t *testing.T, c *client) any { return c.at(t, "pushed_authorization_request_endpoint") })},
	{"par-test-token-endpoint-url-as-audience-fails", nil,
		assertionFor(func(t *testing.T, c *client) any { return c.at(t, "token_endpoint") })},
	{"par-attempt-reuse-request_uri", nil, parReuse},
	{"par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", nil, parReload},
	{"par-attempt-to-use-expired-request_uri", nil, parExpired},
	{"par-attempt-to-use-request_uri-for-different-client", nil, parForeign},
	{"par-authorization-request-containing-request_uri", nil, parNested},
	{"par-authorization-request-containing-request_uri-form-param", nil, parNested},
	{"par-attempt-invalid-http-method", nil, parMethod},
	{"dpop-negative-tests", openIDAlone, dpopNegative},
	{"check-dpop-proof-nbf-exp", openIDAlone, dpopTimes},
	{"ensure-dpopproof-with-iat-10seconds-before-succeeds", openIDAlone, dpopAt(-10 * time.Second)},
	{"ensure-dpopproof-with-iat-10seconds-after-succeeds", openIDAlone, dpopAt(10 * time.Second)},
	{"ensure-mismatched-dpop-jkt-fails", nil, dpopMismatchedPAR},
	{"ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt", nil, dpopMismatchedProof},
	{"ensure-token-endpoint-fails-with-mismatched-dpop-jkt", nil, dpopMismatchedParameter},
	{"ensure-dpopproof-at-par-endpoint-binding-success", nil, dpopAtPAR},
	{"ensure-dpop-auth-code-binding-success", nil, dpopParameter},
}

// ago is a moment of the past, of which it matters only that it is long over.
func ago(minutes int) int64 { return in(-time.Duration(minutes) * time.Minute) }

// asserted pushes a request with this assertion.
func (c *client) asserted(t *testing.T, assertion string) reply {
	t.Helper()
	params := c.ask().form(t)
	c.assert(params, assertion)
	return c.pushes(t, params)
}

func assertionRS256(t *testing.T, r *round) {
	k := newKey(t, "RS256")
	k.kid = ""
	jwk := k.jwk()
	jwk.Algorithm = ""
	c := r.fapi(t, obj{"jwks": obj{"keys": []any{jwk}}})
	c.key = k
	c.asserted(t, k.sign(t, nil, c.assertion(nil))).refuses(t, "invalid_client")
	k.alg = "PS256"
	c.asserted(t, k.sign(t, nil, c.assertion(nil))).want(t, 201)
}

func assertionMissing(t *testing.T, r *round) {
	c := r.fapi(t)
	l := c.coded(t, r.member())
	bare := *c
	bare.method = "none"
	bare.redeem(t, l).refuses(t, "invalid_client")
}

func assertionFails(changes obj) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		c.asserted(t, c.key.sign(t, nil, c.assertion(changes))).refuses(t, "invalid_client")
		c.renew(t, "x", "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
			"client_assertion="+c.key.sign(t, nil, c.assertion(changes))).refuses(t, "invalid_client")
	}
}

func assertionSoon(ahead time.Duration, good bool) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		got := c.asserted(t, c.key.sign(t, nil, c.assertion(obj{"nbf": in(ahead), "iat": in(ahead), "exp": in(ahead + time.Minute)})))
		if good {
			got.want(t, 201)
			return
		}
		got.refuses(t, "invalid_client")
	}
}

func assertionFor(aud func(*testing.T, *client) any) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		c.asserted(t, c.key.sign(t, nil, c.assertion(obj{"aud": aud(t, c)}))).refuses(t, "invalid_client")
	}
}

// parReuse: what was completed cannot be begun again.
func parReuse(t *testing.T, r *round) {
	c := r.fapi(t)
	a := c.push(t, c.ask())
	b := r.member()
	a.finish(t, a.by(t, b))
	a.ends(t, a.by(t, b))
}

// ends: the request comes to nothing, on a page or by an error.
func (a *ask) ends(t *testing.T, got answer) {
	t.Helper()
	if got.mode == "" && got.page.status == http.StatusBadRequest && len(got.seen) == 0 {
		return
	}
	if word := got.params.Get("error"); word != "invalid_request_uri" && word != "invalid_request" || got.params.Has("code") {
		t.Errorf("the answer is %v (%d) after %v", got.params, got.page.status, got.seen)
	}
}

// parReload: until the person is done the page may be loaded again.
func parReload(t *testing.T, r *round) {
	c := r.fapi(t)
	a := c.push(t, c.ask())
	b := r.stranger()
	b.stop = "sign-in"
	if first := a.by(t, b); first.page.status != 200 {
		t.Errorf("status %d", first.page.status)
	}
	b.stop = ""
	a.finish(t, a.by(t, b))
}

// parExpired: what never was, or is no more, looks alike.
func parExpired(t *testing.T, r *round) {
	a := r.fapi(t).ask()
	a.front = url.Values{"client_id": {a.client.id}, "request_uri": {"urn:ietf:params:oauth:request_uri:" + strings.Repeat("0", 68)}}
	a.ends(t, a.by(t, r.member()))
}

func parForeign(t *testing.T, r *round) {
	c, other := r.fapi(t), r.fapi(t)
	a := c.push(t, c.ask())
	a.front.Set("client_id", other.id)
	a.ends(t, a.by(t, r.member()))
}

func parNested(t *testing.T, r *round) {
	c := r.fapi(t)
	first := c.push(t, c.ask())
	params := c.ask().form(t)
	params.Set("request_uri", first.front.Get("request_uri"))
	c.pushes(t, params).refuses(t, "invalid_request")
}

func parMethod(t *testing.T, r *round) {
	c := r.fapi(t)
	for _, method := range []string{"PUT", "GET", "DELETE"} {
		c.send(t, method, c.at(t, "pushed_authorization_request_endpoint"), "").want(t, 400, 404, 405, 501)
	}
}

// A flawed proof is what a good one is changed to.
type flawed struct {
	name           string
	header, claims obj
}

// flaws are those that RFC 9449 §4.3 looks for.
func flaws(t *testing.T, c *client) []flawed {
	private := obj{"kty": "EC", "crv": "P-256", "d": strings.Repeat("A", 43)}
	return []flawed{
		{"no typ", obj{"typ": nil}, nil}, {"another typ", obj{"typ": "JWT"}, nil}, {"no jwk", obj{"jwk": nil}, nil},
		{"no signature", obj{"alg": "none"}, nil}, {"a secret's algorithm", obj{"alg": "HS256"}, nil},
		{"a private key", obj{"jwk": private}, nil}, {"another key", obj{"jwk": newKey(t, "ES256").bare()}, nil},
		{"no jti", nil, obj{"jti": nil}}, {"no htm", nil, obj{"htm": nil}}, {"another htm", nil, obj{"htm": "PUT"}},
		{"no htu", nil, obj{"htu": nil}}, {"another htu", nil, obj{"htu": c.provider.URL + "/other"}},
		{"another host", nil, obj{"htu": "https://other.example/auth/v1/token"}},
		{"no iat", nil, obj{"iat": nil}}, {"an hour old", nil, obj{"iat": in(-time.Hour)}}, {"an hour ahead", nil, obj{"iat": in(time.Hour)}},
		{"a nonce of nobody", nil, obj{"nonce": nonsense()}},
	}
}

// flaw makes a proof with one.
func (c *client) flaw(t *testing.T, f flawed, method, to, access string) string {
	t.Helper()
	claims := obj{"jti": nonsense(), "htm": method, "htu": to, "iat": in(0)}
	if access != "" {
		claims["ath"] = challenge(access)
	}
	header := changed(obj{"typ": "dpop+jwt", "jwk": c.dpop.bare(), "kid": nil}, f.header)
	return c.dpop.sign(t, header, changed(claims, f.claims))
}

// dpopNegative tries every flaw at the token endpoint and at userinfo.
func dpopNegative(t *testing.T, r *round) {
	c := r.fapi(t)
	l := c.through(t, r.member())
	token, user := c.at(t, "token_endpoint"), c.at(t, "userinfo_endpoint")
	renewal := func(proofs ...string) reply {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {l.refresh}}
		return c.form(t, token, form, append(c.proven(t, form), proofs...)...)
	}
	show := func(proofs ...string) reply {
		return c.get(t, user, append(proofs, "Authorization: DPoP "+l.access)...)
	}
	for _, f := range flaws(t, c) {
		if got := renewal("DPoP: " + c.flaw(t, f, "POST", token, "")); got.status != 400 && got.status != 401 {
			t.Errorf("%s: the token endpoint says %d %s", f.name, got.status, got.body)
		}
		if got := show("DPoP: " + c.flaw(t, f, "GET", user, l.access)); got.status != 401 {
			t.Errorf("%s: userinfo says %d %s", f.name, got.status, got.body)
		}
	}
	good := func() string { return "DPoP: " + c.proof(t, "GET", user, l.access, nil) }
	once := good()
	show(once).want(t, 200)
	for name, got := range map[string]reply{
		"used twice": show(once), "two proofs": show(good(), good()), "no proof": show(), "not a token": show("DPoP: x"),
		"no ath":    show("DPoP: " + c.proof(t, "GET", user, l.access, obj{"ath": nil})),
		"wrong ath": show("DPoP: " + c.proof(t, "GET", user, "another", nil)),
	} {
		if got.status != 401 && got.status != 400 {
			t.Errorf("%s: userinfo says %d %s", name, got.status, got.body)
		}
	}
	show("DPoP: "+c.proof(t, "GET", user+"?a=b#c", l.access, nil)).want(t, 200) // RFC 9449 §4.3, 9
	show("DPoP: "+c.proof(t, "GET", strings.Replace(user, "https", "HTTPS", 1), l.access, nil)).want(t, 200)
}

func dpopTimes(t *testing.T, r *round) {
	c := r.fapi(t)
	l := c.through(t, r.member())
	to := c.at(t, "userinfo_endpoint")
	show := func(changes obj) reply {
		return c.get(t, to, "Authorization: DPoP "+l.access, "DPoP: "+c.proof(t, "GET", to, l.access, changes))
	}
	show(obj{"nbf": in(0), "exp": in(time.Minute)}).want(t, 200)
	show(obj{"exp": in(-time.Minute)}).want(t, 401)
	show(obj{"nbf": in(time.Hour)}).want(t, 401)
}

func dpopAt(ahead time.Duration) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		l := c.through(t, r.member())
		to := c.at(t, "userinfo_endpoint")
		c.get(t, to, "Authorization: DPoP "+l.access, "DPoP: "+c.proof(t, "GET", to, l.access, obj{"iat": in(ahead)})).want(t, 200)
		token := c.at(t, "token_endpoint")
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {l.refresh}}
		c.form(t, token, form, append(c.proven(t, form), "DPoP: "+c.proof(t, "POST", token, "", obj{"iat": in(ahead)}))...).want(t, 200)
	}
}

// dpopMismatchedPAR: the proof beside a pushed request, and the thumbprint in it, must
// be of one key.
func dpopMismatchedPAR(t *testing.T, r *round) {
	c := r.fapi(t)
	c.bindEarly = true
	c.pushes(t, c.ask("dpop_jkt="+newKey(t, "ES256").thumbprint(t)).form(t)).refuses(t, "invalid_dpop_proof", "invalid_request")
}

func dpopMismatchedProof(t *testing.T, r *round) {
	c := r.fapi(t)
	c.bindEarly = true
	l := c.coded(t, r.member())
	c.dpop = newKey(t, "ES256")
	c.redeem(t, l).refuses(t, "invalid_dpop_proof", "invalid_grant")
}

func dpopMismatchedParameter(t *testing.T, r *round) {
	c := r.fapi(t)
	a := c.push(t, c.ask("dpop_jkt="+newKey(t, "ES256").thumbprint(t)))
	c.redeem(t, a.read(t, a.by(t, r.member()))).refuses(t, "invalid_dpop_proof", "invalid_grant")
}

func dpopAtPAR(t *testing.T, r *round) {
	c := r.fapi(t)
	c.bindEarly = true
	c.through(t, r.member())
}

func dpopParameter(t *testing.T, r *round) {
	c := r.fapi(t)
	c.through(t, r.member(), "dpop_jkt="+c.dpop.thumbprint(t))
}
