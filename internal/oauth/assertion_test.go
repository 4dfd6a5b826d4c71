package oauth_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
)

// A pen is what a client signs with.
type pen struct {
	alg, kid string
	key      any // private key, or secret
}

func newPen(t testing.TB, alg, kid string) pen {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	check(t, err)
	return pen{alg, kid, key}
}

// sign makes a token of claims; extra are pairs of members of its header.
func (p pen) sign(t testing.TB, claims map[string]any, extra ...string) string {
	t.Helper()
	text, err := json.Marshal(claims)
	check(t, err)
	options := (&gojose.SignerOptions{}).WithHeader("kid", p.kid)
	for i := 0; i+1 < len(extra); i += 2 {
		options = options.WithHeader(gojose.HeaderKey(extra[i]), extra[i+1])
	}
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(p.alg), Key: p.key}, options)
	check(t, err)
	jws, err := signer.Sign(text)
	check(t, err)
	out, err := jws.CompactSerialize()
	check(t, err)
	return out
}

// jwks is the set of the public keys of pens.
func jwks(t testing.TB, pens ...pen) jsontext.Value {
	t.Helper()
	set := gojose.JSONWebKeySet{}
	for _, p := range pens {
		set.Keys = append(set.Keys, gojose.JSONWebKey{Key: p.key.(crypto.Signer).Public(), KeyID: p.kid})
	}
	text, err := json.Marshal(set)
	check(t, err)
	return text
}

// claimsOf are those of a good assertion of c.
func claimsOf(c *headykey.Client) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": issuer, "exp": now + 300, "iat": now, "jti": rand.Text(),
	}
}

// signing registers a client that proves itself with the keys of pens.
func (h *house) signing(t testing.TB, profile headykey.Profile, pens ...pen) *headykey.Client {
	t.Helper()
	c := h.program(t, oauth.ClientWish{
		AuthMethod: oauth.PrivateKeyJWT, Profile: profile, Details: headykey.ClientDetails{JWKS: jwks(t, pens...)},
	})
	if c.Secret != "" {
		t.Error("a client that signs with its own keys was given a secret")
	}
	return &c.Record
}

func TestAClientProvesItselfWithItsKeys(t *testing.T) {
	h := build(t)
	pens := []pen{newPen(t, jose.ES256, "e"), newPen(t, jose.EdDSA, "d"), newPen(t, jose.RS256, "r")}
	pens = append(pens, pen{jose.PS256, "r", pens[2].key})
	plain, strict := h.signing(t, headykey.ProfileOIDC, pens[:3]...), h.signing(t, headykey.ProfileFAPI2, pens[:3]...)
	try := func(p pen, c *headykey.Client, want error) {
		for _, named := range []string{"", string(c.ID)} {
			got, err := h.Authenticate(t.Context(), oauth.Proof{Client: named, Assertion: p.sign(t, claimsOf(c))})
			if !errors.Is(err, want) || (err == nil) != (got != nil && got.ID == c.ID) {
				t.Errorf("%s, %s, client_id %q: got %v, %v, want %v", p.alg, c.Profile, named, got, err, want)
			}
		}
	}
	for _, p := range pens {
		try(p, plain, nil)
		try(p, strict, map[string]error{jose.RS256: headykey.ErrBadClient}[p.alg])
	}
}

