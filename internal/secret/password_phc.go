package secret

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of what a stored hash may hold. A hash of fewer than 16 bytes could be
// met by chance.
const (
	maxHashText = 1 << 10 // bytes of text
	maxSalt     = 1 << 7  // bytes
	minHash     = 1 << 4  // bytes
	maxHash     = 1 << 7  // bytes
)

// A check reports whether a password is the one that a parsed hash was made of.
// It compares in constant time.
type check func(password []byte) (bool, error)

// formats lists the hashes we can check, by the name between the first two dollar
// signs. Each reader is given all parts of the text between dollar signs.
var formats = map[string]func(parts []string) (check, error){
	"argon2id":      readArgon2,
	"argon2i":       readArgon2,
	"2a":            readBcrypt,
	"2b":            readBcrypt,
	"2y":            readBcrypt,
	"scrypt":        readScrypt,
	"fbscrypt":      readFirebase,
	"pbkdf2-sha1":   readPBKDF2,
	"pbkdf2-sha256": readPBKDF2,
	"pbkdf2-sha512": readPBKDF2,
}

// parse returns the check of hash, whose cost is bounded, or ErrUnusableHash.
func parse(hash string) (check, error) {
	if len(hash) > maxHashText {
		return nil, unusable("longer than %d bytes", maxHashText)
	}
	if strings.ContainsFunc(hash, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, unusable("white space or other stray characters")
	}
	parts := strings.Split(hash, "$")
	if len(parts) < 3 || parts[0] != "" {
		return nil, unusable("want the form $name$…")
	}
	read, ok := formats[parts[1]]
	if !ok {
		return nil, unusable("unknown format %.16q", parts[1])
	}
	return read(parts)
}

// unusable returns ErrUnusableHash with a reason, which must not quote a salt or hash.
func unusable(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnusableHash}, args...)...)
}

// A reader takes the parameters of a PHC string one after another. After the
// first that does not fit it is bad, and what it returns means nothing.
type reader struct {
	values []string
	bad    bool
}

// readParams returns a reader of text such as "m=19456,t=2,p=1", whose names must
// be these, in this order.
func readParams(text string, names ...string) *reader {
	values := strings.Split(text, ",")
	if len(values) != len(names) {
		return &reader{bad: true}
	}
	for i, name := range names {
		got, value, _ := strings.Cut(values[i], "=")
		if got != name {
			return &reader{bad: true}
		}
		values[i] = value
	}
	return &reader{values: values}
}

// next takes the next parameter as text.
func (r *reader) next() string {
	if r.bad || len(r.values) == 0 {
		r.bad = true
		return ""
	}
	value := r.values[0]
	r.values = r.values[1:]
	return value
}

// number takes the next parameter as a decimal number from least to most.
func (r *reader) number(least, most int) int {
	n, err := strconv.ParseUint(r.next(), 10, 31)
	if err != nil || int(n) < least || int(n) > most {
		r.bad = true
		return least
	}
	return int(n)
}

// decode returns text from standard base64, padded or not, if it holds from least
// to most bytes.
func (r *reader) decode(text string, least, most int) []byte {
	b, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(b) < least || len(b) > most {
		r.bad = true
		return nil
	}
	return b
}
