package jose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey/internal/jose"
)

// vectorKey is the key of RFC 7515 appendix A.3.
func vectorKey(t testing.TB) *ecdsa.PublicKey {
	t.Helper()
	// Uncompressed (SEC 1 §2.3.3): 4, x, y, each coordinate of 32 bytes.
	point := []byte{4}
	for _, part := range []string{"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"} {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The token of RFC 7515 appendix A.3 is rightly signed, and says not what it is
// (RFC 8725 §3.11).
func TestATokenWithoutATypeIsRefused(t *testing.T) {
	const token = "eyJhbGciOiJFUzI1NiJ9" +
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	find := func(string) (jose.Key, bool) { return jose.Key{Algorithm: jose.ES256, Public: vectorKey(t)}, true }
	for _, typ := range []string{"JWT", typ, ""} {
		if got, err := jose.Verify(token, typ, find); got != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("as %q: got %q, %v", typ, got, err)
		}
	}
}

// The thumbprint covers crv, kty, x and y in this order (RFC 7638 §3.2).
func TestThumbprint(t *testing.T) {
	got, err := jose.Thumbprint(vectorKey(t))
	if want := "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func fresh(t testing.TB) jose.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.Key{ID: "session-1", Algorithm: jose.ES256, Private: private, Public: &private.PublicKey}
}

func TestES256WhatWasSignedIsRead(t *testing.T) {
	k := fresh(t)
	token := sign(t, k, typ, `{"sub":"ada"}`)
	only := func(known jose.Key) func(string) (jose.Key, bool) {
		return func(kid string) (jose.Key, bool) { return known, kid == k.ID }
	}
	if got, err := jose.Verify(token, typ, only(k)); err != nil || string(got) != `{"sub":"ada"}` {
		t.Errorf("got %s, %v", got, err)
	}
	other := fresh(t)
	point, err := k.Public.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secret := jose.Key{ID: k.ID, Algorithm: jose.HS256, Secret: point}
	parts := strings.Split(token, ".")
	header := `{"alg":"HS256","kid":"session-1","typ":"at+jwt"}`
	for name, attempt := range map[string]struct {
		token string
		known jose.Key
	}{
		"another key":                      {token, other},
		"a key for HS256":                  {token, secret},
		"HS256 with the public key":        {forge(header, `{"sub":"eve"}`, point), k},
		"another algorithm in the header":  {b64(header) + "." + parts[1] + "." + parts[2], k},
		"another type":                     {sign(t, k, "JWT", `{}`), k},
		"no signature":                     {parts[0] + "." + parts[1] + ".", k},
		"a signature of noughts":           {parts[0] + "." + parts[1] + "." + b64(strings.Repeat("\x00", 64)), k},
		"a signature cut short":            {token[:len(token)-4], k},
		"a signature with a second ending": {token[:len(token)-1] + next(token[len(token)-1]), k},
	} {
		if got, err := jose.Verify(attempt.token, typ, only(attempt.known)); got != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s: got %q, %v, want ErrToken", name, got, err)
		}
	}
}

// next returns another character that stands for the same byte: 64 bytes end in a
// character of which four bits say nothing.
func next(c byte) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(digits[strings.IndexByte(digits, c)|1])
}

func TestAPublicSetHoldsNothingPrivate(t *testing.T) {
	k := fresh(t)
	k.Public = vectorKey(t)
	text, err := jose.PublicSet([]jose.Key{k})
	var got any
	if err != nil || json.Unmarshal(text, &got) != nil {
		t.Fatalf("%s, %v", text, err)
	}
	want := map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "kid": "session-1", "alg": "ES256", "use": "sig", "key_ops": []any{"verify"},
		"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", text)
	}
	if text, err := jose.PublicSet(nil); err != nil || string(text) != `{"keys":[]}` {
		t.Errorf("no keys: %s, %v", text, err)
	}
}
