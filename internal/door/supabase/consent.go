package supabase

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

var (
	errNoAuthorizationRequest = &failure{status: http.StatusNotFound, code: "oauth_authorization_not_found", text: "authorization not found"}
	errNoOAuthClient          = &failure{status: http.StatusNotFound, code: "oauth_client_not_found", text: "OAuth client not found"}
)

// Consent returns the handler of an authorization request whose person is asked on a
// page of the app's own. Where that has none, pages of ours ask: nil.
func (d *Door) Consent(r *http.Request) http.Handler {
	if d.ConsentPath == "" || r.Method == http.MethodPost { // what is posted comes again as a GET
		return nil
	}
	return d.handle(anybody, d.beginConsent)
}

// beginConsent serves GET /auth/v1/oauth/authorize: the browser goes to the app's page,
// or back to the client with what is wrong.
func (d *Door) beginConsent(w http.ResponseWriter, c *call) error {
	in, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return errValidation.saying("The address is not well formed.")
	}
	p, err := d.OAuth.Begin(c.Context(), in)
	if p == nil {
		return inAuthorize(err)
	}
	var id string
	if err == nil {
		id, err = d.OAuth.HoldForApp(c.Context(), p)
	}
	to := withQuery(strings.TrimSuffix(d.Targets.Accept(""), "/")+d.ConsentPath, url.Values{"authorization_id": {id}})
	if err != nil {
		answer, err := d.OAuth.Refuse(c.Context(), p, web.Explain(c.Context(), err))
		if err != nil {
			return err
		}
		to = answer.Location()
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
	return nil
}

// inAuthorize spells what may not be told to a client, because it is not known which.
func inAuthorize(err error) error {
	e := headykey.Explain(err)
	switch {
	case e.Is(headykey.ErrBadClient):
		return errNoOAuthClient.with(http.StatusBadRequest).saying("invalid client_id")
	case e.Kind == headykey.Invalid:
		return errValidation.saying(e.Text)
	}
	return err
}

// A waitingRequest is one that waits for its person's answer.
type waitingRequest struct {
	ID       string      `json:"authorization_id"`
	Redirect string      `json:"redirect_uri"`
	Client   clientLine  `json:"client"`
	User     askedPerson `json:"user"`
	Scope    string      `json:"scope"`
}

// clientLine is a client as people are told of it.
type clientLine struct {
	ID   headykey.ID `json:"id"`
	Name string      `json:"name,omitempty"`
	URI  string      `json:"uri,omitempty"`
	Logo string      `json:"logo_uri,omitempty"`
}

type askedPerson struct {
	ID    headykey.ID `json:"id"`
	Email string      `json:"email"`
}

func spellClientLine(c *headykey.Client) clientLine {
	return clientLine{c.ID, c.Name, c.Details.URI, c.Details.LogoURI}
}

// A redirectReply is where the app sends the browser.
type redirectReply struct {
	URL string `json:"redirect_url"`
}

// waitingRequest serves GET /auth/v1/oauth/authorizations/{id}.
func (d *Door) waitingRequest(c *call, _ struct{}) (any, error) {
	if err := d.ofKnownPage(c); err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	p, answer, err := d.OAuth.OpenForApp(c.Context(), c.by, id)
	switch {
	case err != nil:
		return nil, inConsent(err)
	case answer != nil:
		return redirectReply{answer.Location()}, nil
	}
	return waitingRequest{
		ID: id, Redirect: p.Ask.Redirect, Client: spellClientLine(p.Client),
		User: askedPerson{c.account.ID, c.account.Email}, Scope: strings.Join(p.Wanted(), " "),
	}, nil
}

type consentRequest struct {
	Action string `json:"action"` // approve, deny
}

// answerRequest serves POST /auth/v1/oauth/authorizations/{id}/consent.
func (d *Door) answerRequest(c *call, in consentRequest) (redirectReply, error) {
	if err := d.ofKnownPage(c); err != nil {
		return redirectReply{}, err
	}
	if in.Action != "approve" && in.Action != "deny" {
		return redirectReply{}, errValidation.saying("action must be 'approve' or 'deny'")
	}
	answer, err := d.OAuth.AnswerForApp(c.Context(), c.by, c.PathValue("id"), in.Action == "approve")
	if err != nil {
		return redirectReply{}, inConsent(err)
	}
	return redirectReply{answer.Location()}, nil
}

// ofKnownPage returns nil unless c comes from a page of another origin that may not
// read the answer: those that may are named in it already.
func (d *Door) ofKnownPage(c *call) error {
	origin := c.Header.Get("Origin")
	if origin == "" || origin == d.BaseURL || c.out.Get("Access-Control-Allow-Origin") != "" {
		return nil
	}
	return errValidation.saying("unauthorized request origin")
}

// inConsent spells what is wrong with a request that waits.
func inConsent(err error) error {
	switch {
	case errors.Is(err, headykey.ErrNotFound):
		return errNoAuthorizationRequest
	case errors.Is(err, headykey.ErrBadRequestURI):
		return errValidation.saying("authorization request cannot be processed")
	case errors.Is(err, headykey.ErrLoginRequired):
		return &failure{status: http.StatusBadRequest, code: "reauthentication_needed", text: "Sign in again first: the client asks for a fresh sign-in, or for somebody else."}
	case errors.Is(err, headykey.ErrUnmetAuthentication):
		return &failure{status: http.StatusForbidden, code: "insufficient_aal", text: "The client asks for a stronger sign-in than this one."}
	}
	return err
}
