package oidc

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

const registerPath = "/oauth/register"

// registration are the endpoints by which clients register themselves, where that
// is on. Pages of all origins may use them: what counts is a token, never a cookie.
var registration = []endpoint{
	{"POST", registerPath, "registration_endpoint", "", everyone,
		func(d door) http.Handler { return d.guarded(web.JSON(d.registrar(), http.StatusCreated, d.register)) }},
	{"GET", registerPath + "/{client_id}", "", "", everyone,
		func(d door) http.Handler { return d.guarded(web.JSON(d.registrar(), http.StatusOK, d.registered)) }},
	{"PUT", registerPath + "/{client_id}", "", "", everyone,
		func(d door) http.Handler { return d.guarded(web.JSON(d.registrar(), http.StatusOK, d.reregister)) }},
	{"DELETE", registerPath + "/{client_id}", "", "", everyone,
		func(d door) http.Handler { return d.guarded(web.Handle(d.registrar(), d.unregister)) }},
}

// registrar is the door with the failures of RFC 7591 §3.2.2.
func (d door) registrar() web.Door { return web.Door{Fail: d.failRegistration} }

// guarded puts h behind the budget of its caller's address.
func (d door) guarded(h http.Handler) http.Handler {
	return d.Limiter.Guard(d.registrar(), d.Proxies, h)
}

// registrationReply is a client as it learns of itself (RFC 7591 §3.2.1, RFC 7592
// §3). We keep the hash of its secret alone: it is there when it is new, and never
// again.
type registrationReply struct {
	ID         headykey.ID `json:"client_id"`
	Secret     string      `json:"client_secret,omitempty"`
	SecretEnds *int64      `json:"client_secret_expires_at,omitempty"` // 0: never
	Issued     int64       `json:"client_id_issued_at"`
	URI        string      `json:"registration_client_uri"`
	Token      string      `json:"registration_access_token"`
	Statement  string      `json:"software_statement,omitempty"`
	oauth.Metadata
}

func (d door) spellRegistered(c *oauth.Registered) registrationReply {
	out := registrationReply{
		ID: c.Record.ID, Secret: c.Secret, Issued: c.Record.Created.Unix(), Token: c.Token, Statement: c.Statement,
		URI: d.OAuth.Issuer() + registerPath + "/" + string(c.Record.ID), Metadata: c.Metadata,
	}
	if len(c.Record.Secret) > 0 {
		out.SecretEnds = new(int64(0))
	}
	return out
}

// register serves POST /auth/v1/oauth/register.
func (d door) register(r *http.Request, _ headykey.Caller, in jsontext.Value) (registrationReply, error) {
	c, err := d.OAuth.Register(r.Context(), d.Proxies.From(r), bearer(r), in)
	if err != nil {
		return registrationReply{}, err
	}
	return d.spellRegistered(c), nil
}

// registered serves GET /auth/v1/oauth/register/{client_id}.
func (d door) registered(r *http.Request, _ headykey.Caller, _ struct{}) (registrationReply, error) {
	c, err := d.OAuth.Registered(r.Context(), r.PathValue("client_id"), bearer(r))
	if err != nil {
		return registrationReply{}, err
	}
	return d.spellRegistered(c), nil
}

// reregister serves PUT /auth/v1/oauth/register/{client_id}.
func (d door) reregister(r *http.Request, _ headykey.Caller, in jsontext.Value) (registrationReply, error) {
	c, err := d.OAuth.Reregister(r.Context(), d.Proxies.From(r), r.PathValue("client_id"), bearer(r), in)
	if err != nil {
		return registrationReply{}, err
	}
	return d.spellRegistered(c), nil
}

// unregister serves DELETE /auth/v1/oauth/register/{client_id}.
func (d door) unregister(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	if err := d.OAuth.Unregister(r.Context(), d.Proxies.From(r), r.PathValue("client_id"), bearer(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// bearer returns the token of the one Authorization header (RFC 6750 §2.1), or "".
func bearer(r *http.Request) string {
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// failRegistration spells a failure: what is wrong with a token as RFC 6750 does,
// and a body that cannot be read as metadata that cannot be used.
func (d door) failRegistration(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	switch {
	case e.Kind == headykey.Unproven:
		d.failBearer(w, r, e)
		return
	case e.Is(headykey.ErrInvalidJSON), e.Is(web.ErrUnsupportedMediaType):
		e = headykey.ErrBadMetadata.Saying(e.Text)
	}
	d.fail(w, r, e)
}
