package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

// The ways in which clients prove themselves by the certificate of their connection
// (RFC 8705 §2).
const (
	TLSAuth       = "tls_client_auth"             // its name is the registered one, and we know who vouches for it
	TLSSelfSigned = "self_signed_tls_client_auth" // its key is a registered one
)

// AuthMethods lists the ways to prove a client that work on this server: those by
// certificate only where certificates can reach it.
func (s *Service) AuthMethods() []string {
	return slices.DeleteFunc(slices.Clone(AuthMethods), func(method string) bool {
		return method == TLSSelfSigned && !s.Certificates || method == TLSAuth && (!s.Certificates || s.ClientCA == nil)
	})
}

// isOffered returns nil if c can prove itself, and its tokens be bound, on this
// server as it is set up. A client that was registered before stays what it is.
func (s *Service) isOffered(c *headykey.Client) error {
	switch {
	case slices.Contains(AuthMethods, c.AuthMethod) && !slices.Contains(s.AuthMethods(), c.AuthMethod):
		return invalid("token_endpoint_auth_method", "Certificates of clients do not reach this server.")
	case c.Details.BoundTLS && !s.Certificates:
		return invalid("tls_client_certificate_bound_access_tokens", "Certificates of clients do not reach this server.")
	}
	return nil
}

// checkCertificate returns nil if c, where it proves itself by a certificate, says by
// which (RFC 8705 §2.1.2, §2.2.2).
func checkCertificate(c *headykey.Client) error {
	d := &c.Details
	names := 0
	for _, name := range []string{d.TLSSubject, d.TLSDNS, d.TLSURI, d.TLSIP, d.TLSEmail} {
		if name != "" {
			names++
		}
	}
	_, readable := parseName(d.TLSSubject)
	switch {
	case c.AuthMethod == TLSAuth && names != 1:
		return invalid("tls_client_auth_subject_dn", "A client with tls_client_auth has exactly one of the names that a certificate can have.")
	case !readable:
		return invalid("tls_client_auth_subject_dn", "This is not a distinguished name as RFC 4514 has it.")
	case d.TLSIP != "" && net.ParseIP(d.TLSIP) == nil:
		return invalid("tls_client_auth_san_ip", "This is not an address.")
	case c.AuthMethod == TLSSelfSigned && len(d.JWKS) == 0 && d.JWKSURI == "":
		return invalid("jwks", "A client with self_signed_tls_client_auth has keys.")
	}
	return nil
}

// CertificateThumbprint names the first of certs (x5t#S256, RFC 8705 §3.1); "" if
// there is none, or it does not count now.
func CertificateThumbprint(certs []*x509.Certificate) string {
	if !counts(certs) {
		return ""
	}
	sum := sha256.Sum256(certs[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// counts reports whether there is a certificate and this is its time.
func counts(certs []*x509.Certificate) bool {
	now := time.Now()
	return len(certs) > 0 && !now.Before(certs[0].NotBefore) && !now.After(certs[0].NotAfter)
}

// provesByCertificate reports whether certs, the client's own first, prove c.
func (s *Service) provesByCertificate(ctx context.Context, c *headykey.Client, certs []*x509.Certificate) bool {
	switch {
	case !counts(certs) || !s.Certificates:
		return false
	case c.AuthMethod == TLSSelfSigned:
		return s.hasKey(ctx, c, certs[0])
	}
	return isNamed(&c.Details, certs[0]) && s.vouchedFor(certs)
}

// hasKey reports whether the key of cert is one of c's. Keys that are kept elsewhere
// are looked up again, for clients change them.
func (s *Service) hasKey(ctx context.Context, c *headykey.Client, cert *x509.Certificate) bool {
	set, err := s.clientKeys(ctx, c, "")
	if err == nil && set.HasKey(cert.PublicKey) {
		return true
	}
	name, err := jose.Thumbprint(cert.PublicKey)
	if err != nil || c.Details.JWKSURI == "" {
		return false
	}
	set, err = s.clientKeys(ctx, c, name) // a set without this name is not taken from memory
	return err == nil && set.HasKey(cert.PublicKey)
}

// vouchedFor reports whether the first of certs stands on an authority that is
// trusted to name clients.
func (s *Service) vouchedFor(certs []*x509.Certificate) bool {
	if s.ClientCA == nil { // or those of the system would do
		return false
	}
	between := x509.NewCertPool()
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	_, err := certs[0].Verify(x509.VerifyOptions{
		Roots: s.ClientCA, Intermediates: between, CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// isNamed reports whether cert has the one name that is registered in d
// (RFC 8705 §2.1.2).
func isNamed(d *headykey.ClientDetails, cert *x509.Certificate) bool {
	switch {
	case d.TLSSubject != "":
		return isSubject(d.TLSSubject, cert.RawSubject)
	case d.TLSDNS != "":
		return slices.ContainsFunc(cert.DNSNames, func(name string) bool { return strings.EqualFold(name, d.TLSDNS) })
	case d.TLSURI != "":
		return slices.ContainsFunc(cert.URIs, func(u *url.URL) bool { return u.String() == d.TLSURI })
	case d.TLSIP != "":
		return slices.ContainsFunc(cert.IPAddresses, net.ParseIP(d.TLSIP).Equal)
	}
	return d.TLSEmail != "" && slices.Contains(cert.EmailAddresses, d.TLSEmail)
}
