package web3

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/mr-tron/base58"
)

const maxSolanaAddress = 44 // characters

// solanaAddress returns an address, which is a public key in base58. It has one
// spelling.
func solanaAddress(text string) (canonical string, ok bool) {
	key, ok := solanaKey(text)
	return text, ok && !weak(key)
}

func solanaKey(address string) (ed25519.PublicKey, bool) {
	if len(address) > maxSolanaAddress {
		return nil, false
	}
	key, err := base58.Decode(address)
	return key, err == nil && len(key) == ed25519.PublicKeySize
}

// solanaNetwork reports whether text names a network: mainnet, or with the name space
// of CAIP-2 before it, solana:mainnet, or the begin of a genesis hash for the name.
func solanaNetwork(text string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	name := strings.TrimPrefix(text, "solana:")
	return name != "" && len(name) <= 32 && strings.Trim(name, letters) == ""
}

// solanaSigned reports whether signature, 64 bytes in base64 or base64url with or
// without padding, is of message by the key that is address.
func solanaSigned(address, message, signature string) bool {
	key, ok := solanaKey(address)
	digits := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSuffix(signature, "=="))
	if !ok || len(digits) != base64.RawStdEncoding.EncodedLen(ed25519.SignatureSize) {
		return false
	}
	raw, err := base64.RawStdEncoding.Strict().DecodeString(digits)
	return err == nil && len(raw) == ed25519.SignatureSize && ed25519.Verify(key, []byte(message), raw)
}

// weakKeys are the points of small order, without their sign, in every spelling
// (RFC 8032 §5.1.3 and two that it refuses). Anybody can sign for them, and the
// address of the system program, all ones, is one of them.
var weakKeys = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func weak(key ed25519.PublicKey) bool {
	unsigned := slices.Clone(key)
	unsigned[len(unsigned)-1] &= 0x7f
	return slices.Contains(weakKeys, hex.EncodeToString(unsigned))
}
