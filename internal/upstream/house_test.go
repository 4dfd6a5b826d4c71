package upstream_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/upstream"
)

const (
	app   = "app.example"
	nonce = "a number used once"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A provider is somebody else's server. Begin with newProvider.
type provider struct {
	url   string
	cert  *x509.Certificate
	mu    sync.Mutex
	pages map[string]string // by path; others are not found
	asked map[string]int
}

const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/keys"
)

// newProvider starts a server that tells who it is and where its keys are: those of
// pens.
func newProvider(t testing.TB, pens ...pen) *provider {
	t.Helper()
	p := &provider{pages: map[string]string{}, asked: map[string]int{}}
	s := httptest.NewUnstartedServer(p)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	p.url, p.cert = s.URL, s.Certificate()
	p.say(discoveryPath, discovery(p.url, p.url+keysPath))
	p.say(keysPath, jwks(t, pens...))
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	page, ok := p.pages[r.URL.Path]
	p.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, page)
}

func (p *provider) say(path, page string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages[path] = page
}

// times returns how often a page was asked for.
func (p *provider) times(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// issuer returns p as an operator would name it.
func (p *provider) issuer() upstream.Issuer {
	return upstream.Issuer{Provider: "google", Issuer: p.url, ClientIDs: []string{app, "phone." + app}}
}

// claims are those of a good token, changed; nil takes one away.
func (p *provider) claims(change map[string]any) map[string]any {
	now := time.Now().Unix()
	all := map[string]any{
		"iss": p.url, "sub": "1", "aud": app, "iat": now, "exp": now + 600, "nonce": hashed(nonce),
		"email": "jane@acme.example", "email_verified": true,
	}
	maps.Copy(all, change)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func hashed(nonce string) string {
	sum := sha256.Sum256([]byte(nonce))
	return hex.EncodeToString(sum[:])
}

func discovery(issuer, keys string) string {
	return `{"issuer":"` + issuer + `","jwks_uri":"` + keys + `","authorization_endpoint":"` + issuer + `/auth"}`
}

// newVerifier returns a verifier that may reach providers on this machine.
func newVerifier(t testing.TB, providers ...*provider) *upstream.Verifier {
	t.Helper()
	roots := x509.NewCertPool()
	for _, p := range providers {
		roots.AddCert(p.cert)
	}
	client, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: roots})
	check(t, err)
	t.Cleanup(client.Close)
	return &upstream.Verifier{Fetch: client}
}

// A pen signs tokens.
type pen struct {
	alg, kid string
	key      crypto.Signer
}

func newPen(t testing.TB, alg, kid string) pen {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	check(t, err)
	return pen{alg, kid, key}
}

// sign makes a token of claims with p; header are pairs of members of its header.
func (p pen) sign(t testing.TB, claims map[string]any, header ...string) string {
	t.Helper()
	return signWith(t, p.alg, p.kid, p.key, claims, header...)
}

func signWith(t testing.TB, alg, kid string, key any, claims map[string]any, header ...string) string {
	t.Helper()
	text, err := json.Marshal(claims)
	check(t, err)
	options := &gojose.SignerOptions{}
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	for i := 0; i+1 < len(header); i += 2 {
		options = options.WithHeader(gojose.HeaderKey(header[i]), header[i+1])
	}
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: key}, options)
	check(t, err)
	jws, err := signer.Sign(text)
	check(t, err)
	out, err := jws.CompactSerialize()
	check(t, err)
	return out
}

// jwks is the set of the public keys of pens.
func jwks(t testing.TB, pens ...pen) string {
	t.Helper()
	set := gojose.JSONWebKeySet{Keys: []gojose.JSONWebKey{}}
	for _, p := range pens {
		set.Keys = append(set.Keys, gojose.JSONWebKey{Key: p.key.Public(), KeyID: p.kid})
	}
	text, err := json.Marshal(set)
	check(t, err)
	return string(text)
}

// want fails the test unless err is this sentinel alone, and there is nobody then.
// Nothing of the token may show.
func want(t *testing.T, name, token string, who *upstream.Identity, err, sentinel error) {
	t.Helper()
	for _, one := range []error{upstream.ErrToken, upstream.ErrNonce, upstream.ErrUnreachable} {
		if errors.Is(err, one) != (one == sentinel) {
			t.Errorf("%s: got %v, want %v", name, err, sentinel)
		}
	}
	if (err == nil) != (sentinel == nil) || (who != nil) != (sentinel == nil) {
		t.Errorf("%s: got %+v, %v, want %v", name, who, err, sentinel)
	}
	if err == nil {
		return
	}
	for part := range strings.SplitSeq(token, ".") {
		if part != "" && strings.Contains(err.Error(), part) {
			t.Errorf("%s: the text shows the token: %v", name, err)
		}
	}
}
