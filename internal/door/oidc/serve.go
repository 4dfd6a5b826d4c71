package oidc

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/web"
)

type tokenReply struct {
	Access  string         `json:"access_token"`
	Type    string         `json:"token_type"`
	Life    int64          `json:"expires_in"` // seconds
	Scope   string         `json:"scope,omitempty"`
	Refresh string         `json:"refresh_token,omitempty"`
	ID      string         `json:"id_token,omitempty"`
	Details jsontext.Value `json:"authorization_details,omitempty"`
	Kind    string         `json:"issued_token_type,omitempty"`
}

// token serves POST /auth/v1/token (RFC 6749 §3.2).
func (d door) token(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	in, err := d.read(w, r, repeated...)
	if err != nil {
		return err
	}
	if !in.form.Has("grant_type") {
		return headykey.ErrMissingField.About("grant_type")
	}
	out, err := d.OAuth.Token(r.Context(), in.client, oauth.Request{
		Grant: in.form.Get("grant_type"), Scope: in.form.Get("scope"), Resources: in.form["resource"],
		Form: in.form, Possession: in.possession, From: in.from,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Pragma", "no-cache") // RFC 6749 §5.1, beside the no-store of every answer
	web.Reply(w, http.StatusOK, tokenReply{
		out.Access, out.Type, int64(out.Life.Seconds()), out.Scope, out.Refresh, out.ID, out.Details, out.Kind,
	})
	return nil
}

type pushedReply struct {
	URI  string `json:"request_uri"`
	Life int64  `json:"expires_in"` // seconds
}

// push serves POST /auth/v1/oauth/par (RFC 9126 §2).
func (d door) push(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	in, err := d.read(w, r, "resource")
	if err != nil {
		return err
	}
	out, err := d.OAuth.Push(r.Context(), in.client, in.form, in.possession.JKT)
	if err != nil {
		return err
	}
	web.Reply(w, http.StatusCreated, pushedReply{out.URI, int64(out.Life.Seconds())})
	return nil
}

// inactive says of a token that it is not good, and nothing else.
type inactive struct {
	Active bool `json:"active"`
}

type activeReply struct {
	Active   bool                `json:"active"`
	Scope    string              `json:"scope,omitempty"`
	Client   headykey.ID         `json:"client_id"`
	Type     string              `json:"token_type"`
	Expires  int64               `json:"exp"`
	Issued   int64               `json:"iat"`
	Subject  string              `json:"sub"`
	Audience token.Audience      `json:"aud"`
	Issuer   string              `json:"iss"`
	ID       headykey.ID         `json:"jti"`
	Session  headykey.ID         `json:"sid,omitempty"`
	Proven   int64               `json:"auth_time,omitzero"`
	ACR      string              `json:"acr,omitempty"`
	AMR      []string            `json:"amr,omitempty"`
	Bound    *token.Confirmation `json:"cnf,omitempty"`
	Details  jsontext.Value      `json:"authorization_details,omitempty"`
	Act      jsontext.Value      `json:"act,omitempty"`
}

func spellActive(a *token.ClientAccess) activeReply {
	kind := oauth.Bearer
	if a.Bound != nil && a.Bound.JKT != "" {
		kind = oauth.DPoP
	}
	return activeReply{
		Active: true, Scope: a.Scope, Client: a.Client, Type: kind, Expires: a.Expires, Issued: a.Issued,
		Subject: a.Subject, Audience: a.Audience, Issuer: a.Issuer, ID: a.ID, Session: a.Session, Proven: a.Proven,
		ACR: a.ACR, AMR: a.AMR, Bound: a.Bound, Details: a.Details, Act: a.Act,
	}
}

// introspect serves POST /auth/v1/oauth/introspect (RFC 7662 §2).
func (d door) introspect(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	in, err := d.read(w, r)
	if err != nil {
		return err
	}
	if !in.form.Has("token") {
		return headykey.ErrMissingField.About("token")
	}
	a, err := d.OAuth.Introspect(r.Context(), in.client, in.form.Get("token"))
	if err != nil {
		return err
	}
	var told any = inactive{}
	if a != nil {
		told = spellActive(a)
	}
	if !wantsSigned(r, in.client) {
		web.Reply(w, http.StatusOK, told)
		return nil
	}
	text, err := d.OAuth.SignIntrospection(r.Context(), in.client, told)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", signedIntrospection)
	_, _ = w.Write([]byte(text)) // the client is gone: nobody is left to tell
	return nil
}

// signedIntrospection is the media type of an introspection answer that is a JWT
// (RFC 9701 §5).
const signedIntrospection = "application/token-introspection+jwt"

// wantsSigned reports whether the client asks for a signed answer, or is registered
// for one.
func wantsSigned(r *http.Request, c *headykey.Client) bool {
	return c.Details.IntrospectAlg != "" || strings.Contains(r.Header.Get("Accept"), signedIntrospection)
}

// revoke serves POST /auth/v1/oauth/revoke (RFC 7009 §2).
func (d door) revoke(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	in, err := d.read(w, r)
	if err != nil {
		return err
	}
	if !in.form.Has("token") {
		return headykey.ErrMissingField.About("token")
	}
	if err := d.OAuth.Revoke(r.Context(), in.client, in.from, in.form.Get("token")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// keySet serves GET /auth/v1/.well-known/jwks.json (RFC 7517 §5). Clients of the
// Supabase API, which send a project key, get the set that they can all read.
func (d door) keySet(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	set, err := d.OAuth.KeySet()
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Apikey")
	if r.Header.Get("Apikey") != "" {
		set = set.Apps
	}
	web.ServeDocument(w, r, set.JSON, set.ETag)
	return nil
}
