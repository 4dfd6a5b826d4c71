package headykey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

const (
	// KeyPrefix begins every API key.
	KeyPrefix = "hdy_"

	keyRandom     = 30                       // random bytes in a key
	keyLength     = len(KeyPrefix) + 2*34    // characters in a key
	keyPrefixSize = len(KeyPrefix) + 8       // characters that are shown again
	keyBody       = keyRandom + crc32.Size   // bytes behind the prefix
	hexDigits     = "0123456789abcdef"       // keys have one spelling: lower case
	_             = uint(keyLength - 72)     // 4 + 68 characters, by contract
	_             = uint(2*keyBody + 4 - 72) // 30 random bytes and their CRC-32
)

// NewAPIKey returns a fresh key: "hdy_" and 68 hex digits, which are 30 random
// bytes and their CRC-32 (IEEE, big endian), so that a secret scanner can tell a
// real key from noise.
func NewAPIKey() string {
	var b [keyBody]byte
	_, _ = rand.Read(b[:keyRandom]) // never fails (crypto/rand)
	binary.BigEndian.PutUint32(b[keyRandom:], crc32.ChecksumIEEE(b[:keyRandom]))
	return KeyPrefix + hex.EncodeToString(b[:])
}

// HashAPIKey returns the SHA-256 of a well-formed key, or ErrInvalidAPIKey. A key
// has one spelling only: two strings that open one door would let a revoked key
// live on in disguise.
func HashAPIKey(key string) ([32]byte, error) {
	if len(key) != keyLength || !strings.HasPrefix(key, KeyPrefix) ||
		strings.Trim(key[len(KeyPrefix):], hexDigits) != "" {
		return [32]byte{}, ErrInvalidAPIKey
	}
	b, err := hex.DecodeString(key[len(KeyPrefix):])
	if err != nil || binary.BigEndian.Uint32(b[keyRandom:]) != crc32.ChecksumIEEE(b[:keyRandom]) {
		return [32]byte{}, ErrInvalidAPIKey
	}
	return sha256.Sum256([]byte(key)), nil
}

// APIKeyPrefix returns the first 12 characters of a well-formed key, by which its
// owner knows it again.
func APIKeyPrefix(key string) string { return key[:keyPrefixSize] }
