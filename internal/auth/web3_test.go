package auth_test

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/mr-tron/base58"
	"golang.org/x/crypto/sha3"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// A waysMessage is what is signed; its zero is good, new, and of Ethereum.
type waysMessage struct {
	chain  string // ethereum if empty
	seed   byte   // of the key
	uri    string
	text   string
	issued time.Time
	more   string // lines at the end
	other  bool   // another text is signed
}

func keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}

// sign returns the chain, the message and the signature.
func (m waysMessage) sign() (chain, message, signature string) {
	chain = cmp.Or(m.chain, "ethereum")
	seed := []byte(strings.Repeat(string(rune(cmp.Or(m.seed, 'a'))), 32))
	uri := cmp.Or(m.uri, "https://app.example/login")
	_, domain, _ := strings.Cut(uri, "://")
	domain, _, _ = strings.Cut(domain, "/")
	title, network := "Ethereum", "1"
	ethereum, solana := secp256k1.PrivKeyFromBytes(seed), ed25519.NewKeyFromSeed(seed)
	address := "0x" + hex.EncodeToString(keccak(ethereum.PubKey().SerializeUncompressed()[1:])[12:])
	if chain == "solana" {
		title, network, address = "Solana", "mainnet", base58.Encode(solana.Public().(ed25519.PublicKey))
	}
	issued := m.issued
	if issued.IsZero() {
		issued = time.Now()
	}
	message = fmt.Sprintf("%s wants you to sign in with your %s account:\n%s\n\n%s\n\nURI: %s\nVersion: 1\nChain ID: %s\nNonce: 12345678\nIssued At: %s%s",
		domain, title, address, cmp.Or(m.text, "Hello"), uri, network, issued.UTC().Format(time.RFC3339Nano), m.more)
	signed := message
	if m.other {
		signed += " "
	}
	if chain == "solana" {
		return chain, message, base64.StdEncoding.EncodeToString(ed25519.Sign(solana, []byte(signed)))
	}
	compact := ecdsa.SignCompact(ethereum, keccak(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(signed), signed)), false)
	return chain, message, "0x" + hex.EncodeToString(append(compact[1:], compact[0]))
}

// proof returns m for an app at app.example.
func (m waysMessage) proof() auth.WalletProof {
	p := auth.WalletProof{From: home, Accepts: func(a string) bool { return strings.HasPrefix(a, "https://app.example/") }}
	p.Chain, p.Message, p.Signature = m.sign()
	return p
}

func (h *waysHouse) wallet(t *testing.T, m waysMessage) (*auth.Grant, error) {
	t.Helper()
	return h.SignInByWallet(t.Context(), m.proof())
}

func TestAWalletIsAnAccount(t *testing.T) {
	h := buildWays(t)
	for _, chain := range auth.Chains() {
		first, err := h.wallet(t, waysMessage{chain: chain, text: "One"})
		check(t, err)
		second, err := h.wallet(t, waysMessage{chain: chain, text: "Two"})
		check(t, err)
		a := h.account(t, second.User.ID)
		if first.User.ID != second.User.ID || a.Email != "" || a.Anonymous || len(a.Identities) != 1 {
			t.Fatalf("%s: got %+v", chain, a)
		}
		i := a.Identities[0]
		parts := strings.Split(i.Subject, ":")
		if i.Provider != "web3" || len(parts) != 3 || parts[0] != "web3" || parts[1] != chain {
			t.Fatalf("%s: got %+v", chain, i)
		}
		var said map[string]any
		check(t, json.Unmarshal(i.Data, &said))
		network := map[string]string{"ethereum": "1", "solana": "mainnet"}[chain]
		want := map[string]any{
			"sub": i.Subject, "email_verified": false, "phone_verified": false,
			"custom_claims": map[string]any{"address": parts[2], "chain": chain, "network": network, "domain": "app.example", "statement": "Two"},
		}
		if !reflect.DeepEqual(said, want) {
			t.Errorf("%s: got %v, want %v", chain, said, want)
		}
		if by := h.caller(t, second); !reflect.DeepEqual(by.AMR, []string{"pop"}) {
			t.Errorf("%s: amr %v", chain, by.AMR)
		}
	}
	other, err := h.wallet(t, waysMessage{seed: 'e'})
	check(t, err)
	if got := h.bodies(t, "account.created"); len(got) != 3 || other.User.ID == "" {
		t.Errorf("got %d accounts", len(got))
	}
}

func TestAMessageCountsOnce(t *testing.T) {
	h := buildWays(t)
	p := waysMessage{}.proof()
	_, err := h.SignInByWallet(t.Context(), p)
	check(t, err)
	if _, err := h.SignInByWallet(t.Context(), p); !errors.Is(err, headykey.ErrBadWallet) {
		t.Errorf("got %v", err)
	}
	p.Signature = strings.ToUpper(p.Signature[:2]) + p.Signature[2:] // another spelling is no other message
	if _, err := h.SignInByWallet(t.Context(), p); err == nil {
		t.Error("another spelling of the signature")
	}
}

func TestAMessageThatProvesNothing(t *testing.T) {
	h := buildWays(t)
	tests := []struct {
		name string
		m    waysMessage
		want error
	}{
		{"another text was signed", waysMessage{other: true}, headykey.ErrBadWallet},
		{"for another site", waysMessage{uri: "https://evil.example/"}, headykey.ErrBadWallet},
		{"without TLS", waysMessage{uri: "http://app.example/"}, headykey.ErrBadWallet},
		{"too old", waysMessage{issued: time.Now().Add(-11 * time.Minute)}, headykey.ErrBadWallet},
		{"too new", waysMessage{issued: time.Now().Add(11 * time.Minute)}, headykey.ErrBadWallet},
		{"expired", waysMessage{issued: time.Now().Add(-time.Minute), more: "\nExpiration Time: " + time.Now().Add(-time.Second).UTC().Format(time.RFC3339)}, headykey.ErrBadWallet},
		{"not valid yet", waysMessage{more: "\nNot Before: " + time.Now().Add(time.Minute).UTC().Format(time.RFC3339)}, headykey.ErrBadWallet},
		{"of no form", waysMessage{more: "\nHello"}, headykey.ErrInvalid},
		{"of another chain", waysMessage{chain: "kaspa"}, headykey.ErrUnknownChain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := h.wallet(t, tt.m); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if got := h.bodies(t, "account.created"); len(got) != 0 {
		t.Errorf("accounts were made: %+v", got)
	}
}

func TestWalletsThatAreNotOffered(t *testing.T) {
	none := buildWays(t, func(c *auth.Config) { c.Apps.Web3 = nil })
	if _, err := none.wallet(t, waysMessage{}); !errors.Is(err, headykey.ErrFeatureOff) {
		t.Errorf("none: got %v", err)
	}
	one := buildWays(t, func(c *auth.Config) { c.Apps.Web3, c.Closed = []string{"solana"}, true })
	if _, err := one.wallet(t, waysMessage{}); !errors.Is(err, headykey.ErrFeatureOff) {
		t.Errorf("the other: got %v", err)
	}
	if _, err := one.wallet(t, waysMessage{chain: "solana"}); !errors.Is(err, headykey.ErrSignUpClosed) {
		t.Errorf("sign-up is closed: got %v", err)
	}
}
