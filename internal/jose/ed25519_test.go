package jose_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"testing"

	"headykey.com/headykey/internal/jose"
)

// Ed25519 and EdDSA name one algorithm, whichever of them the key names (RFC 9864
// §2.2); a token counts only under a name that is asked for.
func TestEd25519HasTwoNames(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	encode := base64.RawURLEncoding.EncodeToString
	x := encode(private.Public().(ed25519.PublicKey))
	for _, row := range []struct {
		key, token string
		want       error
	}{
		{"", "Ed25519", nil}, {"EdDSA", "Ed25519", nil}, {"Ed25519", "Ed25519", nil}, {"EdDSA", "EdDSA", nil},
		{"ES256", "Ed25519", jose.ErrToken}, {"", "Ed448", jose.ErrToken}, {"", "ed25519", jose.ErrToken},
	} {
		set, err := jose.ParseSet([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + x + `","alg":"` + row.key + `"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		text := encode([]byte(`{"alg":"`+row.token+`"}`)) + "." + encode([]byte(`{"sub":"ada"}`))
		signature := ed25519.Sign(private, []byte(text))
		if _, err := set.Verify(text+"."+encode(signature), 1<<10, jose.ForeignAlgorithms); !errors.Is(err, row.want) {
			t.Errorf("key %q, token %q: %v, want %v", row.key, row.token, err, row.want)
		}
		signature[0] ^= 1
		if _, err := set.Verify(text+"."+encode(signature), 1<<10, jose.ForeignAlgorithms); !errors.Is(err, jose.ErrToken) {
			t.Errorf("key %q, token %q: a changed signature: %v", row.key, row.token, err)
		}
	}
	foreign := encode([]byte(`{"alg":"Ed25519"}`)) + "." + encode([]byte(`{}`))
	signed := foreign + "." + encode(ed25519.Sign(private, []byte(foreign)))
	set, _ := jose.ParseSet([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}]}`))
	if _, err := set.Verify(signed, 1<<10, []string{jose.EdDSA}); !errors.Is(err, jose.ErrToken) {
		t.Errorf("a name that was not asked for: %v", err)
	}
}
