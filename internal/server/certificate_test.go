package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/server"
)

// certify makes a certificate for this machine that vouches for itself, and writes
// it and its key to files.
func certify(t *testing.T, name string) (cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	wish := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, wish, wish, key.Public(), key)
	check(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	check(t, os.WriteFile(certFile, certPEM, 0o600))
	check(t, os.WriteFile(keyFile, keyPEM, 0o600))
	cert, err = tls.X509KeyPair(certPEM, keyPEM)
	check(t, err)
	return cert, certFile, keyFile
}

// robot registers a client that is known by the name in its certificate.
func (r *running) robot(t *testing.T) headykey.ID {
	t.Helper()
	c, err := r.Core.OAuth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
		Name: "Robot", AuthMethod: oauth.TLSAuth, Details: headykey.ClientDetails{TLSSubject: "CN=robot", BoundTLS: true},
	})
	check(t, err)
	return c.Record.ID
}

// earn asks for a token and returns the status.
func (r *running) earn(t *testing.T, client headykey.ID, transport *http.Transport, headers ...string) int {
	t.Helper()
	defer transport.CloseIdleConnections()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {string(client)}}
	request, err := http.NewRequestWithContext(t.Context(), "POST", r.Base+"/auth/v1/token", strings.NewReader(form.Encode()))
	check(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := transport.RoundTrip(request)
	check(t, err)
	check(t, answer.Body.Close())
	return answer.StatusCode
}

// The listener asks for certificates, and serves who has none.
func TestTheListenerTakesCertificates(t *testing.T) {
	robot, robotFile, _ := certify(t, "robot")
	own, certFile, keyFile := certify(t, "server")
	forged, _, _ := certify(t, "robot")
	c := settings(t.TempDir())
	c.TLSCert, c.TLSKey, c.TLSClients, c.TLSClientCA = certFile, keyFile, true, robotFile
	s := run(t, c, slog.New(slog.DiscardHandler))
	client := s.robot(t)
	roots := x509.NewCertPool()
	roots.AddCert(own.Leaf)
	for name, tt := range map[string]struct {
		certs  []tls.Certificate
		status int
	}{"its certificate": {[]tls.Certificate{robot}, 200}, "none": {nil, 401}, "a forged one": {[]tls.Certificate{forged}, 401}} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: tt.certs, MinVersion: tls.VersionTLS12}}
		if got := s.earn(t, client, transport); got != tt.status {
			t.Errorf("%s: %d, want %d", name, got, tt.status)
		}
	}
}

// TLS 1.2 is spoken with the suites of RFC 9325 alone, and nothing older at all.
func TestTheListenerSpeaksStrongTLS(t *testing.T) {
	own, certFile, keyFile := certify(t, "server")
	c := settings(t.TempDir())
	c.TLSCert, c.TLSKey = certFile, keyFile
	s := run(t, c, slog.New(slog.DiscardHandler))
	roots := x509.NewCertPool()
	roots.AddCert(own.Leaf)
	for name, tt := range map[string]struct {
		least, most uint16
		suite       uint16
		ok          bool
	}{
		"TLS 1.3":           {tls.VersionTLS13, tls.VersionTLS13, 0, true},
		"TLS 1.2":           {tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true},
		"TLS 1.2, weakened": {tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
		"TLS 1.1":           {tls.VersionTLS10, tls.VersionTLS11, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
	} {
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tt.least, MaxVersion: tt.most, CipherSuites: []uint16{tt.suite}}}
		conn, err := dialer.DialContext(t.Context(), "tcp", s.Address())
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			check(t, conn.Close())
		}
	}
}

// What a proxy says of certificates counts if it is trusted and certificates are on.
func TestATrustedProxyPassesCertificatesOn(t *testing.T) {
	robot, robotFile, _ := certify(t, "robot")
	header := ":" + base64.StdEncoding.EncodeToString(robot.Certificate[0]) + ":"
	trusted := func(dir string) *server.Config {
		c := settings(dir)
		c.TrustProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		return c
	}
	on := trusted(t.TempDir())
	on.TLSClients, on.TLSClientCA = true, robotFile
	s := run(t, on, slog.New(slog.DiscardHandler))
	client := s.robot(t)
	if with, without, broken := s.earn(t, client, &http.Transport{}, "Client-Cert", header), s.earn(t, client, &http.Transport{}),
		s.earn(t, client, &http.Transport{}, "Client-Cert", "x"); with != 200 || without != 401 || broken != 400 {
		t.Errorf("with %d, without %d, broken %d", with, without, broken)
	}
	_, doc := s.ask(t, "GET", "/auth/v1/.well-known/openid-configuration", "")
	methods, err := json.Marshal(doc["token_endpoint_auth_methods_supported"])
	check(t, err)
	if doc["tls_client_certificate_bound_access_tokens"] != true || !strings.Contains(string(methods), `"tls_client_auth"`) {
		t.Errorf("the metadata says %s", methods)
	}
	check(t, s.stop())
	s = run(t, trusted(on.Data), slog.New(slog.DiscardHandler)) // the operator turned them off
	if got := s.earn(t, client, &http.Transport{}, "Client-Cert", header); got != 401 {
		t.Errorf("off: %d", got)
	}
	yes := true
	if _, err := s.Core.OAuth.ChangeClient(t.Context(), headykey.System, client, headykey.ClientChange{Disabled: &yes}); err != nil {
		t.Errorf("such a client cannot be disabled: %v", err)
	}
}
