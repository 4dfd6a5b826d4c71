package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// certify makes a certificate with its key, good for an hour from now, or till a
// minute ago.
func certify(t *testing.T, name string, expired bool) tls.Certificate {
	t.Helper()
	k := newHolder(t)
	wish := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if expired {
		wish.NotAfter = time.Now().Add(-time.Minute)
	}
	der, err := x509.CreateCertificate(rand.Reader, wish, wish, k.key.Public(), k.key)
	check(t, err)
	leaf, err := x509.ParseCertificate(der)
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k.key, Leaf: leaf}
}

// x5t is the thumbprint of a certificate.
func x5t(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// keysOf is a client's key set with the keys of certificates.
func keysOf(t *testing.T, certs ...tls.Certificate) []byte {
	t.Helper()
	set := gojose.JSONWebKeySet{}
	for _, c := range certs {
		set.Keys = append(set.Keys, gojose.JSONWebKey{Key: c.Leaf.PublicKey})
	}
	text, err := json.Marshal(set)
	check(t, err)
	return text
}

// A line is a TLS server over the door, with connections that show what they like.
type line struct {
	t      *testing.T
	server *httptest.Server
}

// connect takes certificates at h; those that ca vouches for name clients.
func (h *house) connect(t *testing.T, ca tls.Certificate) line {
	t.Helper()
	h.oauth.Certificates = true
	h.oauth.ClientCA = x509.NewCertPool()
	h.oauth.ClientCA.AddCert(ca.Leaf)
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	return line{t, s}
}

// ask sends a request on a connection of its own that shows cert; nil: none.
func (l line) ask(cert *tls.Certificate, method, path string, form url.Values, headers ...string) answer {
	l.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(l.server.Certificate())
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if cert != nil {
		config.Certificates = []tls.Certificate{*cert}
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(l.t.Context(), method, l.server.URL+path, strings.NewReader(form.Encode()))
	check(l.t, err)
	if form != nil {
		r.Header.Set("Content-Type", formType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	got, err := transport.RoundTrip(r)
	check(l.t, err)
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	check(l.t, err)
	a := answer{status: got.StatusCode, header: got.Header}
	_ = json.Unmarshal(text, &a.body) // some have no body
	return a
}

// clientCert is a certificate as a proxy passes it on (RFC 9440 §2.2).
func clientCert(c tls.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Certificate[0]) + ":"
}

// A client with a certificate needs nothing else: at the token endpoint, at PAR, with
// each grant; and its tokens are worth nothing without it.
func TestAClientWithACertificate(t *testing.T) {
	h := build(t)
	ca := certify(t, "robot", false) // it vouches for itself
	own, stranger, old := certify(t, "app", false), certify(t, "app", false), certify(t, "app", true)
	l := h.connect(t, ca)
	for method, d := range map[string]headykey.ClientDetails{
		oauth.TLSSelfSigned: {BoundTLS: true, JWKS: keysOf(t, own, old)}, oauth.TLSAuth: {BoundTLS: true, TLSSubject: "CN=robot"},
	} {
		cert := own
		if method == oauth.TLSAuth {
			cert = ca
		}
		c := h.app(t, method, d)
		pushed := l.ask(&cert, "POST", "/auth/v1/oauth/par", asked(c))
		uri, _ := pushed.body["request_uri"].(string)
		if pushed.status != http.StatusCreated {
			t.Fatalf("%s: PAR: %v", method, pushed)
		}
		form := h.code(t, c, url.Values{"client_id": {string(c.Record.ID)}, "request_uri": {uri}})
		refusals := map[string]*tls.Certificate{"none": nil, "a stranger's": &stranger, "an expired one": &old}
		refused := func(what, path string, form url.Values) {
			t.Helper()
			for name, other := range refusals {
				if got := l.ask(other, "POST", path, form); !got.is(401, "invalid_client") {
					t.Errorf("%s: %s with %s: %v", method, what, name, got)
				}
				if got := l.ask(other, "POST", path, form, "Client-Cert", clientCert(cert)); !got.is(401, "invalid_client") {
					t.Errorf("%s: %s with %s and a header: %v", method, what, name, got)
				}
			}
		}
		refused("PAR", "/auth/v1/oauth/par", asked(c))
		refused("a code", "/auth/v1/token", form)
		got := l.ask(&cert, "POST", "/auth/v1/token", form)
		access := got.text(t, "access_token")
		again := url.Values{"grant_type": {"refresh_token"}, "client_id": {string(c.Record.ID)}, "refresh_token": {got.text(t, "refresh_token")}}
		refused("a refresh", "/auth/v1/token", again)
		if got.body["token_type"] != "Bearer" || l.ask(&cert, "POST", "/auth/v1/token", again).text(t, "token_type") != "Bearer" {
			t.Errorf("%s: %v", method, got)
		}
		told := h.ask(t, "POST", "/auth/v1/oauth/introspect", url.Values{"token": {access}}, "Authorization", basicAuth(h.client))
		if cnf, _ := told.body["cnf"].(map[string]any); cnf["x5t#S256"] != x5t(cert) || told.body["token_type"] != "Bearer" {
			t.Errorf("%s: introspection: %v", method, told.body)
		}
		if got := l.ask(&cert, "GET", "/auth/v1/user", nil, "Authorization", "Bearer "+access); got.status != http.StatusOK {
			t.Errorf("%s: userinfo: %v", method, got)
		}
		for name, other := range refusals {
			if got := l.ask(other, "GET", "/auth/v1/user", nil, "Authorization", "Bearer "+access, "Client-Cert", clientCert(cert)); !got.is(401, "invalid_token") {
				t.Errorf("%s: userinfo with %s: %v", method, name, got)
			}
		}
		h.oauth.Certificates = false
		if got := l.ask(&cert, "GET", "/auth/v1/user", nil, "Authorization", "Bearer "+access); !got.is(401, "invalid_token") {
			t.Errorf("%s: userinfo where certificates do not count: %v", method, got)
		}
		h.oauth.Certificates = true
	}
}

// Tokens of other clients are bound to a certificate, too, and to a DPoP key beside
// it.
func TestATokenIsBoundToTheCertificateOfAnyClient(t *testing.T) {
	h := build(t)
	own, stranger := certify(t, "app", false), certify(t, "app", false)
	l := h.connect(t, own)
	public := h.app(t, headykey.AuthNone, headykey.ClientDetails{BoundTLS: true})
	secret := h.app(t, oauth.SecretBasic, headykey.ClientDetails{BoundTLS: true})
	auth := []string{"Authorization", basicAuth(secret)}
	if got := l.ask(nil, "POST", "/auth/v1/token", h.code(t, secret, asked(secret)), auth...); !got.is(401, "invalid_client") {
		t.Errorf("no certificate: %v", got)
	}
	if got := l.ask(nil, "POST", "/auth/v1/oauth/par", asked(public, "response_type", "code token")); got.status != 400 {
		t.Errorf("a token by way of the browser: %v", got)
	}
	k := newHolder(t)
	both := l.ask(&own, "POST", "/auth/v1/token", h.code(t, secret, asked(secret)), append(auth, "DPoP", k.prove("POST", "/auth/v1/token"))...)
	access := both.text(t, "access_token")
	for name, tt := range map[string]struct {
		cert   *tls.Certificate
		scheme string
		status int
	}{"both keys": {&own, "DPoP", 200}, "no certificate": {nil, "DPoP", 401}, "another": {&stranger, "DPoP", 401}, "no proof": {&own, "Bearer", 401}} {
		if got := l.ask(tt.cert, "GET", "/auth/v1/user", nil, "Authorization", tt.scheme+" "+access, "DPoP", k.proveWith(access)); got.status != tt.status {
			t.Errorf("%s: %v", name, got)
		}
	}
	// The refresh token of a public client is all that proves it (RFC 8705 §4).
	got := l.ask(&own, "POST", "/auth/v1/token", h.code(t, public, asked(public)))
	again := url.Values{"grant_type": {"refresh_token"}, "client_id": {string(public.Record.ID)}, "refresh_token": {got.text(t, "refresh_token")}}
	if got := l.ask(&stranger, "POST", "/auth/v1/token", again); !got.is(400, "invalid_grant") {
		t.Errorf("refreshed by a stranger: %v", got)
	}
	if got := l.ask(&own, "POST", "/auth/v1/token", again); got.status != http.StatusOK {
		t.Errorf("refreshed: %v", got)
	}
}

// A client of FAPI 2.0 shows one of the two keys, always.
func TestFAPIClientsAreBound(t *testing.T) {
	h := build(t)
	own := certify(t, "robot", false)
	l := h.connect(t, own)
	k := newHolder(t)
	for name, tt := range map[string]struct {
		details headykey.ClientDetails
		shown   []string
		missing string
		status  int
	}{
		"DPoP":        {headykey.ClientDetails{JWKS: keysOf(t, own)}, []string{"DPoP", k.prove("POST", "/auth/v1/token")}, "invalid_dpop_proof", 200},
		"certificate": {headykey.ClientDetails{JWKS: keysOf(t, own), BoundTLS: true}, nil, "", 200},
	} {
		c, err := h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
			Name: "Robot", AuthMethod: oauth.TLSSelfSigned, Profile: headykey.ProfileFAPI2, Details: tt.details,
		})
		check(t, err)
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {string(c.Record.ID)}}
		if got := l.ask(&own, "POST", "/auth/v1/token", form); tt.missing != "" && !got.is(400, tt.missing) {
			t.Errorf("%s: nothing shown: %v", name, got)
		}
		if got := l.ask(&own, "POST", "/auth/v1/token", form, tt.shown...); got.status != tt.status {
			t.Errorf("%s: %v", name, got)
		}
		if got := l.ask(nil, "POST", "/auth/v1/token", form); !got.is(401, "invalid_client") {
			t.Errorf("%s: no certificate: %v", name, got)
		}
	}
}

