package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A delivery is what the server took.
type delivery struct {
	from, to string
	user     string // who authenticated
	secure   bool
	data     []byte
}

// A server is a real SMTP server whose answers a test may spoil.
type server struct {
	*smtp.Server
	plainTCP, implicitTLS bool
	user, password        string // empty: no AUTH
	onMail, onRcpt        error
	onData                func() error // called once the content is here
	hangUp                bool         // after the content was taken

	address    string
	mu         sync.Mutex
	deliveries []delivery
	attempts   int // of AUTH
}

// start serves s on a free port until the test ends and returns the roots to
// trust.
func (s *server) start(t *testing.T) *x509.CertPool {
	t.Helper()
	cert, roots := certificate(t)
	s.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	s.Domain = "mail.test"
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableSMTPUTF8 = true
	if !s.plainTCP {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	s.AllowInsecureAuth = s.plainTCP // a careless server
	l := listen(t)
	s.address = l.Addr().String()
	if s.implicitTLS {
		l = tls.NewListener(l, s.TLSConfig)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		s.Close()
		wg.Wait()
	})
	return roots
}

// taken returns what the server took so far.
func (s *server) taken() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deliveries
}

type session struct {
	*server
	conn *smtp.Conn
	now  delivery
	done bool
}

func (s *session) AuthMechanisms() []string {
	if s.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.attempts++
		if user != s.user || password != s.password {
			return smtp.ErrAuthFailed
		}
		s.now.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.user != "" && s.now.user == "" {
		return smtp.ErrAuthRequired
	}
	s.now.from = from
	return s.onMail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = to
	return s.onRcpt
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.onData != nil {
		if err := s.onData(); err != nil {
			return err
		}
	}
	_, s.now.secure = s.conn.TLSConnectionState()
	s.now.data = data
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, s.now)
	s.done = true
	return nil
}

func (s *session) Reset() {
	if s.hangUp && s.done {
		s.conn.Conn().Close()
	}
}

func (s *session) Logout() error { return nil }

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// certificate returns a fresh certificate for 127.0.0.1 and the authority that
// signed it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, leafKey := newKey(t), newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}, roots
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// contains reports whether data has the text, for raw bytes of the wire.
func contains(data []byte, text string) bool { return bytes.Contains(data, []byte(text)) }
