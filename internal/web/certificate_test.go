package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"headykey.com/headykey"
)

func certificate(t testing.TB, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fine(t, err)
	wish := &x509.Certificate{SerialNumber: big.NewInt(serial)}
	der, err := x509.CreateCertificate(rand.Reader, wish, wish, key.Public(), key)
	fine(t, err)
	cert, err := x509.ParseCertificate(der)
	fine(t, err)
	return cert
}

func TestCertificatesComeFromTheConnectionOrATrustedProxy(t *testing.T) {
	trusted := proxies("10.0.0.0/8")
	spell := func(c *x509.Certificate) string { return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":" }
	one, two, three := certificate(t, 1), certificate(t, 2), certificate(t, 3)
	proxy, stranger, socket := "10.1.2.3:4", "192.0.2.1:4", "@"
	tests := []struct {
		name, peer  string
		cert, chain []string
		tls         bool    // the connection shows three
		want        []int64 // nil: none
		bad         bool
	}{
		{"none", stranger, nil, nil, false, nil, false},
		{"by the connection", stranger, nil, nil, true, []int64{3}, false},
		{"a header of a stranger", stranger, []string{spell(one)}, nil, false, nil, false},
		{"a header of a stranger with a certificate", stranger, []string{spell(one)}, nil, true, []int64{3}, false},
		{"a header by a socket", socket, []string{spell(one)}, nil, false, nil, false},
		{"by the proxy", proxy, []string{spell(one)}, nil, false, []int64{1}, false},
		{"by a proxy that has one itself", proxy, []string{" " + spell(one)}, nil, true, []int64{1}, false},
		{"the proxy's own alone", proxy, nil, nil, true, nil, false},
		{"a chain", proxy, []string{spell(one)}, []string{spell(two) + ", " + spell(three)}, false, []int64{1, 2, 3}, false},
		{"a chain in two lines", proxy, []string{spell(one)}, []string{spell(two), spell(three)}, false, []int64{1, 2, 3}, false},
		{"a chain of nobody", proxy, nil, []string{spell(two)}, false, nil, false},
		{"two certificates", proxy, []string{spell(one), spell(two)}, nil, false, nil, true},
		{"two in one line", proxy, []string{spell(one) + ", " + spell(two)}, nil, false, nil, true},
		{"no colons", proxy, []string{strings.Trim(spell(one), ":")}, nil, false, nil, true},
		{"one colon", proxy, []string{":"}, nil, false, nil, true},
		{"nothing", proxy, []string{""}, nil, false, nil, true},
		{"no certificate", proxy, []string{":AAAA:"}, nil, false, nil, true},
		{"PEM", proxy, []string{"-----BEGIN CERTIFICATE-----"}, nil, false, nil, true},
		{"a broken chain", proxy, []string{spell(one)}, []string{spell(two) + ","}, false, nil, true},
		{"an endless chain", proxy, []string{spell(one)}, slices.Repeat([]string{spell(two)}, 9), false, nil, true},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = tt.peer
		if tt.cert != nil {
			r.Header["Client-Cert"] = tt.cert
		}
		if tt.chain != nil {
			r.Header["Client-Cert-Chain"] = tt.chain
		}
		if tt.tls {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{three}}
		}
		got, err := trusted.Certificates(r)
		var serials []int64
		for _, c := range got {
			serials = append(serials, c.SerialNumber.Int64())
		}
		if !slices.Equal(serials, tt.want) || tt.bad != errors.Is(err, headykey.ErrInvalid) || !tt.bad && err != nil {
			t.Errorf("%s: got %v, %v", tt.name, serials, err)
		}
	}
}

// What is read of a header is a certificate that spells to the same bytes.
func FuzzClientCert(f *testing.F) {
	trusted := proxies("10.0.0.0/8")
	f.Add(":"+base64.StdEncoding.EncodeToString(certificate(f, 1).Raw)+":", "")
	f.Add("::", ":AAAA:, :AAAA:")
	f.Fuzz(func(t *testing.T, cert, chain string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header["Client-Cert"], r.Header["Client-Cert-Chain"] = []string{cert}, []string{chain}
		got, err := trusted.Certificates(r)
		if err == nil && !strings.Contains(cert, base64.StdEncoding.EncodeToString(got[0].Raw)) {
			t.Errorf("%q: %d certificates", cert, len(got))
		}
	})
}

func fine(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
