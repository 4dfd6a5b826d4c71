package conformance

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey/test/house"
)

const patience = house.Patience

type obj = map[string]any

// each runs test in a fresh house on every engine at hand.
func each(t *testing.T, test func(t *testing.T, h house.House)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		test(t, house.House{Binary: bench.binary, Data: t.TempDir()})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, house.House{Binary: bench.binary, Data: t.TempDir(), DSN: house.Database(t)})
	})
}

// A provider is one running headykey, and all that is known of it: its metadata.
type provider struct {
	*house.Server
	meta  obj
	http  *http.Client // trusts the authority, follows no redirect
	site  *site        // the server of its clients
	admin string       // access token of an administrator

	cookies map[string]*http.Cookie // of a browser in which ada is signed in
}

// start runs a provider over TLS until the test ends. Its address is part of its
// name, so the port is chosen first; if somebody else takes it, another is tried.
func start(t *testing.T, h house.House) *provider {
	t.Helper()
	for range 5 {
		p := &provider{Server: launch(t, h)}
		select {
		case <-p.Ready:
			t.Cleanup(func() { p.Stop(t, patience) })
			p.prepare(t)
			return p
		case <-p.Ended:
			t.Logf("the server ended before it was ready:\n%s", p.Log())
		case <-time.After(patience):
			t.Fatal("the server is not ready")
		}
	}
	t.Fatal("the server does not start")
	return nil
}

func launch(t *testing.T, h house.House) *house.Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // the port is free again
	return h.Launch(t, "--listen", address, "--url", "https://"+address, "--no-confirm-email", "--rate-limit", "off",
		"--registration", "open", "--tls-cert", bench.leaf.CertFile, "--tls-key", bench.leaf.KeyFile,
		"--extra-ca", bench.pki.File, "--fetch-allow", "127.0.0.0/8")
}

// prepare learns what the provider says of itself, and makes its people.
func (p *provider) prepare(t *testing.T) {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: bench.pki.Pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 8,
	}
	t.Cleanup(transport.CloseIdleConnections)
	p.http = &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.site = newSite(t)
	p.meta = p.get(t, p.URL+"/.well-known/openid-configuration/auth/v1").want(t, http.StatusOK).object(t)
	p.Operate(t, password+"\n", &obj{}, "users", "create", "--email", "admin@example.com", "--role", "admin", "--password-stdin")
	login := p.send(t, "POST", p.URL+"/api/auth/login", `{"email":"admin@example.com","password":"`+password+`"}`,
		"Content-Type: application/json").want(t, http.StatusOK).object(t)
	p.admin = text(t, login, "accessToken")
	p.Operate(t, ada.password+"\n", &obj{}, "users", "create", "--email", ada.email, "--name", "Ada Example", "--password-stdin")
	b := p.stranger()
	b.stop = "none"
	if a := b.walk(t, b.visit(t, p.URL+"/sign-in", byHand)); !slices.Contains(a.seen, "sign-in") || len(b.cookies) < 2 {
		t.Fatalf("ada cannot sign in: %v", a.seen)
	}
	p.cookies = b.cookies
}

// at returns an endpoint by its name in the metadata.
func (p *provider) at(t *testing.T, member string) string {
	t.Helper()
	u, ok := p.meta[member].(string)
	if !ok || !strings.HasPrefix(u, "https://") {
		t.Fatalf("the metadata has %s %v, want an https URL", member, p.meta[member])
	}
	return u
}
