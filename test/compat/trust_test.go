package compat_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A trust is an authority of our own, a server's certificate of it and a client's:
// files in PEM.
type trust struct {
	ca, cert, key         string
	clientCert, clientKey string
	pool                  *x509.CertPool
	pin                   string // base64 of the SHA-256 of the server's public key
}

// newTrust makes a certificate for the loopback address and for the apps, which
// live at *.example, and one for the program that is called weather.
func newTrust(t *testing.T) trust {
	t.Helper()
	dir := t.TempDir()
	tr := trust{pool: x509.NewCertPool()}
	authority := &x509.Certificate{
		Subject: pkix.Name{CommonName: "An authority for tests"},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	by := newKey(t)
	tr.ca = sign(t, filepath.Join(dir, "ca.pem"), authority, authority, by, by)

	key := newKey(t)
	tr.key = keep(t, filepath.Join(dir, "key.pem"), key)
	tr.cert = sign(t, filepath.Join(dir, "cert.pem"), &x509.Certificate{
		Subject:     pkix.Name{CommonName: "127.0.0.1"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"app.example", "other.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, authority, key, by)

	clientKey := newKey(t)
	tr.clientKey = keep(t, filepath.Join(dir, "client-key.pem"), clientKey)
	tr.clientCert = sign(t, filepath.Join(dir, "client-cert.pem"), &x509.Certificate{
		Subject:     pkix.Name{CommonName: "weather", Organization: []string{"Tests"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, authority, clientKey, by)

	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(public)
	tr.pin = base64.StdEncoding.EncodeToString(sum[:])
	text, err := os.ReadFile(tr.ca)
	if err != nil || !tr.pool.AppendCertsFromPEM(text) {
		t.Fatalf("the authority cannot be read: %v", err)
	}
	return tr
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keep writes a private key to path.
func keep(t *testing.T, path string, key *ecdsa.PrivateKey) string {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, path, "PRIVATE KEY", raw)
}

// sign writes the certificate of key, by the authority, to path. It counts for a day.
func sign(t *testing.T, path string, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) string {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = serial
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(23*time.Hour)
	raw, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), byKey)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, path, "CERTIFICATE", raw)
}

func write(t *testing.T, path, kind string, raw []byte) string {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
