package oidc

import (
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

// possession returns the keys that a request shows to hold. access is the access
// token that it shows, or "". A DPoP proof that is not good for it is
// headykey.ErrBadProof or headykey.ErrUseNonce.
func (d door) possession(r *http.Request, access string) (oauth.Possession, error) {
	var p oauth.Possession
	proofs := r.Header["Dpop"]
	if len(proofs) == 0 {
		return p, nil
	}
	if len(proofs) > 1 {
		return p, headykey.ErrBadProof.Saying("There is more than one DPoP header.")
	}
	var err error
	p.JKT, err = d.OAuth.ProveKey(oauth.KeyProof{
		JWT: proofs[0], Method: r.Method, Path: r.URL.EscapedPath(), Access: access,
	})
	return p, err
}

// possessionWith is possession for a request that shows an access token by scheme. A
// proof beside a plain token says nothing of it, and is not looked at.
func (d door) possessionWith(r *http.Request, scheme, access string) (oauth.Possession, error) {
	if scheme != oauth.DPoP {
		return oauth.Possession{Scheme: scheme}, nil
	}
	p, err := d.possession(r, access)
	p.Scheme = scheme
	if err == nil && p.JKT == "" {
		err = headykey.ErrBadProof
	}
	return p, err
}
