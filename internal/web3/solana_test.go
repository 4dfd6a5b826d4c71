package web3

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"

	"github.com/mr-tron/base58"
)

func TestSolanaAddress(t *testing.T) {
	good := ada.address(Solana)
	if got, ok := solanaAddress(good); !ok || got != good {
		t.Errorf("got %q, %v", got, ok)
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"31 bytes":          base58.Encode([]byte(strings.Repeat("a", 31))),
		"33 bytes":          base58.Encode([]byte(strings.Repeat("a", 33))),
		"a zero before it":  "1" + good,
		"a letter of none":  "0" + good[1:],
		"another none":      good[:10] + "l" + good[11:],
		"a space":           good + " ",
		"outside ASCII":     "é" + good[2:],
		"an Ethereum one":   ada.address(Ethereum),
		"very long":         strings.Repeat("z", 5000),
		"the system itself": strings.Repeat("1", 32),
	} {
		if got, ok := solanaAddress(text); ok {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestSolanaSignature(t *testing.T) {
	m := message(Solana)
	raw := ed25519.Sign(ada.solana, []byte(m))
	good := base64.StdEncoding.EncodeToString(raw)
	bare := strings.TrimSuffix(good, "==")
	tests := []struct {
		name, signature string
		want            error
	}{
		{"base64", good, nil},
		{"base64 without padding", bare, nil},
		{"base64url", base64.URLEncoding.EncodeToString(raw), nil},
		{"base64url without padding", base64.RawURLEncoding.EncodeToString(raw), nil},
		{"half the padding", bare + "=", ErrSignature},
		{"twice the padding", good + "==", ErrSignature},
		{"bits after the end", bare[:85] + nextLetter(bare[85]), ErrSignature},
		{"a line end inside", bare[:40] + "\n" + bare[40:], ErrSignature},
		{"a line end for a letter", bare[:40] + "\n" + bare[41:], ErrSignature},
		{"hex", hex.EncodeToString(raw), ErrSignature},
		{"base58", base58.Encode(raw), ErrSignature},
		{"a byte less", base64.StdEncoding.EncodeToString(raw[:63]), ErrSignature},
		{"a byte more", base64.StdEncoding.EncodeToString(append(raw[:64:64], 0)), ErrSignature},
		{"a bit flipped", base64.StdEncoding.EncodeToString(append([]byte{raw[0] ^ 1}, raw[1:]...)), ErrSignature},
		{"s and the order", base64.StdEncoding.EncodeToString(plusOrder(raw)), ErrSignature},
		{"nothing", "", ErrSignature},
		{"padding alone", "==", ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Verify(Solana, m, tt.signature)
			want(t, err, tt.want)
		})
	}
}

// nextLetter sets a bit that the last letter of 64 bytes does not need.
func nextLetter(c byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return letters[strings.IndexByte(letters, c)+1:][:1]
}

// plusOrder adds the order of the curve to s, which changes nothing modulo it.
func plusOrder(signature []byte) []byte {
	order, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	out, carry := append([]byte(nil), signature...), 0
	for i, b := range order {
		sum := int(out[32+i]) + int(b) + carry
		out[32+i], carry = byte(sum), sum>>8
	}
	return out
}

// For each weak key, a signature that nobody made holds for one message in a few: s is
// zero and r another point of small order. The curve calls that right, so the address
// must be refused.
func TestNobodyIsAWeakKey(t *testing.T) {
	for _, text := range weakKeys {
		for _, sign := range []byte{0, 0x80} {
			key, _ := hex.DecodeString(text)
			key[31] |= sign
			address := base58.Encode(key)
			m, forged := forge(t, address, key)
			if m == "" {
				t.Fatalf("%x: no forgery holds, so it is not weak", key)
			}
			_, err := Verify(Solana, m, forged)
			want(t, err, ErrMessage)
		}
	}
}

// forge returns a message of address, and a signature that holds for it.
func forge(t *testing.T, address string, key ed25519.PublicKey) (m, signature string) {
	t.Helper()
	for i := range 100 {
		m := strings.NewReplacer(ada.address(Solana), address, "32891756", strconv.Itoa(i)).Replace(message(Solana))
		for _, r := range weakKeys {
			raw := make([]byte, ed25519.SignatureSize)
			_, _ = hex.Decode(raw, []byte(r))
			if ed25519.Verify(key, []byte(m), raw) {
				return m, base64.StdEncoding.EncodeToString(raw)
			}
		}
	}
	return "", ""
}
