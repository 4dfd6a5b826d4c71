package oidc

import (
	"net/http"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// userinfo serves GET and POST /auth/v1/user (OpenID Connect Core §5.3): claims as
// JSON, or signed for a client that is registered so.
func (d door) userinfo(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	d.offerNonce(w, r)
	scheme, text, err := tokenIn(w, r)
	if err != nil {
		return err
	}
	possession, err := d.possession(r, scheme, text)
	if err != nil {
		return err
	}
	out, err := d.OAuth.Userinfo(r.Context(), text, possession)
	if err != nil {
		return err
	}
	if out.JWT == "" {
		web.Reply(w, http.StatusOK, out.Claims)
		return nil
	}
	w.Header().Set("Content-Type", "application/jwt")
	_, _ = w.Write([]byte(out.JWT)) // the client is gone: nobody is left to tell
	return nil
}

// tokenIn returns the access token of a request and the scheme it was sent by: in
// the header, or in the body of a POST (RFC 6750 §2.1, §2.2), never in the address.
// Two are headykey.ErrInvalid.
func tokenIn(w http.ResponseWriter, r *http.Request) (scheme, text string, err error) {
	headers := r.Header["Authorization"]
	var posted string
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "" && r.ContentLength != 0 {
		form, err := web.DecodeForm(w, r)
		if err != nil {
			return "", "", err
		}
		posted = form.Get("access_token")
	}
	switch {
	case len(headers) > 1 || len(headers) == 1 && posted != "":
		return "", "", headykey.ErrInvalid.Saying("Send one access token, in one way.")
	case posted != "":
		return oauth.Bearer, posted, nil
	}
	if scheme = schemeOf(r); scheme == "" {
		return "", "", headykey.ErrNotSignedIn
	}
	_, text, _ = strings.Cut(headers[0], " ")
	return scheme, strings.TrimLeft(text, " "), nil
}

// schemeOf returns how the header of a request shows an access token, by its usual
// name; "" if it does not. Schemes are the same in any case (RFC 9110 §11.1).
func schemeOf(r *http.Request) string {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for _, known := range []string{oauth.Bearer, oauth.DPoP} {
		if strings.EqualFold(scheme, known) {
			return known
		}
	}
	return ""
}

// failBearer spells a failure of a request that shows an access token, with its
// challenges: first that of the scheme which was used (RFC 6750 §3, RFC 9449 §7.1).
func (d door) failBearer(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	status := web.StatusOf(e)
	if e.Is(headykey.ErrBadProof) || e.Is(headykey.ErrUseNonce) {
		status = http.StatusUnauthorized
	}
	h := w.Header()
	if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusBadRequest {
		h["Www-Authenticate"] = d.challenges(schemeOf(r), e)
	}
	web.SetRetryAfter(h, e.After)
	h.Set("Cache-Control", "no-store")
	if e.Is(headykey.ErrNotSignedIn) {
		// RFC 6750 §3.1: who sent nothing is told nothing.
		web.Reply(w, status, failure{"invalid_token", oauth.Describe(e)})
		return
	}
	web.Reply(w, status, failure{oauth.Word(e), oauth.Describe(e)})
}

// challenges are the ways to show an access token. The failure stands with the one
// that was used.
func (d door) challenges(used string, e *headykey.Error) []string {
	realm := ` realm="` + d.OAuth.Issuer() + `"`
	bearer, dpop := oauth.Bearer+realm, oauth.DPoP+realm+`, algs="`+strings.Join(oauth.ProofAlgorithms, " ")+`"`
	fault := ""
	if !e.Is(headykey.ErrNotSignedIn) {
		fault = `, error="` + oauth.Word(e) + `", error_description="` + oauth.Describe(e) + `"`
	}
	if used == oauth.DPoP {
		return []string{dpop + fault, bearer}
	}
	return []string{bearer + fault, dpop}
}
