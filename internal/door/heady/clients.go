package heady

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

const secretWarning = "Store this secret securely. It cannot be retrieved again."

// clientLine is an OAuth client as an operator sees it, in the words of RFC 7591
// §2 where it has them.
type clientLine struct {
	ID         headykey.ID `json:"client_id"`
	Name       string      `json:"name"`
	AuthMethod string      `json:"token_endpoint_auth_method"`
	Profile    string      `json:"profile"`
	Origin     string      `json:"origin"` // operator, dynamic
	Trusted    bool        `json:"trusted"`
	Verified   *time.Time  `json:"verified_at"`
	Grants     []string    `json:"grant_types"`
	Scopes     []string    `json:"scopes"`
	Redirects  []string    `json:"redirect_uris"`
	Resources  []string    `json:"resources"` // empty: the server's own
	Disabled   bool        `json:"disabled"`
	Created    time.Time   `json:"created_at"`
	headykey.ClientDetails
}

func spellClient(c *headykey.Client) clientLine {
	return clientLine{
		ID: c.ID, Name: c.Name, AuthMethod: c.AuthMethod, Profile: string(c.Profile), Origin: c.Origin, Trusted: c.Trusted,
		Verified: orNull(c.Verified), Grants: c.Grants, Scopes: c.Scopes, Redirects: c.Redirects, Resources: c.Resources,
		Disabled: !c.Disabled.IsZero(), Created: c.Created, ClientDetails: c.Details,
	}
}

type clientReply struct {
	Client clientLine `json:"client"`
}

// newClientReply shows a client with its secret, this once; one that proves itself
// by other means has none.
type newClientReply struct {
	Client  clientLine `json:"client"`
	Secret  string     `json:"client_secret,omitempty"`
	Warning string     `json:"warning,omitempty"`
}

func spellNewClient(c oauth.NewClient) newClientReply {
	if c.Secret == "" {
		return newClientReply{Client: spellClient(&c.Record)}
	}
	return newClientReply{spellClient(&c.Record), c.Secret, secretWarning}
}

type clientsReply struct {
	Clients []clientLine `json:"clients"`
	Next    string       `json:"next,omitempty"`
}

// clients serves GET /api/admin/clients.
func (d door) clients(r *http.Request, by headykey.Caller, _ struct{}) (clientsReply, error) {
	page, err := d.page(r, "clients")
	if err != nil {
		return clientsReply{}, err
	}
	all, err := d.OAuth.Clients(r.Context(), by, page.before, page.limit+1)
	if err != nil {
		return clientsReply{}, err
	}
	all, next := cut(d, page, all, func(c *headykey.Client) headykey.Mark { return headykey.Mark{At: c.Created, ID: c.ID} })
	out := clientsReply{Next: next}
	for _, c := range all {
		out.Clients = append(out.Clients, spellClient(c))
	}
	return out, nil
}

type createClientRequest struct {
	Name       string           `json:"name"`
	AuthMethod string           `json:"token_endpoint_auth_method"`
	Profile    headykey.Profile `json:"profile"`
	Trusted    bool             `json:"trusted"`
	Grants     []string         `json:"grant_types"`
	Scopes     []string         `json:"scopes"`
	Redirects  []string         `json:"redirect_uris"`
	Resources  []string         `json:"resources"`
	headykey.ClientDetails
}

// createClient serves POST /api/admin/clients.
func (d door) createClient(r *http.Request, by headykey.Caller, in createClientRequest) (newClientReply, error) {
	c, err := d.OAuth.CreateClient(r.Context(), by, oauth.ClientWish{
		Name: in.Name, AuthMethod: in.AuthMethod, Profile: in.Profile, Trusted: in.Trusted, Grants: in.Grants,
		Scopes: in.Scopes, Redirects: in.Redirects, Resources: in.Resources, Details: in.ClientDetails,
	})
	if err != nil {
		return newClientReply{}, err
	}
	return spellNewClient(c), nil
}

// client serves GET /api/admin/clients/{id}.
func (d door) client(r *http.Request, by headykey.Caller, _ struct{}) (clientReply, error) {
	id, err := idIn(r)
	if err != nil {
		return clientReply{}, err
	}
	c, err := d.OAuth.Client(r.Context(), by, id)
	if err != nil {
		return clientReply{}, err
	}
	return clientReply{spellClient(c)}, nil
}

type changeClientRequest struct {
	Name       *string           `json:"name"`
	AuthMethod *string           `json:"token_endpoint_auth_method"`
	Profile    *headykey.Profile `json:"profile"`
	Grants     *[]string         `json:"grant_types"`
	Scopes     *[]string         `json:"scopes"`
	Redirects  *[]string         `json:"redirect_uris"`
	Resources  *[]string         `json:"resources"`
	Trusted    *bool             `json:"trusted"`
	Verified   *bool             `json:"verified"`
	Disabled   *bool             `json:"disabled"`
	Details    jsontext.Value    `json:",embed"` // every other member
}

// changeClient serves PATCH /api/admin/clients/{id}.
func (d door) changeClient(r *http.Request, by headykey.Caller, in changeClientRequest) (clientReply, error) {
	id, err := idIn(r)
	if err != nil {
		return clientReply{}, err
	}
	c, err := d.OAuth.ChangeClient(r.Context(), by, id, headykey.ClientChange(in))
	if err != nil {
		return clientReply{}, err
	}
	return clientReply{spellClient(c)}, nil
}

// deleteClient serves DELETE /api/admin/clients/{id}.
func (d door) deleteClient(r *http.Request, by headykey.Caller, _ struct{}) (doneReply, error) {
	id, err := idIn(r)
	if err != nil {
		return doneReply{}, err
	}
	return doneReply{Status: "deleted", ID: id}, d.OAuth.DeleteClient(r.Context(), by, id)
}

// rotateClientSecret serves POST /api/admin/clients/{id}/rotate-secret.
func (d door) rotateClientSecret(r *http.Request, by headykey.Caller, _ struct{}) (newClientReply, error) {
	id, err := idIn(r)
	if err != nil {
		return newClientReply{}, err
	}
	c, err := d.OAuth.RotateSecret(r.Context(), by, id)
	if err != nil {
		return newClientReply{}, err
	}
	return spellNewClient(c), nil
}

type registrationTokenRequest struct {
	Life int64 `json:"expires_in"` // seconds; 0: 34 hours
	Once bool  `json:"once"`
}

type registrationTokenReply struct {
	Token   string    `json:"token"`
	Once    bool      `json:"once"`
	Expires time.Time `json:"expires_at"`
	Warning string    `json:"warning"`
}

// createRegistrationToken serves POST /api/admin/registration-tokens.
func (d door) createRegistrationToken(r *http.Request, by headykey.Caller, in registrationTokenRequest) (registrationTokenReply, error) {
	const longest = 1 << 31 // seconds: longer is refused all the same
	life := time.Duration(max(-1, min(in.Life, longest))) * time.Second
	t, err := d.OAuth.MakeInitialToken(r.Context(), by, life, in.Once)
	if err != nil {
		return registrationTokenReply{}, err
	}
	return registrationTokenReply{t.Token, t.Once, t.Expires, "Store this token securely. It cannot be retrieved again."}, nil
}
