package headykey

import "time"

// The kinds of providers that an operator may describe.
const (
	OAuthProvider  = "oauth2"
	OpenIDProvider = "oidc"
)

// A CustomProvider is a provider of identity that an operator described over the
// network, in the spelling of the Supabase API.
type CustomProvider struct {
	ID    ID     `json:"id"`
	Kind  string `json:"provider_type"` // OAuthProvider, OpenIDProvider
	Name  string `json:"identifier"`    // custom: and a word
	Title string `json:"name"`          // for people

	ClientID      string         `json:"client_id"`             // ours there
	ClientIDs     []string       `json:"acceptable_client_ids"` // ours, too, such as that of a phone
	Scopes        []string       `json:"scopes"`
	PKCE          bool           `json:"pkce_enabled"`
	Mapping       map[string]any `json:"attribute_mapping"`
	Claims        []string       `json:"custom_claims_allowlist"` // of its tokens, kept besides those that are kept of all
	Parameters    map[string]any `json:"authorization_params"`    // of requests to it
	Enabled       bool           `json:"enabled"`
	EmailOptional bool           `json:"email_optional"` // people without an e-mail address count, too

	Issuer       string `json:"issuer,omitempty"`
	DiscoveryURL string `json:"discovery_url,omitempty"` // "": the issuer's usual one
	SkipNonce    bool   `json:"skip_nonce_check"`        // DANGEROUS: whoever finds a token may use it until it expires
	AuthorizeURL string `json:"authorization_url,omitempty"`
	TokenURL     string `json:"token_url,omitempty"`
	UserinfoURL  string `json:"userinfo_url,omitempty"`
	KeysURL      string `json:"jwks_uri,omitempty"`

	Secret  []byte    `json:"-"` // sealed; nil: none
	Created time.Time `json:"-"`
	Updated time.Time `json:"-"`
}

// Apps returns our client ids at p.
func (p *CustomProvider) Apps() []string {
	ids := []string{p.ClientID}
	for _, id := range p.ClientIDs {
		if id != "" && id != p.ClientID {
			ids = append(ids, id)
		}
	}
	return ids
}
