// Package jose is what HeadyKey uses of JSON Web Signatures: compact tokens with
// one algorithm per key and one explicit type per kind of token (RFC 8725). Keys
// come from the caller alone; nothing that a token says of keys is believed but
// the name of one that we hold.
package jose

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxToken bounds a token in bytes, before anything is parsed.
const maxToken = 8 << 10

// ErrToken reports a token that is malformed, of another type, or not signed by
// a key of ours.
var ErrToken = errors.New("not a token of ours")

// The algorithms in use.
const (
	HS256 = string(jose.HS256)
	ES256 = string(jose.ES256) // P-256 alone
)

// A Key signs and verifies with one algorithm.
type Key struct {
	ID        string // kid
	Algorithm string
	Secret    []byte            // for HS256
	Private   *ecdsa.PrivateKey // for ES256, to sign
	Public    *ecdsa.PublicKey  // for ES256, to verify
}

// signing returns what the library signs with.
func (k Key) signing() any {
	if k.Algorithm == ES256 {
		return k.Private
	}
	return k.Secret
}

// verifying returns what the library verifies with.
func (k Key) verifying() any {
	if k.Algorithm == ES256 {
		return k.Public
	}
	return k.Secret
}

// A Signer makes tokens of one type with one key. It is safe for concurrent use.
type Signer struct{ signer jose.Signer }

// NewSigner returns a signer of tokens whose header carries typ and the key's id.
func NewSigner(k Key, typ string) (*Signer, error) {
	s, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: k.signing()},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", k.ID))
	if err != nil {
		return nil, fmt.Errorf("signer %s: %w", k.ID, err)
	}
	return &Signer{s}, nil
}

// Sign returns the compact token of claims, a JSON object.
func (s *Signer) Sign(claims []byte) (string, error) {
	jws, err := s.signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return jws.CompactSerialize()
}

// Verify returns the claims of a compact token of type typ, signed by the key
// that find returns for its kid. The signature is checked before anything else is
// believed. All failures are ErrToken.
func Verify(token, typ string, find func(kid string) (Key, bool)) ([]byte, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 || !oneSpelling(token) {
		return nil, ErrToken
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256, jose.ES256})
	if err != nil || len(jws.Signatures) != 1 {
		return nil, ErrToken
	}
	header := jws.Signatures[0].Protected
	key, ok := find(header.KeyID)
	if !ok || header.Algorithm != key.Algorithm || header.ExtraHeaders[jose.HeaderType] != typ {
		return nil, ErrToken
	}
	claims, err := jws.Verify(key.verifying())
	if err != nil {
		return nil, ErrToken
	}
	return claims, nil
}

// Thumbprint returns the RFC 7638 thumbprint (SHA-256, base64url) of a public key:
// a kid that can never mean two keys.
func Thumbprint(public *ecdsa.PublicKey) (string, error) {
	k := jose.JSONWebKey{Key: public}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// PublicSet returns the JWK set (RFC 7517 §5) of the public parts of keys, which
// are all for ES256.
func PublicSet(keys []Key) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return text, nil
}

// oneSpelling reports whether each part of token is base64url as RFC 7515 §2 has
// it. Decoders pass over line breaks and over bits that say nothing; a token that
// had two spellings could live on in the second when the first is refused.
func oneSpelling(token string) bool {
	for part := range strings.SplitSeq(token, ".") {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(b) != part {
			return false
		}
	}
	return true
}
