// Package heady is the HeadyKey API: its wire format and nothing else. Each
// handler parses, asks one rule and spells the answer.
package heady

import (
	"net/http"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/web"
)

// Parts are what the door stands on.
type Parts struct {
	Auth      *auth.Service
	Account   *account.Service
	Directory *directory.Service
	OAuth     *oauth.Service
	Receipts  *receipt.Ledger
	CORS      *web.CORS
	Proxies   web.Proxies
	Limiter   *web.Limiter // nil: no limits
	Cursors   web.Cursors
	BaseURL   string
	Origins   []string // where a returnUrl may lead; the first is the default
	Secure    bool     // cookies are Secure
	Lifetimes headykey.Lifetimes
}

type door struct {
	Parts
	known     web.Door // for who is signed in
	office    web.Door // for operators and administrators
	open      web.Door // credentials are none of the endpoint's business
	challenge string   // WWW-Authenticate of a 401, without an error
}

func newDoor(p Parts) door {
	d := door{Parts: p}
	d.challenge = `Bearer resource_metadata="` + p.BaseURL + `/.well-known/oauth-protected-resource"`
	d.known = web.Door{Identify: d.signedIn, Fail: d.fail}
	d.office = web.Door{Identify: d.operator, Fail: d.fail}
	d.open = web.Door{Identify: d.stranger, Fail: d.fail}
	return d
}

// stranger is a caller of whom only the connection is known.
func (d door) stranger(r *http.Request) (headykey.Caller, error) {
	return headykey.Caller{From: d.Proxies.From(r)}, nil
}

// signedIn is a caller who proved who they are: a stranger learns nothing of what
// else is wrong with a request.
func (d door) signedIn(r *http.Request) (headykey.Caller, error) {
	by, err := d.identify(r)
	if err == nil && by.Method == "" {
		err = headykey.ErrNotSignedIn
	}
	return by, err
}

// operator is a caller with the role of an operator at least. What they may do is
// for the rules to say.
func (d door) operator(r *http.Request) (headykey.Caller, error) {
	by, err := d.signedIn(r)
	if err == nil && by.Role < headykey.RoleOperator {
		err = headykey.ErrInsufficientRole
	}
	return by, err
}

// identify tries bearer token, API key and session cookie in this order; the
// first that is present decides, and a bad one never falls through to the next.
func (d door) identify(r *http.Request) (headykey.Caller, error) {
	from := d.Proxies.From(r)
	if values := r.Header["Authorization"]; len(values) > 0 {
		token, ok := bearer(values)
		switch {
		case !ok:
			return headykey.Caller{}, headykey.ErrInvalidToken
		case strings.HasPrefix(token, headykey.KeyPrefix):
			return d.Auth.ByAPIKey(r.Context(), token, from)
		}
		return d.Auth.ByToken(r.Context(), token, from)
	}
	if values := r.Header["X-Api-Key"]; len(values) > 0 {
		if len(values) > 1 {
			return headykey.Caller{}, headykey.ErrInvalidAPIKey
		}
		return d.Auth.ByAPIKey(r.Context(), values[0], from)
	}
	return d.byCookie(r, from)
}

// byCookie is the caller of the session cookie, or a stranger without one.
func (d door) byCookie(r *http.Request, from headykey.From) (headykey.Caller, error) {
	cookie, err := web.ReadSessionCookie(r)
	if err != nil || cookie == "" {
		return headykey.Caller{From: from}, err
	}
	if err := d.CORS.SameSite(r); err != nil {
		return headykey.Caller{}, err
	}
	return d.Auth.ByCookie(r.Context(), cookie, from)
}

// bearer returns the token of an Authorization header (RFC 6750 §2.1; the scheme
// is case-insensitive, RFC 9110 §11.1).
func bearer(values []string) (string, bool) {
	scheme, token, found := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	if len(values) != 1 || !found || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " ,\t") {
		return "", false
	}
	return token, true
}

// fail spells a failure; a 401 says where to learn how to prove oneself
// (RFC 9728 §5.1) and what was wrong with a token that was sent (RFC 6750 §3.1).
func (d door) fail(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	switch {
	case e.Kind == headykey.Unproven && r.Header["Authorization"] != nil:
		w.Header().Set("WWW-Authenticate", d.challenge+`, error="invalid_token", error_description="`+e.Text+`"`)
	case e.Kind == headykey.Unproven:
		w.Header().Set("WWW-Authenticate", d.challenge)
	case e.Is(headykey.ErrInsufficientScope):
		w.Header().Set("WWW-Authenticate", d.challenge+`, error="insufficient_scope"`)
	}
	web.FailJSON(w, r, e)
}

// idIn returns the {id} of the path. What is no id names nothing.
func idIn(r *http.Request) (headykey.ID, error) {
	id, err := headykey.ParseID(r.PathValue("id"))
	if err != nil {
		return "", headykey.ErrNotFound
	}
	return id, nil
}

// idOf returns the optional id in a query parameter, or ErrInvalid about it.
func idOf(r *http.Request, name string) (headykey.ID, error) {
	text := strings.TrimPrefix(r.URL.Query().Get(name), "usr_")
	if text == "" {
		return "", nil
	}
	id, err := headykey.ParseID(text)
	if err != nil {
		return "", headykey.ErrInvalid.Saying("This is not an id.").About(name)
	}
	return id, nil
}

// orNull is t for the wire: null for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// textOrNull is s for the wire: null if it is empty.
func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
