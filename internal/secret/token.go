// Package secret makes, keeps and checks what must not be known: random tokens,
// password hashes, values sealed at rest, and the rules for new passwords. It
// knows nothing of accounts, and it never logs.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Token returns n bytes from the system's secure random source as 2n lower-case
// hex digits.
func Token(n int) string { return hex.EncodeToString(random(n)) }

// Hash returns the SHA-256 of s. It is the form in which random tokens are
// stored; a password needs a [Pool].
func Hash(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// Equal reports whether a and b are the same bytes, in a time that depends on
// their lengths alone.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// random returns n secure random bytes. The source cannot fail: a system without
// one ends the process.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
