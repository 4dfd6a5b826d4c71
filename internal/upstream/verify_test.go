package upstream_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/upstream"
)

func TestAGoodTokenSaysWhoItIs(t *testing.T) {
	pen := newPen(t, jose.RS256, "1")
	p := newProvider(t, pen)
	token := pen.sign(t, p.claims(map[string]any{
		"name": "Jane  Doe", "given_name": "Jane", "family_name": "Doe", "locale": "en-GB",
		"picture": "https://pictures.example/jane", "azp": "phone." + app, "hd": "acme.example",
		"email": "Jane@ACME.example", "at_hash": "not asked for", "groups": []string{"admins"}, "role": "service_role",
	}), "typ", "JWT")
	who, err := newVerifier(t, p).Verify(t.Context(), p.issuer(), token, nonce, "")
	check(t, err)
	same(t, who, &upstream.Identity{
		Provider: "google", Issuer: p.url, Subject: "1", Email: "Jane@acme.example", EmailVerified: true,
		Name: "Jane Doe", Picture: "https://pictures.example/jane",
		Claims: map[string]any{
			"iss": p.url, "sub": "1", "email": "Jane@acme.example", "email_verified": true,
			"name": "Jane Doe", "given_name": "Jane", "family_name": "Doe", "locale": "en-GB",
			"picture": "https://pictures.example/jane", "custom_claims": map[string]any{"hd": "acme.example"},
		},
	})
}

func TestEveryClaimIsChecked(t *testing.T) {
	pen := newPen(t, jose.ES256, "1")
	p := newProvider(t, pen)
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier(t, p)
		now := time.Now().Unix()
		tests := []struct {
			name   string
			change map[string]any
			want   error
		}{
			{"good", nil, nil},
			{"no issuer", map[string]any{"iss": nil}, upstream.ErrToken},
			{"another issuer", map[string]any{"iss": "https://id.evil.example"}, upstream.ErrToken},
			{"a slash behind the issuer", map[string]any{"iss": p.url + "/"}, upstream.ErrToken},
			{"the issuer in capitals", map[string]any{"iss": strings.ToUpper(p.url)}, upstream.ErrToken},

			{"another app of ours", map[string]any{"aud": "phone." + app}, nil},
			{"a list of one", map[string]any{"aud": []string{app}}, nil},
			{"two apps of ours, and who asked", map[string]any{"aud": []string{app, "phone." + app}, "azp": app}, nil},
			{"two apps of ours, and nobody asked", map[string]any{"aud": []string{app, "phone." + app}}, upstream.ErrToken},
			{"no audience", map[string]any{"aud": nil}, upstream.ErrToken},
			{"no audience, and who asked", map[string]any{"aud": nil, "azp": app}, upstream.ErrToken},
			{"an empty list", map[string]any{"aud": []string{}, "azp": app}, upstream.ErrToken},
			{"an empty name", map[string]any{"aud": ""}, upstream.ErrToken},
			{"somebody else's app", map[string]any{"aud": "evil.example"}, upstream.ErrToken},
			{"for somebody else, too", map[string]any{"aud": []string{app, "evil.example"}, "azp": app}, upstream.ErrToken},
			{"asked for by somebody else", map[string]any{"azp": "evil.example"}, upstream.ErrToken},
			{"an audience that is a number", map[string]any{"aud": 1}, upstream.ErrToken},
			{"an audience in an object", map[string]any{"aud": map[string]any{app: true}}, upstream.ErrToken},

			{"no end", map[string]any{"exp": nil}, upstream.ErrToken},
			{"59 seconds over", map[string]any{"exp": now - 59}, nil},
			{"a minute over", map[string]any{"exp": now - 60}, upstream.ErrToken},
			{"an end in words", map[string]any{"exp": "tomorrow"}, upstream.ErrToken},
			{"no beginning", map[string]any{"iat": nil}, upstream.ErrToken},
			{"issued in a minute", map[string]any{"iat": now + 60}, nil},
			{"issued in 61 seconds", map[string]any{"iat": now + 61}, upstream.ErrToken},
			{"valid in a minute", map[string]any{"nbf": now + 60}, nil},
			{"valid in 61 seconds", map[string]any{"nbf": now + 61}, upstream.ErrToken},

			{"no subject", map[string]any{"sub": nil}, upstream.ErrToken},
			{"an empty subject", map[string]any{"sub": ""}, upstream.ErrToken},
			{"a subject that is a number", map[string]any{"sub": 1}, upstream.ErrToken},
			{"a subject with a NUL", map[string]any{"sub": "1\x00"}, upstream.ErrToken},
			{"a subject of 255", map[string]any{"sub": strings.Repeat("1", 255)}, nil},
			{"a subject of 256", map[string]any{"sub": strings.Repeat("1", 256)}, upstream.ErrToken},
			{"no e-mail address", map[string]any{"email": nil}, upstream.ErrToken},
			{"no good e-mail address", map[string]any{"email": "jane"}, upstream.ErrToken},
			{"a logout token", map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}, upstream.ErrToken},
			{"too long", map[string]any{"x": strings.Repeat("x", 16<<10)}, upstream.ErrToken},
		}
		for _, tt := range tests {
			token := pen.sign(t, p.claims(tt.change))
			who, err := v.Verify(t.Context(), p.issuer(), token, nonce, "")
			want(t, tt.name, token, who, err, tt.want)
		}
	})
}

