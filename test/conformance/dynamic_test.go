package conformance

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// dynamicModules are those of the dynamic plan.
var dynamicModules = []module{
	{"oidcc-server", nil, server},
	{"oidcc-discovery-endpoint-verification", nil, discovery},
	{"oidcc-idtoken-rs256", nil, idTokenAlg("RS256")},
	{"oidcc-idtoken-es256", nil, idTokenAlg("ES256")},
	{"oidcc-idtoken-ps256", nil, idTokenAlg("PS256")},
	{"oidcc-idtoken-eddsa", nil, idTokenAlg("EdDSA")},
	{"oidcc-idtoken-unsigned", nil, idTokenUnsigned},
	{"oidcc-userinfo-rs256", nil, userinfoRS256},
	{"oidcc-ensure-redirect-uri-in-authorization-request", nil, redirectURIMissing},
	{"oidcc-redirect-uri-query-OK", nil, redirectURIQueryOK},
	{"oidcc-redirect-uri-query-mismatch", nil, redirectURIQueryMismatch},
	{"oidcc-redirect-uri-query-added", nil, redirectURIQueryAdded},
	{"oidcc-redirect-uri-regfrag", nil, redirectURIFragment},
	{"oidcc-registration-logo-uri", nil, shows("logo_uri")},
	{"oidcc-registration-policy-uri", nil, shows("policy_uri")},
	{"oidcc-registration-tos-uri", nil, shows("tos_uri")},
	{"oidcc-registration-jwks-uri", nil, registrationJWKSURI},
	{"oidcc-registration-sector-uri", nil, sectorURI},
	{"oidcc-registration-sector-bad", nil, sectorBad},
	{"oidcc-server-rotate-keys", nil, serverRotateKeys},
	{"oidcc-refresh-token", nil, refreshToken},
	{"oidcc-refresh-token-rp-key-rotation", nil, clientRotatesKeys},
	{"oidcc-request-uri-unsigned", nil, requestURIUnsigned},
	{"oidcc-request-uri-signed-rs256", nil, requestURISigned},
	{"oidcc-ensure-request-object-with-redirect-uri", nil, requestObjectRedirectURI},
	{"oidcc-ensure-client-assertion-with-iss-aud-succeeds", nil, assertionForIssuer},
}

// idTokenAlg: the algorithm that a client registers is the one that it gets.
func idTokenAlg(alg string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		r.client(t, r.variant, obj{"id_token_signed_response_alg": alg}).login(t, r.member())
	}
}

func userinfoRS256(t *testing.T, r *round) {
	c := r.client(t, r.variant, obj{"userinfo_signed_response_alg": "RS256"})
	l := c.login(t, r.member())
	answer := c.get(t, c.at(t, "userinfo_endpoint"), "Authorization: Bearer "+l.access).want(t, 200)
	if kind := answer.header.Get("Content-Type"); kind != "application/jwt" {
		t.Errorf("Content-Type %q", kind)
	}
	claims := c.verified(t, string(answer.body), "RS256")
	if claims["iss"] != c.meta["issuer"] || claims["aud"] != c.id || claims["sub"] != l.id["sub"] {
		t.Errorf("userinfo %v", claims)
	}
}

func redirectURIMissing(t *testing.T, r *round) {
	c := r.client(t, r.variant, obj{"redirect_uris": []string{"https://rp.example/1", "https://rp.example/2"}})
	staysHere(t, c.ask("redirect_uri="), r.stranger())
}

func redirectURIQueryOK(t *testing.T, r *round) {
	c := r.client(t, r.variant, obj{"redirect_uris": []string{"https://rp.example/cb?foo=bar"}})
	l := c.login(t, r.member())
	if c.delivery() == "query" && l.answer.params.Get("foo") != "bar" {
		t.Errorf("the query is gone: %v", l.answer.params)
	}
}

func redirectURIQueryMismatch(t *testing.T, r *round) {
	c := r.client(t, r.variant, obj{"redirect_uris": []string{"https://rp.example/cb?foo=bar"}})
	staysHere(t, c.ask("redirect_uri=https://rp.example/cb?foo=baz"), r.stranger())
	staysHere(t, c.ask("redirect_uri=https://rp.example/cb"), r.stranger())
}

func redirectURIQueryAdded(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	staysHere(t, c.ask("redirect_uri="+c.redirect+"?foo=bar"), r.stranger())
}

func redirectURIFragment(t *testing.T, r *round) {
	in := obj{"redirect_uris": []string{"https://rp.example/cb#foo"}, "response_types": []string{r.response}, "grant_types": r.grants()}
	r.register(t, in).refuses(t, "invalid_redirect_uri", "invalid_client_metadata")
}

// shows: a person sees what the client registered, on the way to their consent. An
// image may come from the provider, which fetched it.
func shows(member string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		var drawn bytes.Buffer
		if err := png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
			t.Fatal(err)
		}
		picture := drawn.String()
		at := r.site.answer(doc{status: 200, kind: "image/png", text: picture})
		c := r.client(t, r.variant, obj{member: at, "client_uri": r.site.url})
		b := r.stranger()
		b.stop = "consent"
		got := c.ask().by(t, b)
		if slices.Contains(got.page.links("a", "href"), at) {
			return
		}
		for _, image := range got.page.links("img", "src") {
			u, err := got.page.url.Parse(image)
			if err == nil && (image == at || string(r.get(t, u.String()).body) == picture) {
				return
			}
		}
		t.Errorf("no page shows the %s", member)
	}
}

// withKeys is the metadata of a client that proves itself by its keys.
func withKeys(t *testing.T, r *round, k *key) obj {
	t.Helper()
	return obj{
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": k.alg,
		"jwks_uri": r.site.put("application/json", encode(t, set(k))),
	}
}

