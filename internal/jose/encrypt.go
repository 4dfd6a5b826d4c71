package jose

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// EncryptionAlgorithms are the ways to pass on the key of the content (alg,
// RFC 7518 §4.1), the ones to prefer first.
var EncryptionAlgorithms = []string{"ECDH-ES+A256KW", "ECDH-ES+A128KW", "ECDH-ES", "RSA-OAEP-256", "RSA-OAEP"}

// ContentEncryptions are the ways to encrypt the content (enc, RFC 7518 §5.1), the
// ones to prefer first.
var ContentEncryptions = []string{"A256GCM", "A128GCM", "A256CBC-HS512", "A128CBC-HS256"}

// Encrypt returns plain as a compact JWE (RFC 7516) that the owner of the set alone
// can read. contentType becomes cty, "JWT" for a nested token (RFC 7519 §5.2);
// empty: there is none. Of the keys that fit, those meant for encryption (use enc)
// come before those meant for anything, and earlier ones before later ones: list
// the newest first. It fails with ErrKeySet if no key fits or we do not know alg
// or enc.
func (s *Set) Encrypt(plain []byte, alg, enc, contentType string) (string, error) {
	if !slices.Contains(EncryptionAlgorithms, alg) || !slices.Contains(ContentEncryptions, enc) {
		return "", fmt.Errorf("%w to encrypt to with %q and %q", ErrKeySet, alg, enc)
	}
	key, ok := s.encrypting(alg)
	if !ok {
		return "", fmt.Errorf("%w to encrypt to with %s: it has no such key", ErrKeySet, alg)
	}
	var options jose.EncrypterOptions
	if contentType != "" {
		options.WithContentType(jose.ContentType(contentType))
	}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(enc),
		jose.Recipient{Algorithm: jose.KeyAlgorithm(alg), Key: key.public, KeyID: key.id}, &options)
	if err != nil {
		return "", fmt.Errorf("encrypt token: %w", err)
	}
	jwe, err := encrypter.Encrypt(plain)
	if err != nil {
		return "", fmt.Errorf("encrypt token: %w", err)
	}
	return jwe.CompactSerialize()
}

// encrypting returns the key to encrypt to with alg.
func (s *Set) encrypting(alg string) (foreignKey, bool) {
	for _, use := range []string{"enc", ""} {
		for _, k := range s.keys {
			if k.use == use && k.encrypts(alg) {
				return k, true
			}
		}
	}
	return foreignKey{}, false
}

// encrypts reports whether content keys may be passed on to k with alg.
func (k foreignKey) encrypts(alg string) bool {
	if k.algorithm != "" && k.algorithm != alg {
		return false
	}
	wanted := []string{"encrypt", "wrapKey"}
	switch k.public.(type) {
	case *rsa.PublicKey:
		if !strings.HasPrefix(alg, "RSA-") {
			return false
		}
	case *ecdsa.PublicKey:
		if !strings.HasPrefix(alg, "ECDH-") {
			return false
		}
		wanted = []string{"deriveKey", "deriveBits"}
	default:
		return false
	}
	return len(k.operations) == 0 || slices.ContainsFunc(k.operations, func(op string) bool { return slices.Contains(wanted, op) })
}