func TestNonce(t *testing.T) {
	pen := newPen(t, jose.ES256, "1")
	p := newProvider(t, pen)
	v := newVerifier(t, p)
	tests := []struct {
		name      string
		said      any
		given     string
		want      error
		wantLoose error // where the issuer skips it
	}{
		{"its hash", hashed(nonce), nonce, nil, nil},
		{"none at all", nil, "", nil, nil},
		{"an empty one", "", "", nil, nil},
		{"none given", hashed(nonce), "", upstream.ErrNonce, nil},
		{"none in the token", nil, nonce, upstream.ErrNonce, nil},
		{"another", hashed("another"), nonce, upstream.ErrNonce, nil},
		{"itself", nonce, nonce, upstream.ErrNonce, nil},
		{"the hash given", hashed(nonce), hashed(nonce), upstream.ErrNonce, nil},
		{"its hash in capitals", strings.ToUpper(hashed(nonce)), nonce, upstream.ErrNonce, nil},
		{"a number", 1, "1", upstream.ErrToken, upstream.ErrToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token := pen.sign(t, p.claims(map[string]any{"nonce": tt.said}))
			who, err := v.Verify(t.Context(), p.issuer(), token, tt.given, "")
			want(t, "", token, who, err, tt.want)
			loose := p.issuer()
			loose.SkipNonce = true
			who, err = v.Verify(t.Context(), loose, token, tt.given, "")
			want(t, "", token, who, err, tt.wantLoose)
		})
	}
}

// The first vector is that of OpenID Connect Core, appendix A.3; the others were made
// with another program.
func TestTheAccessTokenFits(t *testing.T) {
	const access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	tests := []struct{ alg, hash string }{
		{jose.RS256, "77QmUPtjPfzWtF2AnpK9RQ"},
		{"ES384", "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs"},
		{jose.EdDSA, "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"},
	}
	for _, tt := range tests {
		t.Run(tt.alg, func(t *testing.T) {
			pen := newPen(t, tt.alg, "1")
			p := newProvider(t, pen)
			v := newVerifier(t, p)
			try := func(hash any, access string, sentinel error) {
				t.Helper()
				token := pen.sign(t, p.claims(map[string]any{"at_hash": hash}))
				who, err := v.Verify(t.Context(), p.issuer(), token, nonce, access)
				want(t, "", token, who, err, sentinel)
			}
			try(tt.hash, access, nil)
			try(tt.hash, "", nil)
			try(nil, access, nil)
			try(tt.hash, access+"x", upstream.ErrToken)
			try(tt.hash[1:], access, upstream.ErrToken)
			try(1, access, upstream.ErrToken)
		})
	}
}