// Each rule by itself: the assertion is good but for one thing.
func TestTheRulesOfClientAssertions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		key := newPen(t, jose.ES256, "k")
		clients := map[headykey.Profile]*headykey.Client{
			headykey.ProfileOIDC: h.signing(t, headykey.ProfileOIDC, key), headykey.ProfileFAPI2: h.signing(t, headykey.ProfileFAPI2, key),
		}
		now := time.Now().Unix()
		const called = issuer + "/oauth/par"
		tests := []struct {
			name          string
			claims        map[string]any // nil values are left out
			plain, strict bool           // whether it proves a client of OpenID, of FAPI 2.0
		}{
			{"good", nil, true, true},
			{"without an iat", map[string]any{"iat": nil}, true, true},
			{"with a fraction of a second", map[string]any{"exp": float64(now) + 300.5}, true, true},
			{"nbf 8 seconds in the future", map[string]any{"nbf": now + 8}, true, true},
			{"nbf a minute in the future", map[string]any{"nbf": now + 60}, true, true},
			{"nbf 61 seconds in the future", map[string]any{"nbf": now + 61}, false, false},
			{"iat a minute in the future", map[string]any{"iat": now + 60}, true, true},
			{"iat 61 seconds in the future", map[string]any{"iat": now + 61}, false, false},
			{"no exp", map[string]any{"exp": nil}, false, false},
			{"exp 5 minutes in the past", map[string]any{"exp": now - 300}, false, false},
			{"exp 9 seconds in the past", map[string]any{"exp": now - 9}, true, true},
			{"exp 10 seconds in the past", map[string]any{"exp": now - 10}, false, false},
			{"exp in an hour", map[string]any{"exp": now + 3600}, true, true},
			{"exp in an hour and a second", map[string]any{"exp": now + 3601}, false, false},
			{"exp at the end of time", map[string]any{"exp": 1e300}, false, false},
			{"exp before time", map[string]any{"exp": -1e300}, false, false},
			{"exp as text", map[string]any{"exp": "300"}, false, false},
			{"no jti", map[string]any{"jti": nil}, false, false},
			{"an empty jti", map[string]any{"jti": ""}, false, false},
			{"no sub", map[string]any{"sub": nil}, false, false},
			{"another sub", map[string]any{"sub": headykey.NewID()}, false, false},
			{"no iss", map[string]any{"iss": nil}, false, false},
			{"another iss", map[string]any{"iss": headykey.NewID()}, false, false},
			{"no aud", map[string]any{"aud": nil}, false, false},
			{"another aud", map[string]any{"aud": "https://other.example"}, false, false},
			{"a longer aud", map[string]any{"aud": issuer + "/"}, false, false},
			{"an empty aud", map[string]any{"aud": ""}, false, false},
			{"no aud in a list", map[string]any{"aud": []string{}}, false, false},
			{"the issuer in a list", map[string]any{"aud": []string{issuer}}, true, false},
			{"the issuer among others", map[string]any{"aud": []string{"https://other.example", issuer}}, true, false},
			{"the token endpoint as aud", map[string]any{"aud": issuer + "/token"}, true, false},
			{"the endpoint itself as aud", map[string]any{"aud": called}, true, false},
			{"another endpoint as aud", map[string]any{"aud": issuer + "/oauth/revoke"}, false, false},
		}
		for _, tt := range tests {
			for profile, want := range map[headykey.Profile]bool{headykey.ProfileOIDC: tt.plain, headykey.ProfileFAPI2: tt.strict} {
				c := clients[profile]
				claims := claimsOf(c)
				maps.Copy(claims, tt.claims)
				maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
				_, err := h.Authenticate(t.Context(), oauth.Proof{Client: string(c.ID), Assertion: key.sign(t, claims), Called: called})
				if (err == nil) != want || err != nil && !errors.Is(err, headykey.ErrBadClient) {
					t.Errorf("%s, %s: got %v, want good: %v", tt.name, profile, err, want)
				}
			}
		}
	})
}

