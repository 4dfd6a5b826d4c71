package headykey

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// ParseEmail returns an address as we keep it (trimmed, NFC, domain in lower-case
// ASCII) and the key by which it is unique (all of it folded to lower case), or
// ErrInvalidEmail. At most 254 bytes, 64 before the @ (RFC 5321 §4.5.3.1). Quoted
// local parts, address literals and domains of one label are refused: no mail
// comes back from them.
func ParseEmail(s string) (address, key string, err error) {
	s = norm.NFC.String(strings.TrimSpace(s))
	local, domain, found := strings.Cut(s, "@")
	if !found || !utf8.ValidString(s) || strings.Contains(domain, "@") || !localOK(local) || len(domain) > 253 {
		return "", "", ErrInvalidEmail.About("email")
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !domainOK(ascii) {
		return "", "", ErrInvalidEmail.About("email")
	}
	address = local + "@" + ascii
	if len(address) > 254 {
		return "", "", ErrInvalidEmail.About("email")
	}
	return address, AddressKey(address), nil
}

// AddressKey returns the key by which an address of ParseEmail is unique.
func AddressKey(address string) string { return norm.NFC.String(Fold(address)) }

func localOK(local string) bool {
	if local == "" || len(local) > 64 || !utf8.ValidString(local) ||
		strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	return !strings.ContainsFunc(local, func(r rune) bool {
		return strings.ContainsRune(`"(),:;<>[\]`, r) || !unicode.IsGraphic(r) || unicode.IsSpace(r)
	})
}

func domainOK(domain string) bool {
	labels := strings.Split(domain, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		if strings.Trim(strings.ToLower(l), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && strings.Trim(last, "0123456789") != ""
}

// Fold returns s in lower case for comparison. A letter outside ASCII never
// becomes one inside it: the Kelvin sign is not a k here, though Unicode says so,
// or two people could claim one key.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		l := unicode.ToLower(r)
		if r >= utf8.RuneSelf && l < utf8.RuneSelf {
			return r
		}
		return l
	}, s)
}

// misleads reports a control character, or one that overrides the direction of the
// text (Unicode UAX #9): with it a name could rewrite the sentence it stands in.
func misleads(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// hides reports a character that is not seen, and could make two names look alike or
// turn the text around them. The joiners that some scripts need are none.
func hides(r rune) bool {
	return misleads(r) || unicode.Is(unicode.Cf, r) && r != '\u200C' && r != '\u200D'
}

// ShownText returns text that nobody checked as a page may show it: NFC, on one line,
// without characters that hide.
func ShownText(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case hides(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return norm.NFC.String(strings.Join(strings.Fields(s), " "))
}

// ShownName is [ShownText] for a name: it is cut to 64 characters.
func ShownName(s string) string {
	s = ShownText(s)
	if utf8.RuneCountInString(s) <= shownName {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:shownName-1])) + "…"
}

const shownName = 64 // characters

// CleanName returns a display name as we keep it: NFC, trimmed, at most 200
// characters, no control characters and none that turn the text around them (a
// name in a right-to-left script needs none). It fails with ErrInvalid about "name".
func CleanName(s string) (string, error) {
	s = strings.TrimSpace(norm.NFC.String(s))
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 200 || strings.ContainsFunc(s, misleads) {
		return "", ErrInvalid.Saying("A name may have at most 200 characters and no control characters.").About("name")
	}
	return s, nil
}
