// Package jose is what HeadyKey uses of JSON Web Signatures and Encryption:
// compact tokens with one algorithm per key and one explicit type per kind of
// token (RFC 8725). Keys come from the caller alone; nothing that a token says of
// keys is believed but the name of one that we hold. The one exception is
// [VerifyEmbedded], whose caller asks just which key it was.
package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxToken bounds a token of ours in bytes, before anything is parsed.
const maxToken = 16 << 10

// ErrToken reports a token that is malformed, of another type, or not signed by
// a key that it should be signed by.
var ErrToken = errors.New("not a token of ours")

// The algorithms of our own keys (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	HS256 = string(jose.HS256)
	ES256 = string(jose.ES256) // P-256 alone
	RS256 = string(jose.RS256)
	PS256 = string(jose.PS256)
	EdDSA = string(jose.EdDSA) // Ed25519 alone
)

// Ed25519 is the younger name of EdDSA with a key of that curve (RFC 9864 §2.2). Others
// sign by it; we keep to the one that every client knows.
const Ed25519 = "Ed25519"

// ours are the algorithms that a token of ours may name.
var ours = []jose.SignatureAlgorithm{jose.HS256, jose.ES256, jose.RS256, jose.PS256, jose.EdDSA}

// A Key signs and verifies with one algorithm.
type Key struct {
	ID        string // kid
	Algorithm string
	Secret    []byte           // for HS256
	Private   crypto.Signer    // for the others, to sign: of crypto/ecdsa, rsa or ed25519
	Public    crypto.PublicKey // for the others, to verify
}

// signing returns what the library signs with; nil if k cannot sign.
func (k Key) signing() any {
	if k.Algorithm == HS256 && len(k.Secret) > 0 {
		return k.Secret
	}
	if k.Private == nil || !fits(k.Algorithm, k.Private.Public()) {
		return nil
	}
	return k.Private
}

// verifying returns what the library verifies with; nil if k cannot verify.
func (k Key) verifying() any {
	if k.Algorithm == HS256 && len(k.Secret) > 0 {
		return k.Secret
	}
	if !fits(k.Algorithm, k.Public) {
		return nil
	}
	return k.Public
}

// fits reports whether public is a key for algorithm.
func fits(algorithm string, public crypto.PublicKey) bool {
	return slices.Contains(algorithmsOf(public), algorithm)
}

// algorithmsOf returns what public may verify (RFC 7518 §3.1, RFC 8037 §3.1): an
// elliptic key one algorithm, by its curve, that of Ed25519 under two names. What is no public key may do nothing.
func algorithmsOf(public crypto.PublicKey) []string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k != nil {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		if k != nil && k.Curve != nil {
			return curveAlgorithms[k.Params().Name]
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return []string{EdDSA, Ed25519}
		}
	}
	return nil
}

// curveAlgorithms names the algorithm of each curve (RFC 7518 §3.4).
var curveAlgorithms = map[string][]string{"P-256": {"ES256"}, "P-384": {"ES384"}, "P-521": {"ES512"}}

// A Signer makes tokens of one type with one key. It is safe for concurrent use.
type Signer struct{ signer jose.Signer }

// NewSigner returns a signer of tokens whose header carries typ and the key's id, if
// it has one.
// It fails if the key is not one for its algorithm.
func NewSigner(k Key, typ string) (*Signer, error) {
	key := k.signing()
	if key == nil {
		return nil, fmt.Errorf("signer %s: it is no key to sign %q with", k.ID, k.Algorithm)
	}
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	if k.ID != "" {
		options = options.WithHeader("kid", k.ID)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: key}, options)
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
// that find returns for its kid with the algorithm of that key. The signature is
// checked before anything else is believed. All failures are ErrToken.
func Verify(token, typ string, find func(kid string) (Key, bool)) ([]byte, error) {
	if _, ok := split(token, maxToken); !ok {
		return nil, ErrToken
	}
	jws, err := jose.ParseSignedCompact(token, ours)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, ErrToken
	}
	header := jws.Signatures[0].Protected
	key, ok := find(header.KeyID)
	if !ok || header.Algorithm != key.Algorithm || header.ExtraHeaders[jose.HeaderType] != typ {
		return nil, ErrToken
	}
	verifying := key.verifying()
	if verifying == nil {
		return nil, ErrToken
	}
	claims, err := jws.Verify(verifying)
	if err != nil {
		return nil, ErrToken
	}
	return claims, nil
}

// Thumbprint returns the RFC 7638 thumbprint (SHA-256, base64url) of a public key:
// a kid that can never mean two keys.
func Thumbprint(public crypto.PublicKey) (string, error) {
	if algorithmsOf(public) == nil {
		return "", errors.New("thumbprint: not a public key")
	}
	k := jose.JSONWebKey{Key: public}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// PublicSet returns the JWK set (RFC 7517 §5) of the public parts of keys. It
// fails on a key that has none.
func PublicSet(keys []Key) ([]byte, error) {
	set := struct {
		Keys []map[string]any `json:"keys"`
	}{Keys: []map[string]any{}}
	for _, k := range keys {
		if !fits(k.Algorithm, k.Public) {
			return nil, fmt.Errorf("key set: %s has no public part for %q", k.ID, k.Algorithm)
		}
		members, err := publicMembers(k)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, members)
	}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return text, nil
}

// publicMembers returns the JWK of k's public part, which says that it verifies
// (RFC 7517 §4.3).
func publicMembers(k Key) (map[string]any, error) {
	text, err := json.Marshal(jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"})
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	members["key_ops"] = []string{"verify"}
	return members, nil
}

// split returns the three parts of a compact token of at most limit bytes, each
// decoded. Each must be base64url as RFC 7515 §2 has it: decoders pass over line
// breaks and over bits that say nothing, and a token that had two spellings could
// live on in the second when the first is refused.
func split(token string, limit int) (parts [3][]byte, ok bool) {
	if len(token) > limit || strings.Count(token, ".") != 2 {
		return parts, false
	}
	for i, part := range strings.Split(token, ".") {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(b) != part {
			return parts, false
		}
		parts[i] = b
	}
	return parts, true
}
