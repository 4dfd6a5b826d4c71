package hook

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

const jane = headykey.ID("5f0c2a4e-6d3b-4f1e-9a70-0b6f3c1d2e4f")

var (
	user   = jsontext.Value(`{"email":"jane@id.test"}`)
	claims = jsontext.Value(`{"aal":"aal1","aud":"authenticated","email":"jane@id.test","exp":2,"iat":1,"is_anonymous":false,"phone":"","role":"authenticated","session_id":"s","sub":"jane"}`)

	home      = headykey.From{Address: netip.MustParseAddr("::ffff:192.0.2.7"), Agent: "never told"}
	everyHook = []Name{CustomAccessToken, SendEmail, PasswordVerificationAttempt, BeforeUserCreated, AfterUserCreated}
)

// secret returns a secret of 32 bytes.
func secret(b byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

// A visit is what an endpoint got.
type visit struct {
	path   string
	header http.Header
	body   []byte
}

// An operator serves endpoints and remembers the visits.
type operator struct {
	url    string
	roots  *x509.CertPool
	mu     sync.Mutex
	visits []visit
	answer http.HandlerFunc
}

func (o *operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	o.visits = append(o.visits, visit{r.URL.Path, r.Header, body})
	o.mu.Unlock()
	o.answer(w, r)
}

// seen returns the visits until now.
func (o *operator) seen() []visit {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]visit(nil), o.visits...)
}

// serve starts an operator's TLS server on loopback.
func serve(t testing.TB, answer http.HandlerFunc) *operator {
	t.Helper()
	o := &operator{answer: answer}
	s := httptest.NewTLSServer(o)
	t.Cleanup(s.Close)
	o.url, o.roots = s.URL, x509.NewCertPool()
	o.roots.AddCert(s.Certificate())
	return o
}

// servePlain starts one without TLS.
func servePlain(t *testing.T, answer http.HandlerFunc) *operator {
	t.Helper()
	o := &operator{answer: answer}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

// hooks returns every hook there is, asked at o, and the log. Close them.
func (o *operator) hooks(t testing.TB, secrets ...string) (*Hooks, *bytes.Buffer) {
	t.Helper()
	if secrets == nil {
		secrets = []string{secret(1)}
	}
	configs := map[Name]Config{}
	for _, name := range everyHook {
		configs[name] = Config{URI: o.url + "/" + string(name) + "?code=x", Secrets: secrets}
	}
	log := &bytes.Buffer{}
	h, err := New(configs, o.roots, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	return h, log
}

// say answers with a status and JSON.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// asked asks each hook that may fail, and returns how each did.
func asked(t *testing.T, h *Hooks) map[Name]error {
	t.Helper()
	_, token := h.CustomAccessToken(t.Context(), home, jane, claims, "password")
	_, mail := h.SendEmail(t.Context(), home, user, EmailData{})
	_, password := h.PasswordVerificationAttempt(t.Context(), home, jane, true)
	return map[Name]error{
		CustomAccessToken: token, SendEmail: mail, PasswordVerificationAttempt: password,
		BeforeUserCreated: h.BeforeUserCreated(t.Context(), home, user),
	}
}
