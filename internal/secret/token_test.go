package secret

import (
	"encoding/hex"
	"regexp"
	"testing"
)

func TestTokenIsLowerHexAndNeverTheSame(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9a-f]{64}$`)
	seen := map[string]bool{}
	for range 1000 {
		token := Token(32)
		if !shape.MatchString(token) || seen[token] {
			t.Fatalf("got %q (seen before: %t), want 64 new lower hex digits", token, seen[token])
		}
		seen[token] = true
	}
}

func TestHashIsSHA256(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if sum := Hash("abc"); hex.EncodeToString(sum[:]) != want {
		t.Errorf("got %x, want %s", sum, want)
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"abc", "abc", true}, {"abc", "abd", false}, {"abc", "ab", false}, {"", "a", false}} {
		if got := Equal([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("Equal(%q, %q): got %t, want %t", c.a, c.b, got, c.want)
		}
	}
}
