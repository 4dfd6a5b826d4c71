package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// A signer is a client's own key.
type signer struct {
	key any
	alg jose.SignatureAlgorithm
}

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return signer{key, jose.ES256}
}

func rsaSigner(t testing.TB, alg jose.SignatureAlgorithm) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	return signer{key, alg}
}

// sign returns claims as a JWT of the type.
func (s signer) sign(t testing.TB, typ string, claims map[string]any) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	signing, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: jose.JSONWebKey{Key: s.key, KeyID: "k1"}}, opts)
	check(t, err)
	text, err := json.Marshal(claims)
	check(t, err)
	return serialize(t, signing, text)
}

func serialize(t testing.TB, signing jose.Signer, text []byte) string {
	t.Helper()
	jws, err := signing.Sign(text)
	check(t, err)
	out, err := jws.CompactSerialize()
	check(t, err)
	return out
}

// keySet is the public keys of signers.
func signerSet(t testing.TB, all ...signer) jsontext.Value {
	t.Helper()
	set := jose.JSONWebKeySet{}
	for _, s := range all {
		key := jose.JSONWebKey{Key: s.key, KeyID: "k1"}
		set.Keys = append(set.Keys, key.Public())
	}
	text, err := json.Marshal(set)
	check(t, err)
	return text
}

// signedQuestion is the claims of a good signed request, and what is changed of them;
// nil takes one out.
func signedQuestion(c *headykey.Client, change map[string]any) map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": string(c.ID), "aud": issuer, "exp": now + 300, "iat": now, "nbf": now, "jti": string(headykey.NewID()),
		"scope": "openid email", "login_hint": "ada@example.com", "requested_expiry": 30,
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func TestASignedQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		key, foreign, ps := newSigner(t), newSigner(t), rsaSigner(t, jose.PS256)
		rs := signer{ps.key, jose.RS256}
		c := h.bank(t, headykey.ClientDetails{CIBARequestAlg: "ES256", JWKS: signerSet(t, key)})
		free := h.bank(t, headykey.ClientDetails{JWKS: signerSet(t, ps)})
		h.person(t, "ada@example.com")
		now := func(d time.Duration) any { return time.Now().Add(d).Unix() }
		tests := []struct {
			name   string
			signer signer
			typ    string
			change map[string]any
			want   error
		}{
			{"good", key, "oauth-authz-req+jwt", nil, nil},
			{"a list of audiences", key, "JWT", map[string]any{"aud": []string{issuer, base}}, nil},
			{"time as text", key, "JWT", map[string]any{"requested_expiry": "30"}, nil},
			{"parts of seconds", key, "JWT", map[string]any{"exp": float64(time.Now().Unix()) + 60.5}, nil},
			{"a clock that is ahead", key, "JWT", map[string]any{"nbf": now(8 * time.Second), "iat": now(8 * time.Second)}, nil},
			{"no aud", key, "JWT", map[string]any{"aud": nil}, headykey.ErrBadAuthorization},
			{"another aud", key, "JWT", map[string]any{"aud": issuer + "/"}, headykey.ErrBadAuthorization},
			{"no iss", key, "JWT", map[string]any{"iss": nil}, headykey.ErrBadAuthorization},
			{"another iss", key, "JWT", map[string]any{"iss": string(free.ID)}, headykey.ErrBadAuthorization},
			{"no exp", key, "JWT", map[string]any{"exp": nil}, headykey.ErrBadAuthorization},
			{"over", key, "JWT", map[string]any{"exp": now(0)}, headykey.ErrBadAuthorization},
			{"exp 70 minutes ahead", key, "JWT", map[string]any{"exp": now(70 * time.Minute)}, headykey.ErrBadAuthorization},
			{"exp an hour after nbf and more", key, "JWT", map[string]any{"nbf": now(-time.Minute), "exp": now(time.Hour)}, headykey.ErrBadAuthorization},
			{"no iat", key, "JWT", map[string]any{"iat": nil}, headykey.ErrBadAuthorization},
			{"no nbf", key, "JWT", map[string]any{"nbf": nil}, headykey.ErrBadAuthorization},
			{"nbf 10 minutes ahead", key, "JWT", map[string]any{"nbf": now(10 * time.Minute)}, headykey.ErrBadAuthorization},
			{"nbf 70 minutes back", key, "JWT", map[string]any{"nbf": now(-70 * time.Minute)}, headykey.ErrBadAuthorization},
			{"no jti", key, "JWT", map[string]any{"jti": nil}, headykey.ErrBadAuthorization},
			{"a number as jti", key, "JWT", map[string]any{"jti": 5}, headykey.ErrBadAuthorization},
			{"a jti of 233 bytes", key, "JWT", map[string]any{"jti": strings.Repeat("j", 233)}, nil},
			{"a jti of 234 bytes", key, "JWT", map[string]any{"jti": strings.Repeat("j", 234)}, headykey.ErrBadAuthorization},
			{"the client as sub", key, "JWT", map[string]any{"sub": string(c.ID)}, headykey.ErrBadAuthorization},
			{"exp in words", key, "JWT", map[string]any{"exp": "soon"}, headykey.ErrBadAuthorization},
			{"another client inside", key, "JWT", map[string]any{"client_id": string(free.ID)}, headykey.ErrBadAuthorization},
			{"a request inside", key, "JWT", map[string]any{"request": "x"}, headykey.ErrBadAuthorization},
			{"two hints", key, "JWT", map[string]any{"id_token_hint": "x"}, headykey.ErrBadAuthorization},
			{"a token of another type", key, "dpop+jwt", nil, headykey.ErrBadAuthorization},
			{"signed by somebody else", foreign, "JWT", nil, headykey.ErrBadAuthorization},
		}
		for _, tt := range tests {
			text := tt.signer.sign(t, tt.typ, signedQuestion(c, tt.change))
			out, err := h.AskPerson(t.Context(), c, url.Values{"request": {text}}, "", couch)
			if tt.want != nil || err != nil {
				want(t, tt.name, err, tt.want)
				continue
			}
			if out.Life != 30*time.Second {
				t.Errorf("%s: got %+v", tt.name, out)
			}
		}
		for name, s := range map[string]signer{"RS256": rs, "HS256": {make([]byte, 32), jose.HS256}} {
			_, err := h.AskPerson(t.Context(), free, url.Values{"request": {s.sign(t, "JWT", signedQuestion(free, nil))}}, "", couch)
			want(t, name, err, headykey.ErrBadAuthorization)
		}
		h.askPerson(t, free, url.Values{"request": {ps.sign(t, "JWT", signedQuestion(free, nil))}})
	})
}

