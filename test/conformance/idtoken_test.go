package conformance

import (
	"net/url"
	"testing"
	"time"
)

// idToken verifies an ID token as OpenID Connect Core §3.1.3.7 says, and returns its
// claims.
func (c *client) idToken(t *testing.T, token string, params url.Values) obj {
	t.Helper()
	claims := c.verified(t, token, c.alg)
	audience := []any{claims["aud"]}
	if list, ok := claims["aud"].([]any); ok {
		audience = list
	}
	if claims["iss"] != c.meta["issuer"] || len(audience) != 1 || audience[0] != c.id {
		t.Errorf("iss %v, aud %v", claims["iss"], claims["aud"])
	}
	if azp, ok := claims["azp"]; ok && azp != c.id {
		t.Errorf("azp %v", azp)
	}
	if sub := text(t, claims, "sub"); len(sub) > 255 {
		t.Errorf("sub has %d characters", len(sub))
	}
	now := time.Now()
	if exp := moment(t, claims, "exp"); !exp.After(now) {
		t.Errorf("exp %s has passed", exp)
	}
	if iat := moment(t, claims, "iat"); iat.After(now.Add(5*time.Second)) || iat.Before(now.Add(-5*time.Minute)) {
		t.Errorf("iat %s", iat)
	}
	if nonce, _ := claims["nonce"].(string); nonce != params.Get("nonce") {
		t.Errorf("nonce %q, want %q", nonce, params.Get("nonce"))
	}
	return claims
}

// demandHash looks at at_hash and its like: it may be left out unless it must be
// there, and what is there must be right.
func (c *client) demandHash(t *testing.T, claims obj, name, of string, must bool) {
	t.Helper()
	got, there := claims[name]
	if !there && !(must && of != "") {
		return
	}
	if of == "" || got != half(c.alg, of) {
		t.Errorf("%s is %v, want that of %q", name, got, of)
	}
}
