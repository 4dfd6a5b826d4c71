package oauth_test

import (
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
)

// A site is a client's own web server: it answers whatever the text is, or fails if
// that is empty.
type site struct {
	url   string
	roots *x509.CertPool
	text  atomic.Pointer[string]
	asked atomic.Int64
}

func newSite(t testing.TB) *site {
	t.Helper()
	at := &site{roots: x509.NewCertPool()}
	at.say("")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		at.asked.Add(1)
		text := *at.text.Load()
		if text == "" {
			http.Error(w, "out for lunch", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	at.url = s.URL
	at.roots.AddCert(s.Certificate())
	return at
}

func (at *site) say(text string) { at.text.Store(&text) }

// reach lets h fetch from at.
func (h *house) reach(t testing.TB, at *site) {
	t.Helper()
	out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: at.roots})
	check(t, err)
	t.Cleanup(out.Close)
	h.Fetch = out
}

// keyed registers a client whose keys are at an address.
func (h *house) keyed(t testing.TB, address string) *headykey.Client {
	t.Helper()
	c := h.program(t, oauth.ClientWish{AuthMethod: oauth.PrivateKeyJWT, Details: headykey.ClientDetails{JWKSURI: address}})
	return &c.Record
}

// A client that changes its keys goes on: a name that is not known is asked for
// again, though not more often than every five seconds, and not by guessing.
func TestAClientMayChangeItsKeys(t *testing.T) {
	at := newSite(t)
	first, second := newPen(t, jose.ES256, "1"), newPen(t, jose.ES256, "2")
	sets := [2]string{string(jwks(t, first)), string(jwks(t, second))}
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.reach(t, at)
		c := h.keyed(t, at.url)
		try := func(p pen) error {
			_, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: p.sign(t, claimsOf(c))})
			return err
		}
		at.say(sets[0])
		for range 3 {
			if err := try(first); err != nil {
				t.Fatalf("the first key: %v", err)
			}
		}
		if err := try(second); !errors.Is(err, headykey.ErrBadClient) {
			t.Errorf("a key that is not at the address: %v", err)
		}
		if n := at.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		at.say(sets[1])
		time.Sleep(time.Minute)
		if err := try(second); err != nil {
			t.Errorf("the second key, a minute after the change: %v", err)
		}
		if err := try(first); !errors.Is(err, headykey.ErrBadClient) {
			t.Errorf("the first key, after the change: %v", err)
		}
		if n := at.asked.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

// A developer is told that the keys are not there, and nothing of our network.
func TestKeysThatCannotBeHadProveNothing(t *testing.T) {
	at := newSite(t)
	h := build(t)
	h.reach(t, at)
	key := newPen(t, jose.ES256, "1")
	for name, text := range map[string]string{"an error": "", "a page": "<html>", "a private key": `{"keys":[{"kty":"oct","k":"AA"}]}`} {
		at.say(text)
		address := at.url + "/" + strings.ReplaceAll(name, " ", "-")
		c := h.keyed(t, address)
		_, err := h.Authenticate(t.Context(), oauth.Proof{Assertion: key.sign(t, claimsOf(c))})
		e := headykey.Explain(err)
		if !e.Is(headykey.ErrBadClient) || !strings.Contains(e.Text, "jwks_uri") || strings.Contains(oauth.Describe(e), "127.0.0.1") {
			t.Errorf("%s: got %v", name, e)
		}
	}
}
