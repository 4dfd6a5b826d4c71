package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// ErrUnusableHash reports a stored password hash of an unknown format, damaged, or
// so costly that checking it would stall the server.
var ErrUnusableHash = errors.New("password hash is not usable")

// How passwords are hashed: argon2id with 19 MiB, two passes, one lane.
const (
	hashMemory  = 19 << 10 // KiB
	hashTime    = 2
	hashThreads = 1
	saltSize    = 16 // bytes
	hashSize    = 32 // bytes

	// hashHead begins every hash that HashPassword writes.
	hashHead = "$argon2id$v=19$m=19456,t=2,p=1$"
)

// dummyHash is what an unknown person's password is checked against: the hash of
// 32 random bytes that nobody kept.
const dummyHash = "$argon2id$v=19$m=19456,t=2,p=1$tsVlrvLyPlHktxjSVVUYaA$w+wX1u8yjqMYq/u3WNYdD9qPzv4yVCu//tIxlFyZBzY"

// Normalise returns password in Unicode normal form C, so that one password typed
// on two keyboards is one password (NIST SP 800-63B-4 §3.1.1.2).
func Normalise(password string) string { return norm.NFC.String(password) }

// HashPassword returns the argon2id hash (RFC 9106) of the normalised password as
// a PHC string, with a new salt. It takes 19 MiB and some 23 ms: a server hashes
// in a [Pool].
func HashPassword(password string) string {
	salt := random(saltSize)
	sum := argon2.IDKey([]byte(Normalise(password)), salt, hashTime, hashMemory, hashThreads, hashSize)
	b64 := base64.RawStdEncoding
	return hashHead + b64.EncodeToString(salt) + "$" + b64.EncodeToString(sum)
}

// VerifyPassword reports whether password has made hash, which may be argon2id,
// argon2i, bcrypt, scrypt, PBKDF2 or Firebase scrypt. It tries the normalised
// password, and then the text as it came, since others may not have normalised.
// bcrypt looks at the first 72 bytes only. An empty hash matches nothing; one that
// cannot be checked is ErrUnusableHash. A server verifies in a [Pool].
func VerifyPassword(hash, password string) (bool, error) {
	if hash == "" {
		return false, nil
	}
	matches, err := parse(hash)
	if err != nil {
		return false, err
	}
	plain := Normalise(password)
	ok, err := matches([]byte(plain))
	if err == nil && !ok && plain != password {
		ok, err = matches([]byte(password))
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnusableHash, err)
	}
	return ok, nil
}

// CheckHash returns nil if VerifyPassword can work with hash, and ErrUnusableHash
// with the reason if not. It is quick: for imports.
func CheckHash(hash string) error {
	_, err := parse(hash)
	return err
}

// NeedsUpgrade reports whether hash was made otherwise than HashPassword does now,
// so that the next right password should be hashed anew.
func NeedsUpgrade(hash string) bool {
	return !strings.HasPrefix(hash, hashHead) || len(hash) != len(dummyHash)
}
