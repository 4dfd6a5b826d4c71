package jose_test

import (
	"errors"
	"fmt"
	"testing"

	"headykey.com/headykey/internal/jose"
)

func FuzzParseSet(f *testing.F) {
	for _, key := range []string{rfc7638, rfc8037, rfc7515A3, rfc7515A2, with(rfc8037, `"d":"AQ"`), with(rfc8037, `"use":"enc","key_ops":["verify"]`), `{"kty":"oct","k":"AA"}`} {
		f.Add([]byte(`{"keys":[` + key + `]}`))
	}
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-521","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := jose.ParseSet(text)
		if (s == nil) != (err != nil) || err != nil && !errors.Is(err, jose.ErrKeySet) {
			t.Fatalf("%q: got %v, %v", text, s, err)
		}
		if s == nil {
			return
		}
		for _, alg := range jose.EncryptionAlgorithms {
			if _, err := s.Encrypt([]byte("x"), alg, "A128GCM", "JWT"); err != nil && !errors.Is(err, jose.ErrKeySet) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if got, err := s.Verify(forge(`{"alg":"HS256"}`, `{}`, text), limit, jose.ForeignAlgorithms); got != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("%q: a forged token passes", text)
		}
	})
}

// Of the fuzzer's tokens none passes but the one that was signed.
func FuzzForeignTokens(f *testing.F) {
	k := family(f)[3]
	head := fmt.Sprintf(`{"alg":"EdDSA","jwk":%s}`, spelled(f, k.Private))
	good := craft(f, head, `{"a":1}`, jose.EdDSA, k.Private)
	for _, token := range crooked(f, jose.EdDSA, k.Private) {
		f.Add(token)
	}
	f.Add(good)
	s := set(f, spelled(f, k.Private))
	f.Fuzz(func(t *testing.T, token string) {
		header, claims, err := jose.Peek(token, limit)
		if err != nil && (!errors.Is(err, jose.ErrToken) || claims != nil || header != jose.ForeignHeader{}) {
			t.Errorf("%q: got %v", token, err)
		}
		got, failed := s.Verify(token, limit, jose.ForeignAlgorithms)
		if failed == nil && (err != nil || string(got.Claims) != string(claims) || token != good) {
			t.Errorf("%q: passes with the set", token)
		}
		got, thumbprint, failed := jose.VerifyEmbedded(token, limit, jose.ForeignAlgorithms)
		if failed == nil && (err != nil || string(got.Claims) != string(claims) || thumbprint == "") || failed != nil && !errors.Is(failed, jose.ErrToken) {
			t.Errorf("%q: got %+v, %s, %v", token, got, thumbprint, failed)
		}
		if got, err := jose.VerifySecret(token, limit, make([]byte, 31)); got != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("%q: passes with a short secret", token)
		}
	})
}