func TestAnAssertionIsSignedByItsClient(t *testing.T) {
	h := build(t)
	mine, theirs, rsaPen := newPen(t, jose.ES256, "k"), newPen(t, jose.ES256, "k"), newPen(t, jose.PS256, "r")
	c, other := h.signing(t, headykey.ProfileOIDC, mine, rsaPen), h.signing(t, headykey.ProfileOIDC, theirs)
	basic := h.program(t, oauth.ClientWish{})
	only := h.program(t, oauth.ClientWish{AuthMethod: oauth.PrivateKeyJWT, Details: headykey.ClientDetails{JWKS: jwks(t, mine, rsaPen), AuthAlg: jose.PS256}})
	good := mine.sign(t, claimsOf(c))
	modulus := rsaPen.key.(*rsa.PrivateKey).N.Bytes()
	tests := []struct {
		name  string
		proof oauth.Proof
	}{
		{"by another client", oauth.Proof{Assertion: theirs.sign(t, claimsOf(c))}},
		{"by a key of another name", oauth.Proof{Assertion: pen{mine.alg, "z", mine.key}.sign(t, claimsOf(c))}},
		{"shown for another client", oauth.Proof{Client: string(other.ID), Assertion: good}},
		{"of a client with a secret", oauth.Proof{Assertion: mine.sign(t, claimsOf(&basic.Record))}},
		{"with the modulus of its key as a secret", oauth.Proof{Assertion: pen{jose.HS256, "r", modulus}.sign(t, claimsOf(c))}},
		{"with another algorithm than registered", oauth.Proof{Assertion: mine.sign(t, claimsOf(&only.Record))}},
		{"a request object", oauth.Proof{Assertion: mine.sign(t, claimsOf(c), "typ", "oauth-authz-req+jwt")}},
		{"a byte changed", oauth.Proof{Assertion: good[:len(good)-5] + "AAAAA"}},
		{"a byte missing", oauth.Proof{Assertion: good[:len(good)-1]}},
		{"without a signature", oauth.Proof{Client: string(c.ID), Assertion: good[:strings.LastIndexByte(good, '.')+1]}},
		{"no token", oauth.Proof{Client: string(c.ID), Assertion: "x"}},
		{"too long", oauth.Proof{Assertion: mine.sign(t, with(claimsOf(c), "x", strings.Repeat("x", 8<<10)))}},
	}
	for _, tt := range tests {
		if got, err := h.Authenticate(t.Context(), tt.proof); got != nil || !errors.Is(err, headykey.ErrBadClient) {
			t.Errorf("%s: got %v, %v", tt.name, got, err)
		}
	}
	for typ, want := range map[string]error{"JWT": nil, "client-authentication+jwt": nil, "application/client-authentication+JWT": nil, "at+jwt": headykey.ErrBadClient} {
		if _, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: mine.sign(t, claimsOf(c), "typ", typ)}); !errors.Is(err, want) {
			t.Errorf("typ %s: got %v", typ, err)
		}
	}
	if _, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: rsaPen.sign(t, claimsOf(&only.Record))}); err != nil {
		t.Errorf("the registered algorithm: %v", err)
	}
	yes := true
	_, err := h.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Disabled: &yes})
	check(t, err)
	if _, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: mine.sign(t, claimsOf(c))}); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("disabled: got %v", err)
	}
}

func with(claims map[string]any, name string, value any) map[string]any {
	claims[name] = value
	return claims
}

// Of ten that show one assertion at once, one is let in, and no other node lets it in
// again. A jti belongs to its client: two clients may use the same.
func TestAnAssertionProvesOnce(t *testing.T) {
	dir := t.TempDir()
	h := buildIn(t, dir)
	key := newPen(t, jose.EdDSA, "k")
	c, other := h.signing(t, headykey.ProfileOIDC, key), h.signing(t, headykey.ProfileOIDC, key)
	one := key.sign(t, with(claimsOf(c), "jti", "1"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var outcomes []error
	for range 10 {
		wg.Go(func() {
			_, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: one})
			mu.Lock()
			defer mu.Unlock()
			outcomes = append(outcomes, err)
		})
	}
	wg.Wait()
	good := 0
	for _, err := range outcomes {
		if err == nil {
			good++
		} else if !errors.Is(err, headykey.ErrBadClient) {
			t.Error(err)
		}
	}
	if good != 1 {
		t.Errorf("%d were let in", good)
	}
	if _, err := buildIn(t, dir).Authenticate(t.Context(), oauth.Proof{Assertion: one}); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("another node: got %v", err)
	}
	again := key.sign(t, with(with(claimsOf(c), "jti", "1"), "iat", nil))
	if _, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: again}); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("the same jti in another assertion: got %v", err)
	}
	if _, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: key.sign(t, with(claimsOf(other), "jti", "1"))}); err != nil {
		t.Errorf("the same jti of another client: %v", err)
	}
}

