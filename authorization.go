package headykey

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// An Authorization is what somebody allowed a client: a code, a refresh token and
// every access token made from them stand on it, and end with it.
type Authorization struct {
	ID      ID
	User    ID
	Client  ID
	Session ID // the sign-in in which it was allowed; zero: none
	Parent  ID // the authorization that it was derived from (RFC 8693); zero: none
	Offline bool
	Terms   Terms

	Code        []byte    // SHA-256 of its code; nil: it came by another way
	CodeExpires time.Time // when the code dies
	Redeemed    time.Time // when the code was redeemed; zero: it was not

	Current   []byte // SHA-256 of the refresh token that can be spent; nil: it has none
	Previous  []byte // SHA-256 of the one before
	Successor []byte // the current one, masked with the previous one
	Rotated   time.Time

	Created time.Time
	Expires time.Time // when nothing of it can be used any more: of its refresh token, or its last access token
	Ends    time.Time // whatever its use; zero: never
	Ended   time.Time // when it was ended; zero: it was not
}

// Terms are what was asked and allowed: all that tokens are made of. They never
// change.
type Terms struct {
	Scopes    []string       `json:"scopes,omitempty"`
	Resources []string       `json:"resources,omitempty"`
	Details   jsontext.Value `json:"authorization_details,omitempty"` // RFC 9396, an array
	Subject   string         `json:"sub"`                             // the person, as this client knows them
	Redirect  string         `json:"redirect_uri,omitempty"`
	Named     bool           `json:"redirect_uri_named,omitzero"` // the request named it, so must who redeems the code
	Challenge string         `json:"code_challenge,omitempty"`
	Nonce     string         `json:"nonce,omitempty"`
	StateHash string         `json:"s_hash,omitempty"`
	Claims    *ClaimsRequest `json:"claims,omitempty"`
	Proven    int64          `json:"auth_time,omitzero"` // seconds since 1970
	ACR       string         `json:"acr,omitempty"`
	AMR       []string       `json:"amr,omitempty"`
	JKT       string         `json:"jkt,omitempty"` // thumbprint of the DPoP key that all is bound to (RFC 9449 §6)
	X5T       string         `json:"x5t,omitempty"` // thumbprint of the client's certificate (RFC 8705 §3)
	Act       jsontext.Value `json:"act,omitempty"` // who acts (RFC 8693 §4.1)
}

// Has reports whether scope was allowed.
func (t *Terms) Has(scope string) bool {
	for _, s := range t.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}

// A ClaimsRequest is the parameter claims (OpenID Connect Core §5.5).
type ClaimsRequest struct {
	Userinfo map[string]*ClaimWish `json:"userinfo,omitempty"`
	IDToken  map[string]*ClaimWish `json:"id_token,omitempty"`
}

// A ClaimWish says how a claim is wanted; nil: it is welcome.
type ClaimWish struct {
	Essential bool             `json:"essential,omitzero"`
	Value     jsontext.Value   `json:"value,omitempty"`
	Values    []jsontext.Value `json:"values,omitempty"`
}

// A Consent is what somebody allowed a client to have again without being asked.
type Consent struct {
	User      ID
	Client    ID
	Scopes    []string
	Resources []string
	Details   jsontext.Value
	Created   time.Time
	Updated   time.Time
	Expires   time.Time // zero: until it is withdrawn
}

// Live reports whether c still counts at now.
func (c *Consent) Live(now time.Time) bool { return c.Expires.IsZero() || now.Before(c.Expires) }

// An AuthorizationProof is an authorization with the sign-in and the person behind
// it. Session is zero where there is none any more.
type AuthorizationProof struct {
	Authorization Authorization
	Session       Session
	User          User
}

// Live reports whether tokens that stand on p are good at now, as far as p can
// tell: the client and the token itself are asked beside it.
func (p *AuthorizationProof) Live(now time.Time) bool {
	a := &p.Authorization
	switch {
	case !a.Ended.IsZero(), !a.Ends.IsZero() && !now.Before(a.Ends):
		return false
	case !p.User.Disabled.IsZero():
		return false
	}
	return a.Offline || p.Session.ID != "" && p.Session.Live(now)
}
