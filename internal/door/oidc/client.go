package oidc

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// A posted is a form by a client that has proven itself.
type posted struct {
	client     *headykey.Client
	from       headykey.From
	form       url.Values
	possession oauth.Possession // the keys that the request shows to hold
}

// read reads the form of a request and the client who sends it. An address whose
// clients fail too often must wait.
func (d door) read(w http.ResponseWriter, r *http.Request, many ...string) (posted, error) {
	d.offerNonce(w, r)
	p := posted{from: d.Proxies.From(r)}
	if wait, spent := d.Limiter.Spent(p.from.Address); spent {
		return p, headykey.ErrRateLimited.Later(wait)
	}
	if r.URL.RawQuery != "" {
		return p, inQuery(r)
	}
	var err error
	if p.form, err = web.DecodeForm(w, r, many...); err != nil {
		return p, err
	}
	proof, err := proofIn(r, p.form)
	if err == nil {
		proof.Called = d.BaseURL + r.URL.Path
		proof.Certificates, err = d.certificates(r)
	}
	if err == nil { // before the client: its assertion is used up by being right
		p.possession, err = d.possession(r, "", "")
	}
	if err == nil {
		p.client, err = d.OAuth.Authenticate(r.Context(), proof)
	}
	if headykey.Explain(err).Is(headykey.ErrBadClient) {
		d.Limiter.Allow(p.from.Address) // the try is counted, whatever it says
	}
	return p, err
}

// inQuery refuses parameters in the address, where they end up in logs
// (RFC 6749 §2.3.1, §3.2).
func inQuery(r *http.Request) error {
	if r.URL.Query().Has("grant_type") {
		return headykey.ErrUnknownGrant.Saying("The parameters belong in the body, as a form.")
	}
	return headykey.ErrInvalid.Saying("The parameters belong in the body, as a form.")
}

// proofIn returns what a request shows of its client. Two proofs at once are
// headykey.ErrInvalid (RFC 6749 §2.3); a header that cannot be read is a bad proof.
func proofIn(r *http.Request, form url.Values) (oauth.Proof, error) {
	headers := r.Header["Authorization"]
	posted := oauth.Proof{Client: form.Get("client_id"), Secret: form.Get("client_secret")}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return assertionIn(headers, form)
	}
	if len(headers) == 0 {
		switch {
		case posted.Secret != "":
			posted.Method = oauth.SecretPost
		case posted.Client != "":
			posted.Method = headykey.AuthNone
		}
		return posted, nil
	}
	if posted.Secret != "" {
		return oauth.Proof{}, errTwoProofs()
	}
	id, secret, ok := basic(headers)
	switch {
	case !ok:
		return oauth.Proof{}, headykey.ErrBadClient
	case posted.Client != "" && posted.Client != id:
		return oauth.Proof{}, headykey.ErrInvalid.Saying("The client_id is not the one in the Authorization header.")
	}
	return oauth.Proof{Method: oauth.SecretBasic, Client: id, Secret: secret}, nil
}

// assertionIn returns the proof of a client that signs (RFC 7521 §4.2). The client_id
// beside it may be left out.
func assertionIn(headers []string, form url.Values) (oauth.Proof, error) {
	text := form.Get("client_assertion")
	switch {
	case len(headers) > 0, form.Get("client_secret") != "":
		return oauth.Proof{}, errTwoProofs()
	case form.Get("client_assertion_type") != oauth.AssertionType:
		return oauth.Proof{}, headykey.ErrBadClient.Saying("The client_assertion_type is missing, or does not exist here.")
	case text == "":
		return oauth.Proof{}, headykey.ErrBadClient.Saying("There is no client_assertion.")
	}
	return oauth.Proof{Client: form.Get("client_id"), Assertion: text}, nil
}

func errTwoProofs() error {
	return headykey.ErrInvalid.Saying("A client proves itself in one way, not in two.")
}

// basic returns the client's id and secret in an Authorization header: each is
// form-encoded before the two are joined (RFC 6749 §2.3.1, RFC 7617).
func basic(headers []string) (id, secret string, ok bool) {
	scheme, text, _ := strings.Cut(headers[0], " ")
	if len(headers) != 1 || !strings.EqualFold(scheme, "Basic") || strings.ContainsAny(text, "\r\n") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(text, " "))
	if err != nil {
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(raw), ":")
	if !ok {
		return "", "", false
	}
	id, badID := url.QueryUnescape(id)
	secret, badSecret := url.QueryUnescape(secret)
	return id, secret, badID == nil && badSecret == nil
}
