package conformance

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// fapiModules are those of the FAPI 2.0 security profile, for clients that prove
// themselves by private_key_jwt and bind their tokens by DPoP. One module is not here:
// ensure-token-endpoint-fails-with-expired-auth-code takes a minute of waiting, which
// the tests of the rules do in no time.
var fapiModules = []module{
	{"discovery-end-point-verification", nil, fapiDiscovery},
	{"happy-flow", nil, fapiHappyFlow},
	{"user-rejects-authentication", nil, fapiRejects},
	{"ensure-authorization-request-without-state-success", nil, fapiFlow("state=")},
	{"ensure-authorization-request-without-nonce-success", nil, fapiFlow("nonce=")},
	{"ensure-authorization-request-with-64-char-nonce-success", nil, fapiFlow("nonce=" + strings.Repeat("n1", 32))},
	{"ensure-authorization-request-with-long-nonce", nil, fapiFlow("nonce=" + strings.Repeat("n2", 192))},
	{"ensure-authorization-request-with-long-state", nil, fapiFlow("state=" + strings.Repeat("s1", 192))},
	{"ensure-other-scope-order-succeeds", nil, fapiScopeOrder},
	{"test-claims-parameter-identity-claims", openIDAlone, fapiClaims},
	{"access-token-type-header-case-sensitivity", openIDAlone, fapiSchemeCase},
	{"par-without-duplicate-parameters", nil, fapiHappyFlow},
	{"ensure-registered-redirect-uri", nil, fapiPushFails("redirect_uri=https://rp.example/unknown")},
	{"plain-fapi-tolerate-unregistered-redirect-uri", nil, fapiPushFails("redirect_uri=https://rp.example/tolerated")},
	{"ensure-redirect-uri-in-authorization-request", nil, fapiPushFails("redirect_uri=")},
	{"ensure-unsigned-authorization-request-without-using-par-fails", nil, fapiWithoutPAR},
	{"ensure-response-type-code-idtoken-fails", nil, fapiPushFails("response_type=code id_token")},
	{"ensure-response-type-token-fails", nil, fapiPushFails("response_type=token")},
	{"ensure-authorization-code-is-bound-to-client", nil, fapiCodeBound},
	{"attempt-reuse-authorization-code-after-one-second", nil, fapiCodeReuse},
	{"ensure-client-id-in-token-endpoint", nil, fapiForeignClientID},
	{"ensure-holder-of-key-required", nil, fapiHolderOfKey},
	{"par-ensure-pkce-required", nil, fapiPushFails("code_challenge=", "code_challenge_method=")},
	{"par-plain-pkce-rejected", nil, fapiPushFails("code_challenge_method=plain")},
	{"ensure-pkce-code-verifier-required", nil, fapiRedeemFails("code_verifier=")},
	{"incorrect-pkce-code-verifier-rejected", nil, fapiRedeemFails("code_verifier=" + strings.Repeat("wrong", 10))},
	{"refresh-token", nil, fapiRefresh},
}

func openIDAlone(v variant) bool { return !v.plain }

// fapi registers a client that is held to the profile.
func (r *round) fapi(t *testing.T, changes ...obj) *client {
	t.Helper()
	k := newKey(t, "ES256")
	in := obj{
		"profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt", "jwks": set(k), "dpop_bound_access_tokens": true,
		"id_token_signed_response_alg": "PS256", "scopes": []string{"openid", "profile", "email", "offline_access"},
	}
	if r.signed {
		in["require_signed_request_object"], in["authorization_signed_response_alg"] = true, "PS256"
	}
	c := r.client(t, r.variant, append([]obj{in}, changes...)...)
	c.key, c.dpop, c.pkce, c.scope = k, newKey(t, "ES256"), true, "openid profile"
	if r.plain {
		c.scope = "profile email"
	}
	return c
}

// through is login with the request pushed before.
func (c *client) through(t *testing.T, b *browser, changes ...string) *login {
	t.Helper()
	a := c.push(t, c.ask(changes...))
	return a.finish(t, a.by(t, b))
}

// coded is through up to the code.
func (c *client) coded(t *testing.T, b *browser) *login {
	t.Helper()
	a := c.push(t, c.ask())
	return a.read(t, a.by(t, b))
}

func fapiDiscovery(t *testing.T, r *round) {
	for _, name := range []string{"pushed_authorization_request_endpoint", "token_endpoint", "authorization_endpoint", "jwks_uri"} {
		r.at(t, name)
	}
	for name, want := range map[string]string{
		"token_endpoint_auth_methods_supported":            "private_key_jwt",
		"token_endpoint_auth_signing_alg_values_supported": "PS256",
		"dpop_signing_alg_values_supported":                "ES256",
		"code_challenge_methods_supported":                 "S256",
		"response_types_supported":                         "code",
		"grant_types_supported":                            "authorization_code",
	} {
		if !slices.Contains(words(t, r.meta, name), want) {
			t.Errorf("%s is %v, without %s", name, r.meta[name], want)
		}
	}
	if slices.Contains(words(t, r.meta, "dpop_signing_alg_values_supported"), "none") || r.meta["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("dpop_signing_alg_values_supported %v, authorization_response_iss_parameter_supported %v",
			r.meta["dpop_signing_alg_values_supported"], r.meta["authorization_response_iss_parameter_supported"])
	}
}

