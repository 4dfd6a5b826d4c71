package supabase

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

const (
	maxRedirects = 10  // of a client
	clientsPage  = 987 // clients that are read at once: fib 16
)

// How a client came to be registered, and whether it has a secret.
const (
	registeredManually    = "manual"
	registeredDynamically = "dynamic"
	typePublic            = "public"
	typeConfidential      = "confidential"
)

var errNoRegistration = &failure{
	status: http.StatusForbidden, code: "oauth_dynamic_client_registration_disabled", text: "Dynamic client registration is not enabled",
}

// An oauthClient is a program as this API tells of it.
type oauthClient struct {
	ID           headykey.ID `json:"client_id"`
	Secret       string      `json:"client_secret,omitempty"` // when it is new
	Type         string      `json:"client_type"`
	Redirects    []string    `json:"redirect_uris"`
	AuthMethod   string      `json:"token_endpoint_auth_method"`
	Grants       []string    `json:"grant_types"`
	Responses    []string    `json:"response_types"`
	Name         string      `json:"client_name,omitempty"`
	URI          string      `json:"client_uri,omitempty"`
	Logo         string      `json:"logo_uri,omitempty"`
	Registration string      `json:"registration_type"`
	Created      time.Time   `json:"created_at"`
	Updated      time.Time   `json:"updated_at"`
}

func spellOAuthClient(c *headykey.Client, secret string) oauthClient {
	out := oauthClient{
		ID: c.ID, Secret: secret, Type: typeConfidential, Redirects: c.Redirects, AuthMethod: c.AuthMethod, Grants: c.Grants,
		Responses: c.Responses(), Name: c.Name, URI: c.Details.URI, Logo: c.Details.LogoURI, Registration: registeredManually,
		Created: c.Created, Updated: c.Updated,
	}
	if c.Public() {
		out.Type = typePublic
	}
	if c.Origin == headykey.Dynamic {
		out.Registration = registeredDynamically
	}
	return out
}

// An oauthClientRequest is what a client is to be; what is nil stays, or is as usual.
type oauthClientRequest struct {
	Redirects  *[]string `json:"redirect_uris"`
	Type       string    `json:"client_type"`
	AuthMethod *string   `json:"token_endpoint_auth_method"`
	Grants     *[]string `json:"grant_types"`
	Name       *string   `json:"client_name"`
	URI        *string   `json:"client_uri"`
	Logo       *string   `json:"logo_uri"`
}

// check returns nil if this API knows such clients.
func (in *oauthClientRequest) check() error {
	switch {
	case in.Redirects != nil && (len(*in.Redirects) == 0 || len(*in.Redirects) > maxRedirects):
		return errValidation.saying("redirect_uris must be 1 to 10 addresses")
	case in.Grants != nil && slices.ContainsFunc(*in.Grants, isForeign("authorization_code", "refresh_token")):
		return errValidation.saying("grant_types must be authorization_code and refresh_token")
	case in.AuthMethod != nil && isForeign(headykey.AuthNone, oauth.SecretBasic, oauth.SecretPost)(*in.AuthMethod):
		return errValidation.saying("token_endpoint_auth_method must be none, client_secret_basic or client_secret_post")
	case isForeign("", typePublic, typeConfidential)(in.Type):
		return errValidation.saying("client_type must be public or confidential")
	case in.Type != "" && in.AuthMethod != nil && (in.Type == typePublic) != (*in.AuthMethod == headykey.AuthNone):
		return errValidation.saying("client_type and token_endpoint_auth_method do not fit together")
	}
	return nil
}

// isForeign returns what reports a word that is not known.
func isForeign(known ...string) func(string) bool {
	return func(word string) bool { return !slices.Contains(known, word) }
}

// wish returns the new client that in means. Each proves who began (PKCE), as OAuth 2.1
// has it.
func (in *oauthClientRequest) wish() (oauth.ClientWish, error) {
	if err := in.check(); err != nil {
		return oauth.ClientWish{}, err
	}
	if in.Redirects == nil {
		return oauth.ClientWish{}, errValidation.saying("redirect_uris is required")
	}
	wish := oauth.ClientWish{
		Name: textOf(in.Name), AuthMethod: textOf(in.AuthMethod), Profile: headykey.ProfileOAuth21, Redirects: *in.Redirects,
		Details: headykey.ClientDetails{URI: textOf(in.URI), LogoURI: textOf(in.Logo)},
	}
	if in.Grants != nil {
		wish.Grants = *in.Grants
	}
	if wish.AuthMethod == "" && in.Type == typePublic {
		wish.AuthMethod = headykey.AuthNone
	}
	return wish.Named(), nil
}

