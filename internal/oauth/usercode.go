package oauth

import (
	"crypto/rand"
	"strings"
)

const (
	// userCodeLetters make no words, and few of them look alike (RFC 8628 §6.1).
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeSize    = 8 // letters: 34 bits
)

// lookalikes are signs that no code has, beside the letters that they are mistaken
// for.
var lookalikes = strings.NewReplacer(
	"0", "Q", "O", "Q", "1", "L", "I", "L", "2", "Z", "5", "S", "6", "G", "8", "B", "U", "V", "7", "T",
)

// newUserCode returns a code as people see it: XXXX-XXXX.
func newUserCode() string {
	const fair = 256 / len(userCodeLetters) * len(userCodeLetters) // above it, some letters would be likelier
	code := make([]byte, 0, userCodeSize)
	for len(code) < userCodeSize {
		var b [1]byte
		rand.Read(b[:])
		if int(b[0]) < fair {
			code = append(code, userCodeLetters[int(b[0])%len(userCodeLetters)])
		}
	}
	return spellUserCode(string(code))
}

func spellUserCode(code string) string { return code[:userCodeSize/2] + "-" + code[userCodeSize/2:] }

// FoldUserCode returns what a person typed as newUserCode spells it, and whether it
// can be a code: case, spaces and dashes do not matter, and a sign that looks like a
// letter of the codes stands for it.
func FoldUserCode(typed string) (code string, ok bool) {
	if len(typed) > 55 {
		return "", false
	}
	letters := strings.Map(func(c rune) rune {
		switch {
		case c == ' ' || c == '\t' || c == '-' || c == '‐' || c == '–' || c == '—' || c == '_' || c == '.':
			return -1
		case c >= 'a' && c <= 'z': // ASCII alone: Unicode would fold the long s to S
			return c - 'a' + 'A'
		}
		return c
	}, typed)
	letters = lookalikes.Replace(letters)
	if len(letters) != userCodeSize || strings.Trim(letters, userCodeLetters) != "" {
		return "", false
	}
	return spellUserCode(letters), true
}
