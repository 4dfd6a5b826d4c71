package jose_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"headykey.com/headykey/internal/jose"
)

// rsaOf is an RSA key of so many bits; nobody knows its private part.
func rsaOf(bits int) string {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	if err != nil {
		panic(err)
	}
	n.SetBit(n, bits-1, 1).SetBit(n, 0, 1)
	return fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":%q}`, base64.RawURLEncoding.EncodeToString(n.Bytes()))
}

// with adds members to a key.
func with(key, members string) string { return strings.TrimSuffix(key, "}") + "," + members + "}" }

func TestWhatOfAKeySetIsRead(t *testing.T) {
	const unknown = `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA","kid":"new"}`
	for name, keys := range map[string]string{
		"an RSA key":             rfc7638,
		"RSA of 2048 bits":       rsaOf(2048),
		"RSA of 8192 bits":       rsaOf(8192),
		"an EC key":              rfc7515A3,
		"an Ed25519 key":         rfc8037,
		"34 keys":                strings.Repeat(rfc7515A3+",", 33) + rfc8037,
		"one name for two":       with(rfc8037, `"kid":"a"`) + "," + with(rfc7638, `"kid":"a"`),
		"kinds to come":          unknown + "," + rfc8037,
		"a curve to come":        `{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"},{"kty":"OKP","crv":"X25519","x":"AA"},` + rfc8037,
		"with members to come":   with(rfc8037, `"iat":1,"x5c":["AA"],"x5u":"https://example.com","ext":{"a":[{}]}`),
		"a number with a nought": strings.Replace(rfc7638, `"AQAB"`, `"AAEAAQ"`, 1),
	} {
		if s, err := jose.ParseSet([]byte(`{"keys":[` + keys + `],"more":1}`)); s == nil || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := set(t, unknown+","+with(rfc8037, `"kid":"a"`))
	if !s.Has("a") || s.Has("new") || s.Has("") {
		t.Error("the set does not know the names of its keys")
	}
}

func TestAKeySetThatIsNotPlainIsRefused(t *testing.T) {
	keys := func(key string) string { return `{"keys":[` + key + `]}` }
	deep := strings.Repeat(`[`, 30) + strings.Repeat(`]`, 30)
	for name, text := range map[string]string{
		"nothing":                "",
		"no object":              `[` + rfc8037 + `]`,
		"null":                   `null`,
		"no list":                `{}`,
		"keys in words":          `{"keys":"all"}`,
		"no key":                 keys(``),
		"a key alone":            rfc8037,
		"a second document":      keys(rfc8037) + keys(rfc8037),
		"cut short":              keys(rfc8037)[:40],
		"a member twice":         keys(with(rfc8037, `"x":"AA"`)),
		"two lists of keys":      `{"keys":[],"keys":[` + rfc8037 + `]}`,
		"a member twice, hidden": keys(with(rfc8037, `"\u0078":"AA"`)),
		"bytes that are no text": keys(with(rfc8037, "\"kid\":\"\xff\"")),
		"nested deep":            keys(with(rfc8037, `"a":`+deep)),
		"300 KiB":                keys(with(rfc8037, `"a":"`+strings.Repeat("a", 300<<10)+`"`)),
		"35 keys":                keys(strings.Repeat(rfc8037+",", 34) + rfc8037),
		"unknown kinds alone":    keys(`{"kty":"AKP"}`),
		"no kind":                keys(`{"crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`),
		"a kid that is a number": keys(with(rfc8037, `"kid":1`)),

		"a private Ed25519 key":    keys(with(rfc8037, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`)),
		"a private EC key":         keys(with(rfc7515A3, `"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"`)),
		"a private RSA key":        keys(with(rfc7638, `"d":"AQ"`)),
		"a factor":                 keys(with(rfc7638, `"p":"AQ"`)),
		"an exponent":              keys(with(rfc7638, `"dq":"AQ"`)),
		"more factors":             keys(with(rfc7638, `"oth":[]`)),
		"a private part of null":   keys(with(rfc8037, `"d":null`)),
		"a private unknown key":    keys(`{"kty":"AKP","priv":"AQ"},` + rfc8037),
		"a symmetric key":          keys(`{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},` + rfc8037),
		"a symmetric key, unnamed": keys(`{"kty":"oct"},` + rfc8037),
		"a secret in a public key": keys(with(rfc8037, `"k":"AA"`)),

		"RSA of 2047 bits":           keys(rsaOf(2047)),
		"RSA of 1024 bits":           keys(rsaOf(1024)),
		"RSA of 8193 bits":           keys(rsaOf(8193)),
		"an even modulus":            keys(`{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 340) + `-A"}`),
		"RSA with the exponent 1":    keys(strings.Replace(rfc7638, `"AQAB"`, `"AQ"`, 1)),
		"RSA with an even exponent":  keys(strings.Replace(rfc7638, `"AQAB"`, `"AQAA"`, 1)),
		"RSA with a huge exponent":   keys(strings.Replace(rfc7638, `"AQAB"`, `"AQAAAAE"`, 1)),
		"RSA without an exponent":    keys(strings.Replace(rfc7638, `"e":"AQAB",`, ``, 1)),
		"a point beside the curve":   keys(strings.Replace(rfc7515A3, `"x_F`, `"x_G`, 1)),
		"a point of another curve":   keys(strings.Replace(rfc7515A3, `P-256`, `P-384`, 1)),
		"a point at infinity":        keys(`{"kty":"EC","crv":"P-256","x":"","y":""}`),
		"a short coordinate":         keys(strings.Replace(rfc7515A3, `"f83O`, `"`, 1)),
		"a short Ed25519 key":        keys(strings.Replace(rfc8037, `"11qY`, `"`, 1)),
		"a low-order Ed25519 key":    keys(`{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"}`),
		"numbers that are padded":    keys(strings.Replace(rfc8037, `HURo"`, `HURo="`, 1)),
		"numbers in another base 64": keys(strings.Replace(rfc8037, `VS_7`, `VS/7`, 1)),
	} {
		if s, err := jose.ParseSet([]byte(text)); s != nil || !errors.Is(err, jose.ErrKeySet) {
			t.Errorf("%s: got %v, %v, want ErrKeySet", name, s, err)
		}
	}
}

// The keys of a set are found by themselves, whatever they are called.
func TestASetKnowsItsKeys(t *testing.T) {
	for _, k := range family(t)[:4] {
		public := k.Private.Public()
		if s := set(t, rfc7638+","+rfc8037+","+with(spelled(t, k.Private), `"kid":"k","use":"sig"`)); !s.HasKey(public) {
			t.Errorf("%s: its own key is not found", k.Algorithm)
		}
		if set(t, rfc7638+","+rfc8037).HasKey(public) || set(t, with(spelled(t, k.Private), `"use":"enc"`)).HasKey(public) {
			t.Errorf("%s: a key of others, or for other things, is found", k.Algorithm)
		}
	}
	if s := set(t, rfc7638); s.HasKey(nil) || s.HasKey("key") || s.HasKey([]byte("key")) {
		t.Error("what is no key is found")
	}
}