func textOf(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// registerClient serves POST /auth/v1/oauth/clients/register.
func (d *Door) registerClient(c *call, in oauthClientRequest) (oauthClient, error) {
	wish, err := in.wish()
	if d.OAuth.Registration.Who != oauth.RegistrationOpen {
		return oauthClient{}, errNoRegistration
	}
	if err != nil {
		return oauthClient{}, err
	}
	fresh, err := d.OAuth.RegisterOpenly(c.Context(), c.by.From, wish)
	return spellOAuthClient(&fresh.Record, fresh.Secret), err
}

// addClient serves POST /auth/v1/admin/oauth/clients.
func (d *Door) addClient(c *call, in oauthClientRequest) (oauthClient, error) {
	wish, err := in.wish()
	if err != nil {
		return oauthClient{}, err
	}
	fresh, err := d.OAuth.CreateClient(c.Context(), c.by, wish)
	return spellOAuthClient(&fresh.Record, fresh.Secret), err
}

type oauthClientsReply struct {
	Clients []oauthClient `json:"clients"`
}

// oauthClients serves GET /auth/v1/admin/oauth/clients: all of them, the newest first.
func (d *Door) oauthClients(c *call, _ struct{}) (oauthClientsReply, error) {
	out := oauthClientsReply{Clients: []oauthClient{}}
	for before, more := (headykey.Mark{}), true; more; {
		page, err := d.OAuth.Clients(c.Context(), c.by, before, clientsPage)
		if err != nil {
			return oauthClientsReply{}, err
		}
		for _, one := range page {
			out.Clients = append(out.Clients, spellOAuthClient(one, ""))
			before = headykey.Mark{At: one.Created, ID: one.ID}
		}
		more = len(page) == clientsPage
	}
	c.out.Set("X-Total-Count", strconv.Itoa(len(out.Clients)))
	return out, nil
}

// clientIn returns the id that the path of c names.
func clientIn(c *call) (headykey.ID, error) {
	id, err := headykey.ParseID(c.PathValue("id"))
	if err != nil {
		return "", errValidation.saying("client_id must be the UUID of a client")
	}
	return id, nil
}

// inClient spells a client that does not exist.
func inClient(err error) error {
	if errors.Is(err, headykey.ErrNotFound) {
		return errNoOAuthClient
	}
	return err
}

// oauthClient serves GET /auth/v1/admin/oauth/clients/{id}.
func (d *Door) oauthClient(c *call, _ struct{}) (oauthClient, error) {
	id, err := clientIn(c)
	if err != nil {
		return oauthClient{}, err
	}
	one, err := d.OAuth.Client(c.Context(), c.by, id)
	if err != nil {
		return oauthClient{}, inClient(err)
	}
	return spellOAuthClient(one, ""), nil
}

// changeClient serves PUT /auth/v1/admin/oauth/clients/{id}.
func (d *Door) changeClient(c *call, in oauthClientRequest) (oauthClient, error) {
	id, err := clientIn(c)
	if err == nil {
		err = in.check()
	}
	if err == nil && in == (oauthClientRequest{Type: in.Type}) {
		err = errValidation.saying("No fields provided for update")
	}
	if err != nil {
		return oauthClient{}, err
	}
	details := map[string]string{}
	for name, text := range map[string]*string{"client_uri": in.URI, "logo_uri": in.Logo} {
		if text != nil {
			details[name] = *text
		}
	}
	text, err := json.Marshal(details)
	if err != nil {
		return oauthClient{}, err
	}
	one, err := d.OAuth.ChangeClient(c.Context(), c.by, id, headykey.ClientChange{
		Name: in.Name, AuthMethod: in.AuthMethod, Grants: in.Grants, Redirects: in.Redirects, Details: text,
	})
	if err != nil {
		return oauthClient{}, inClient(err)
	}
	return spellOAuthClient(one, ""), nil
}

// removeClient serves DELETE /auth/v1/admin/oauth/clients/{id}.
func (d *Door) removeClient(w http.ResponseWriter, c *call) error {
	id, err := clientIn(c)
	if err == nil {
		err = d.OAuth.DeleteClient(c.Context(), c.by, id)
	}
	if err != nil {
		return inClient(err)
	}
	web.Reply(w, http.StatusNoContent, nil)
	return nil
}

// renewSecret serves POST /auth/v1/admin/oauth/clients/{id}/regenerate_secret.
func (d *Door) renewSecret(c *call, _ struct{}) (oauthClient, error) {
	id, err := clientIn(c)
	if err != nil {
		return oauthClient{}, err
	}
	fresh, err := d.OAuth.RotateSecret(c.Context(), c.by, id)
	switch {
	case errors.Is(err, headykey.ErrConflict):
		return oauthClient{}, errValidation.saying("Cannot regenerate secret for a client without one")
	case err != nil:
		return oauthClient{}, inClient(err)
	}
	return spellOAuthClient(&fresh.Record, fresh.Secret), nil
}
