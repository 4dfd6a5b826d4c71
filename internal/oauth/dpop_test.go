package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
)

// members are those of a JSON object; nil takes one away.
type members map[string]any

// with returns m with other members.
func (m members) with(other members) members {
	out := maps.Clone(m)
	for name, value := range other {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	return out
}

// A holder makes proofs with its key.
type holder struct{ *ecdsa.PrivateKey }

func newHolder(t testing.TB) holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return holder{key}
}

// spelled is a key as a JWK, private or public.
func spelled(t testing.TB, key any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(gojose.JSONWebKey{Key: key})
	check(t, err)
	return text
}

// thumbprint names the holder's key.
func (k holder) thumbprint(t testing.TB) string {
	t.Helper()
	text, err := jose.Thumbprint(k.Public())
	check(t, err)
	return text
}

// prove makes a proof whose header and claims differ from good ones as told.
func (k holder) prove(t testing.TB, header, claims members) string {
	t.Helper()
	h := members{"typ": "dpop+jwt", "alg": "ES256", "jwk": spelled(t, k.Public())}.with(header)
	c := members{"jti": rand.Text(), "htm": "POST", "htu": issuer + "/token", "iat": time.Now().Unix()}.with(claims)
	var parts []string
	for _, part := range []members{h, c} {
		text, err := json.Marshal(part)
		check(t, err)
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	text := strings.Join(parts, ".")
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k.PrivateKey, sum[:])
	check(t, err)
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// atToken is a proof that came with a request to the token endpoint.
func atToken(proof string) oauth.KeyProof {
	return oauth.KeyProof{JWT: proof, Method: "POST", Path: "/auth/v1/token"}
}

// Every check of RFC 9449 §4.3, in a bubble, so that a second is a second.
func TestAProofIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		k := newHolder(t)
		now := time.Now().Unix()
		ath := sha256.Sum256([]byte("access token"))
		accessHash := base64.RawURLEncoding.EncodeToString(ath[:])
		good, bad, nonce := error(nil), error(headykey.ErrBadProof), error(headykey.ErrUseNonce)
		tests := []struct {
			name           string
			header, claims members
			access         string
			want           error
		}{
			{"good", nil, nil, "", good},
			{"members that we do not know", members{"x": 1}, members{"x": 1}, "", good},
			{"an ath that nobody asked for", nil, members{"ath": "x"}, "", good},
			{"a long jti", nil, members{"jti": strings.Repeat("j", 233)}, "", good},
			{"half a second", nil, members{"iat": float64(now) + 0.5}, "", good},
			{"a clock ten seconds ahead", nil, members{"iat": now + 10}, "", good},
			{"ten seconds old", nil, members{"iat": now - 10}, "", good},
			{"a minute old", nil, members{"iat": now - 60}, "", good},
			{"nbf and exp", nil, members{"nbf": now, "exp": now + 300}, "", good},
			{"the token that it names", nil, members{"ath": accessHash}, "access token", good},
			{"our nonce", nil, members{"nonce": h.Nonce()}, "", good},
			{"a query and a fragment", nil, members{"htu": issuer + "/token?a=b#c"}, "", good},
			{"another spelling of the address", nil, members{"htu": "HTTPS://ID.Example.COM:443/auth/./v1/%74oken"}, "", good},

			{"no typ", members{"typ": nil}, nil, "", bad},
			{"the typ of another token", members{"typ": "at+jwt"}, nil, "", bad},
			{"the typ in another case", members{"typ": "DPoP+JWT"}, nil, "", bad},
			{"no alg", members{"alg": nil}, nil, "", bad},
			{"alg none", members{"alg": "none"}, nil, "", bad},
			{"a symmetric alg", members{"alg": "HS256"}, nil, "", bad},
			{"no jwk", members{"jwk": nil}, nil, "", bad},
			{"a private jwk", members{"jwk": spelled(t, k.PrivateKey)}, nil, "", bad},
			{"a symmetric jwk", members{"jwk": members{"kty": "oct", "k": "c2VjcmV0"}}, nil, "", bad},
			{"the jwk of another", members{"jwk": spelled(t, newHolder(t).Public())}, nil, "", bad},
			{"an extension", members{"crit": []string{"x"}, "x": 1}, nil, "", bad},
			{"no jti", nil, members{"jti": nil}, "", bad},
			{"an empty jti", nil, members{"jti": ""}, "", bad},
			{"a jti that is a number", nil, members{"jti": 1}, "", bad},
			{"a jti too long", nil, members{"jti": strings.Repeat("j", 234)}, "", bad},
			{"no htm", nil, members{"htm": nil}, "", bad},
			{"another method", nil, members{"htm": "PUT"}, "", bad},
			{"the method in small letters", nil, members{"htm": "post"}, "", bad},
			{"no htu", nil, members{"htu": nil}, "", bad},
			{"another path", nil, members{"htu": issuer + "/user"}, "", bad},
			{"another host", nil, members{"htu": "https://evil.example/auth/v1/token"}, "", bad},
			{"another scheme", nil, members{"htu": "http://id.example.com/auth/v1/token"}, "", bad},
			{"another port", nil, members{"htu": "https://id.example.com:8443/auth/v1/token"}, "", bad},
			{"the path alone", nil, members{"htu": "/auth/v1/token"}, "", bad},
			{"a name before the host", nil, members{"htu": "https://id.example.com@evil.example/auth/v1/token"}, "", bad},
			{"an escaped slash", nil, members{"htu": "https://id.example.com/auth%2Fv1/token"}, "", bad},
			{"no iat", nil, members{"iat": nil}, "", bad},
			{"an iat that is text", nil, members{"iat": fmt.Sprint(now)}, "", bad},
			{"over a minute old", nil, members{"iat": now - 61}, "", bad},
			{"an hour old, with our nonce", nil, members{"iat": now - 3600, "nonce": h.Nonce()}, "", bad},
			{"a clock 14 seconds ahead", nil, members{"iat": now + 14}, "", bad},
			{"in an hour", nil, members{"iat": now + 3600}, "", bad},
			{"not yet", nil, members{"nbf": now + 60}, "", bad},
			{"no more", nil, members{"exp": now}, "", bad},
			{"no ath", nil, nil, "access token", bad},
			{"the ath of another token", nil, members{"ath": accessHash}, "access token 2", bad},
			{"padding at the ath", nil, members{"ath": accessHash + "="}, "access token", bad},
			{"a nonce of others", nil, members{"nonce": "x"}, "", nonce},
			{"an empty nonce", nil, members{"nonce": ""}, "", nonce},
			{"a nonce that is no text", nil, members{"nonce": 1}, "", bad},
			{"far too long", nil, members{"x": strings.Repeat("x", 8<<10)}, "", bad},
		}
		for _, tt := range tests {
			p := atToken(k.prove(t, tt.header, tt.claims))
			p.Access = tt.access
			got, err := h.ProveKey(p)
			if !errors.Is(err, tt.want) || err == nil && got != k.thumbprint(t) || err != nil && got != "" {
				t.Errorf("%s: got %q, %v, want %v", tt.name, got, err, tt.want)
			}
		}
	})
}

