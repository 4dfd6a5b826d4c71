package headykey_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"headykey.com/headykey"
)

// keyOf returns the key whose random part is 30 times b.
func keyOf(b byte) string {
	body := bytes.Repeat([]byte{b}, 30)
	body = binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
	return "hdy_" + hex.EncodeToString(body)
}

func TestHashAPIKey(t *testing.T) {
	good := keyOf(0x7a)
	wrongSum := good[:len(good)-1] + map[bool]string{true: "0", false: "1"}[good[len(good)-1] != '0']
	tests := []struct {
		name, key string
		want      error
	}{
		{"well formed", good, nil},
		{"fresh", headykey.NewAPIKey(), nil},
		{"all zeros with their sum", keyOf(0), nil},
		{"empty", "", headykey.ErrInvalidAPIKey},
		{"prefix alone", "hdy_", headykey.ErrInvalidAPIKey},
		{"another product's prefix", "ghp_" + good[4:], headykey.ErrInvalidAPIKey},
		{"prefix in upper case", "HDY_" + good[4:], headykey.ErrInvalidAPIKey},
		{"one digit short", good[:len(good)-1], headykey.ErrInvalidAPIKey},
		{"one digit more", good + "0", headykey.ErrInvalidAPIKey},
		{"upper case", "hdy_" + strings.ToUpper(good[4:]), headykey.ErrInvalidAPIKey},
		{"newline at the end", good[:len(good)-1] + "\n", headykey.ErrInvalidAPIKey},
		{"space before", " " + good, headykey.ErrInvalidAPIKey},
		{"not hex", good[:len(good)-1] + "g", headykey.ErrInvalidAPIKey},
		{"wrong CRC", wrongSum, headykey.ErrInvalidAPIKey},
		{"random part changed", "hdy_" + "8" + good[5:], headykey.ErrInvalidAPIKey},
		{"34 bytes without a CRC", "hdy_" + strings.Repeat("8f", 34), headykey.ErrInvalidAPIKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hash, err := headykey.HashAPIKey(tt.key)
			if !errors.Is(err, tt.want) {
				t.Errorf("HashAPIKey(%q) = %v, want %v", tt.key, err, tt.want)
			}
			if (hash == [32]byte{}) != (tt.want != nil) {
				t.Errorf("HashAPIKey(%q) = %x with %v", tt.key, hash, err)
			}
		})
	}
}

// Secret scanners know our keys by this form: it never changes.
func TestTheFormOfAKeyStays(t *testing.T) {
	const old = "hdy_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac35b0365"
	if _, err := headykey.HashAPIKey(old); err != nil || keyOf(0xaa) != old {
		t.Errorf("got %v for a key of the first day; one made today is %q", err, keyOf(0xaa))
	}
	key := headykey.NewAPIKey()
	if len(key) != 72 || headykey.APIKeyPrefix(key) != key[:12] || key == headykey.NewAPIKey() {
		t.Errorf("got %q with prefix %q", key, headykey.APIKeyPrefix(key))
	}
}

// A key that is accepted is accepted in one spelling only: two strings that open
// the same door would let a revoked key live on in disguise.
func FuzzHashAPIKey(f *testing.F) {
	f.Add(headykey.NewAPIKey())
	f.Add("hdy_")
	f.Add(keyOf(1) + "\x00")
	f.Fuzz(func(t *testing.T, key string) {
		if _, err := headykey.HashAPIKey(key); err != nil {
			return
		}
		b, err := hex.DecodeString(strings.TrimPrefix(key, "hdy_"))
		if err != nil || "hdy_"+hex.EncodeToString(b) != key || binary.BigEndian.Uint32(b[30:]) != crc32.ChecksumIEEE(b[:30]) {
			t.Errorf("accepted %q", key)
		}
	})
}
