package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"headykey.com/headykey/internal/jose"
)

// rsaKey is one RSA key for all tests of this package: to make one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func pair(id, algorithm string, private crypto.Signer) jose.Key {
	return jose.Key{ID: id, Algorithm: algorithm, Private: private, Public: private.Public()}
}

// family is a key of each algorithm, all of one name; RS256 and PS256 share theirs.
func family(t testing.TB) []jose.Key {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	_, ed, err := ed25519.GenerateKey(nil)
	check(t, err)
	return []jose.Key{
		pair("k", jose.ES256, ec), pair("k", jose.RS256, rsaKey()), pair("k", jose.PS256, rsaKey()), pair("k", jose.EdDSA, ed),
		{ID: "k", Algorithm: jose.HS256, Secret: []byte(strings.Repeat("s", 55))},
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func decoded(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	check(t, err)
	return b
}

// craft signs a header of the forger's choice with key as algorithm has it.
func craft(t testing.TB, header, claims, algorithm string, key crypto.Signer) string {
	t.Helper()
	signed := b64(header) + "." + b64(claims)
	if algorithm == jose.EdDSA {
		return signed + "." + b64(string(ed25519.Sign(key.(ed25519.PrivateKey), []byte(signed))))
	}
	sum := sha256.Sum256([]byte(signed))
	if k, ok := key.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		check(t, err)
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return signed + "." + b64(string(out))
	}
	var options crypto.SignerOpts = crypto.SHA256
	if algorithm == jose.PS256 {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	sig, err := key.Sign(rand.Reader, sum[:], options)
	check(t, err)
	return signed + "." + b64(string(sig))
}

// Of all pairs of keys of one name, a token verifies with the key and under the
// algorithm that it was signed with, and with no other.
func TestATokenVerifiesWithItsOwnAlgorithmAlone(t *testing.T) {
	keys := family(t)
	for _, signed := range keys {
		token := sign(t, signed, typ, `{"sub":"ada"}`)
		for _, held := range keys {
			got, err := jose.Verify(token, typ, func(string) (jose.Key, bool) { return held, true })
			switch {
			case signed.Algorithm == held.Algorithm && (err != nil || string(got) != `{"sub":"ada"}`):
				t.Errorf("%s: got %q, %v", signed.Algorithm, got, err)
			case signed.Algorithm != held.Algorithm && (got != nil || !errors.Is(err, jose.ErrToken)):
				t.Errorf("%s with the key for %s: got %q, %v", signed.Algorithm, held.Algorithm, got, err)
			}
		}
		if _, err := jose.Verify(token, "JWT", func(string) (jose.Key, bool) { return signed, true }); !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s as another type: %v", signed.Algorithm, err)
		}
	}
}

// The public part of a key is known to all: it must never serve as a secret
// (RFC 8725 §2.1).
func TestAPublicKeyIsNoSecret(t *testing.T) {
	for _, k := range family(t)[:4] {
		der, err := x509.MarshalPKIXPublicKey(k.Public)
		check(t, err)
		set, err := jose.PublicSet([]jose.Key{k})
		check(t, err)
		secrets := [][]byte{der, set, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil}
		if ed, ok := k.Public.(ed25519.PublicKey); ok {
			secrets = append(secrets, ed)
		}
		for i, secret := range secrets {
			forged := forge(`{"alg":"HS256","kid":"k","typ":"at+jwt"}`, `{"sub":"eve"}`, secret)
			if got, err := jose.Verify(forged, typ, func(string) (jose.Key, bool) { return k, true }); got != nil || !errors.Is(err, jose.ErrToken) {
				t.Errorf("%s, form %d: got %q, %v", k.Algorithm, i, got, err)
			}
			s, err := jose.ParseSet(set)
			check(t, err)
			if _, err := s.Verify(forged, 8<<10, []string{"HS256", k.Algorithm}); !errors.Is(err, jose.ErrToken) {
				t.Errorf("%s, form %d, with the set: %v", k.Algorithm, i, err)
			}
		}
	}
}

// What a key is not made for it does not do, whatever its record says.
func TestAKeyOfAnotherKindServesNoAlgorithm(t *testing.T) {
	keys := family(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	for name, k := range map[string]jose.Key{
		"an EC key for RS256":       pair("k", jose.RS256, keys[0].Private),
		"an RSA key for ES256":      pair("k", jose.ES256, rsaKey()),
		"an RSA key for EdDSA":      pair("k", jose.EdDSA, rsaKey()),
		"an Ed25519 key for PS256":  pair("k", jose.PS256, keys[3].Private),
		"P-384 for ES256":           pair("k", jose.ES256, p384),
		"an RSA key for HS256":      pair("k", jose.HS256, rsaKey()),
		"an empty secret":           {ID: "k", Algorithm: jose.HS256, Secret: []byte{}},
		"no algorithm":              pair("k", "", p384),
		"none":                      pair("k", "none", rsaKey()),
		"a nil pointer for a key":   {ID: "k", Algorithm: jose.RS256, Public: (*rsa.PublicKey)(nil)},
		"a secret among the public": {ID: "k", Algorithm: jose.RS256, Public: []byte("s")},
	} {
		if s, err := jose.NewSigner(k, typ); s != nil || err == nil {
			t.Errorf("%s signs", name)
		}
		if text, err := jose.PublicSet([]jose.Key{k}); text != nil || err == nil {
			t.Errorf("%s is published: %s", name, text)
		}
		for _, other := range keys {
			token := sign(t, other, typ, `{}`)
			if _, err := jose.Verify(token, typ, func(string) (jose.Key, bool) { return k, true }); !errors.Is(err, jose.ErrToken) {
				t.Errorf("%s verifies %s", name, other.Algorithm)
			}
		}
	}
}

// RFC 7638 §3.1 (RSA) and RFC 8037 appendix A.3 (Ed25519).
func TestThumbprintsOfTheStandards(t *testing.T) {
	for want, key := range map[string]string{
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs": rfc7638,
		"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k": rfc8037,
		"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U": rfc7515A3,
	} {
		got, err := jose.Thumbprint(public(t, key))
		if err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	for name, key := range map[string]crypto.PublicKey{
		"nothing": nil, "a secret": []byte("s"), "a private key": rsaKey(), "a nil key": (*ecdsa.PublicKey)(nil),
		"a short key": ed25519.PublicKey("short"), "a low-order point": ed25519.PublicKey(make([]byte, 32)),
	} {
		if got, err := jose.Thumbprint(key); got != "" || err == nil {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestThePublicSetOfEachAlgorithm(t *testing.T) {
	keys := family(t)[:4]
	keys[1].Public, keys[3].Public = public(t, rfc7638), public(t, rfc8037)
	text, err := jose.PublicSet(keys)
	check(t, err)
	var got struct{ Keys []map[string]any }
	check(t, json.Unmarshal(text, &got))
	var members map[string]any
	check(t, json.Unmarshal([]byte(rfc8037), &members))
	members["use"], members["alg"], members["kid"], members["key_ops"] = "sig", "EdDSA", "k", []any{"verify"}
	if len(got.Keys) != 4 || !reflect.DeepEqual(got.Keys[3], members) {
		t.Errorf("got %s", text)
	}
	for i, k := range got.Keys {
		if k["alg"] != keys[i].Algorithm || k["use"] != "sig" || k["kid"] != "k" || k["d"] != nil || k["p"] != nil {
			t.Errorf("%s: got %v", keys[i].Algorithm, k)
		}
	}
	if s, err := jose.ParseSet(text); err != nil || !s.Has("k") || s.Has("other") {
		t.Errorf("our own set, read by others: %v", err)
	}
}
