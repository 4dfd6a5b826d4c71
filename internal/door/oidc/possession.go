package oidc

import (
	"crypto/x509"
	"net/http"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// offerNonce gives who sends DPoP proofs the nonce for the next one, whatever comes
// of this request (RFC 9449 §8.2).
func (d door) offerNonce(w http.ResponseWriter, r *http.Request) {
	if len(r.Header["Dpop"]) > 0 {
		w.Header().Set("DPoP-Nonce", d.OAuth.Nonce())
	}
}

// possession returns the keys that a request shows to hold. scheme and access are the
// access token that it shows, and how; a proof beside a plain one says nothing of it,
// and is not looked at. A DPoP proof that is missing beside a token of its scheme, or
// not good, is headykey.ErrBadProof or headykey.ErrUseNonce.
func (d door) possession(r *http.Request, scheme, access string) (oauth.Possession, error) {
	p := oauth.Possession{Scheme: scheme}
	certs, err := d.certificates(r)
	if err != nil {
		return p, err
	}
	p.X5T = oauth.CertificateThumbprint(certs)
	proofs := r.Header["Dpop"]
	switch {
	case scheme == oauth.Bearer, scheme == "" && len(proofs) == 0:
		return p, nil
	case len(proofs) != 1:
		return p, headykey.ErrBadProof.Saying("There must be one DPoP header.")
	}
	p.JKT, err = d.OAuth.ProveKey(oauth.KeyProof{
		JWT: proofs[0], Method: r.Method, Path: r.URL.EscapedPath(), Access: access,
	})
	return p, err
}

// certificates returns those that the client shows, where they count at all.
func (d door) certificates(r *http.Request) ([]*x509.Certificate, error) {
	if !d.OAuth.Certificates {
		return nil, nil
	}
	return d.Proxies.Certificates(r)
}
