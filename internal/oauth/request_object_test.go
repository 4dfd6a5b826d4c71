package oauth_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
)

const (
	there     = "https://app.example/cb"
	elsewhere = "https://app.example/other"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// asking registers a client that signs its requests with the keys of pens.
func (h *house) asking(t testing.TB, profile headykey.Profile, details headykey.ClientDetails, pens ...pen) *headykey.Client {
	t.Helper()
	if details.JWKSURI == "" {
		details.JWKS = jwks(t, pens...)
	}
	c := h.program(t, oauth.ClientWish{
		AuthMethod: oauth.PrivateKeyJWT, Profile: profile, Redirects: []string{there, elsewhere},
		Scopes: []string{"openid", "email", "profile"}, Resources: []string{"https://a.example", "https://b.example"}, Details: details,
	})
	return &c.Record
}

// objectOf holds the claims of a good request object of c.
func objectOf(c *headykey.Client) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": c.ID, "aud": issuer, "exp": now + 300, "nbf": now, "client_id": c.ID, "response_type": "code",
		"redirect_uri": there, "scope": "openid", "state": "inside", "nonce": "n", "code_challenge": challenge,
		"code_challenge_method": "S256",
	}
}

// outside holds the parameters that come beside a request object.
func outside(c *headykey.Client, pairs ...string) url.Values {
	in := url.Values{"client_id": {string(c.ID)}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {there}}
	for i := 0; i+1 < len(pairs); i += 2 {
		in.Set(pairs[i], pairs[i+1])
	}
	return in
}

// ask begins a request, pushed first if the client's profile is FAPI 2.0, and returns
// what was understood.
func (h *house) ask(t testing.TB, c *headykey.Client, in url.Values) (oauth.Ask, error) {
	t.Helper()
	if c.Profile == headykey.ProfileFAPI2 {
		out, err := h.Push(t.Context(), c, in, "")
		if err != nil {
			return oauth.Ask{}, err
		}
		in = url.Values{"client_id": {string(c.ID)}, "request_uri": {out.URI}, "state": {"outside"}}
	}
	p, err := h.Begin(t.Context(), in)
	if p == nil {
		return oauth.Ask{}, err
	}
	return p.Ask, err
}

// Each rule by itself: the object is good but for one thing.
func TestTheRulesOfRequestObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		key := newPen(t, jose.ES256, "k")
		plain, strict := h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{}, key), h.asking(t, headykey.ProfileFAPI2, headykey.ClientDetails{}, key)
		now := time.Now().Unix()
		bad := headykey.ErrBadRequestObject
		tests := []struct {
			name          string
			claims        map[string]any // nil values are left out
			plain, strict error
		}{
			{"good", nil, nil, nil},
			{"several aud", map[string]any{"aud": []string{"https://other.example", issuer}}, nil, nil},
			{"another aud", map[string]any{"aud": "https://other.example"}, bad, bad},
			{"no aud in a list", map[string]any{"aud": []string{}}, bad, bad},
			{"no aud", map[string]any{"aud": nil}, nil, bad},
			{"no iss", map[string]any{"iss": nil}, nil, bad},
			{"another iss", map[string]any{"iss": "https://app.example"}, bad, bad},
			{"an empty iss", map[string]any{"iss": ""}, bad, bad},
			{"no exp", map[string]any{"exp": nil}, nil, bad},
			{"expired", map[string]any{"exp": now - 10}, bad, bad},
			{"exp as text", map[string]any{"exp": "1"}, bad, bad},
			{"no nbf", map[string]any{"nbf": nil}, nil, bad},
			{"nbf 8 seconds in the future", map[string]any{"nbf": now + 8}, nil, nil},
			{"nbf 61 seconds in the future", map[string]any{"nbf": now + 61}, bad, bad},
			{"nbf an hour ago", map[string]any{"nbf": now - 3600, "exp": now}, nil, nil},
			{"nbf over an hour ago", map[string]any{"nbf": now - 3601, "exp": now - 1}, nil, bad},
			{"a life of an hour", map[string]any{"exp": now + 3600}, nil, nil},
			{"a longer life", map[string]any{"exp": now + 3601}, nil, bad},
			{"another client_id", map[string]any{"client_id": headykey.NewID()}, bad, bad},
			{"no client_id", map[string]any{"client_id": nil}, nil, nil},
			{"the client as sub", map[string]any{"sub": plain.ID}, bad, nil},
			{"another object inside", map[string]any{"request": "x"}, bad, bad},
			{"a reference inside", map[string]any{"request_uri": "https://app.example/r"}, bad, bad},
			{"no redirect_uri", map[string]any{"redirect_uri": nil}, nil, headykey.ErrBadAuthorization},
			{"no scope", map[string]any{"scope": nil}, nil, nil},
			{"no response_type", map[string]any{"response_type": nil}, nil, headykey.ErrBadAuthorization},
			{"no PKCE", map[string]any{"code_challenge": nil}, nil, headykey.ErrBadAuthorization},
			{"a list as state", map[string]any{"state": []string{"a"}}, nil, nil},
			{"broken resources", map[string]any{"resource": []any{1}}, bad, bad},
		}
		for _, tt := range tests {
			for c, want := range map[*headykey.Client]error{plain: tt.plain, strict: tt.strict} {
				claims := objectOf(c)
				maps.Copy(claims, tt.claims)
				maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
				if _, err := h.ask(t, c, outside(c, "request", key.sign(t, claims))); !errors.Is(err, want) {
					t.Errorf("%s, %s: got %v, want %v", tt.name, c.Profile, err, want)
				}
			}
		}
	})
}