// fapiHappyFlow: two clients, and each token is good with the key that it was made
// for alone.
func fapiHappyFlow(t *testing.T, r *round) {
	one, two := r.fapi(t), r.fapi(t)
	first, second := one.through(t, r.stranger()), two.through(t, r.member())
	if r.plain {
		return
	}
	one.userinfo(t, first)
	two.userinfo(t, second)
	one.dead(t, second.access)
}

func fapiRejects(t *testing.T, r *round) {
	a := r.fapi(t).ask()
	a.client.push(t, a)
	b := r.member()
	b.deny = true
	a.fails(t, a.by(t, b), "access_denied")
}

func fapiFlow(changes ...string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		l := r.fapi(t).through(t, r.member(), changes...)
		if l.ask.params.Get("state") == "" && (l.id["s_hash"] != nil || l.answer.params.Has("state")) {
			t.Errorf("a state came from nowhere: %v, %v", l.id, l.answer.params)
		}
	}
}

func fapiScopeOrder(t *testing.T, r *round) {
	c := r.fapi(t)
	list := strings.Fields(c.scope)
	slices.Reverse(list)
	c.scope = strings.Join(list, " ")
	c.through(t, r.member())
}

func fapiClaims(t *testing.T, r *round) {
	c := r.fapi(t)
	l := c.through(t, r.member(), `claims={"id_token":{"name":null},"userinfo":{"email":{"essential":true}}}`)
	if got := c.userinfo(t, l); l.id["name"] != "Ada Example" || got["email"] != ada.email {
		t.Errorf("ID token %v, userinfo %v", l.id, got)
	}
}

func fapiSchemeCase(t *testing.T, r *round) {
	c := r.fapi(t)
	l := c.through(t, r.member())
	to := c.at(t, "userinfo_endpoint")
	for _, scheme := range []string{"dpop", "DPOP", "DPoP"} {
		c.get(t, to, "Authorization: "+scheme+" "+l.access, "DPoP: "+c.proof(t, "GET", to, l.access, nil)).want(t, 200)
	}
}

// fapiPushFails: the request is refused when it is pushed.
func fapiPushFails(changes ...string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		c.pushes(t, c.ask(changes...).form(t)).refuses(t,
			"invalid_request", "invalid_redirect_uri", "unsupported_response_type", "unauthorized_client", "invalid_request_object")
	}
}

func fapiWithoutPAR(t *testing.T, r *round) {
	a := r.fapi(t).ask()
	got := a.by(t, r.member())
	if got.mode == "" && got.page.status == 400 {
		return
	}
	a.fails(t, got, "invalid_request", "invalid_request_object")
}

func fapiCodeBound(t *testing.T, r *round) {
	c, thief := r.fapi(t), r.fapi(t)
	l := c.coded(t, r.member())
	thief.redeem(t, l).refuses(t, "invalid_grant")
	c.redeem(t, l).want(t, 200)
}

func fapiCodeReuse(t *testing.T, r *round) {
	c := r.fapi(t)
	l := c.through(t, r.member())
	time.Sleep(1100 * time.Millisecond)
	c.redeem(t, l).refuses(t, "invalid_grant")
	c.dead(t, l.access)
}

func fapiForeignClientID(t *testing.T, r *round) {
	c := r.fapi(t)
	c.redeem(t, c.coded(t, r.member()), "client_id="+r.fapi(t).id).refuses(t, "invalid_client", "invalid_request", "invalid_grant")
}

// fapiHolderOfKey: no token without a proof, and none is good without one.
func fapiHolderOfKey(t *testing.T, r *round) {
	c := r.fapi(t)
	l := c.coded(t, r.member())
	bare := *c
	bare.dpop = nil
	bare.redeem(t, l).refuses(t, "invalid_dpop_proof", "invalid_request", "invalid_grant")
	l = c.through(t, r.member())
	bare.dead(t, l.access)
	c.get(t, c.at(t, "userinfo_endpoint"), "Authorization: DPoP "+l.access).want(t, 400, 401)
}

func fapiRedeemFails(changes ...string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.fapi(t)
		c.redeem(t, c.coded(t, r.member()), changes...).refuses(t, "invalid_grant", "invalid_request")
	}
}

// fapiRefresh: the tokens are bound to client and key, and one that was used works on:
// an answer may be lost (FAPI 2.0 §5.3.2.1).
func fapiRefresh(t *testing.T, r *round) {
	c := r.fapi(t)
	c.scope += " offline_access"
	l := c.through(t, r.member(), "prompt=consent")
	fresh := c.renew(t, l.refresh).want(t, 200).object(t)
	c.renew(t, l.refresh).want(t, 200)
	if again, ok := fresh["refresh_token"].(string); ok {
		c.renew(t, again).want(t, 200)
	}
	other := r.fapi(t)
	other.renew(t, l.refresh).refuses(t, "invalid_grant")
	bare := *c
	bare.dpop = nil
	bare.renew(t, l.refresh).refuses(t, "invalid_dpop_proof", "invalid_request", "invalid_grant")
}
