package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var b64 = base64.RawURLEncoding

// A key is one of a client, by the algorithm that it signs with.
type key struct {
	alg, kid string
	private  crypto.Signer
	secret   []byte // of HS256
}

// rsaKey is made once: it takes long, and whose it is matters nowhere.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func newKey(t *testing.T, alg string) *key {
	t.Helper()
	k := &key{alg: alg, kid: rand.Text()}
	var err error
	switch alg {
	case "ES256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	case "RS256", "PS256":
		k.private = rsaKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *key) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.kid, Algorithm: k.alg, Use: "sig"}
}

// set is the public keys as a JWK set.
func set(keys ...*key) obj {
	all := []any{}
	for _, k := range keys {
		all = append(all, k.jwk())
	}
	return obj{"keys": all}
}

func (k *key) thumbprint(t *testing.T) string {
	t.Helper()
	jwk := k.jwk()
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return b64.EncodeToString(sum)
}

// sign makes a compact JWS. header may overrule alg and kid; alg "none" leaves the
// signature out, and nothing makes the signature fit a false alg.
func (k *key) sign(t *testing.T, header, claims obj) string {
	t.Helper()
	h := obj{"alg": k.alg}
	if k.kid != "" {
		h["kid"] = k.kid
	}
	for name, value := range header {
		if h[name] = value; value == nil {
			delete(h, name)
		}
	}
	text := b64.EncodeToString([]byte(encode(t, h))) + "." + b64.EncodeToString([]byte(encode(t, claims)))
	if h["alg"] == "none" {
		return text + "."
	}
	return text + "." + b64.EncodeToString(k.signature(t, []byte(text)))
}

func (k *key) signature(t *testing.T, text []byte) (out []byte) {
	t.Helper()
	sum := sha256.Sum256(text)
	var err error
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, private, sum[:])
		out, err = make([]byte, 64), e
		if err == nil {
			r.FillBytes(out[:32])
			s.FillBytes(out[32:])
		}
	case ed25519.PrivateKey:
		out = ed25519.Sign(private, text)
	case *rsa.PrivateKey:
		var how crypto.SignerOpts = crypto.SHA256
		if k.alg == "PS256" {
			how = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		}
		out, err = private.Sign(rand.Reader, sum[:], how)
	default:
		mac := hmac.New(sha256.New, k.secret)
		mac.Write(text)
		out = mac.Sum(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// open reads a compact JWS without looking at its signature.
func open(t *testing.T, token string) (header, claims obj) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a signed token: %q", token)
	}
	for i, to := range []*obj{&header, &claims} {
		raw, err := b64.Strict().DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(raw, to)
		}
		if err != nil {
			t.Fatalf("part %d of %q: %v", i, token, err)
		}
	}
	return header, claims
}

// verified returns the claims of a token that the provider signed with alg, by the
// key of its set that the header names.
func (p *provider) verified(t *testing.T, token, alg string) obj {
	t.Helper()
	header, claims := open(t, token)
	if header["alg"] != alg || header["kid"] == nil {
		t.Errorf("header %v, want alg %s and a kid", header, alg)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatalf("%v of %s", err, token)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(p.get(t, p.at(t, "jwks_uri")).want(t, 200).body, &keys); err != nil {
		t.Fatal(err)
	}
	kid, _ := header["kid"].(string)
	named := keys.Key(kid)
	if len(named) != 1 || !named[0].IsPublic() {
		t.Fatalf("%d keys named %s in the key set", len(named), kid)
	}
	if _, err := jws.Verify(named[0]); err != nil {
		t.Errorf("signature of %s: %v", token, err)
	}
	return claims
}

// half is the left half of a hash, as at_hash and its like have it (OpenID Connect
// Core §3.1.3.6).
func half(alg, text string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(text))
		return b64.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(text))
	return b64.EncodeToString(sum[:16])
}

// moment returns a time claim, in seconds.
func moment(t *testing.T, claims obj, name string) time.Time {
	t.Helper()
	n, ok := claims[name].(float64)
	if !ok || n != math.Trunc(n) {
		t.Fatalf("%s is %v, want a number of seconds", name, claims[name])
	}
	return time.Unix(int64(n), 0)
}

// in returns the moment so far from now, as a claim has it.
func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// nonsense is a text that nobody has seen before.
func nonsense() string { return rand.Text() }
