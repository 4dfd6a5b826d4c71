package conformance

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func acrValues(t *testing.T, r *round) {
	offered := words(t, r.meta, "acr_values_supported")
	l := r.client(t, r.variant).login(t, r.member(), "acr_values="+strings.Join(offered, " "))
	if acr, _ := l.id["acr"].(string); l.id != nil && !slices.Contains(offered, acr) {
		t.Errorf("acr %v, want one of %v", l.id["acr"], offered)
	}
	r.client(t, r.variant).login(t, r.member(), "acr_values=1 2")
}

func codeReuse(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	l := c.login(t, r.member())
	c.redeem(t, l).refuses(t, "invalid_grant")
}

// codeReuseKills is the rule that counts at any later time, too: a code that is shown
// again takes its tokens down.
func codeReuseKills(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	l := c.login(t, r.member())
	c.redeem(t, l).refuses(t, "invalid_grant")
	c.dead(t, l.access)
	if l.refresh != "" {
		c.renew(t, l.refresh).refuses(t, "invalid_grant")
	}
}

// registeredRedirectURI: an address that is not registered is never gone to.
func registeredRedirectURI(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	for _, to := range []string{"https://rp.example/other", c.redirect + "/more", c.redirect + "?a=b", "https://evil.example/" + c.redirect} {
		staysHere(t, c.ask("redirect_uri="+to), r.stranger())
	}
}

// staysHere: the request ends on a page of the provider's that says what is wrong.
func staysHere(t *testing.T, a *ask, b *browser) {
	t.Helper()
	got := a.by(t, b)
	if got.mode != "" || got.page.status != 400 || len(got.seen) > 0 {
		t.Errorf("the browser went to %s by %s (%d) after %v", got.redirect, got.mode, got.page.status, got.seen)
	}
}

// postRequest sends the request as a form of the client's page. The session counts,
// though a browser keeps its cookie back from a POST of another site.
func postRequest(t *testing.T, r *round) {
	c, b := r.client(t, r.variant), r.stranger()
	post := func(changes ...string) *login {
		a := c.ask(changes...)
		return a.finish(t, b.walk(t, b.post(t, c.at(t, "authorization_endpoint"), a.params, crossSite)))
	}
	sameAgain(t, c, post(), post("prompt=none"))
}

func serverSecretPost(t *testing.T, r *round) {
	c := r.client(t, r.variant, obj{"token_endpoint_auth_method": "client_secret_post"})
	c.userinfo(t, c.login(t, r.member()))
	other := r.client(t, r.variant, obj{"token_endpoint_auth_method": "client_secret_post"})
	other.id = c.id
	other.renew(t, "x").refuses(t, "invalid_client")
}

// object is a request object with all that a request says (RFC 9101 §4).
func (a *ask) object() obj {
	out := obj{"iss": a.client.id, "aud": a.client.meta["issuer"], "iat": in(0), "nbf": in(0), "exp": in(5 * time.Minute)}
	for name, values := range a.params {
		out[name] = values[0]
	}
	return out
}

// bare leaves nothing of the request outside the object but what OAuth itself needs.
func (a *ask) bare(name, value string) {
	a.front = url.Values{name: {value}}
	for _, kept := range []string{"client_id", "response_type", "scope", "response_mode"} {
		if a.params.Has(kept) {
			a.front.Set(kept, a.params.Get(kept))
		}
	}
}

// unsupported: an object that nobody signed is refused, and never passed over. The
// state was in the object, so it cannot be told.
func (a *ask) unsupported(t *testing.T, b *browser, word string) {
	t.Helper()
	if got := a.by(t, b); got.params.Get("error") != word || got.mode != a.client.delivery() || len(got.seen) > 0 {
		t.Errorf("the answer is %v by %q after %v, want %s", got.params, got.mode, got.seen, word)
	}
}

func requestURIUnsigned(t *testing.T, r *round) {
	at := r.site.put("application/oauth-authz-req+jwt", "")
	a := r.client(t, r.variant, obj{"request_uris": []string{at}}).ask()
	r.site.change(at, doc{status: 200, kind: "application/oauth-authz-req+jwt", text: (&key{}).sign(t, obj{"alg": "none"}, a.object())})
	a.bare("request_uri", at)
	a.unsupported(t, r.member(), "request_uri_not_supported")
}

func requestObjectUnsigned(t *testing.T, r *round) {
	a := r.client(t, r.variant).ask()
	a.bare("request", (&key{}).sign(t, obj{"alg": "none"}, a.object()))
	a.unsupported(t, r.member(), "request_not_supported")
}

// claimsEssential asks for a name in userinfo; an ID token has it where it is the only
// thing that comes.
func claimsEssential(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	where := "userinfo"
	if r.response == "id_token" {
		where = "id_token"
	}
	wish, err := json.Marshal(obj{where: obj{"name": obj{"essential": true}}})
	if err != nil {
		t.Fatal(err)
	}
	l := c.login(t, r.member(), "claims="+string(wish))
	if got := c.claims(t, l); got["name"] != "Ada Example" {
		t.Errorf("claims %v", got)
	}
}

// requestObjectRedirectURI: what stands in the object wins, or nothing happens.
func requestObjectRedirectURI(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	a := c.ask()
	a.params.Set("request", (&key{}).sign(t, obj{"alg": "none"}, a.object()))
	a.params.Set("redirect_uri", "https://rp.example/other")
	staysHere(t, a, r.member())
}

// refreshToken: a refresh token brings tokens of the same sign-in, to its client alone.
func refreshToken(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	c.scope = "openid offline_access"
	l := c.login(t, r.member(), "prompt=consent")
	if l.refresh == "" {
		t.Fatalf("no refresh token: %v", l.tokens)
	}
	second := r.client(t, r.variant)
	second.renew(t, l.refresh).refuses(t, "invalid_grant")
	again := c.renewed(t, l, l.refresh)
	if again.refresh != l.refresh {
		c.renewed(t, l, again.refresh)
	}
}

// renewed spends a refresh token and looks at what comes (OpenID Connect Core §12.2).
func (c *client) renewed(t *testing.T, l *login, refresh string) *login {
	t.Helper()
	out := *l
	out.tokens = c.renew(t, refresh).want(t, 200).object(t)
	out.access, out.refresh = text(t, out.tokens, "access_token"), text(t, out.tokens, "refresh_token")
	if out.access == l.access {
		t.Error("the access token is the old one")
	}
	if id, ok := out.tokens["id_token"].(string); ok {
		params := maps.Clone(l.ask.params)
		if _, claims := open(t, id); claims["nonce"] == nil {
			params.Del("nonce") // it should not be there, but may
		}
		out.idToken, out.id = id, c.idToken(t, id, params)
		for _, name := range []string{"iss", "sub", "aud", "auth_time", "azp"} {
			if encode(t, out.id[name]) != encode(t, l.id[name]) {
				t.Errorf("%s was %v and is %v", name, l.id[name], out.id[name])
			}
		}
	}
	c.userinfo(t, &out)
	return &out
}

func validPKCE(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	c.pkce = true
	l := c.login(t, r.member())
	c.userinfo(t, l)
	front := c.ask()
	bad := front.read(t, front.by(t, r.member()))
	bad.ask.verifier = nonsense() + nonsense()
	c.redeem(t, bad).refuses(t, "invalid_grant")
}
