package web3

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/mr-tron/base58"
)

// A wallet has one key of each chain.
type wallet struct {
	ethereum *secp256k1.PrivateKey
	solana   ed25519.PrivateKey
}

// walletOf returns the wallet whose keys are 32 times seed.
func walletOf(seed byte) wallet {
	key := []byte(strings.Repeat(string(rune(seed)), 32))
	return wallet{secp256k1.PrivKeyFromBytes(key), ed25519.NewKeyFromSeed(key)}
}

var (
	ada = walletOf('a')
	eve = walletOf('e')
)

func (w wallet) address(chain Chain) string {
	if chain == Solana {
		return base58.Encode(w.solana.Public().(ed25519.PublicKey))
	}
	return addressOf(w.ethereum.PubKey())
}

func (w wallet) sign(chain Chain, message string) string {
	if chain == Solana {
		return base64.StdEncoding.EncodeToString(ed25519.Sign(w.solana, []byte(message)))
	}
	raw := w.personalSign(message)
	return "0x" + hex.EncodeToString(raw[:])
}

// personalSign returns r, s, v.
func (w wallet) personalSign(message string) (raw [65]byte) {
	hash := keccak(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(message), message))
	compact := ecdsa.SignCompact(w.ethereum, hash, false)
	copy(raw[:], compact[1:])
	raw[64] = compact[0]
	return raw
}

// message returns a message of ada's with every field there is.
func message(chain Chain) string {
	return strings.NewReplacer("TITLE", customs[chain].title, "ADDRESS", ada.address(chain)).Replace(
		`id.test:8443 wants you to sign in with your TITLE account:
ADDRESS

I accept the terms: https://id.test/terms

URI: https://id.test:8443/login?x=y
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2026-08-01T12:00:00.5Z
Expiration Time: 2026-08-01T12:05:00Z
Not Before: 2026-08-01T14:00:00+02:00
Request ID: req_1
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://id.test/claim.json`)
}

// each runs a test for each chain.
func each(t *testing.T, test func(t *testing.T, chain Chain)) {
	for _, chain := range []Chain{Ethereum, Solana} {
		t.Run(string(chain), func(t *testing.T) { test(t, chain) })
	}
}

// want fails the test unless err is the sentinel, and no other; nil: no error.
func want(t *testing.T, err, sentinel error) {
	t.Helper()
	for _, s := range []error{ErrChain, ErrMessage, ErrPlace, ErrSignature, ErrTime} {
		if errors.Is(err, s) != (s == sentinel) {
			t.Errorf("got %v, want %v", err, sentinel)
			return
		}
	}
	if (err == nil) != (sentinel == nil) {
		t.Errorf("got %v, want %v", err, sentinel)
	}
}