func TestAProofIsAWholeToken(t *testing.T) {
	h := build(t)
	whole := newHolder(t).prove(t, nil, nil)
	other := newHolder(t).prove(t, nil, nil)
	for name, text := range map[string]string{
		"nothing": "", "two parts": whole[:strings.LastIndexByte(whole, '.')], "no signature": whole[:strings.LastIndexByte(whole, '.')+1],
		"a broken signature": whole[:len(whole)-4] + "AAAA", "another's signature": whole[:strings.LastIndexByte(whole, '.')] + other[strings.LastIndexByte(other, '.'):],
		"two at once": whole + ", " + whole, "a space behind": whole + " ", "no token": "dpop",
	} {
		if got, err := h.ProveKey(atToken(text)); got != "" || !errors.Is(err, headykey.ErrBadProof) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if _, err := h.ProveKey(atToken(whole)); err != nil {
		t.Errorf("the whole: %v", err)
	}
}

func TestTheAlgorithmsOfProofs(t *testing.T) {
	h := build(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	_, edKey, err := ed25519.GenerateKey(nil)
	check(t, err)
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	for _, tt := range []struct {
		alg  string
		key  crypto.Signer
		want error
	}{
		{"ES256", newHolder(t).PrivateKey, nil}, {"PS256", rsaKey, nil}, {"EdDSA", edKey, nil},
		{"RS256", rsaKey, headykey.ErrBadProof}, {"PS512", rsaKey, headykey.ErrBadProof}, {"ES384", wide, headykey.ErrBadProof},
	} {
		signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(tt.alg), Key: tt.key},
			(&gojose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
		check(t, err)
		signed, err := signer.Sign(fmt.Appendf(nil, `{"jti":"1","htm":"POST","htu":%q,"iat":%d}`, issuer+"/token", time.Now().Unix()))
		check(t, err)
		text, err := signed.CompactSerialize()
		check(t, err)
		if _, err := h.ProveKey(atToken(text)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.alg, err, tt.want)
		}
	}
}

// A proof counts once as long as it counts at all.
func TestAProofCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		k, other := newHolder(t), newHolder(t)
		ahead := members{"jti": "same", "iat": time.Now().Unix() + 13}
		proof := k.prove(t, nil, ahead)
		prove := func(text string) error { _, err := h.ProveKey(atToken(text)); return err }
		if err := prove(proof); err != nil {
			t.Fatal(err)
		}
		for range 73 {
			if err := prove(proof); !errors.Is(err, headykey.ErrBadProof) {
				t.Fatalf("again: %v", err)
			}
			if err := prove(k.prove(t, nil, members{"jti": "same"})); !errors.Is(err, headykey.ErrBadProof) {
				t.Fatalf("its jti again: %v", err)
			}
			time.Sleep(time.Second)
		}
		if err := prove(other.prove(t, nil, members{"jti": "same"})); err != nil {
			t.Errorf("the same jti by another key: %v", err)
		}
		time.Sleep(3 * time.Minute)
		if err := prove(k.prove(t, nil, members{"jti": "same"})); err != nil {
			t.Errorf("its jti when it is long over: %v", err)
		}
	})
}