func TestARequestObjectIsSignedByItsClient(t *testing.T) {
	h := build(t)
	mine, theirs, rsaPen := newPen(t, jose.ES256, "k"), newPen(t, jose.ES256, "k"), newPen(t, jose.RS256, "r")
	ps := pen{jose.PS256, "r", rsaPen.key}
	plain := h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{}, mine, rsaPen)
	strict := h.asking(t, headykey.ProfileFAPI2, headykey.ClientDetails{}, mine, rsaPen)
	only := h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{RequestAlg: "RS256"}, mine, rsaPen)
	bad := headykey.ErrBadRequestObject
	good := mine.sign(t, objectOf(plain))
	parts := strings.Split(good, ".")
	none := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "."
	}
	tests := []struct {
		name string
		c    *headykey.Client
		text string
		want error
	}{
		{"ES256", plain, good, nil},
		{"PS256", plain, ps.sign(t, objectOf(plain)), nil},
		{"RS256", plain, rsaPen.sign(t, objectOf(plain)), nil},
		{"PS256 of FAPI 2.0", strict, ps.sign(t, objectOf(strict)), nil},
		{"RS256 of FAPI 2.0", strict, rsaPen.sign(t, objectOf(strict)), bad},
		{"the registered algorithm", only, rsaPen.sign(t, objectOf(only)), nil},
		{"another than registered", only, ps.sign(t, objectOf(only)), bad},
		{"by another client", plain, theirs.sign(t, objectOf(plain)), bad},
		{"a secret", plain, pen{jose.HS256, "k", make([]byte, 32)}.sign(t, objectOf(plain)), bad},
		{"a type of its own", plain, mine.sign(t, objectOf(plain), "typ", "oauth-authz-req+jwt"), nil},
		{"a client assertion", plain, mine.sign(t, objectOf(plain), "typ", "client-authentication+jwt"), bad},
		{"a byte changed", plain, good[:len(good)-5] + "AAAAA", bad},
		{"its signature cut off", plain, parts[0] + "." + parts[1] + ".", bad},
		{"unsigned", plain, none(`{"alg":"none"}`), headykey.ErrNoRequestObjects},
		{"unsigned, pushed", strict, none(`{"alg":"none"}`), headykey.ErrNoRequestObjects},
		{"unsigned in capitals", plain, none(`{"alg":"NONE","typ":"JWT"}`), headykey.ErrNoRequestObjects},
		{"unsigned with a signature", plain, none(`{"alg":"none"}`) + parts[2], headykey.ErrNoRequestObjects},
		{"encrypted", plain, "e30.e30.e30.e30.e30", bad},
		{"no token", plain, "x", bad},
		{"too long", plain, mine.sign(t, with(objectOf(plain), "x", strings.Repeat("x", 64<<10))), bad},
	}
	for _, tt := range tests {
		if _, err := h.ask(t, tt.c, outside(tt.c, "request", tt.text)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// What is signed counts more than what is not; where all must be signed, nothing
// else counts.
func TestWhatStandsInsideCounts(t *testing.T) {
	h := build(t)
	key := newPen(t, jose.ES256, "k")
	clients := map[string]*headykey.Client{
		"OpenID":                h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{}, key),
		"OpenID, always signed": h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{RequireSigned: true}, key),
		"OAuth 2.1":             h.asking(t, headykey.ProfileOAuth21, headykey.ClientDetails{}, key),
		"FAPI 2.0":              h.asking(t, headykey.ProfileFAPI2, headykey.ClientDetails{}, key),
	}
	for name, c := range clients {
		claims := objectOf(c)
		maps.Copy(claims, map[string]any{
			"redirect_uri": elsewhere, "max_age": 55, "state": nil, "nonce": "inside", "prompt": "",
			"resource": []string{"https://b.example"}, "claims": map[string]any{"userinfo": map[string]any{"email": nil}},
		})
		in := outside(c, "state", "outside", "nonce", "outside", "scope", "openid email", "login_hint", "jane", "prompt", "login")
		in.Set("request", key.sign(t, claims))
		got, err := h.ask(t, c, in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Redirect != elsewhere || got.MaxAge == nil || *got.MaxAge != 55 || got.Nonce != "inside" || got.Claims == nil ||
			len(got.Resources) != 1 || strings.Join(got.Scopes, " ") != "openid" {
			t.Errorf("%s: got %+v", name, got)
		}
		beside := got.State == "outside" && got.LoginHint == "jane" && got.Prompts("login")
		nothing := got.State == "" && got.LoginHint == "" && !got.Prompts("login")
		if name == "OpenID" && !beside || name != "OpenID" && !nothing {
			t.Errorf("%s: beside the object: %+v", name, got)
		}
	}
}

func TestAClientThatMustSignSigns(t *testing.T) {
	h := build(t)
	key := newPen(t, jose.ES256, "k")
	c := h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{RequireSigned: true}, key)
	unsigned := outside(c, "code_challenge", challenge, "nonce", "n")
	if _, err := h.ask(t, c, unsigned); !errors.Is(err, headykey.ErrBadAuthorization) {
		t.Errorf("by the browser: got %v", err)
	}
	if _, err := h.Push(t.Context(), c, unsigned, ""); !errors.Is(err, headykey.ErrBadAuthorization) {
		t.Errorf("pushed: got %v", err)
	}
	if _, err := h.ask(t, c, outside(c, "request", key.sign(t, objectOf(c)))); err != nil {
		t.Errorf("signed: %v", err)
	}
}

