package oauth_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// An identity is a certificate with its key.
type identity struct {
	holder
	*x509.Certificate
}

// certify makes a certificate that by vouches for, for an hour; nil: it vouches for
// itself.
func certify(t testing.TB, by *identity, wish x509.Certificate) *identity {
	t.Helper()
	k := newHolder(t)
	wish.SerialNumber = big.NewInt(1)
	wish.NotBefore, wish.NotAfter = time.Now(), time.Now().Add(time.Hour)
	parent, signer := &wish, k.PrivateKey
	if by != nil {
		parent, signer = by.Certificate, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &wish, parent, k.Public(), signer)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	return &identity{k, cert}
}

func authority(t testing.TB, by *identity) *identity {
	t.Helper()
	return certify(t, by, x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
}

// takesCertificates makes a house where certificates of clients count, and ca vouches
// for them.
func takesCertificates(t testing.TB, ca *identity) *house {
	t.Helper()
	h := build(t)
	h.Certificates = true
	if ca != nil {
		h.ClientCA = x509.NewCertPool()
		h.ClientCA.AddCert(ca.Certificate)
	}
	return h
}

// shows tries to prove c by certs.
func (h *house) shows(t testing.TB, c oauth.NewClient, certs ...*identity) error {
	t.Helper()
	p := oauth.Proof{Method: headykey.AuthNone, Client: string(c.Record.ID)}
	for _, one := range certs {
		p.Certificates = append(p.Certificates, one.Certificate)
	}
	got, err := h.Authenticate(t.Context(), p)
	if err == nil && got.ID != c.Record.ID {
		t.Errorf("another client: %s", got.ID)
	}
	return err
}

// Exactly the registered name counts (RFC 8705 §2.1.2), and only if an authority of
// ours vouches for it.
func TestAClientIsKnownByTheNameInItsCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, stranger := authority(t, nil), authority(t, nil)
		h := takesCertificates(t, ca)
		address, err := url.Parse("https://robot.example/id")
		check(t, err)
		wish := x509.Certificate{
			Subject: pkix.Name{CommonName: "robot", Organization: []string{"Acme, Inc."}}, DNSNames: []string{"x.example", "Robot.Example"},
			URIs: []*url.URL{address}, IPAddresses: []net.IP{net.ParseIP("2001:db8::1")}, EmailAddresses: []string{"robot@acme.example"},
		}
		good := certify(t, ca, wish)
		between := authority(t, ca)
		below := certify(t, between, wish)
		forged := certify(t, stranger, wish)
		own := certify(t, nil, wish)
		other := certify(t, ca, x509.Certificate{Subject: pkix.Name{CommonName: "robot.example"}})
		server := wish
		server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for name, d := range map[string]headykey.ClientDetails{
			"subject": {TLSSubject: `CN=robot,O=Acme\, Inc.`}, "DNS": {TLSDNS: "robot.example"}, "URI": {TLSURI: "https://robot.example/id"},
			"IP": {TLSIP: "2001:DB8:0::1"}, "e-mail": {TLSEmail: "robot@acme.example"},
		} {
			c := h.program(t, oauth.ClientWish{AuthMethod: oauth.TLSAuth, Details: d})
			if c.Secret != "" {
				t.Errorf("%s: it has a secret", name)
			}
			for what, certs := range map[string][]*identity{"its certificate": {good}, "a chain": {below, between}, "more than the chain": {good, between, stranger}} {
				if err := h.shows(t, c, certs...); err != nil {
					t.Errorf("%s: %s: %v", name, what, err)
				}
			}
			for what, certs := range map[string][]*identity{
				"none": nil, "another name": {other}, "another authority": {forged}, "with that authority": {forged, stranger}, "its own authority": {own},
				"a chain with a gap": {below}, "in the wrong place": {other, good}, "a server's": {certify(t, ca, server)},
			} {
				if err := h.shows(t, c, certs...); !errors.Is(err, headykey.ErrBadClient) {
					t.Errorf("%s: %s: got %v", name, what, err)
				}
			}
			secret := oauth.Proof{Method: oauth.SecretBasic, Client: string(c.Record.ID), Certificates: []*x509.Certificate{good.Certificate}}
			if _, err := h.Authenticate(t.Context(), secret); !errors.Is(err, headykey.ErrBadClient) {
				t.Errorf("%s: by an empty secret: %v", name, err)
			}
		}
		c := h.program(t, oauth.ClientWish{AuthMethod: oauth.TLSAuth, Details: headykey.ClientDetails{TLSDNS: "robot.example"}})
		time.Sleep(time.Hour + time.Second)
		if err := h.shows(t, c, good); !errors.Is(err, headykey.ErrBadClient) || oauth.CertificateThumbprint([]*x509.Certificate{good.Certificate}) != "" {
			t.Errorf("expired: %v", err)
		}
		h.ClientCA = nil
		if err := h.shows(t, c, certify(t, ca, wish)); !errors.Is(err, headykey.ErrBadClient) {
			t.Errorf("without authorities: %v", err)
		}
	})
}

