package web3

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

func TestEthereumAddress(t *testing.T) {
	for text := range strings.FieldsSeq( // the first four are those of EIP-55
		`0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed 0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359
		0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB 0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb
		0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed 0x0000000000000000000000000000000000000000`) {
		if got, ok := ethereumAddress(text); !ok || got != strings.ToLower(text) {
			t.Errorf("%s: got %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "0x", "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedff",
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg", " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
	} {
		if got, ok := ethereumAddress(text); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

// A signature that is in the manuals of other software, by a key that is there, too.
func TestASignatureOfOtherSoftwareHolds(t *testing.T) {
	const (
		address   = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23"
		signature = "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c"
	)
	if !ethereumSigned(address, "Some data", signature) || ethereumSigned(address, "Some date", signature) {
		t.Error("it does not, or it does for anything")
	}
}

func TestEthereumSignature(t *testing.T) {
	m := message(Ethereum)
	raw := ada.personalSign(m)
	good := hex.EncodeToString(raw[:])
	with := func(change func(b *[65]byte)) string {
		b := raw
		change(&b)
		return "0x" + hex.EncodeToString(b[:])
	}
	tests := []struct {
		name, signature string
		want            error
	}{
		{"as wallets make it", "0x" + good, nil},
		{"in capitals", "0x" + strings.ToUpper(good), nil},
		{"v counted from 0", with(func(b *[65]byte) { b[64] -= 27 }), nil},
		{"the other v", with(func(b *[65]byte) { b[64] ^= 27 ^ 28 }), ErrSignature},
		{"v of a compressed key", with(func(b *[65]byte) { b[64] += 4 }), ErrSignature},
		{"v of a large r", with(func(b *[65]byte) { b[64] += 2 }), ErrSignature},
		{"v counted from 0, of a large r", with(func(b *[65]byte) { b[64] -= 25 }), ErrSignature},
		{"v with a chain (EIP-155)", with(func(b *[65]byte) { b[64] += 10 }), ErrSignature},
		{"the higher s", with(mirror), ErrSignature},
		{"the higher s and the other v", with(func(b *[65]byte) { mirror(b); b[64] ^= 27 ^ 28 }), ErrSignature},
		{"r of zero", with(func(b *[65]byte) { clear(b[:32]) }), ErrSignature},
		{"s of zero", with(func(b *[65]byte) { clear(b[32:64]) }), ErrSignature},
		{"s beyond the order", with(func(b *[65]byte) { copy(b[32:], strings.Repeat("\xff", 32)) }), ErrSignature},
		{"another r", with(func(b *[65]byte) { b[5] ^= 1 }), ErrSignature},
		{"another s", with(func(b *[65]byte) { b[50] ^= 1 }), ErrSignature},
		{"nothing but zeros", with(func(b *[65]byte) { clear(b[:]) }), ErrSignature},
		{"without 0x", good, ErrSignature},
		{"with 0X", "0X" + good, ErrSignature},
		{"in its short form", "0x" + good[:128], ErrSignature},
		{"a byte too many", "0x" + good + "00", ErrSignature},
		{"half a byte too many", "0x" + good + "0", ErrSignature},
		{"no hex", "0x" + good[:129] + "g", ErrSignature},
		{"a space at the end", "0x" + good + " ", ErrSignature},
		{"nothing", "", ErrSignature},
		{"0x alone", "0x", ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Verify(Ethereum, m, tt.signature)
			want(t, err, tt.want)
		})
	}
}

// mirror puts order-s for s: with the other v, the curve calls that a signature, too.
func mirror(b *[65]byte) {
	var s secp256k1.ModNScalar
	s.SetByteSlice(b[32:64])
	s.Negate()
	s.PutBytesUnchecked(b[32:64])
}

// One message has one signature of a key that is accepted, but for how v is counted
// and hex is spelled.
func FuzzEthereumSigned(f *testing.F) {
	m := message(Ethereum)
	raw := ada.personalSign(m)
	f.Add(raw[:])
	mirror(&raw)
	f.Add(raw[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if !ethereumSigned(ada.address(Ethereum), m, "0x"+hex.EncodeToString(b)) {
			return
		}
		var s secp256k1.ModNScalar
		if len(b) != 65 || s.SetByteSlice(b[32:64]) || s.IsOverHalfOrder() {
			t.Errorf("accepted %x", b)
		}
	})
}