// The key of the DPoP proof of a pushed request binds it, whatever the object says.
func TestAPushedObjectIsBoundToTheProofOfItsRequest(t *testing.T) {
	h := build(t)
	key := newPen(t, jose.ES256, "k")
	c := h.asking(t, headykey.ProfileFAPI2, headykey.ClientDetails{}, key)
	push := func(named, jkt string) (oauth.Ask, error) {
		claims := objectOf(c)
		if named != "" {
			claims["dpop_jkt"] = named
		}
		out, err := h.Push(t.Context(), c, outside(c, "request", key.sign(t, claims)), jkt)
		if err != nil {
			return oauth.Ask{}, err
		}
		p, err := h.Begin(t.Context(), url.Values{"client_id": {string(c.ID)}, "request_uri": {out.URI}})
		check(t, err)
		return p.Ask, nil
	}
	other := strings.Repeat("A", 43)
	for _, named := range []string{"", challenge} {
		if got, err := push(named, challenge); err != nil || got.JKT != challenge {
			t.Errorf("named %q: got %+v, %v", named, got, err)
		}
	}
	if _, err := push(other, challenge); !errors.Is(err, headykey.ErrBadProof) {
		t.Errorf("another key inside: got %v", err)
	}
	if got, err := push(other, ""); err != nil || got.JKT != other {
		t.Errorf("no proof: got %+v, %v", got, err)
	}
}

func TestARequestMayBeFetched(t *testing.T) {
	at := newSite(t)
	h := build(t)
	h.reach(t, at)
	key := newPen(t, jose.RS256, "k")
	c := h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{RequestURIs: []string{
		at.url + "/good", at.url + "/fragment#abc", at.url + "/none", at.url + "/down", at.url + "/page", at.url + "/large",
	}}, key)
	other := h.asking(t, headykey.ProfileOIDC, headykey.ClientDetails{}, key)
	good := key.sign(t, objectOf(c))
	tests := []struct {
		name, uri, text string
		want            error
	}{
		{"signed", "/good", good, nil},
		{"with a line break", "/good", good + "\n", nil},
		{"with another fragment", "/fragment#def", good, nil},
		{"unsigned", "/none", "eyJhbGciOiJub25lIn0.e30.", headykey.ErrNoRequestURI},
		{"no answer", "/down", "", headykey.ErrBadRequestURI},
		{"a page", "/page", "<html>", headykey.ErrBadRequestObject},
		{"too large", "/large", strings.Repeat("x", 64<<10+1), headykey.ErrBadRequestURI},
		{"not registered", "/secret", good, headykey.ErrBadRequestURI},
		{"a query more", "/good?x", good, headykey.ErrBadRequestURI},
	}
	for _, tt := range tests {
		at.say(tt.text)
		got, err := h.ask(t, c, outside(c, "request_uri", at.url+tt.uri, "state", "outside"))
		if !errors.Is(err, tt.want) || err == nil && got.State != "inside" || err != nil && got.State != "outside" {
			t.Errorf("%s: got %+v, %v, want %v", tt.name, got, err, tt.want)
		}
		if err != nil && strings.Contains(oauth.Describe(headykey.Explain(err)), "127.0.0.1") {
			t.Errorf("%s tells of our network: %v", tt.name, headykey.Explain(err))
		}
	}
	at.say("")
	refused := map[string]struct {
		c    *headykey.Client
		in   url.Values
		want error
	}{
		"by another client":     {other, outside(other, "request_uri", at.url+"/good"), headykey.ErrBadRequestURI},
		"by value as well":      {c, outside(c, "request_uri", at.url+"/good", "request", good), headykey.ErrBadAuthorization},
		"a name of nothing":     {c, outside(c, "request_uri", "urn:x"), headykey.ErrBadRequestURI},
		"unregistered redirect": {c, outside(c, "request_uri", at.url+"/down", "redirect_uri", "https://x.example"), headykey.ErrBadRequestURI},
	}
	for name, tt := range refused {
		if _, err := h.ask(t, tt.c, tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if _, err := h.Push(t.Context(), c, outside(c, "request_uri", at.url+"/good"), ""); !errors.Is(err, headykey.ErrBadAuthorization) {
		t.Errorf("pushed: got %v", err)
	}
}
