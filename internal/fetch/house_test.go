package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const enough = 1 << 10 // bytes of a document

// newClient returns a client that may reach what allow says.
func newClient(t testing.TB, roots *x509.CertPool, allow ...string) *Client {
	t.Helper()
	c, err := New(Config{Allow: allow, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve starts a TLS server on loopback, with HTTP/2, and returns whom to trust
// for it.
func serve(t *testing.T, h http.HandlerFunc) (url string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // broken handshakes are what we came for
	s.StartTLS()
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, roots
}

// want fails the test unless err is exactly the sentinels of want.
func want(t *testing.T, err error, sentinels ...error) {
	t.Helper()
	expected := map[error]bool{}
	for _, s := range sentinels {
		expected[s] = true
	}
	for _, s := range []error{ErrRefused, ErrTooLarge, ErrUnreachable, ErrStatus, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, s) != expected[s] {
			t.Errorf("got %v; is it %q? want %v", err, s, expected[s])
		}
	}
	if len(sentinels) == 0 && err != nil {
		t.Errorf("got %v", err)
	}
}

// A pipes is a server that lives inside a synctest bubble: connections to any
// host are pipes in memory, so that time passes while it thinks.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// within returns a client whose connections all lead to h, by plain http; the
// hosts are id.test and h1.test, h2.test and on.
func within(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	c, err := New(Config{Allow: names(maxIn)})
	if err != nil {
		t.Fatal(err)
	}
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	c.transport.DialContext = p.dial
	s := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- s.Serve(p) }()
	t.Cleanup(func() {
		c.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-done
	})
	return c
}

func names(n int) []string {
	all := []string{"id.test"}
	for i := range n {
		all = append(all, "h"+strconv.Itoa(i+1)+".test")
	}
	return all
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A counter answers with the number of the request, or fails once it is told to.
type counter struct {
	asked   atomic.Int64
	broken  atomic.Bool
	control string // Cache-Control
}

func (c *counter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	n := c.asked.Add(1)
	if c.broken.Load() {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if c.control != "" {
		w.Header().Set("Cache-Control", c.control)
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(strconv.FormatInt(n, 10)))
}

// text returns the document, or the failure, in one word.
func text(d *Document, err error) string {
	switch {
	case errors.Is(err, ErrStatus):
		return "status"
	case err != nil:
		return strings.SplitN(err.Error(), ":", 2)[0]
	}
	return string(d.Body)
}