func keySet(t testing.TB, all ...*identity) []byte {
	t.Helper()
	var keys []json.RawMessage
	for _, one := range all {
		keys = append(keys, spelled(t, one.Public()))
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	check(t, err)
	return text
}

// A certificate that nobody vouches for is as good as its key (RFC 8705 §2.2).
func TestAClientIsKnownByTheKeyOfItsCertificate(t *testing.T) {
	h := takesCertificates(t, nil)
	a, b, stranger := certify(t, nil, x509.Certificate{}), certify(t, nil, x509.Certificate{}), certify(t, nil, x509.Certificate{})
	c := h.program(t, oauth.ClientWish{AuthMethod: oauth.TLSSelfSigned, Details: headykey.ClientDetails{JWKS: keySet(t, a, b)}})
	if err := errors.Join(h.shows(t, c, a), h.shows(t, c, b), h.shows(t, c, a, stranger)); err != nil {
		t.Error(err)
	}
	for name, certs := range map[string][]*identity{"a stranger's": {stranger}, "in the second place": {stranger, a}, "none": nil} {
		if err := h.shows(t, c, certs...); !errors.Is(err, headykey.ErrBadClient) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	encrypts := fmt.Appendf(nil, `{"keys":[%s,"use":"enc"}]}`, spelled(t, a.Public())[:len(spelled(t, a.Public()))-1])
	c = h.program(t, oauth.ClientWish{AuthMethod: oauth.TLSSelfSigned, Details: headykey.ClientDetails{JWKS: encrypts}})
	if err := h.shows(t, c, a); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("a key for encryption: %v", err)
	}
	h.Certificates = false
	if err := h.shows(t, c, a); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("where certificates do not count: %v", err)
	}
}

func TestKeysOfCertificatesMayBeKeptElsewhere(t *testing.T) {
	h := takesCertificates(t, nil)
	a := certify(t, nil, x509.Certificate{})
	keys := keySet(t, a)
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(keys)
	}))
	defer host.Close()
	c := h.program(t, oauth.ClientWish{AuthMethod: oauth.TLSSelfSigned, Details: headykey.ClientDetails{JWKSURI: host.URL}})
	if err := h.shows(t, c, a); err != nil {
		t.Fatal(err)
	}
	if err := h.shows(t, c, certify(t, nil, x509.Certificate{})); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("a stranger: %v", err)
	}
	host.Close()
	gone := h.program(t, oauth.ClientWish{AuthMethod: oauth.TLSSelfSigned, Details: headykey.ClientDetails{JWKSURI: host.URL + "/gone"}})
	if err := h.shows(t, gone, a); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("keys that cannot be had: %v", err)
	}
}

func TestAClientSaysByWhichCertificate(t *testing.T) {
	h := takesCertificates(t, authority(t, nil))
	keys := keySet(t, certify(t, nil, x509.Certificate{}))
	tests := []struct {
		name, method string
		details      headykey.ClientDetails
		ok           bool
	}{
		{"one name", oauth.TLSAuth, headykey.ClientDetails{TLSDNS: "a.example"}, true},
		{"no name", oauth.TLSAuth, headykey.ClientDetails{}, false},
		{"two names", oauth.TLSAuth, headykey.ClientDetails{TLSDNS: "a.example", TLSURI: "https://a.example"}, false},
		{"a name that cannot be read", oauth.TLSAuth, headykey.ClientDetails{TLSSubject: "robot"}, false},
		{"an address that is none", oauth.TLSAuth, headykey.ClientDetails{TLSIP: "a.example"}, false},
		{"keys", oauth.TLSSelfSigned, headykey.ClientDetails{JWKS: keys}, true},
		{"keys elsewhere", oauth.TLSSelfSigned, headykey.ClientDetails{JWKSURI: "https://a.example/keys"}, true},
		{"no keys", oauth.TLSSelfSigned, headykey.ClientDetails{}, false},
		{"bound tokens", oauth.SecretBasic, headykey.ClientDetails{BoundTLS: true}, true},
	}
	wish := func(i int) oauth.ClientWish {
		return oauth.ClientWish{Name: "Robot", AuthMethod: tests[i].method, Details: tests[i].details}
	}
	for i, tt := range tests {
		if _, err := h.CreateClient(t.Context(), headykey.System, wish(i)); (err == nil) != tt.ok || err != nil && !errors.Is(err, headykey.ErrInvalid) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	h.Certificates = false
	for i, tt := range tests {
		if _, err := h.CreateClient(t.Context(), headykey.System, wish(i)); !errors.Is(err, headykey.ErrInvalid) {
			t.Errorf("%s, where certificates do not arrive: got %v", tt.name, err)
		}
	}
}