// What is refused is not used up: the mended request may say the same jti.
func TestARefusedAssertionUsesNothingUp(t *testing.T) {
	h := build(t)
	key := newPen(t, jose.EdDSA, "k")
	c := h.signing(t, headykey.ProfileOIDC, key)
	claims := claimsOf(c)
	for _, aud := range []string{"https://other.example", issuer} {
		_, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: key.sign(t, with(claims, "aud", aud))})
		if (err == nil) != (aud == issuer) {
			t.Errorf("%s: got %v", aud, err)
		}
	}
}

func TestAClientProvesItselfWithItsSecretUnseen(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{AuthMethod: oauth.SecretJWT, Details: headykey.ClientDetails{AuthAlg: jose.HS256}})
	other := h.program(t, oauth.ClientWish{AuthMethod: oauth.SecretJWT})
	sign := func(secret string) oauth.Proof {
		return oauth.Proof{Assertion: pen{jose.HS256, "", []byte(secret)}.sign(t, claimsOf(&c.Record))}
	}
	// HMAC with a long key is HMAC with its hash: who reads our database must find
	// neither.
	if len(c.Record.Secret) != 0 || bytes.Contains(c.Record.SealedSecret, []byte(c.Secret)) {
		t.Errorf("what is kept of the secret signs as well as the secret: %+v", c.Record)
	}
	tests := []struct {
		name  string
		proof oauth.Proof
		want  error
	}{
		{"its secret", sign(c.Secret), nil},
		{"another's", sign(other.Secret), headykey.ErrBadClient},
		{"no secret", sign(strings.Repeat("\x00", 32)), headykey.ErrBadClient},
		{"another algorithm", oauth.Proof{Assertion: pen{"HS512", "", []byte(c.Secret)}.sign(t, claimsOf(&c.Record))}, headykey.ErrBadClient},
		{"the secret itself", oauth.Proof{Method: oauth.SecretPost, Client: string(c.Record.ID), Secret: c.Secret}, headykey.ErrBadClient},
		{"the secret by the name of the method", oauth.Proof{Method: oauth.SecretJWT, Client: string(c.Record.ID), Secret: c.Secret}, headykey.ErrBadClient},
	}
	for _, tt := range tests {
		if _, err := h.Authenticate(t.Context(), tt.proof); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	fresh, err := h.RotateSecret(t.Context(), headykey.System, c.Record.ID)
	check(t, err)
	if _, err := h.Authenticate(t.Context(), sign(c.Secret)); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("the secret of yesterday: got %v", err)
	}
	if _, err := h.Authenticate(t.Context(), sign(fresh.Secret)); err != nil {
		t.Errorf("the new secret: %v", err)
	}
}

