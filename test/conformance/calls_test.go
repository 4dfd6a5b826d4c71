package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"
)

// proven adds to a form, or to the headers, what the client proves itself by.
func (c *client) proven(t *testing.T, in url.Values) (headers []string) {
	t.Helper()
	switch c.method {
	case "client_secret_basic":
		pair := url.QueryEscape(c.id) + ":" + url.QueryEscape(c.secret)
		return []string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	case "client_secret_post":
		in.Set("client_id", c.id)
		in.Set("client_secret", c.secret)
	case "private_key_jwt":
		c.assert(in, c.key.sign(t, nil, c.assertion(nil)))
	default:
		in.Set("client_id", c.id)
	}
	return nil
}

func (c *client) assert(in url.Values, assertion string) {
	if in.Get("client_assertion") != "" {
		return // the test has its own
	}
	in.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	in.Set("client_assertion", assertion)
}

// assertion is the claims of a client's proof (RFC 7523 §3); a change to nil takes a
// claim away.
func (c *client) assertion(changes obj) obj {
	claims := obj{
		"iss": c.id, "sub": c.id, "aud": c.meta["issuer"], "jti": rand.Text(), "iat": in(0), "nbf": in(0), "exp": in(time.Minute),
	}
	if c.audience != nil {
		claims["aud"] = c.audience
	}
	return changed(claims, changes)
}

func changed(claims, changes obj) obj {
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// call posts a form to an endpoint, with the client's proofs. A nonce that the
// provider asks for in DPoP proofs is sent, once.
func (c *client) call(t *testing.T, member string, in url.Values) reply {
	t.Helper()
	to := c.at(t, member)
	headers := c.proven(t, in)
	if c.dpop == nil || member != "token_endpoint" && !(c.bindEarly && member == "pushed_authorization_request_endpoint") {
		return c.form(t, to, in, headers...)
	}
	r := c.form(t, to, in, append(headers, "DPoP: "+c.proof(t, "POST", to, "", nil))...)
	if nonce := r.header.Get("DPoP-Nonce"); nonce != "" && strings.Contains(string(r.body), "use_dpop_nonce") {
		headers = c.again(t, in)
		return c.form(t, to, in, append(headers, "DPoP: "+c.proof(t, "POST", to, "", obj{"nonce": nonce}))...)
	}
	return r
}

// again proves the client anew: an assertion counts once.
func (c *client) again(t *testing.T, in url.Values) []string {
	t.Helper()
	if c.method == "private_key_jwt" {
		in.Del("client_assertion")
	}
	return c.proven(t, in)
}

// proof makes a DPoP proof (RFC 9449 §4.2).
func (c *client) proof(t *testing.T, method, to, access string, changes obj) string {
	t.Helper()
	claims := obj{"jti": rand.Text(), "htm": method, "htu": to, "iat": in(0)}
	if access != "" {
		claims["ath"] = challenge(access)
	}
	return c.dpop.sign(t, obj{"typ": "dpop+jwt", "jwk": c.dpop.bare(), "kid": nil}, changed(claims, changes))
}

// bare is the public key with nothing around it.
func (k *key) bare() any {
	jwk := k.jwk()
	jwk.KeyID, jwk.Algorithm, jwk.Use = "", "", ""
	return jwk
}

// redeem exchanges the code of l; changes are as those of ask.
func (c *client) redeem(t *testing.T, l *login, changes ...string) reply {
	t.Helper()
	in := url.Values{"grant_type": {"authorization_code"}, "code": {l.code}, "redirect_uri": {l.ask.params.Get("redirect_uri")}}
	if l.ask.verifier != "" {
		in.Set("code_verifier", l.ask.verifier)
	}
	return c.token(t, in, changes...)
}

// renew spends a refresh token.
func (c *client) renew(t *testing.T, refresh string, changes ...string) reply {
	t.Helper()
	return c.token(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, changes...)
}

func (c *client) token(t *testing.T, in url.Values, changes ...string) reply {
	t.Helper()
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		if in.Set(name, value); value == "" {
			in.Del(name)
		}
	}
	r := c.call(t, "token_endpoint", in)
	if !strings.Contains(r.header.Get("Cache-Control"), "no-store") {
		t.Errorf("an answer of the token endpoint may be cached: %q", r.header.Get("Cache-Control"))
	}
	return r
}

// bearer are the headers that show an access token.
func (c *client) bearer(t *testing.T, method, to, access string) []string {
	t.Helper()
	if c.dpop == nil {
		return []string{"Authorization: Bearer " + access}
	}
	return []string{"Authorization: DPoP " + access, "DPoP: " + c.proof(t, method, to, access, nil)}
}

// userinfo returns what the provider tells of who signed in.
func (c *client) userinfo(t *testing.T, l *login) obj {
	t.Helper()
	to := c.at(t, "userinfo_endpoint")
	out := c.get(t, to, c.bearer(t, "GET", to, l.access)...).want(t, 200).object(t)
	if out["sub"] != l.id["sub"] {
		t.Errorf("userinfo is of %v, the ID token of %v", out["sub"], l.id["sub"])
	}
	return out
}

// claims are what the provider tells of who signed in, wherever this response type
// has it.
func (c *client) claims(t *testing.T, l *login) obj {
	t.Helper()
	if l.access == "" {
		return l.id
	}
	return c.userinfo(t, l)
}

// dead marks the test failed if an access token is still good.
func (c *client) dead(t *testing.T, access string) {
	t.Helper()
	to := c.at(t, "userinfo_endpoint")
	if r := c.get(t, to, c.bearer(t, "GET", to, access)...); r.status != 401 {
		t.Errorf("the access token is good: %d %s", r.status, r.body)
	}
}

// push sends an authorization request ahead (RFC 9126); the browser then carries its
// name alone.
func (c *client) push(t *testing.T, a *ask) *ask {
	t.Helper()
	var out struct {
		URI     string `json:"request_uri"`
		Expires int    `json:"expires_in"`
	}
	r := c.pushes(t, a.form(t)).want(t, 201)
	if err := json.Unmarshal(r.body, &out); err != nil || out.URI == "" || out.Expires <= 0 {
		t.Fatalf("%s: %s", r.call, r.body)
	}
	a.front = url.Values{"client_id": {c.id}, "request_uri": {out.URI}}
	return a
}

// pushes is push, whatever comes of it.
func (c *client) pushes(t *testing.T, form url.Values) reply {
	t.Helper()
	return c.call(t, "pushed_authorization_request_endpoint", form)
}

// form is the request as it is pushed: signed, if the client signs.
func (a *ask) form(t *testing.T) url.Values {
	t.Helper()
	if !a.client.signed {
		return maps.Clone(a.params)
	}
	return url.Values{"request": {a.client.key.sign(t, obj{"typ": "oauth-authz-req+jwt"}, a.object())}}
}
