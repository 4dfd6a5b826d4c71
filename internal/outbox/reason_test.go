package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"headykey.com/headykey/internal/secret"
)

func TestReason(t *testing.T) {
	dial := func(cause error) error {
		return fmt.Errorf("send mail: %w", &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 254), Port: 587}, Err: cause})
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"code and class", errors.New("RCPT TO: 550 5.1.1 <jane@example.com> unknown"), "the server answered 550 5.1.1"},
		{"several lines", errors.New("554-5.7.1 blocked\n554 5.7.1 see https://example.com"), "the server answered 554 5.7.1"},
		{"code alone", errors.New("421"), "the server answered 421"},
		{"for good", fmt.Errorf("%w: hook answered 410", ErrPermanent), "refused for good, the server answered 410"},
		{"a local part and no @", errors.New("no mailbox for jane"), "failed"},
		{"a port is no code", errors.New("dial 192.0.2.250:587: jane"), "failed"},
		{"refused", dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused"},
		{"reset", dial(syscall.ECONNRESET), "connection lost"},
		{"no route", dial(syscall.EHOSTUNREACH), "network failure"},
		{"slow", dial(os.ErrDeadlineExceeded), "timed out"},
		{"too slow", context.DeadlineExceeded, "timed out"},
		{"no name", dial(&net.DNSError{Name: "mail.jane.example", IsNotFound: true}), "server name not found"},
		{"certificate", &tls.CertificateVerificationError{Err: errors.New("x509: jane")}, "certificate not trusted"},
		{"plain text", tls.RecordHeaderError{Msg: "jane"}, "no TLS"},
		{"another master key", secret.ErrSealed, "cannot be opened with this master key"},
		{"panic", fmt.Errorf("%w: string", errPanic), "the sender panicked"},
		{"no sender", errNoSender, "no sender for this kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := reason(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTriesLastForAboutADay(t *testing.T) {
	var all time.Duration
	for n := 1; n < maxAttempts; n++ {
		all += pause(n)
	}
	if want := 75024 * time.Second; all != want {
		t.Errorf("the pauses make %v, want %v", all, want)
	}
}

// Whatever a server answers, its words do not come through: three digits, and
// twice three behind a dot, are all there is room for.
func FuzzReason(f *testing.F) {
	f.Add("550 5.1.1 <jane@example.com> unknown")
	f.Add("https://example.com/s/451 4.7.1")
	f.Add("554-5.7.1\r\n554 5.7.1")
	own := regexp.MustCompile(`^(failed|the server answered [245]\d\d( [245]\.\d{1,3}\.\d{1,3})?)$`)
	f.Fuzz(func(t *testing.T, answer string) {
		if got := reason(errors.New(answer)); !own.MatchString(got) {
			t.Errorf("%q became %q", answer, got)
		}
		got := reason(fmt.Errorf("%w: %s: %w", ErrPermanent, answer, context.DeadlineExceeded))
		if !strings.HasPrefix(got, "refused for good, timed out") || len(got) > 200 {
			t.Errorf("%q became %q", answer, got)
		}
	})
}
