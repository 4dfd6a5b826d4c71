package jose_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey/internal/jose"
)

// read decrypts as the client would and returns the header, too.
func read(t testing.TB, token string, key any) (plain string, header map[string]any) {
	t.Helper()
	jwe, err := gojose.ParseEncryptedCompact(token,
		[]gojose.KeyAlgorithm{gojose.RSA_OAEP, gojose.RSA_OAEP_256, gojose.ECDH_ES, gojose.ECDH_ES_A128KW, gojose.ECDH_ES_A256KW},
		[]gojose.ContentEncryption{gojose.A128GCM, gojose.A256GCM, gojose.A128CBC_HS256, gojose.A256CBC_HS512})
	check(t, err)
	text, err := jwe.Decrypt(key)
	check(t, err)
	check(t, json.Unmarshal(decoded(t, strings.Split(token, ".")[0]), &header))
	return string(text), header
}

func TestAClientReadsWhatIsEncryptedToIt(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		ec, err := ecdsa.GenerateKey(curve, rand.Reader)
		check(t, err)
		for _, alg := range jose.EncryptionAlgorithms {
			for _, enc := range jose.ContentEncryptions {
				encryptAndRead(t, ec, alg, enc)
			}
		}
	}
}

func encryptAndRead(t *testing.T, ec *ecdsa.PrivateKey, alg, enc string) {
	t.Helper()
	s := set(t, with(spelled(t, rsaKey()), `"kid":"rsa"`)+","+with(spelled(t, ec), `"kid":"ec"`))
	token, err := s.Encrypt([]byte("a.b.c"), alg, enc, "JWT")
	check(t, err)
	var key any = ec
	want := map[string]any{"alg": alg, "enc": enc, "cty": "JWT", "kid": "ec"}
	if strings.HasPrefix(alg, "RSA") {
		key, want["kid"] = rsaKey(), "rsa"
	}
	plain, header := read(t, token, key)
	delete(header, "epk")
	if plain != "a.b.c" || !maps.Equal(header, want) {
		t.Errorf("%s, %s, %s: got %q, %v", ec.Params().Name, alg, enc, plain, header)
	}
}

func TestTheKeyToEncryptToIsTheOneMeantForIt(t *testing.T) {
	const alg, enc = "RSA-OAEP-256", "A256GCM"
	key := func(members string) string { return with(rfc7638, members) }
	for name, tt := range map[string]struct{ keys, kid string }{
		"the first":             {key(`"kid":"a"`) + "," + key(`"kid":"b"`), "a"},
		"meant for encryption":  {key(`"kid":"a"`) + "," + key(`"kid":"b","use":"enc"`) + "," + key(`"kid":"c","use":"enc"`), "b"},
		"not for signatures":    {key(`"kid":"a","use":"sig"`) + "," + key(`"kid":"b"`), "b"},
		"not to sign":           {key(`"kid":"a","key_ops":["verify"]`) + "," + key(`"kid":"b","key_ops":["wrapKey"]`), "b"},
		"of the algorithm":      {key(`"kid":"a","alg":"RSA-OAEP","use":"enc"`) + "," + key(`"kid":"b","alg":"RSA-OAEP-256"`), "b"},
		"of the kind":           {with(rfc7515A3, `"kid":"a","use":"enc"`) + "," + with(rfc8037, `"kid":"b"`) + "," + key(`"kid":"c"`), "c"},
		"none: for signatures":  {key(`"kid":"a","use":"sig"`), ""},
		"none: of another kind": {with(rfc7515A3, `"use":"enc"`) + "," + with(rfc8037, `"use":"enc"`), ""},
	} {
		token, err := set(t, tt.keys).Encrypt([]byte("x"), alg, enc, "")
		if tt.kid == "" {
			if token != "" || !errors.Is(err, jose.ErrKeySet) {
				t.Errorf("%s: got %q, %v, want ErrKeySet", name, token, err)
			}
			continue
		}
		check(t, err)
		var header map[string]any
		check(t, json.Unmarshal(decoded(t, strings.Split(token, ".")[0]), &header))
		if want := (map[string]any{"alg": alg, "enc": enc, "kid": tt.kid}); !maps.Equal(header, want) {
			t.Errorf("%s: got %v, want %v", name, header, want)
		}
	}
}

func TestWeakEncryptionIsRefused(t *testing.T) {
	s := set(t, rfc7638+","+rfc7515A3)
	for _, alg := range []string{"", "dir", "RSA1_5", "A128KW", "PBES2-HS256+A128KW", "ECDH-ES+A192KW", "rsa-oaep", "RS256"} {
		if token, err := s.Encrypt([]byte("x"), alg, "A256GCM", ""); token != "" || !errors.Is(err, jose.ErrKeySet) {
			t.Errorf("alg %q: got %q, %v", alg, token, err)
		}
	}
	for _, enc := range []string{"", "none", "A192GCM", "A128CBC", "a256gcm"} {
		if token, err := s.Encrypt([]byte("x"), "RSA-OAEP", enc, ""); token != "" || !errors.Is(err, jose.ErrKeySet) {
			t.Errorf("enc %q: got %q, %v", enc, token, err)
		}
	}
}

// A key that was made for key agreement alone serves, too, and two tokens are never
// alike.
func TestEncryptionIsFresh(t *testing.T) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	check(t, err)
	key := parsed.(*ecdsa.PrivateKey)
	s := set(t, with(spelled(t, key), `"use":"enc","key_ops":["deriveKey"]`))
	var parts []string
	for range 3 {
		token, err := s.Encrypt([]byte("x"), "ECDH-ES", "A128GCM", "")
		check(t, err)
		if plain, _ := read(t, token, key); plain != "x" {
			t.Errorf("got %q", plain)
		}
		for _, i := range []int{0, 2, 3, 4} {
			parts = append(parts, strings.Split(token, ".")[i])
		}
	}
	slices.Sort(parts)
	if n := len(slices.Compact(parts)); n != 12 {
		t.Errorf("%d of 12 parts differ", n)
	}
}