// registrationJWKSURI: keys by reference, and assertions for the token endpoint's
// address, as clients of OpenID Connect make them.
func registrationJWKSURI(t *testing.T, r *round) {
	k := newKey(t, "RS256")
	c := r.client(t, r.variant, withKeys(t, r, k))
	c.key, c.audience = k, c.at(t, "token_endpoint")
	c.login(t, r.member())
	c.key = newKey(t, "ES256")
	c.key.kid = k.kid
	c.renew(t, "x").refuses(t, "invalid_client")
}

func assertionForIssuer(t *testing.T, r *round) {
	k := newKey(t, "RS256")
	c := r.client(t, r.variant, withKeys(t, r, k))
	c.key = k
	c.login(t, r.member())
	c.audience = "https://other.example"
	c.renew(t, "x").refuses(t, "invalid_client")
}

// sectorURI: clients of one sector know a person by one name, which no other client
// knows.
func sectorURI(t *testing.T, r *round) {
	one, two := "https://rp.example/cb/sector", "https://other.example/cb/sector"
	at := r.site.put("application/json", encode(t, []string{one, two}))
	subject := func(redirect string) string {
		c := r.client(t, r.variant, obj{"redirect_uris": []string{redirect}, "subject_type": "pairwise", "sector_identifier_uri": at})
		return c.login(t, r.member()).sub(t, c)
	}
	alone := r.client(t, r.variant, obj{"subject_type": "pairwise"})
	if a, b, public := subject(one), subject(two), r.client(t, r.variant); a != b ||
		a == alone.login(t, r.member()).sub(t, alone) || a == public.login(t, r.member()).sub(t, public) {
		t.Errorf("subjects %s and %s", a, b)
	}
}

func sectorBad(t *testing.T, r *round) {
	at := r.site.put("application/json", encode(t, []string{"https://rp.example/another"}))
	r.register(t, obj{
		"redirect_uris": []string{"https://rp.example/cb"}, "response_types": []string{r.response}, "grant_types": r.grants(),
		"subject_type": "pairwise", "sector_identifier_uri": at,
	}).refuses(t, "invalid_client_metadata", "invalid_redirect_uri")
}

// serverRotateKeys: the operator has the keys replaced; the old ones stay in the set.
func serverRotateKeys(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	old := c.login(t, r.member())
	before := r.kids(t)
	r.json(t, "POST", r.URL+"/api/admin/keys/rotate", obj{"use": "id"}, "Authorization: Bearer "+r.admin).want(t, 200)
	after := r.kids(t)
	for _, kid := range before {
		if !slices.Contains(after, kid) {
			t.Errorf("the key %s is gone", kid)
		}
	}
	if len(after) <= len(before) {
		t.Errorf("there is no new key: %v, then %v", before, after)
	}
	fresh := c.login(t, r.member())
	was, _ := open(t, old.idToken)
	is, _ := open(t, fresh.idToken)
	if was["kid"] == is["kid"] {
		t.Error("the old key signs")
	}
	c.verified(t, old.idToken, "RS256")
}

func (p *provider) kids(t *testing.T) []string {
	t.Helper()
	var out []string
	keys, _ := p.get(t, p.at(t, "jwks_uri")).want(t, 200).object(t)["keys"].([]any)
	for _, k := range keys {
		out = append(out, text(t, k.(obj), "kid"))
	}
	return out
}

// clientRotatesKeys: a key that the provider never saw is looked for where the
// client's keys lie.
func clientRotatesKeys(t *testing.T, r *round) {
	old, fresh := newKey(t, "RS256"), newKey(t, "ES256")
	in := withKeys(t, r, old)
	delete(in, "token_endpoint_auth_signing_alg")
	c := r.client(t, r.variant, in)
	c.key, c.scope = old, "openid offline_access"
	l := c.login(t, r.member(), "prompt=consent")
	r.site.change(in["jwks_uri"].(string), doc{status: 200, kind: "application/json", text: encode(t, set(fresh))})
	time.Sleep(5100 * time.Millisecond) // the provider does not ask again at once; the suite waits a minute
	c.key = fresh
	c.renewed(t, l, l.refresh)
	c.key = old
	c.renew(t, l.refresh).refuses(t, "invalid_client")
}

// requestURISigned: the request lies at the client's site, signed.
func requestURISigned(t *testing.T, r *round) {
	k := newKey(t, "RS256")
	at := r.site.put("application/oauth-authz-req+jwt", "")
	c := r.client(t, r.variant, obj{
		"jwks": set(k), "request_object_signing_alg": "RS256", "request_uris": []string{at},
	})
	a := c.ask()
	r.site.change(at, doc{status: http.StatusOK, kind: "application/oauth-authz-req+jwt", text: k.sign(t, nil, a.object())})
	a.front = url.Values{
		"client_id": {c.id}, "request_uri": {at}, "response_type": {c.response}, "scope": {c.scope},
	}
	a.finish(t, a.by(t, r.member()))

	forged := c.ask()
	k2 := newKey(t, "ES256")
	k2.kid = k.kid
	r.site.change(at, doc{status: http.StatusOK, kind: "application/oauth-authz-req+jwt", text: k2.sign(t, nil, forged.object())})
	forged.params.Set("request_uri", at+"?"+strings.ToLower(t.Name()[len(t.Name())-4:]))
	if got := forged.by(t, r.member()); got.params.Get("code") != "" || got.params.Get("id_token") != "" {
		t.Errorf("a request_uri that is not registered was taken: %v", got.params)
	}
}
