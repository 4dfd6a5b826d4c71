package headykey

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Profile is the set of rules that a client is held to.
type Profile string

// The profiles. Each is stricter than the one before it.
const (
	ProfileOIDC    Profile = "oidc"    // OpenID Connect Core and RFC 9700
	ProfileOAuth21 Profile = "oauth21" // OAuth 2.1: PKCE always, code alone
	ProfileFAPI2   Profile = "fapi2"   // FAPI 2.0 Security Profile: PAR, bound tokens, strong client proof
)

// AuthNone is the authentication method of a public client: it has nothing to
// prove itself by (RFC 7591 §2).
const AuthNone = "none"

// How a client came to be registered.
const (
	ByOperator = "operator" // by an administrator or the command line
	Dynamic    = "dynamic"  // by itself (RFC 7591)
)

// Scopes with a meaning of their own (OpenID Connect Core §3.1.2.1, §11).
const (
	ScopeOpenID  = "openid"
	ScopeOffline = "offline_access"
)

// A Client is a program that gets tokens of its own or for somebody: an OAuth
// client (RFC 6749 §2).
type Client struct {
	ID           ID
	Name         string
	Secret       []byte   // SHA-256 of its secret; nil: it has none, or a SealedSecret
	SealedSecret []byte   // the secret itself, sealed: only where signatures are made with it (client_secret_jwt)
	AuthMethod   string   // the only one that it may prove itself by, as RFC 7591 §2 spells it
	Profile      Profile  // what it is held to
	Origin       string   // ByOperator, Dynamic
	Trusted      bool     // first party: people are not asked for their consent
	Grants       []string // grant types that it may use
	Scopes       []string // the most that its tokens may carry
	Redirects    []string // where people may be sent back to, byte for byte
	Resources    []string // what its tokens may be for (RFC 8707); empty: the default alone
	Registration []byte   // SHA-256 of its registration access token (RFC 7592 §3); nil: none
	Details      ClientDetails
	Created      time.Time
	Updated      time.Time
	Verified     time.Time // when an administrator vouched for it; zero: nobody did
	Disabled     time.Time // zero: not disabled
}

// Public reports whether c has nothing to prove itself by.
func (c *Client) Public() bool { return c.AuthMethod == AuthNone }

// Vouched reports whether somebody stands for what c says of itself.
func (c *Client) Vouched() bool { return c.Trusted || !c.Verified.IsZero() }

// May reports whether c is registered for a grant type.
func (c *Client) May(grant string) bool { return slices.Contains(c.Grants, grant) }

// Responses returns the response types that c may ask for.
func (c *Client) Responses() []string {
	if len(c.Details.Responses) == 0 {
		return []string{"code"}
	}
	return c.Details.Responses
}

// ClientDetails is the rest of what a client is registered with, in the spelling of
// the registration documents (RFC 7591 §2, OpenID Connect Registration §2, the
// logout specifications, RFC 8705, 9101, 9126, 9396, 9449, JARM, CIBA). A field
// that is absent has the default of its document.
type ClientDetails struct {
	Responses       []string `json:"response_types,omitempty"`
	ApplicationType string   `json:"application_type,omitempty"` // web, native
	Contacts        []string `json:"contacts,omitempty"`
	URI             string   `json:"client_uri,omitempty"`
	LogoURI         string   `json:"logo_uri,omitempty"`
	PolicyURI       string   `json:"policy_uri,omitempty"`
	TermsURI        string   `json:"tos_uri,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`

	JWKS    jsontext.Value `json:"jwks,omitempty"`
	JWKSURI string         `json:"jwks_uri,omitempty"`

	SubjectType string `json:"subject_type,omitempty"` // public, pairwise
	SectorURI   string `json:"sector_identifier_uri,omitempty"`

	IDTokenAlg      string `json:"id_token_signed_response_alg,omitempty"` // RS256 if absent
	IDTokenKeyAlg   string `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEnc      string `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoAlg     string `json:"userinfo_signed_response_alg,omitempty"` // plain JSON if absent
	UserinfoKeyAlg  string `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEnc     string `json:"userinfo_encrypted_response_enc,omitempty"`
	AnswerAlg       string `json:"authorization_signed_response_alg,omitempty"` // JARM; RS256 if absent
	AnswerKeyAlg    string `json:"authorization_encrypted_response_alg,omitempty"`
	AnswerEnc       string `json:"authorization_encrypted_response_enc,omitempty"`
	IntrospectAlg   string `json:"introspection_signed_response_alg,omitempty"` // RFC 9701
	RequestAlg      string `json:"request_object_signing_alg,omitempty"`
	AuthAlg         string `json:"token_endpoint_auth_signing_alg,omitempty"`
	CIBARequestAlg  string `json:"backchannel_authentication_request_signing_alg,omitempty"`
	RequireSigned   bool   `json:"require_signed_request_object,omitzero"`
	RequirePushed   bool   `json:"require_pushed_authorization_requests,omitzero"`
	RequireAuthTime bool   `json:"require_auth_time,omitzero"`

	RequestURIs   []string `json:"request_uris,omitempty"`
	MaxAge        *int64   `json:"default_max_age,omitzero"` // seconds
	ACR           []string `json:"default_acr_values,omitempty"`
	InitiateLogin string   `json:"initiate_login_uri,omitempty"`
	DetailTypes   []string `json:"authorization_details_types,omitempty"`

	LogoutRedirects    []string `json:"post_logout_redirect_uris,omitempty"`
	FrontLogoutURI     string   `json:"frontchannel_logout_uri,omitempty"`
	FrontLogoutSession bool     `json:"frontchannel_logout_session_required,omitzero"`
	BackLogoutURI      string   `json:"backchannel_logout_uri,omitempty"`
	BackLogoutSession  bool     `json:"backchannel_logout_session_required,omitzero"`
	CIBADelivery       string   `json:"backchannel_token_delivery_mode,omitempty"` // poll, ping
	CIBANotify         string   `json:"backchannel_client_notification_endpoint,omitempty"`
	CIBAUserCode       bool     `json:"backchannel_user_code_parameter,omitzero"`
	BoundDPoP          bool     `json:"dpop_bound_access_tokens,omitzero"`
	BoundTLS           bool     `json:"tls_client_certificate_bound_access_tokens,omitzero"`
	TLSSubject         string   `json:"tls_client_auth_subject_dn,omitempty"`
	TLSDNS             string   `json:"tls_client_auth_san_dns,omitempty"`
	TLSURI             string   `json:"tls_client_auth_san_uri,omitempty"`
	TLSIP              string   `json:"tls_client_auth_san_ip,omitempty"`
	TLSEmail           string   `json:"tls_client_auth_san_email,omitempty"`
	// What only an operator may say of a client.
	TokenExchangeActors []string `json:"token_exchange_actors,omitempty"` // clients that may act for whom this one's tokens are of
	Serves              []string `json:"served_resources,omitempty"`      // resources that it is the server of: it may ask about their tokens
}

// A ClientChange says what to change of a client; nil fields stay.
type ClientChange struct {
	Name       *string
	AuthMethod *string
	Profile    *Profile
	Grants     *[]string
	Scopes     *[]string
	Redirects  *[]string
	Resources  *[]string
	Trusted    *bool
	Verified   *bool
	Disabled   *bool
	Details    jsontext.Value // members of ClientDetails as one object; null takes a member away
}
