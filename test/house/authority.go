package house

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// An Authority is whom everybody in a test trusts.
type Authority struct {
	File string         // its certificate, in PEM
	Pool *x509.CertPool // the same

	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A Certificate is one that the authority made.
type Certificate struct {
	tls.Certificate
	CertFile, KeyFile string // the same, in PEM
	Pin               string // base64 of the SHA-256 of the public key
}

// NewAuthority makes an authority that keeps its files in dir.
func NewAuthority(dir string) (*Authority, error) {
	a := &Authority{File: filepath.Join(dir, "ca.pem"), Pool: x509.NewCertPool(), dir: dir}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	der, err := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Authority of the tests"},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.key)
	if err != nil {
		return nil, err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	a.Pool.AddCert(a.cert)
	return a, keep(a.File, "CERTIFICATE", der)
}

// Serve makes the certificate of a server on the loopback address that has these
// names, too.
func (a *Authority) Serve(names ...string) (Certificate, error) {
	return a.Issue("server", &x509.Certificate{
		Subject:     pkix.Name{CommonName: "127.0.0.1"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
}

// Issue makes a certificate like c and its key. It counts for a day, and its files
// have names that begin with name.
func (a *Authority) Issue(name string, c *x509.Certificate) (Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, err
	}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := a.sign(c, key)
	if err != nil {
		return Certificate{}, err
	}
	out := Certificate{
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		CertFile:    filepath.Join(a.dir, name+".pem"), KeyFile: filepath.Join(a.dir, name+"-key.pem"),
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return Certificate{}, err
	}
	sum := sha256.Sum256(public)
	out.Pin = base64.StdEncoding.EncodeToString(sum[:])
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Certificate{}, err
	}
	if err := keep(out.CertFile, "CERTIFICATE", der); err != nil {
		return Certificate{}, err
	}
	return out, keep(out.KeyFile, "PRIVATE KEY", private)
}

// sign returns the certificate of key in DER; the authority's own is signed by itself.
func (a *Authority) sign(c *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	c.SerialNumber = serial
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(23*time.Hour)
	by := a.cert
	if by == nil {
		by = c
	}
	return x509.CreateCertificate(rand.Reader, c, by, key.Public(), a.key)
}

// keep writes one block of PEM to a file that nobody else may read.
func keep(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
