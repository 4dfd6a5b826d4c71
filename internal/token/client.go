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
	Issuer   string      `json:"iss"`
	Subject  headykey.ID `json:"sub"` // the client itself, where no person stands behind it
	Audience Audience    `json:"aud"`
	Client   headykey.ID `json:"client_id"`
	Scope    string      `json:"scope,omitempty"`
	ID       headykey.ID `json:"jti"`
	Issued   int64       `json:"iat"` // seconds since 1970
	Expires  int64       `json:"exp"` // seconds since 1970
}

// MakeClientAccess returns an access token that says a, whose issuer, id and times
// are set here.
func (s *Service) MakeClientAccess(a ClientAccess) (string, error) {
	now := time.Now()
	a.Issuer, a.ID = s.config.OAuthIssuer, headykey.NewID()
	a.Issued, a.Expires = now.Unix(), now.Add(s.config.Access).Unix()
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
