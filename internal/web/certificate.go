package web

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"

	"headykey.com/headykey"
)

const maxChain = 8 // certificates that a proxy may pass on besides the client's

var errClientCert = headykey.ErrInvalid.Saying("The header Client-Cert or Client-Cert-Chain is not as RFC 9440 has it.")

// Certificates returns those that the client of r shows: its own first, then those
// that vouch for it, verified by nobody. Nil: it shows none.
//
// The connection of a trusted proxy is the proxy's own, so that there the headers
// Client-Cert and Client-Cert-Chain count alone (RFC 9440 §2); the proxy must remove
// those that its clients send. From anybody else they mean nothing, and what the TLS
// connection showed counts. A header that cannot be read is headykey.ErrInvalid.
func (p Proxies) Certificates(r *http.Request) ([]*x509.Certificate, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err == nil && p.trust(plain(peer.Addr())) {
		return certificatesIn(r.Header)
	}
	if r.TLS == nil {
		return nil, nil
	}
	return r.TLS.PeerCertificates, nil
}

// certificatesIn reads the headers of RFC 9440 §2.2, §2.3.
func certificatesIn(h http.Header) ([]*x509.Certificate, error) {
	lines := h["Client-Cert"]
	if len(lines) == 0 {
		return nil, nil
	}
	texts := lines[:1:1]
	if chain := strings.Join(h["Client-Cert-Chain"], ","); chain != "" {
		texts = append(texts, strings.Split(chain, ",")...)
	}
	if len(lines) > 1 || len(texts) > 1+maxChain {
		return nil, errClientCert
	}
	var out []*x509.Certificate
	for _, text := range texts {
		c, err := parseCertificate(strings.Trim(text, " \t"))
		if err != nil {
			return nil, errClientCert
		}
		out = append(out, c)
	}
	return out, nil
}

// parseCertificate reads a byte sequence (RFC 9651 §3.3.5) that is a certificate.
func parseCertificate(text string) (*x509.Certificate, error) {
	inner, begins := strings.CutPrefix(text, ":")
	inner, ends := strings.CutSuffix(inner, ":")
	if !begins || !ends || strings.ContainsAny(inner, "\r\n") {
		return nil, errClientCert
	}
	der, err := base64.StdEncoding.DecodeString(inner)
	if err != nil {
		return nil, errClientCert
	}
	return x509.ParseCertificate(der)
}