func TestASignedQuestionStandsAlone(t *testing.T) {
	h := build(t)
	key := newSigner(t)
	c := h.bank(t, headykey.ClientDetails{CIBARequestAlg: "ES256", JWKS: signerSet(t, key)})
	strict := h.program(t, oauth.ClientWish{Grants: []string{cibaGrant}, AuthMethod: oauth.PrivateKeyJWT, Profile: headykey.ProfileFAPI2, Details: headykey.ClientDetails{JWKS: signerSet(t, key)}})
	h.person(t, "ada@example.com")
	text := key.sign(t, "JWT", signedQuestion(c, nil))
	const none = "eyJhbGciOiJub25lIn0.e30."
	tests := []struct {
		name string
		c    *headykey.Client
		in   url.Values
		want error
	}{
		{"parameters beside it", c, url.Values{"request": {text}, "scope": {"openid"}}, headykey.ErrBadAuthorization},
		{"not signed", c, question(), headykey.ErrBadAuthorization},
		{"not signed, by the strict profile", &strict.Record, question(), headykey.ErrBadAuthorization},
		{"alg none", c, url.Values{"request": {none}}, headykey.ErrBadAuthorization},
		{"no JWT", c, url.Values{"request": {"x"}}, headykey.ErrBadAuthorization},
		{"good", c, url.Values{"request": {text}, "client_id": {string(c.ID)}, "client_assertion": {"x"}}, nil},
		{"again", c, url.Values{"request": {text}}, headykey.ErrBadAuthorization},
	}
	for _, tt := range tests {
		_, err := h.AskPerson(t.Context(), tt.c, tt.in, "", couch)
		if tt.want == nil {
			check(t, err)
			continue
		}
		want(t, tt.name, err, tt.want)
	}
}

// Whatever a client signs, it is asked for a name, a time and a person first.
func FuzzSignedQuestion(f *testing.F) {
	h := build(f)
	key := newSigner(f)
	c := h.bank(f, headykey.ClientDetails{CIBARequestAlg: "ES256", JWKS: signerSet(f, key)})
	h.person(f, "ada@example.com")
	signing, err := jose.NewSigner(jose.SigningKey{Algorithm: key.alg, Key: key.key}, nil)
	check(f, err)
	for _, text := range []string{`{}`, `{"iss":1}`, `{"exp":1e400}`, `{"aud":[null],"resource":[1]}`, `{"a":1,"a":2}`, `[]`, ``} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		out, err := h.AskPerson(t.Context(), c, url.Values{"request": {serialize(t, signing, claims)}}, "", couch)
		if err == nil || !headykey.Explain(err).Is(headykey.ErrBadAuthorization) {
			t.Errorf("%s: got %+v, %v", claims, out, err)
		}
	})
}