func TestWhatClientsMaySignWith(t *testing.T) {
	h := build(t)
	set := jwks(t, newPen(t, jose.ES256, "k"))
	const at = "https://keys.example/jwks"
	tests := []struct {
		name    string
		method  string
		profile headykey.Profile
		details headykey.ClientDetails
		field   string // "": it may
	}{
		{"keys", oauth.PrivateKeyJWT, "", headykey.ClientDetails{JWKS: set}, ""},
		{"keys at an address", oauth.PrivateKeyJWT, "", headykey.ClientDetails{JWKSURI: at, AuthAlg: "RS256", RequestAlg: "EdDSA"}, ""},
		{"no keys", oauth.PrivateKeyJWT, "", headykey.ClientDetails{}, "jwks"},
		{"both", oauth.PrivateKeyJWT, "", headykey.ClientDetails{JWKS: set, JWKSURI: at}, "jwks"},
		{"keys that are none", oauth.SecretBasic, "", headykey.ClientDetails{JWKS: jsontext.Value(`{"keys":[]}`)}, "jwks"},
		{"a private key", oauth.SecretBasic, "", headykey.ClientDetails{JWKS: jsontext.Value(`{"keys":[{"kty":"oct","k":"AA"}]}`)}, "jwks"},
		{"keys by http", oauth.PrivateKeyJWT, "", headykey.ClientDetails{JWKSURI: "http://keys.example"}, "jwks_uri"},
		{"keys in the cellar", oauth.PrivateKeyJWT, "", headykey.ClientDetails{JWKSURI: "https://169.254.169.254/"}, "jwks_uri"},
		{"no algorithm for keys", oauth.PrivateKeyJWT, "", headykey.ClientDetails{JWKS: set, AuthAlg: "HS256"}, "token_endpoint_auth_signing_alg"},
		{"none for an algorithm", oauth.PrivateKeyJWT, "", headykey.ClientDetails{JWKS: set, AuthAlg: "none"}, "token_endpoint_auth_signing_alg"},
		{"RS256 by FAPI 2.0", oauth.PrivateKeyJWT, headykey.ProfileFAPI2, headykey.ClientDetails{JWKS: set, AuthAlg: "RS256"}, "token_endpoint_auth_signing_alg"},
		{"ES256 by FAPI 2.0", oauth.PrivateKeyJWT, headykey.ProfileFAPI2, headykey.ClientDetails{JWKS: set, AuthAlg: "ES256", RequestAlg: "PS256"}, ""},
		{"a secret of FAPI 2.0", oauth.SecretJWT, headykey.ProfileFAPI2, headykey.ClientDetails{}, "token_endpoint_auth_method"},
		{"nothing of FAPI 2.0", "none", headykey.ProfileFAPI2, headykey.ClientDetails{}, "token_endpoint_auth_method"},
		{"a key's algorithm for a secret", oauth.SecretJWT, "", headykey.ClientDetails{AuthAlg: "ES256"}, "token_endpoint_auth_signing_alg"},
		{"an algorithm that is not used", oauth.SecretBasic, "", headykey.ClientDetails{AuthAlg: "RS256"}, ""},
		{"an unknown one that is not used", oauth.SecretBasic, "", headykey.ClientDetails{AuthAlg: "XS256"}, "token_endpoint_auth_signing_alg"},
		{"unsigned requests", oauth.SecretBasic, "", headykey.ClientDetails{RequestAlg: "none"}, "request_object_signing_alg"},
		{"requests by RS256 of FAPI 2.0", oauth.PrivateKeyJWT, headykey.ProfileFAPI2, headykey.ClientDetails{JWKS: set, RequestAlg: "RS256"}, "request_object_signing_alg"},
		{"signed requests without keys", oauth.SecretBasic, "", headykey.ClientDetails{RequireSigned: true}, "jwks"},
		{"requests at addresses", oauth.SecretBasic, "", headykey.ClientDetails{RequestURIs: []string{"https://a.example/r#x", "https://a.example/s"}}, ""},
		{"requests by http", oauth.SecretBasic, "", headykey.ClientDetails{RequestURIs: []string{"http://a.example/r"}}, "request_uris"},
		{"requests at 35 addresses", oauth.SecretBasic, "", headykey.ClientDetails{RequestURIs: strings.Fields(strings.Repeat("https://a.example/r ", 35))}, "request_uris"},
	}
	for _, tt := range tests {
		wish := oauth.ClientWish{Name: "x", AuthMethod: tt.method, Profile: tt.profile, Details: tt.details}
		made, err := h.CreateClient(t.Context(), headykey.System, wish)
		if tt.field != "" {
			if e := headykey.Explain(err); e.Kind != headykey.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != tt.field {
				t.Errorf("%s: got %v, want a fault of %s", tt.name, err, tt.field)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		kept, err := h.Client(t.Context(), headykey.System, made.Record.ID)
		if err != nil || !reflect.DeepEqual(kept.Details, made.Record.Details) {
			t.Errorf("%s: kept %+v, %v", tt.name, kept, err)
		}
	}
}
