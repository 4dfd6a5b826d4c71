package secret

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths that a new password may have, in characters (code points) after
// normalisation (NIST SP 800-63B-4 §3.1.1.2).
const (
	MinPassword = 8
	MaxPassword = 1024
)

// A Weakness is one reason to refuse a new password. Its text is part of the
// public API.
type Weakness string

const (
	TooShort    Weakness = "too_short" // fewer than MinPassword characters
	TooLong     Weakness = "too_long"  // more than MaxPassword characters
	TooCommon   Weakness = "common"    // among the first that anybody tries
	TooPersonal Weakness = "context"   // made of the person's address or name, or of ours
	NotText     Weakness = "invalid"   // not UTF-8, or with control characters
)

// WeakPassword is why a new password was refused, all reasons at once.
type WeakPassword struct{ Reasons []Weakness }

// Error lists the reasons. It never shows the password.
func (e *WeakPassword) Error() string {
	words := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		words[i] = string(r)
	}
	return "weak password: " + strings.Join(words, ", ")
}

// CheckPassword returns nil if password may be chosen, or a *WeakPassword. The
// context is what others know of the person: e-mail address, name. There are no
// rules of composition: length and surprise are what counts.
func CheckPassword(password string, context ...string) error {
	if !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		return &WeakPassword{[]Weakness{NotText}}
	}
	n := utf8.RuneCountInString(Normalise(password))
	if n > MaxPassword {
		return &WeakPassword{[]Weakness{TooLong}}
	}
	folded := fold(password)
	var reasons []Weakness
	if n < MinPassword {
		reasons = append(reasons, TooShort)
	}
	if loadCommon().guessable(folded) {
		reasons = append(reasons, TooCommon)
	}
	if mostlyContext(folded, context) {
		reasons = append(reasons, TooPersonal)
	}
	if len(reasons) > 0 {
		return &WeakPassword{reasons}
	}
	return nil
}

// mostlyContext reports whether the words of context, and our own name, cover more
// than half of the characters of folded.
func mostlyContext(folded string, context []string) bool {
	covered := make([]bool, len(folded))
	for _, text := range append([]string{"headykey"}, context...) {
		for _, word := range contextWords(fold(text)) {
			cover(covered, folded, word)
		}
	}
	all, hit := 0, 0
	for i := range folded {
		all++
		if covered[i] {
			hit++
		}
	}
	return hit*2 > all
}

// contextWords returns what of text a password should not be made of: all of it,
// the local part if it is an address, and each of its words, where these have at
// least four characters.
func contextWords(text string) []string {
	local, _, _ := strings.Cut(text, "@")
	words := append([]string{text, local}, strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})...)
	var long []string
	for _, w := range words {
		if utf8.RuneCountInString(w) >= minWord {
			long = append(long, w)
		}
	}
	return long
}

// cover marks the bytes of every place where word stands in text.
func cover(covered []bool, text, word string) {
	for from := 0; ; from++ {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return
		}
		from += at
		for i := range word {
			covered[from+i] = true
		}
	}
}
