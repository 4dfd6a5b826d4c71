package e2e

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// A token is a JWT taken apart.
type token struct {
	header, claims obj
	signed         string // the text that the signature covers
	mac            []byte
}

func parseToken(t *testing.T, text string) token {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("a JWT has three parts, this has %d: %.40q", len(parts), text)
	}
	tok := token{signed: parts[0] + "." + parts[1], mac: unbase64(t, parts[2])}
	for i, to := range []*obj{&tok.header, &tok.claims} {
		if err := json.Unmarshal(unbase64(t, parts[i]), to); err != nil {
			t.Fatalf("part %d of the JWT: %v", i, err)
		}
	}
	return tok
}

// resigned returns tok with other header fields and claims, signed with secret
// under HS256. A nil value takes a member away.
func (tok token) resigned(t *testing.T, secret string, header, claims obj) string {
	t.Helper()
	signed := encodePart(t, merged(tok.header, header)) + "." + encodePart(t, merged(tok.claims, claims))
	return signed + "." + base64.RawURLEncoding.EncodeToString(hmacOf(secret, signed))
}

// signedByRSA returns tok under RS256 with a key of nobody's.
func (tok token) signedByRSA(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signed := encodePart(t, merged(tok.header, obj{"alg": "RS256"})) + "." + encodePart(t, tok.claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// unsigned returns tok with the algorithm spelled alg and no signature.
func (tok token) unsigned(t *testing.T, alg string) string {
	t.Helper()
	return encodePart(t, merged(tok.header, obj{"alg": alg})) + "." + encodePart(t, tok.claims) + "."
}

func hmacOf(secret, text string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func merged(base, over obj) obj {
	out := obj{}
	for _, from := range []obj{base, over} {
		for k, v := range from {
			out[k] = v
			if v == nil {
				delete(out, k)
			}
		}
	}
	return out
}

func encodePart(t *testing.T, part obj) string {
	t.Helper()
	text, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatalf("not base64url: %.40q", s)
	}
	return b
}
