package secret

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func testSealer(t testing.TB, fill byte) *Sealer {
	t.Helper()
	s, err := NewSealer(bytes.Repeat([]byte{fill}, MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASealedValueOpensForItsPurpose(t *testing.T) {
	s := testSealer(t, 7)
	for _, plain := range []string{"", "x", "JBSWY3DPEHPK3PXP", strings.Repeat("long ", 10_000)} {
		sealed := s.Seal("totp", []byte(plain))
		if plain != "" && bytes.Contains(sealed, []byte(plain)) && len(plain) > 1 {
			t.Errorf("%.20q shows in its sealed form", plain)
		}
		got, err := s.Open("totp", sealed)
		if err != nil || string(got) != plain {
			t.Errorf("got %.20q, %v, want %.20q", got, err, plain)
		}
	}
}

func TestTheSameValueSealsDifferentlyEachTime(t *testing.T) {
	s := testSealer(t, 7)
	if a, b := s.Seal("totp", []byte("same")), s.Seal("totp", []byte("same")); bytes.Equal(a, b) {
		t.Errorf("both are %x", a)
	}
}

func TestASealedValueCannotBeMovedOrOpenedByAnother(t *testing.T) {
	s := testSealer(t, 7)
	sealed := s.Seal("totp", []byte("plain"))
	for name, open := range map[string]func() ([]byte, error){
		"another purpose":      func() ([]byte, error) { return s.Open("upstream", sealed) },
		"no purpose":           func() ([]byte, error) { return s.Open("", sealed) },
		"a longer purpose":     func() ([]byte, error) { return s.Open("totp2", sealed) },
		"another master key":   func() ([]byte, error) { return testSealer(t, 8).Open("totp", sealed) },
		"a sealed seal":        func() ([]byte, error) { return s.Open("totp", s.Seal("other", sealed)) },
		"something at the end": func() ([]byte, error) { return s.Open("totp", append(bytes.Clone(sealed), 0)) },
	} {
		if got, err := open(); got != nil || !errors.Is(err, ErrSealed) {
			t.Errorf("%s: got %q, %v, want ErrSealed", name, got, err)
		}
	}
}

func TestEveryFlippedBitAndEveryCutIsRefused(t *testing.T) {
	s := testSealer(t, 7)
	sealed := s.Seal("totp", []byte("plain"))
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if got, err := s.Open("totp", changed); got != nil || !errors.Is(err, ErrSealed) {
				t.Errorf("byte %d, bit %d: got %q, %v, want ErrSealed", i, bit, got, err)
			}
		}
		if got, err := s.Open("totp", sealed[:i]); got != nil || !errors.Is(err, ErrSealed) {
			t.Errorf("cut to %d bytes: got %q, %v, want ErrSealed", i, got, err)
		}
	}
}

// What was sealed and signed yesterday must open tomorrow.
func TestTheFormatStays(t *testing.T) {
	s := testSealer(t, 7)
	const sealedHex = "01ceaf35282ed98165dca80001cc088fd4dd83a880867f02086ce1675565334aa5c115d0354a4efcadb798964f1406773d9e"
	sealed, err := hex.DecodeString(sealedHex)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Open("totp", sealed); err != nil || string(got) != "yesterday" {
		t.Errorf("got %q, %v, want yesterday", got, err)
	}
	const mac = "b25ae8bf11a6b81396b9b8441ef405486b7d7361038e2c825bee60e2fa5f53e0"
	if got := s.MAC("cursor", []byte("a"), []byte("b")); hex.EncodeToString(got[:]) != mac {
		t.Errorf("got %x, want %s", got, mac)
	}
}

func TestMACTellsPurposesPartsAndKeysApart(t *testing.T) {
	s := testSealer(t, 7)
	macs := map[[32]byte]string{}
	for name, mac := range map[string][32]byte{
		"ab and c":       s.MAC("cursor", []byte("ab"), []byte("c")),
		"a and bc":       s.MAC("cursor", []byte("a"), []byte("bc")),
		"abc":            s.MAC("cursor", []byte("abc")),
		"abc, nothing":   s.MAC("cursor", []byte("abc"), nil),
		"no part":        s.MAC("cursor"),
		"other purpose":  s.MAC("receipt", []byte("abc")),
		"other key":      testSealer(t, 8).MAC("cursor", []byte("abc")),
		"joined purpose": s.MAC("cursorabc"),
	} {
		if other, ok := macs[mac]; ok {
			t.Errorf("%s and %s have one MAC", name, other)
		}
		macs[mac] = name
	}
	if a, b := s.MAC("cursor", []byte("abc")), s.MAC("cursor", []byte("abc")); a != b {
		t.Errorf("the same data: got %x and %x", a, b)
	}
}

func TestASealerNeverPrintsItsKey(t *testing.T) {
	s := testSealer(t, 7)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if got := fmt.Sprintf(verb, s); got != "secret.Sealer" {
			t.Errorf("%s: got %q", verb, got)
		}
	}
}

func TestNewSealerWants32Bytes(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if s, err := NewSealer(make([]byte, n)); s != nil || !errors.Is(err, ErrMasterKey) {
			t.Errorf("%d bytes: got %v, %v, want ErrMasterKey", n, s, err)
		}
	}
}

func FuzzOpenRefusesWhatWasNotSealed(f *testing.F) {
	s := testSealer(f, 7)
	f.Add([]byte{})
	f.Add([]byte{sealVersion})
	f.Add(testSealer(f, 8).Seal("totp", []byte("other key")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := s.Open("totp", data); got != nil || !errors.Is(err, ErrSealed) {
			t.Errorf("got %q, %v, want ErrSealed", got, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	s, plain := testSealer(b, 7), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		s.Seal("totp", plain)
	}
}

func BenchmarkOpen(b *testing.B) {
	s := testSealer(b, 7)
	sealed := s.Seal("totp", make([]byte, 64))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open("totp", sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	s, data := testSealer(b, 7), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		s.MAC("cursor", data)
	}
}