// A refused proof is not spent: its sender may have the right request for it.
func TestARefusedProofIsNotSpent(t *testing.T) {
	h := build(t)
	proof := atToken(newHolder(t).prove(t, nil, nil))
	wrong := proof
	wrong.Path = "/auth/v1/user"
	if _, err := h.ProveKey(wrong); !errors.Is(err, headykey.ErrBadProof) {
		t.Errorf("got %v", err)
	}
	if _, err := h.ProveKey(proof); err != nil {
		t.Errorf("got %v", err)
	}
}

// A nonce counts in its window and the next, on every node; where one is needed, a
// proof without is sent back for it.
func TestNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, sister := build(t), build(t)
		k := newHolder(t)
		prove := func(nonce any, needed bool) error {
			p := atToken(k.prove(t, nil, members{"nonce": nonce}))
			p.NeedsNonce = needed
			_, err := h.ProveKey(p)
			return err
		}
		if err := prove(nil, false); err != nil {
			t.Errorf("none: %v", err)
		}
		if err := prove(nil, true); !errors.Is(err, headykey.ErrUseNonce) {
			t.Errorf("none where one is needed: %v", err)
		}
		first := sister.Nonce()
		if err := prove(first, true); err != nil {
			t.Errorf("of another node: %v", err)
		}
		for first == h.Nonce() {
			time.Sleep(time.Second)
		}
		second := h.Nonce()
		if err := errors.Join(prove(first, true), prove(second, false)); err != nil {
			t.Errorf("in the next window: %v", err)
		}
		for second == h.Nonce() {
			time.Sleep(time.Second)
		}
		if err := prove(first, false); !errors.Is(err, headykey.ErrUseNonce) {
			t.Errorf("two windows old: %v", err)
		}
	})
}

// Whatever a proof holds, what passes was made by the key that is told, for this
// request.
func FuzzProveKey(f *testing.F) {
	h := build(f)
	k := newHolder(f)
	f.Add(k.prove(f, nil, nil))
	f.Add(k.prove(f, members{"alg": "none"}, members{"nonce": h.Nonce()}))
	f.Add(k.prove(f, members{"jwk": members{"kty": "EC"}}, nil))
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		jkt, err := h.ProveKey(atToken(text))
		if err != nil {
			if jkt != "" || !errors.Is(err, headykey.ErrBadProof) && !errors.Is(err, headykey.ErrUseNonce) {
				t.Errorf("%q: %q, %v", text, jkt, err)
			}
			return
		}
		foreign, thumbprint, err := jose.VerifyEmbedded(text, 8<<10, oauth.ProofAlgorithms)
		if err != nil || thumbprint != jkt || !strings.Contains(string(foreign.Claims), "POST") {
			t.Errorf("%q: %q, %v", text, jkt, err)
		}
		if again, err := h.ProveKey(atToken(text)); err == nil {
			t.Errorf("%q passes twice, for %q", text, again)
		}
	})
}
