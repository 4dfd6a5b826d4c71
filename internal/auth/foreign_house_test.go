package auth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/upstream"
)

const waysApp = "app.example"

// A waysProvider is a provider of identity on this machine, with a certificate.
type waysProvider struct {
	url    string
	cert   *x509.Certificate
	signer jose.Signer
}

func newWaysProvider(t *testing.T) *waysProvider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	p := &waysProvider{}
	p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	check(t, err)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}})
	check(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_, _ = io.WriteString(w, `{"issuer":"`+p.url+`","jwks_uri":"`+p.url+`/keys"}`)
		case "/keys":
			_, _ = w.Write(keys)
		default:
			http.NotFound(w, r)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	p.url, p.cert = s.URL, s.Certificate()
	return p
}

// token returns one for subject 1 and jane@example.com, vouched for, with the claims
// changed; nil takes one away.
func (p *waysProvider) token(t *testing.T, change map[string]any) string {
	t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": p.url, "sub": "1", "aud": waysApp, "iat": now, "exp": now + 600, "nonce": hex.EncodeToString(hashOf("once")),
		"email": "jane@example.com", "email_verified": true, "name": "Jane Doe", "picture": "https://pics.example/1.png",
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims)
	check(t, err)
	signed, err := p.signer.Sign(text)
	check(t, err)
	out, err := signed.CompactSerialize()
	check(t, err)
	return out
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// A waysHouse is a house that knows a provider, and whose letters can be waited for.
type waysHouse struct {
	*house
	provider *waysProvider
	letters  chan mail.Message
}

func buildWays(t *testing.T, change ...func(*auth.Config)) *waysHouse {
	t.Helper()
	p := newWaysProvider(t)
	h := build(t, append([]func(*auth.Config){func(c *auth.Config) {
		c.ConfirmEmail = true
		c.Apps.Web3 = auth.Chains()
		c.Apps.Issuers = []upstream.Issuer{{Provider: "google", Issuer: p.url, ClientIDs: []string{waysApp, "phone." + waysApp}}}
	}}, change...)...)
	roots := x509.NewCertPool()
	roots.AddCert(p.cert)
	out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: roots})
	check(t, err)
	t.Cleanup(out.Close)
	h.Upstream = &upstream.Verifier{Fetch: out}
	return &waysHouse{h, p, h.waysOutbox(t)}
}

// waysOutbox has letters delivered into a channel until the end of the test.
func (h *house) waysOutbox(t *testing.T) chan mail.Message {
	t.Helper()
	letters := make(chan mail.Message, 34)
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	h.Outbox = outbox.New(h.db, sealer, slog.New(slog.DiscardHandler), map[string]outbox.Sender{
		"mail": func(_ context.Context, payload []byte) error {
			var m mail.Message
			err := json.Unmarshal(payload, &m)
			letters <- m
			return err
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Outbox.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return letters
}

// google signs in by a token of the provider.
func (h *waysHouse) google(t *testing.T, change map[string]any) (*auth.Grant, error) {
	t.Helper()
	return h.SignInFederated(t.Context(), h.idToken(t, change))
}

func (h *waysHouse) idToken(t *testing.T, change map[string]any) auth.IDToken {
	t.Helper()
	return auth.IDToken{Text: h.provider.token(t, change), Nonce: "once", Provider: "google", App: auth.Asking{Target: "https://app.example"}, From: home}
}

// caller returns who holds the access token of a grant.
func (h *house) caller(t *testing.T, g *auth.Grant) headykey.Caller {
	t.Helper()
	by, _, err := h.BySession(t.Context(), g.Access, home)
	check(t, err)
	return by
}

// providersOf names the identities of an account.
func providersOf(a *headykey.Account) []string {
	names := []string{}
	for _, i := range a.Identities {
		names = append(names, i.Provider)
	}
	return names
}
