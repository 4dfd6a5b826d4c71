package conformance

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"crypto/rand"
)

// A site is an https server of the clients': what they keep there (key sets, request
// objects, sector documents), and what the provider sends them.
type site struct {
	url  string
	mu   sync.Mutex
	docs map[string]doc
	got  map[string]chan visit // by path
}

type doc struct {
	status     int
	kind, text string
	header     map[string]string
}

// A visit is one request to the site.
type visit struct {
	method string
	header http.Header
	query  string
	body   string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{docs: map[string]doc{}, got: map[string]chan visit{}}
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{bench.leaf.Certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// put lays a document down under a new path and returns its URL.
func (s *site) put(kind, text string) string { return s.answer(doc{200, kind, text, nil}) }

// answer says what the site answers under a new path, whose URL it returns.
func (s *site) answer(d doc) string {
	path := "/" + strings.ToLower(rand.Text())
	s.change(s.url+path, d)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got[path] = make(chan visit, 34)
	return s.url + path
}

// change replaces a document.
func (s *site) change(at string, d doc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[strings.TrimPrefix(at, s.url)] = d
}

// next returns the next visit of an address, and fails the test if none comes.
func (s *site) next(t *testing.T, at string) visit {
	t.Helper()
	select {
	case v := <-s.visits(at):
		return v
	case <-time.After(patience):
		t.Fatalf("nobody came to %s", at)
		return visit{}
	}
}

func (s *site) visits(at string) chan visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[strings.TrimPrefix(at, s.url)]
}

// ServeHTTP answers with what was put there.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // a broken visit shows in what it lacks
	s.mu.Lock()
	d, ok := s.docs[r.URL.Path]
	got := s.got[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	select {
	case got <- visit{r.Method, r.Header, r.URL.RawQuery, string(body)}:
	default:
	}
	if d.kind != "" {
		w.Header().Set("Content-Type", d.kind)
	}
	for name, value := range d.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(d.status)
	_, _ = io.WriteString(w, d.text)
}