// Signatures that prove nothing: none, one with the public key as a secret, one by a
// stranger, and one of the right key below another kind of token.
func TestSignaturesThatProveNothing(t *testing.T) {
	key := newPen(t, jose.RS256, "1")
	p := newProvider(t, key)
	v := newVerifier(t, p)
	claims := p.claims(nil)
	text, err := json.Marshal(claims)
	check(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.key.Public())
	check(t, err)
	good := key.sign(t, claims)
	body := base64.RawURLEncoding.EncodeToString(text)
	b64 := base64.RawURLEncoding.EncodeToString
	for name, token := range map[string]string{
		"none":                     b64([]byte(`{"alg":"none","kid":"1"}`)) + "." + body + ".",
		"none, with a signature":   b64([]byte(`{"alg":"none","kid":"1"}`)) + "." + body + "." + good[strings.LastIndex(good, ".")+1:],
		"no algorithm":             b64([]byte(`{"kid":"1"}`)) + "." + body + ".AA",
		"HMAC, the key as DER":     signWith(t, jose.HS256, "1", der, claims),
		"HMAC, the key as PEM":     signWith(t, jose.HS256, "1", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), claims),
		"HMAC, the key as a JWK":   signWith(t, jose.HS256, "1", []byte(jwks(t, key)), claims),
		"a stranger":               newPen(t, jose.RS256, "1").sign(t, claims),
		"a stranger without a kid": newPen(t, jose.RS256, "").sign(t, claims),
		"a stranger's algorithm":   newPen(t, jose.ES256, "1").sign(t, claims),
		"other claims below it":    good[:strings.Index(good, ".")] + "." + b64([]byte(`{}`)) + good[strings.LastIndex(good, "."):],
		"an access token":          key.sign(t, claims, "typ", "at+jwt"),
		"a logout token":           key.sign(t, claims, "typ", "application/logout+jwt"),
		"nothing":                  "",
		"dots":                     "..",
		"a claim given twice":      b64([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + b64([]byte(`{"iss":"a","iss":"b"}`)) + ".AA",
	} {
		who, err := v.Verify(t.Context(), p.issuer(), token, nonce, "")
		want(t, name, token, who, err, upstream.ErrToken)
	}
	who, err := v.Verify(t.Context(), p.issuer(), good, nonce, "")
	want(t, "the good one", good, who, err, nil)
}

// Somebody with an issuer of their own, whose keys have the names of the other's,
// cannot make its tokens, whatever they say of themselves; and a token by one issuer
// does not count as the other's where both may sign people in.
func TestAnIssuerVouchesForItsOwnPeopleAlone(t *testing.T) {
	good, bad := newPen(t, jose.RS256, "1"), newPen(t, jose.RS256, "1")
	google, evil := newProvider(t, good), newProvider(t, bad)
	v := newVerifier(t, google, evil)
	other := evil.issuer()
	other.Provider = "custom:evil"
	for name, token := range map[string]string{
		"its own name":          bad.sign(t, evil.claims(nil)),
		"the other's name":      bad.sign(t, google.claims(nil)),
		"with a jku":            bad.sign(t, google.claims(nil), "jku", evil.url+keysPath),
		"an iss of both":        bad.sign(t, google.claims(map[string]any{"iss": []string{google.url, evil.url}})),
		"under the other's url": bad.sign(t, google.claims(map[string]any{"iss": google.url + "@" + strings.TrimPrefix(evil.url, "https://")})),
	} {
		who, err := v.Verify(t.Context(), google.issuer(), token, nonce, "")
		want(t, name, token, who, err, upstream.ErrToken)
	}
	if n := evil.times(discoveryPath) + evil.times(keysPath); n != 0 {
		t.Errorf("the attacker was asked %d times", n)
	}
	who, err := v.Verify(t.Context(), other, bad.sign(t, evil.claims(nil)), nonce, "")
	check(t, err)
	if who.Provider != "custom:evil" || who.Issuer != evil.url {
		t.Errorf("got %+v", who)
	}
	evil.say(discoveryPath, discovery(google.url, google.url+keysPath))
	token := good.sign(t, google.claims(nil))
	who, err = newVerifier(t, google, evil).Verify(t.Context(), other, token, nonce, "")
	want(t, "", token, who, err, upstream.ErrUnreachable)
}

// An issuer that signs with a new key goes on: a name that is not known is asked for
// again, though not more often than every five seconds.
func TestAnIssuerMayChangeItsKeys(t *testing.T) {
	first, second := newPen(t, jose.ES256, "1"), newPen(t, jose.ES256, "2")
	p := newProvider(t, first)
	changed := jwks(t, second)
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier(t, p)
		try := func(name string, by pen, sentinel error) {
			t.Helper()
			token := by.sign(t, p.claims(nil))
			who, err := v.Verify(t.Context(), p.issuer(), token, nonce, "")
			want(t, name, token, who, err, sentinel)
		}
		for range 3 {
			try("the first key", first, nil)
		}
		try("a key that is not there yet", second, upstream.ErrToken)
		if n := p.times(keysPath); n != 1 {
			t.Errorf("asked %d times", n)
		}
		p.say(keysPath, changed)
		time.Sleep(6 * time.Second)
		try("the second key", second, nil)
		try("the first key, after the change", first, upstream.ErrToken)
		if n := p.times(keysPath); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestKeysThatCannotBeHad(t *testing.T) {
	pen := newPen(t, jose.ES256, "1")
	tests := []struct{ name, discovery, keys string }{
		{"no discovery", "", "as ever"},
		{"a page as discovery", "<html>", "as ever"},
		{"a list as discovery", "[]", "as ever"},
		{"huge discovery", strings.Repeat(" ", 64<<10) + discovery("%s", "%s/keys"), "as ever"},
		{"another issuer's discovery", discovery("https://id.evil.example", "%s/keys"), "as ever"},
		{"a slash behind the issuer", discovery("%s/", "%s/keys"), "as ever"},
		{"an issuer said twice", `{"issuer":"https://id.evil.example",` + discovery("%s", "%s/keys")[1:], "as ever"},
		{"no address of keys", `{"issuer":"%s"}`, "as ever"},
		{"keys in a file", discovery("%s", "file:///etc/passwd"), "as ever"},
		{"keys in the cloud's own network", discovery("%s", "http://169.254.169.254/keys"), "as ever"},
		{"no keys", "as ever", ""},
		{"a page as keys", "as ever", "<html>"},
		{"huge keys", "as ever", strings.Repeat(" ", 256<<10) + jwks(t, pen)},
		{"no key", "as ever", `{"keys":[]}`},
		{"a secret key", "as ever", `{"keys":[{"kty":"oct","k":"AA","kid":"1"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t, pen)
			for path, page := range map[string]string{discoveryPath: tt.discovery, keysPath: tt.keys} {
				if page == "" {
					delete(p.pages, path)
				} else if page != "as ever" {
					p.say(path, strings.ReplaceAll(page, "%s", p.url))
				}
			}
			token := pen.sign(t, p.claims(nil))
			who, err := newVerifier(t, p).Verify(t.Context(), p.issuer(), token, nonce, "")
			want(t, "", token, who, err, upstream.ErrUnreachable)
		})
	}
}

func TestKeysAtAnAddressNeedNoDiscovery(t *testing.T) {
	pen := newPen(t, jose.ES256, "")
	p := newProvider(t, pen)
	i := p.issuer()
	i.KeysURL = p.url + keysPath
	token := pen.sign(t, p.claims(nil))
	who, err := newVerifier(t, p).Verify(t.Context(), i, token, nonce, "")
	want(t, "", token, who, err, nil)
	if n := p.times(discoveryPath); n != 0 {
		t.Errorf("discovery was asked for %d times", n)
	}
}

// An issuer with a fault was never looked at by anybody: nothing is asked of it.
func TestAnIssuerWithAFaultSignsNobodyIn(t *testing.T) {
	pen := newPen(t, jose.ES256, "1")
	p := newProvider(t, pen)
	i := p.issuer()
	i.ClientIDs = []string{""}
	token := pen.sign(t, p.claims(map[string]any{"aud": ""}))
	who, err := newVerifier(t, p).Verify(t.Context(), i, token, nonce, "")
	if who != nil || err == nil || !strings.Contains(err.Error(), "client_ids") || p.times(discoveryPath) != 0 {
		t.Errorf("got %+v, %v", who, err)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %s", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
	}
}

func TestADocumentElsewhereAndClaimsThatAreWanted(t *testing.T) {
	key := newPen(t, jose.ES256, "1")
	p := newProvider(t, key)
	p.say("/elsewhere", discovery(p.url, p.url+keysPath))
	i := p.issuer()
	i.DiscoveryURL, i.Claims = p.url+"/elsewhere", []string{"department", "on", "list"}
	token := key.sign(t, p.claims(map[string]any{"department": "tea", "on": true, "list": []string{"x"}, "other": "y"}))
	who, err := newVerifier(t, p).Verify(t.Context(), i, token, nonce, "")
	check(t, err)
	if got, want := who.Claims["custom_claims"], map[string]any{"department": "tea", "on": true}; !reflect.DeepEqual(got, want) || p.times(discoveryPath) != 0 {
		t.Errorf("got %v, want %v", got, want)
	}
}
