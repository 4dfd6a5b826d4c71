package token

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
)

// An Audience is who a token is for: one or more. It is written as one string
// where it is one (RFC 7519 §4.1.3).
type Audience []string

// MarshalJSON implements json.Marshaler.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *Audience) UnmarshalJSON(text []byte) error {
	if jsontext.Value(text).Kind() == '"' {
		*a = Audience{""}
		return json.Unmarshal(text, &(*a)[0])
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// ClientAccess is what the access token of an OAuth client says (RFC 9068 §2.2).
type ClientAccess struct {
	Issuer   string         `json:"iss"`
	Subject  string         `json:"sub"` // the person as the client knows them; the client itself, where there is none
	Audience Audience       `json:"aud"`
	Client   headykey.ID    `json:"client_id"`
	Scope    string         `json:"scope,omitempty"`
	ID       headykey.ID    `json:"jti"`
	Issued   int64          `json:"iat"`                // seconds since 1970
	Expires  int64          `json:"exp"`                // seconds since 1970
	Grant    headykey.ID    `json:"grant_id,omitempty"` // the authorization that it stands on
	Session  headykey.ID    `json:"sid,omitempty"`      // the sign-in behind it
	Proven   int64          `json:"auth_time,omitzero"`
	ACR      string         `json:"acr,omitempty"`
	AMR      []string       `json:"amr,omitempty"`
	Bound    *Confirmation  `json:"cnf,omitempty"`
	Details  jsontext.Value `json:"authorization_details,omitempty"` // RFC 9396 §9.1
	Act      jsontext.Value `json:"act,omitempty"`                   // RFC 8693 §4.1
	MayAct   jsontext.Value `json:"may_act,omitempty"`               // RFC 8693 §4.4
}

// A Confirmation is the key that whoever shows the token must hold.
type Confirmation struct {
	JKT string `json:"jkt,omitempty"`      // of a DPoP key (RFC 9449 §6.1)
	X5T string `json:"x5t#S256,omitempty"` // of a client certificate (RFC 8705 §3.1)
}

// MakeClientAccess returns an access token that says a, whose issuer, id and times
// are set here; an Expires that is set may only shorten its life.
func (s *Service) MakeClientAccess(a ClientAccess) (string, error) {
	now := time.Now()
	a.Issuer, a.ID = s.config.OAuthIssuer, headykey.NewID()
	a.Issued = now.Unix()
	if usual := now.Add(s.config.Access).Unix(); a.Expires == 0 || a.Expires > usual {
		a.Expires = usual
	}
	claims, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	return s.sign(keyring.Session, claims)
}

// ReadClientAccess returns what a valid access token of an OAuth client says. It
// fails as ReadAccess does. Whether the client may still use it, and whom it is
// for, is for the caller to ask.
func (s *Service) ReadClientAccess(token string) (ClientAccess, error) {
	text, err := s.VerifyOwn(token, accessType)
	if err != nil {
		return ClientAccess{}, headykey.ErrInvalidToken
	}
	var a ClientAccess
	if err := json.Unmarshal(text, &a); err != nil {
		return ClientAccess{}, headykey.ErrInvalidToken
	}
	_, badClient := headykey.ParseID(string(a.Client))
	_, badID := headykey.ParseID(string(a.ID))
	now := time.Now().Unix()
	switch {
	case badClient != nil || badID != nil || len(a.Audience) == 0 || a.Subject == "":
		return ClientAccess{}, headykey.ErrInvalidToken
	case a.Issuer != s.config.OAuthIssuer || a.Issued > now+60:
		return ClientAccess{}, headykey.ErrInvalidToken
	case now >= a.Expires:
		return ClientAccess{}, headykey.ErrTokenExpired
	}
	return a, nil
}
