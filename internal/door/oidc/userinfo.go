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
	text, possession, err := tokenIn(w, r)
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

// tokenIn returns the access token of a request: in the header, or in the body of a
// POST (RFC 6750 §2.1, §2.2), never in the address. Two are headykey.ErrInvalid.
func tokenIn(w http.ResponseWriter, r *http.Request) (string, oauth.Possession, error) {
	var p oauth.Possession
	headers := r.Header["Authorization"]
	var posted string
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "" && r.ContentLength != 0 {
		form, err := web.DecodeForm(w, r)
		if err != nil {
			return "", p, err
		}
		posted = form.Get("access_token")
	}
	switch {
	case len(headers) > 1 || len(headers) == 1 && posted != "":
		return "", p, headykey.ErrInvalid.Saying("Send one access token, in one way.")
	case posted != "":
		p.Scheme = "Bearer"
		return posted, p, nil
	case len(headers) == 0:
		return "", p, headykey.ErrNotSignedIn
	}
	scheme, text, _ := strings.Cut(headers[0], " ")
	for _, known := range []string{"Bearer", "DPoP"} {
		if strings.EqualFold(scheme, known) {
			p.Scheme = known
			return strings.TrimLeft(text, " "), p, nil
		}
	}
	return "", p, headykey.ErrNotSignedIn
}

// failBearer spells a failure of a request that shows an access token, with its
// challenge (RFC 6750 §3).
func (d door) failBearer(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	status := web.StatusOf(e)
	challenge := `Bearer realm="` + d.OAuth.Issuer() + `"`
	if !e.Is(headykey.ErrNotSignedIn) {
		challenge += `, error="` + oauth.Word(e) + `", error_description="` + oauth.Describe(e) + `"`
	}
	h := w.Header()
	if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusBadRequest {
		h.Set("WWW-Authenticate", challenge)
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
