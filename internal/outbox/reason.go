package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"regexp"
	"strings"
	"syscall"

	"headykey.com/headykey/internal/secret"
)

var (
	errNoSender = errors.New("no sender for this kind of parcel")
	errPanic    = errors.New("the sender panicked")
)

// reply finds the status in a server's answer: an SMTP reply code with its
// enhanced status (RFC 5321 §4.2, RFC 3463), or an HTTP status. It stands between
// blanks: ports, parts of addresses and words do not.
var reply = regexp.MustCompile(`(?:^|\s)([245][0-9]{2})(?:[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3}))?(?:[\s:;,]|$)`)

// classes name failures, the more telling first.
var classes = []struct {
	name string
	is   func(error) bool
}{
	{"no sender for this kind", is(errNoSender)},
	{"cannot be opened with this master key", is(secret.ErrSealed)},
	{"the sender panicked", is(errPanic)},
	{"server name not found", as[*net.DNSError]},
	{"certificate not trusted", as[*tls.CertificateVerificationError]},
	{"no TLS", as[tls.RecordHeaderError]},
	{"connection refused", is(syscall.ECONNREFUSED)},
	{"connection lost", is(syscall.ECONNRESET)},
	{"timed out", is(context.DeadlineExceeded)},
	{"timed out", func(err error) bool { e, ok := errors.AsType[net.Error](err); return ok && e.Timeout() }},
	{"network failure", as[*net.OpError]},
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// reason says why a delivery failed in words of our own, at most 200 bytes. What
// servers answer may repeat the recipient or the letter, with or without an @, so
// that nothing of their text is kept but the status.
func reason(err error) string {
	var words []string
	if errors.Is(err, ErrPermanent) {
		words = append(words, "refused for good")
	}
	for _, c := range classes {
		if c.is(err) {
			words = append(words, c.name)
			break
		}
	}
	if m := reply.FindStringSubmatch(err.Error()); m != nil {
		words = append(words, "the server answered "+strings.TrimSpace(m[1]+" "+m[2]))
	}
	if len(words) == 0 {
		return "failed"
	}
	return strings.Join(words, ", ")
}