// What works without a certificate works with one, whosever it is.
func TestACertificateIsNoHindrance(t *testing.T) {
	h := build(t)
	l := h.connect(t, certify(t, "ca", false))
	cert := certify(t, "browser", true)
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, one := range map[string]*tls.Certificate{"none": nil, "any": &cert} {
		got := l.ask(one, "POST", "/auth/v1/token", form, "Authorization", basicAuth(h.client))
		told := h.ask(t, "POST", "/auth/v1/oauth/introspect", url.Values{"token": {got.text(t, "access_token")}}, "Authorization", basicAuth(h.client))
		if told.body["active"] != true || told.body["cnf"] != nil {
			t.Errorf("%s: %v", name, told.body)
		}
	}
}

// Nothing is promised that is off.
func TestMetadataTellsOfCertificatesWhereTheyCount(t *testing.T) {
	h := build(t)
	read := func() (methods []any, bound any) {
		text, err := door{Parts: Parts{OAuth: h.oauth}}.metadata()
		check(t, err)
		var doc map[string]any
		check(t, json.Unmarshal(text, &doc))
		if fmt.Sprint(doc["dpop_signing_alg_values_supported"]) != "[ES256 EdDSA Ed25519 PS256]" {
			t.Errorf("DPoP: %v", doc["dpop_signing_alg_values_supported"])
		}
		return doc["token_endpoint_auth_methods_supported"].([]any), doc["tls_client_certificate_bound_access_tokens"]
	}
	has := func(methods []any, method string) bool { return slices.Contains(methods, any(method)) }
	if methods, bound := read(); has(methods, oauth.TLSAuth) || has(methods, oauth.TLSSelfSigned) || bound != nil {
		t.Errorf("off: %v %v", methods, bound)
	}
	h.oauth.Certificates = true
	if methods, bound := read(); has(methods, oauth.TLSAuth) || !has(methods, oauth.TLSSelfSigned) || bound != true {
		t.Errorf("without authorities: %v %v", methods, bound)
	}
	h.oauth.ClientCA = x509.NewCertPool()
	if methods, _ := read(); !has(methods, oauth.TLSAuth) || !has(methods, oauth.TLSSelfSigned) {
		t.Errorf("on: %v", methods)
	}
}
