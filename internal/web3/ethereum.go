package web3

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

const (
	ethereumAddressSize   = 20 // bytes
	ethereumSignatureSize = 65 // bytes: r, s, v
)

// ethereumAddress returns an address in lower case. One that has capitals has those of
// EIP-55: they are its check digits.
func ethereumAddress(text string) (canonical string, ok bool) {
	digits, ok := strings.CutPrefix(text, "0x")
	lower := strings.ToLower(digits)
	if raw, err := hex.DecodeString(lower); !ok || err != nil || len(raw) != ethereumAddressSize {
		return "", false
	}
	return "0x" + lower, digits == lower || digits == checksummed(lower)
}

// checksummed returns the digits of an address with the capitals of EIP-55: a letter
// is one where the same digit of the hash is 8 or more.
func checksummed(lower string) string {
	digits := []byte(lower)
	for i, sum := range hex.EncodeToString(keccak([]byte(lower)))[:len(digits)] {
		if digits[i] >= 'a' && sum >= '8' {
			digits[i] -= 'a' - 'A'
		}
	}
	return string(digits)
}

// ethereumNetwork reports whether text is a chain id (EIP-155).
func ethereumNetwork(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// ethereumSigned reports whether signature, 0x and 65 bytes in hex, is of message by
// the key of address, as personal_sign makes it (EIP-191, version 0x45). Of the two
// signatures that hold, the one with the higher s is not one that a wallet makes
// (EIP-2).
func ethereumSigned(address, message, signature string) bool {
	digits, ok := strings.CutPrefix(signature, "0x")
	if !ok || len(digits) != 2*ethereumSignatureSize {
		return false
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}
	v := raw[64]
	if v < 27 {
		v += 27 // some wallets count from 0
	}
	var s secp256k1.ModNScalar
	if s.SetByteSlice(raw[32:64]) || s.IsOverHalfOrder() || v != 27 && v != 28 {
		return false
	}
	hash := keccak(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(message), message))
	key, _, err := ecdsa.RecoverCompact(append([]byte{v}, raw[:64]...), hash)
	return err == nil && addressOf(key) == address
}

// addressOf returns the address of a key: the end of the hash of its point.
func addressOf(key *secp256k1.PublicKey) string {
	sum := keccak(key.SerializeUncompressed()[1:])
	return "0x" + hex.EncodeToString(sum[len(sum)-ethereumAddressSize:])
}

// keccak is Keccak-256 as Ethereum has it: the padding is not that of SHA-3.
func keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}
