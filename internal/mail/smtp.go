package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// sendTimeout bounds one delivery, from dialling to the server's last answer.
const sendTimeout = 34 * time.Second

// A Config says by which server mail leaves.
type Config struct {
	Server   string         // host:port or smtp://host:port, which use STARTTLS where offered; smtps://host:port
	From     string         // the sender, with or without a display name
	User     string         // empty: no authentication; otherwise TLS is mandatory
	Password string         // never shown in an error
	RootCAs  *x509.CertPool // whom to trust; nil: the system's roots
}

// An SMTP sends mail by one server (RFC 5321). It is safe for concurrent use;
// each delivery has a connection of its own.
type SMTP struct {
	address        string // host:port
	host           string
	from           *netmail.Address
	domain         string // of the sender: names us in EHLO and in message ids
	user, password string
	implicit       bool // TLS from the first byte (RFC 8314 §3)
	tls            *tls.Config
}

// NewSMTP returns the sender that c describes. It fails if the server is not
// spelled as Config says, if the sender is no address in ASCII, or if only one
// of user and password is given. It does not connect.
func NewSMTP(c Config) (*SMTP, error) {
	scheme, address, found := strings.Cut(c.Server, "://")
	if !found {
		scheme, address = "smtp", c.Server
	}
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || n == 0 || strings.Trim(host, hostCharacters) != "" || host == "" ||
		scheme != "smtp" && scheme != "smtps" {
		return nil, errors.New("mail server: want host:port, smtp://host:port or smtps://host:port")
	}
	from, err := netmail.ParseAddress(c.From)
	if err != nil || !printable(from.Name) || !validAddress(from.Address) || !ascii(from.Address) {
		return nil, errors.New("mail sender: want an address in ASCII, such as HeadyKey <no-reply@example.com>")
	}
	if (c.User == "") != (c.Password == "") {
		return nil, errors.New("mail server: user and password go together")
	}
	return &SMTP{
		address:  address,
		host:     host,
		from:     from,
		domain:   from.Address[strings.LastIndexByte(from.Address, '@')+1:],
		user:     c.User,
		password: c.Password,
		implicit: scheme == "smtps",
		tls:      &tls.Config{ServerName: host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
	}, nil
}

// hostCharacters are those of names and of IPv4 and IPv6 addresses.
const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:"

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}

// Send hands m to the server and returns nil once the server has taken it, even
// if the farewell fails. It gives up when ctx ends, or after 34 seconds. It fails
// with ErrUnsendable, or with what the network or the server said; ask Permanent
// whether to try again. The text of the failure may name the recipient.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	letter, err := s.compose(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel() // closes the connection too: see dialer

	client, err := gomail.NewClient(s.host, s.options(ctx)...)
	if err != nil {
		return fmt.Errorf("set up SMTP client: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, letter)
	switch {
	case letter.IsDelivered():
		return nil
	case err == nil:
		return errors.New("send mail: the server did not confirm the delivery")
	case ctx.Err() != nil:
		return fmt.Errorf("send mail: %w (%v)", ctx.Err(), err)
	}
	return fmt.Errorf("send mail: %w", err)
}

// Permanent reports whether err, from Send, says that the same message will
// never be taken: it is unsendable, or the server answered 5xx to its sender,
// recipient or content. Faults of the connection, of TLS and of our credentials
// (RFC 4954 §6) are not the message's: an operator can mend them.
func Permanent(err error) bool {
	if errors.Is(err, ErrUnsendable) {
		return true
	}
	refusal, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return false
	}
	switch code := refusal.ErrorCode(); code {
	case 530, 534, 535, 538:
		return false
	default:
		return code >= 500 && code < 600
	}
}

// compose returns m as it goes over the wire.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(s.from)
	if err := letter.To(m.To); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsendable, err)
	}
	letter.Subject(m.Subject)
	letter.SetDateWithValue(time.Now().UTC())
	letter.SetMessageIDWithValue(rand.Text() + "@" + s.domain)
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5
	letter.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return letter, nil
}

// options returns how to speak with the server until ctx ends.
func (s *SMTP) options(ctx context.Context) []gomail.Option {
	options := []gomail.Option{
		gomail.WithHELO(s.domain),
		gomail.WithTimeout(sendTimeout),
		gomail.WithTLSConfig(s.tls),
		gomail.WithDialContextFunc(s.dialer(ctx)),
		gomail.WithoutNoop(),
		gomail.WithoutRset(),
	}
	switch {
	case s.implicit:
		options = append(options, gomail.WithSSL())
	case s.user != "":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	}
	if s.user != "" {
		options = append(options, gomail.WithUsername(s.user), gomail.WithPassword(s.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}

// dialer returns a function that connects to the server. The connection dies
// with ctx, whatever it is waiting for; go-mail's own deadline begins anew with
// each phase, and go-mail leaves the connection open when the greeting fails.
func (s *SMTP) dialer(ctx context.Context) gomail.DialContextFunc {
	return func(dialCtx context.Context, network, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(dialCtx, network, s.address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		if !s.implicit {
			return conn, nil
		}
		secure := tls.Client(conn, s.tls)
		if err := secure.HandshakeContext(dialCtx); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		return secure, nil
	}
}
