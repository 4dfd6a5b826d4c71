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

// A trust is an authority of our own, and a server's certificate of it: files in
// PEM.
type trust struct {
	ca, cert, key string
	pool          *x509.CertPool
	pin           string // base64 of the SHA-256 of the server's public key
}

// newTrust makes a certificate for the loopback address and for the apps, which
// live at *.example.
func newTrust(t *testing.T) trust {
	t.Helper()
	dir := t.TempDir()
	authority, authorityKey := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority for tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, newKey(t)
	leaf, leafKey := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "app.example", "other.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, newKey(t)

	tr := trust{pool: x509.NewCertPool()}
	tr.ca = sign(t, filepath.Join(dir, "ca.pem"), authority, authority, authorityKey, authorityKey)
	tr.cert = sign(t, filepath.Join(dir, "cert.pem"), leaf, authority, leafKey, authorityKey)
	raw, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	tr.key = write(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", raw)
	public, err := x509.MarshalPKIXPublicKey(leafKey.Public())
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

// sign writes the certificate of key, by the authority, to path.
func sign(t *testing.T, path string, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) string {
	t.Helper()
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
