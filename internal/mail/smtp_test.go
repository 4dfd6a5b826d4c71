package mail_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"headykey.com/headykey/internal/mail"
)

var letter = mail.Message{
	To:      "ada@example.org",
	Subject: "Grüße from HeadyKey",
	Text:    "Hello Ada,\n.\n" + strings.Repeat("long ", 400) + "\nEnd\n",
	HTML:    "<p>Hello Ada</p>\n",
}

func newSMTP(t *testing.T, c mail.Config) *mail.SMTP {
	t.Helper()
	c.From = "HeadyKey <no-reply@id.example>"
	s, err := mail.NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSendArrivesWhole(t *testing.T) {
	tests := []struct {
		name   string
		server *server
		scheme string
		config mail.Config
		want   delivery
	}{
		{"STARTTLS is taken where offered", &server{}, "", mail.Config{}, delivery{secure: true}},
		{"spelled as a URL", &server{}, "smtp://", mail.Config{}, delivery{secure: true}},
		{"plain where nothing else is offered", &server{plainTCP: true}, "smtp://", mail.Config{}, delivery{}},
		{"TLS from the first byte", &server{implicitTLS: true}, "smtps://", mail.Config{}, delivery{secure: true}},
		{"AUTH after STARTTLS", &server{user: "mailer", password: "s3cret"}, "smtp://",
			mail.Config{User: "mailer", Password: "s3cret"}, delivery{secure: true, user: "mailer"}},
		{"AUTH within TLS", &server{implicitTLS: true, user: "mailer", password: "s3cret"}, "smtps://",
			mail.Config{User: "mailer", Password: "s3cret"}, delivery{secure: true, user: "mailer"}},
		{"the server hangs up once it has the mail", &server{hangUp: true}, "", mail.Config{}, delivery{secure: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.RootCAs = tt.server.start(t)
			tt.config.Server = tt.scheme + tt.server.address
			if err := newSMTP(t, tt.config).Send(t.Context(), letter); err != nil {
				t.Fatal(err)
			}
			taken := tt.server.taken()
			if len(taken) != 1 {
				t.Fatalf("%d deliveries, want 1", len(taken))
			}
			got := taken[0]
			checkWire(t, got.data)
			got.data = nil
			tt.want.from, tt.want.to = "no-reply@id.example", "ada@example.org"
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// checkWire reads data as a mail program would and compares it with letter.
func checkWire(t *testing.T, data []byte) {
	t.Helper()
	for l := range strings.SplitSeq(string(data), "\r\n") {
		if len(l) > 78 || strings.ContainsAny(l, "\r\n") {
			t.Errorf("a line of %d bytes on the wire: %.90q", len(l), l)
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != letter.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	if at, err := m.Header.Date(); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("date %v, %v", at, err)
	}
	if id := m.Header.Get("Message-Id"); !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@id.example>") {
		t.Errorf("message id %q does not name the sender's domain", id)
	}
	got := map[string]string{}
	for _, name := range []string{"From", "To", "Auto-Submitted", "User-Agent", "X-Mailer"} {
		got[name] = m.Header.Get(name)
	}
	want := map[string]string{
		"From": `"HeadyKey" <no-reply@id.example>`, "To": "<ada@example.org>",
		"Auto-Submitted": "auto-generated", "User-Agent": "", "X-Mailer": "",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	parts := []string{"text/plain; charset=UTF-8", letter.Text, "text/html; charset=UTF-8", letter.HTML}
	if got := readParts(t, m); !slices.Equal(got, parts) {
		t.Errorf("got parts %q, want %q", got, parts)
	}
}

// readParts returns type and content of each part in turn.
func readParts(t *testing.T, m *netmail.Message) []string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v", kind, err)
	}
	var parts []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p.Header.Get("Content-Type"), strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
}

func TestRefusals(t *testing.T) {
	refuse := func(code int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no"}
	}
	tests := []struct {
		name      string
		server    *server
		permanent bool
	}{
		{"mailbox unknown", &server{onRcpt: refuse(550)}, true},
		{"greylisted", &server{onRcpt: refuse(450)}, false},
		{"sender refused", &server{onMail: refuse(553)}, true},
		{"too busy for the sender", &server{onMail: refuse(421)}, false},
		{"authentication wanted, none configured", &server{onMail: refuse(530)}, false},
		{"content refused", &server{onData: func() error { return refuse(554) }}, true},
		{"no space for the content", &server{onData: func() error { return refuse(452) }}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			roots := tt.server.start(t)
			err := newSMTP(t, mail.Config{Server: tt.server.address, RootCAs: roots}).Send(t.Context(), letter)
			if err == nil || mail.Permanent(err) != tt.permanent {
				t.Errorf("got %v, permanent %t, want %t", err, mail.Permanent(err), tt.permanent)
			}
			if taken := tt.server.taken(); taken != nil {
				t.Errorf("the server took %+v", taken)
			}
		})
	}
}

func TestCredentialsAreGuarded(t *testing.T) {
	t.Run("a wrong password is no fault of the message", func(t *testing.T) {
		s := &server{user: "mailer", password: "s3cret"}
		roots := s.start(t)
		err := newSMTP(t, mail.Config{Server: s.address, User: "mailer", Password: "gu3ss", RootCAs: roots}).
			Send(t.Context(), letter)
		if err == nil || mail.Permanent(err) || !strings.Contains(err.Error(), "535") {
			t.Errorf("got %v, permanent %t", err, mail.Permanent(err))
		}
		if strings.Contains(err.Error(), "gu3ss") {
			t.Errorf("the password is in the error: %v", err)
		}
	})
	t.Run("without TLS nothing is shown", func(t *testing.T) {
		s := &server{plainTCP: true, user: "mailer", password: "s3cret"}
		s.start(t)
		err := newSMTP(t, mail.Config{Server: s.address, User: "mailer", Password: "s3cret"}).Send(t.Context(), letter)
		if err == nil || mail.Permanent(err) || s.attempts != 0 {
			t.Errorf("got %v after %d attempts at AUTH, want an error and none", err, s.attempts)
		}
	})
	t.Run("an unknown authority is not trusted", func(t *testing.T) {
		for _, s := range []*server{{}, {implicitTLS: true}} {
			s.start(t)
			scheme := map[bool]string{false: "smtp://", true: "smtps://"}[s.implicitTLS]
			err := newSMTP(t, mail.Config{Server: scheme + s.address, RootCAs: x509.NewCertPool()}).
				Send(t.Context(), letter)
			if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok || mail.Permanent(err) {
				t.Errorf("%s: got %v, permanent %t", scheme, err, mail.Permanent(err))
			}
			if taken := s.taken(); taken != nil {
				t.Errorf("%s: the server took %+v", scheme, taken)
			}
		}
	})
}

func TestServerAway(t *testing.T) {
	l := listen(t)
	address := l.Addr().String()
	l.Close()
	err := newSMTP(t, mail.Config{Server: address}).Send(t.Context(), letter)
	if err == nil || mail.Permanent(err) {
		t.Errorf("connection refused: got %v, permanent %t", err, mail.Permanent(err))
	}
}

// The listener's backlog accepts the connection; nobody ever greets.
func TestSilentServerMeetsDeadline(t *testing.T) {
	for _, scheme := range []string{"smtp://", "smtps://"} {
		s := newSMTP(t, mail.Config{Server: scheme + listen(t).Addr().String()})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := s.Send(ctx, letter)
		if !errors.Is(err, context.DeadlineExceeded) || mail.Permanent(err) {
			t.Errorf("%s: got %v, permanent %t", scheme, err, mail.Permanent(err))
		}
	}
}

func TestCancelEndsAStalledDelivery(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	s := &server{onData: func() error {
		cancel()
		<-release
		return errors.New("too late")
	}}
	roots := s.start(t)
	defer close(release)
	err := newSMTP(t, mail.Config{Server: s.address, RootCAs: roots}).Send(ctx, letter)
	if !errors.Is(err, context.Canceled) || mail.Permanent(err) {
		t.Errorf("got %v, permanent %t", err, mail.Permanent(err))
	}
}

func TestSendAtOnce(t *testing.T) {
	s := &server{}
	roots := s.start(t)
	sender := newSMTP(t, mail.Config{Server: s.address, RootCAs: roots})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := sender.Send(t.Context(), letter); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(s.taken()); n != 5 {
		t.Errorf("%d deliveries, want 5", n)
	}
}

// A dot alone on a line ends a mail in SMTP. In a body it must not.
func TestBodyCannotEndTheMail(t *testing.T) {
	for _, end := range []string{"\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n"} {
		s := &server{}
		roots := s.start(t)
		m := letter
		m.Text = "Hello" + end + "MAIL FROM:<mallory@example.net>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\nForged\r\n"
		if err := newSMTP(t, mail.Config{Server: s.address, RootCAs: roots}).Send(t.Context(), m); err != nil {
			t.Errorf("%q: %v", end, err)
		}
		taken := s.taken()
		if len(taken) != 1 || taken[0].from != "no-reply@id.example" || !contains(taken[0].data, "Forged") {
			t.Errorf("%q: the server took %+v", end, taken)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	good := mail.Config{Server: "smtp.example:587", From: "no-reply@id.example"}
	with := func(change func(*mail.Config)) mail.Config {
		c := good
		change(&c)
		return c
	}
	server := func(s string) mail.Config { return with(func(c *mail.Config) { c.Server = s }) }
	from := func(s string) mail.Config { return with(func(c *mail.Config) { c.From = s }) }
	tests := map[string]mail.Config{
		"no server":            server(""),
		"no port":              server("smtp.example"),
		"no host":              server(":587"),
		"port zero":            server("smtp.example:0"),
		"port too high":        server("smtp.example:65536"),
		"named port":           server("smtp.example:smtp"),
		"another scheme":       server("https://smtp.example:587"),
		"path":                 server("smtp://smtp.example:587/"),
		"password in the URL":  server("smtp://mailer:s3cret@smtp.example:587"),
		"user in the URL":      server("smtp://s3cret@smtp.example:587"),
		"socket":               server("unix:///run/smtp:587"),
		"no sender":            from(""),
		"sender is no address": from("HeadyKey"),
		"injected sender":      from("no-reply@id.example\r\nBcc: mallory@example.net"),
		"sender not in ASCII":  from("no-reply@bücher.example"),
		"user alone":           with(func(c *mail.Config) { c.User = "mailer" }),
		"password alone":       with(func(c *mail.Config) { c.Password = "s3cret" }),
	}
	for name, c := range tests {
		s, err := mail.NewSMTP(c)
		if err == nil || s != nil {
			t.Errorf("%s: accepted %+v", name, c)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the password is in the error: %v", name, err)
		}
	}
	for _, address := range []string{"smtp.example:587", "smtp://[2001:db8::1]:25", "smtps://smtp.example:465"} {
		if _, err := mail.NewSMTP(server(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
