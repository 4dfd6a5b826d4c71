package oauth

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// attributeTypes names the attributes of RFC 4514 §3, and the others that are common
// in certificates, by their short names in lower case.
var attributeTypes = map[string]string{
	"cn": "2.5.4.3", "l": "2.5.4.7", "st": "2.5.4.8", "o": "2.5.4.10", "ou": "2.5.4.11", "c": "2.5.4.6", "street": "2.5.4.9",
	"dc": "0.9.2342.19200300.100.1.25", "uid": "0.9.2342.19200300.100.1.1",
	"sn": "2.5.4.4", "serialnumber": "2.5.4.5", "title": "2.5.4.12", "postalcode": "2.5.4.17", "givenname": "2.5.4.42",
	"businesscategory": "2.5.4.15", "organizationidentifier": "2.5.4.97", "emailaddress": "1.2.840.113549.1.9.1",
}

var dottedType = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+$`)

// isSubject reports whether raw, the subject of a certificate, is the distinguished
// name text. Types may be spelled by name or number; values are compared byte for byte.
func isSubject(text string, raw []byte) bool {
	want, ok := parseName(text)
	var subject pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &subject); !ok || err != nil || len(rest) > 0 || len(subject) != len(want) {
		return false
	}
	for i, set := range slices.Backward(subject) { // RFC 4514 §2.1: the last comes first
		var have []string
		for _, one := range set {
			value, isText := one.Value.(string)
			if !isText {
				return false
			}
			have = append(have, one.Type.String()+"="+value)
		}
		slices.Sort(have)
		if !slices.Equal(have, want[len(want)-1-i]) {
			return false
		}
	}
	return true
}

// parseName reads a distinguished name (RFC 4514 §3), with the space after a comma
// that many write. It is a list of sets of attributes such as "2.5.4.3=value", each
// sorted. No text is the empty name.
func parseName(text string) (name [][]string, ok bool) {
	if text == "" {
		return nil, true
	}
	for more := true; more; {
		var set []string
		for end := byte('+'); end == '+'; {
			var one string
			if one, end, text, ok = parseAttribute(text); !ok {
				return nil, false
			}
			set = append(set, one)
			more = end != 0
		}
		slices.Sort(set)
		name = append(name, set)
	}
	return name, true
}

// parseAttribute reads type=value, the separator behind it (0: there is none), and
// what follows.
func parseAttribute(text string) (one string, end byte, rest string, ok bool) {
	kind, text, ok := strings.Cut(text, "=")
	kind = strings.Trim(kind, " ")
	if named := attributeTypes[strings.ToLower(kind)]; named != "" {
		kind = named
	}
	if !ok || !dottedType.MatchString(kind) {
		return "", 0, "", false
	}
	n := valueEnd(text)
	raw := strings.TrimLeft(text[:n], " ")
	if n < len(text) {
		end, rest = text[n], text[n+1:]
	}
	value, ok := parseValue(raw)
	return kind + "=" + value, end, rest, ok
}

// valueEnd is where the value at the beginning of text ends: at a separator that is
// not escaped, or with text.
func valueEnd(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ',', '+':
			return i
		}
	}
	return len(text)
}

// parseValue undoes the escapes of a value (RFC 4514 §2.4, §3).
func parseValue(raw string) (string, bool) {
	if digits, isHex := strings.CutPrefix(raw, "#"); isHex {
		return parseHexValue(strings.TrimRight(digits, " "))
	}
	var b []byte
	kept := 0 // length of b without the spaces at its end that are not escaped
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '\\' {
			var width int
			if c, width = unescape(raw[i+1:]); width == 0 {
				return "", false
			}
			i += width
			b = append(b, c)
			kept = len(b)
			continue
		}
		if strings.IndexByte("\"<>;\x00", c) >= 0 {
			return "", false
		}
		if b = append(b, c); c != ' ' {
			kept = len(b)
		}
	}
	b = b[:kept]
	return string(b), utf8.Valid(b)
}

// unescape reads what follows a backslash, and how long that is; 0: it is nothing.
func unescape(text string) (c byte, width int) {
	if len(text) >= 2 {
		if b, err := hex.DecodeString(text[:2]); err == nil {
			return b[0], 2
		}
	}
	if text != "" && strings.IndexByte(` "#+,;<=>\`, text[0]) >= 0 {
		return text[0], 1
	}
	return 0, 0
}

// parseHexValue reads a string that is spelled as its encoding.
func parseHexValue(digits string) (string, bool) {
	der, err := hex.DecodeString(digits)
	if err != nil {
		return "", false
	}
	var value any
	rest, err := asn1.Unmarshal(der, &value)
	text, isText := value.(string)
	return text, err == nil && len(rest) == 0 && isText
}
