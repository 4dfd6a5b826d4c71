package supabase

import (
	"net/http"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/web"
)

// A customProvider is one as administrators know it.
type customProvider struct {
	headykey.CustomProvider
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func spellProvider(p *headykey.CustomProvider) customProvider {
	return customProvider{*p, p.Created, p.Updated}
}

type providersReply struct {
	Providers []customProvider `json:"providers"`
}

// A providerRequest is what one is made of, or changed to.
type providerRequest struct {
	Kind          string          `json:"provider_type"`
	Name          string          `json:"identifier"`
	Title         *string         `json:"name"`
	ClientID      *string         `json:"client_id"`
	Secret        *string         `json:"client_secret"`
	ClientIDs     *[]string       `json:"acceptable_client_ids"`
	Scopes        *[]string       `json:"scopes"`
	PKCE          *bool           `json:"pkce_enabled"`
	Mapping       *map[string]any `json:"attribute_mapping"`
	Claims        *[]string       `json:"custom_claims_allowlist"`
	Parameters    *map[string]any `json:"authorization_params"`
	Enabled       *bool           `json:"enabled"`
	EmailOptional *bool           `json:"email_optional"`
	Issuer        *string         `json:"issuer"`
	DiscoveryURL  *string         `json:"discovery_url"`
	SkipNonce     *bool           `json:"skip_nonce_check"`
	AuthorizeURL  *string         `json:"authorization_url"`
	TokenURL      *string         `json:"token_url"`
	UserinfoURL   *string         `json:"userinfo_url"`
	KeysURL       *string         `json:"jwks_uri"`
}

func (in providerRequest) change() directory.ProviderChange {
	return directory.ProviderChange{
		Title: in.Title, ClientID: in.ClientID, Secret: in.Secret, ClientIDs: in.ClientIDs, Scopes: in.Scopes, PKCE: in.PKCE,
		Mapping: in.Mapping, Claims: in.Claims, Parameters: in.Parameters, Enabled: in.Enabled, EmailOptional: in.EmailOptional,
		Issuer: in.Issuer, DiscoveryURL: in.DiscoveryURL, SkipNonce: in.SkipNonce, AuthorizeURL: in.AuthorizeURL,
		TokenURL: in.TokenURL, UserinfoURL: in.UserinfoURL, KeysURL: in.KeysURL,
	}
}

// providers serves GET /auth/v1/admin/custom-providers.
func (d *Door) providers(c *call, _ struct{}) (providersReply, error) {
	kind := c.URL.Query().Get("type")
	if kind != "" && kind != headykey.OAuthProvider && kind != headykey.OpenIDProvider {
		return providersReply{}, errValidation.saying("type must be either 'oauth2' or 'oidc'")
	}
	all, err := d.Directory.Providers(c.Context(), c.by, kind)
	out := providersReply{Providers: []customProvider{}}
	for _, p := range all {
		out.Providers = append(out.Providers, spellProvider(p))
	}
	return out, err
}

// addProvider serves POST /auth/v1/admin/custom-providers.
func (d *Door) addProvider(c *call, in providerRequest) (customProvider, error) {
	p, err := d.Directory.AddProvider(c.Context(), c.by, in.Kind, in.Name, in.change())
	if e := headykey.Explain(err); err != nil && e.Is(headykey.ErrConflict) {
		return customProvider{}, &failure{status: http.StatusBadRequest, code: "conflict", text: e.Text}
	}
	if err != nil {
		return customProvider{}, err
	}
	return spellProvider(p), nil
}

// provider serves GET /auth/v1/admin/custom-providers/{name}.
func (d *Door) provider(c *call, _ struct{}) (customProvider, error) {
	name, err := providerOf(c)
	if err != nil {
		return customProvider{}, err
	}
	p, err := d.Directory.Provider(c.Context(), c.by, name)
	if err != nil {
		return customProvider{}, inProvider(err)
	}
	return spellProvider(p), nil
}

// changeProvider serves PUT /auth/v1/admin/custom-providers/{name}.
func (d *Door) changeProvider(c *call, in providerRequest) (customProvider, error) {
	name, err := providerOf(c)
	if err != nil {
		return customProvider{}, err
	}
	p, err := d.Directory.ChangeProvider(c.Context(), c.by, name, in.change())
	if err != nil {
		return customProvider{}, inProvider(err)
	}
	return spellProvider(p), nil
}

// dropProvider serves DELETE /auth/v1/admin/custom-providers/{name}.
func (d *Door) dropProvider(w http.ResponseWriter, c *call) error {
	name, err := providerOf(c)
	if err != nil {
		return err
	}
	if err := d.Directory.DropProvider(c.Context(), c.by, name); err != nil {
		return inProvider(err)
	}
	web.Reply(w, http.StatusNoContent, nil)
	return nil
}

func providerOf(c *call) (string, error) {
	name := c.PathValue("name")
	if !strings.HasPrefix(name, "custom:") {
		return "", errValidation.saying("identifier must start with 'custom:' prefix")
	}
	return name, nil
}

// inProvider spells what is wrong with a call about one provider.
func inProvider(err error) error {
	if headykey.Explain(err).Is(headykey.ErrNotFound) {
		return &failure{status: http.StatusNotFound, code: "custom_provider_not_found", text: "Custom OAuth provider not found"}
	}
	return err
}
