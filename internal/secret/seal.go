package secret

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrSealed reports a sealed value that cannot be opened: it was changed, made
// for another purpose, or sealed with another master key.
var ErrSealed = errors.New("sealed value cannot be opened")

// ErrMasterKey reports a master key that is not usable.
var ErrMasterKey = errors.New("master key is not usable")

// sealVersion is the first byte of every sealed value.
const sealVersion = 1

// A Sealer keeps values from those who can read the database but not the master
// key, and signs values that leave the server and come back. Each purpose has
// keys of its own. A Sealer may be used by many goroutines and prints as its
// name, never as its key.
type Sealer struct{ root []byte }

// NewSealer returns the Sealer of a master key of 32 bytes; another length is
// ErrMasterKey.
func NewSealer(masterKey []byte) (*Sealer, error) {
	if len(masterKey) != MasterKeySize {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrMasterKey, len(masterKey), MasterKeySize)
	}
	root, err := hkdf.Extract(sha256.New, masterKey, []byte("headykey"))
	if err != nil {
		return nil, fmt.Errorf("derive the root key: %w", err)
	}
	return &Sealer{root}, nil
}

// Seal returns plain, encrypted and bound to purpose with XChaCha20-Poly1305: a
// version byte, the random nonce of 24 bytes, then the ciphertext and its tag of
// 16 bytes. Name the purpose after the use, and add the row it belongs to where
// a value must not move between rows.
func (s *Sealer) Seal(purpose string, plain []byte) []byte {
	head := append([]byte{sealVersion}, random(chacha20poly1305.NonceSizeX)...)
	return s.aead(purpose).Seal(head, head[1:], plain, []byte(purpose))
}

// Open returns what Seal was given for the same purpose, or ErrSealed.
func (s *Sealer) Open(purpose string, sealed []byte) ([]byte, error) {
	const head = 1 + chacha20poly1305.NonceSizeX
	if len(sealed) < head || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	plain, err := s.aead(purpose).Open(nil, sealed[1:head], sealed[head:], []byte(purpose))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// MAC returns the HMAC-SHA-256 of the parts of data, each led by its length, with
// the key of purpose: for signed cursors and pseudonymous keys. Compare with
// [Equal].
func (s *Sealer) MAC(purpose string, data ...[]byte) [32]byte {
	h := hmac.New(sha256.New, s.key("mac", purpose))
	for _, part := range data {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return [32]byte(h.Sum(nil))
}

// Format prints the name of the type whatever the verb, so that no log shows a key.
func (s *Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secret.Sealer") }

// aead returns the cipher of purpose.
func (s *Sealer) aead(purpose string) cipher.AEAD {
	c, err := chacha20poly1305.NewX(s.key("seal", purpose))
	if err != nil {
		panic(err) // the key has the right length
	}
	return c
}

// key derives the key of 32 bytes for one use and purpose (HKDF, RFC 5869 §2.3).
func (s *Sealer) key(use, purpose string) []byte {
	key, err := hkdf.Expand(sha256.New, s.root, "headykey "+use+" 1\x00"+purpose, chacha20poly1305.KeySize)
	if err != nil {
		panic(err) // 32 bytes can always be had
	}
	return key
}
