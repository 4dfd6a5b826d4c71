// Package mail writes HeadyKey's mails and sends them: over SMTP, or into the
// development mailbox, which keeps them in memory for a person to read.
package mail

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of a message, in bytes. Those of an address are RFC 5321
// §4.5.3.1.1 and RFC 3696 erratum 1690.
const (
	maxLocal   = 64
	maxAddress = 254
	maxSubject = 233
	maxBody    = 233 << 10
)

// ErrUnsendable reports a message that no server can be asked to carry: a bad
// address, a subject with a line break, a body too long. It is permanent.
var ErrUnsendable = errors.New("unsendable message")

// A Message is one mail to one person, in plain text and in HTML. Who sends it
// is configuration. It is kept as JSON between writing and delivery.
type Message struct {
	To      string `json:"to"` // a bare address, without a display name
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"` // may be empty
}

// encodedWord begins text that mail programs decode (RFC 2047 §2), and that could
// therefore say in a subject what our checks did not see.
const encodedWord = "=?"

// check returns ErrUnsendable, with the reason, unless m can be sent as it is.
func (m Message) check() error {
	if !validAddress(m.To) {
		return fmt.Errorf("%w: bad recipient address", ErrUnsendable)
	}
	if m.Subject == "" || len(m.Subject) > maxSubject || !printable(m.Subject) ||
		strings.Contains(m.Subject, encodedWord) {
		return fmt.Errorf("%w: bad subject", ErrUnsendable)
	}
	if m.Text == "" {
		return fmt.Errorf("%w: no text", ErrUnsendable)
	}
	for _, body := range []string{m.Text, m.HTML} {
		if len(body) > maxBody || !utf8.ValidString(body) || strings.ContainsRune(body, 0) {
			return fmt.Errorf("%w: bad body", ErrUnsendable)
		}
	}
	return nil
}

// validAddress reports whether s is one bare address of RFC 5322 §3.4.1 in its
// plainest spelling: no display name, comment, quotes or domain literal.
func validAddress(s string) bool {
	if len(s) > maxAddress || !printable(s) || strings.ContainsAny(s, "[]") {
		return false
	}
	if at := strings.LastIndexByte(s, '@'); at < 1 || at > maxLocal {
		return false
	}
	a, err := netmail.ParseAddress(s)
	return err == nil && a.Address == s
}

// printable reports whether s is UTF-8 text of one line, without characters that
// control or reorder it.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}

// unprintable reports a character that breaks, controls or reorders a line.
func unprintable(r rune) bool {
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
}
