package token

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
)

// sessionType is the typ of session tokens and of project keys, which apps expect to
// be that. ID tokens have it, too: what tells them apart is that only a session
// token has a session_id, and that its audience is no client's id.
const sessionType = "JWT"

// SessionAccess is what the access token of a first-party session says (contract:
// Supabase Auth, access-token claims).
type SessionAccess struct {
	Issuer    string                `json:"iss"`
	Subject   headykey.ID           `json:"sub"`
	Audience  string                `json:"aud"`
	Expires   int64                 `json:"exp"` // seconds since 1970
	Issued    int64                 `json:"iat"` // seconds since 1970
	Email     string                `json:"email"`
	Phone     string                `json:"phone"`
	AppData   jsontext.Value        `json:"app_metadata"`
	UserData  jsontext.Value        `json:"user_metadata"`
	Role      string                `json:"role"`
	AAL       string                `json:"aal"`
	Ways      []headykey.Way        `json:"amr"`
	Session   headykey.ID           `json:"session_id"`
	Anonymous bool                  `json:"is_anonymous"`
	Type      headykey.IdentityType `json:"identity_type,omitempty"` // of agents alone
}

// SessionClaims returns what the next token of h's session says of a.
func (s *Service) SessionClaims(h *headykey.Holder, a *headykey.Account) ([]byte, error) {
	now := time.Now()
	claims := SessionAccess{
		Issuer: s.config.OAuthIssuer, Subject: a.ID, Audience: a.Profile.Audience,
		Expires: now.Add(s.config.Access).Unix(), Issued: now.Unix(),
		Email: a.Email, Phone: a.Profile.Phone, AppData: a.AppMetadata(), UserData: a.Profile.UserData,
		Role: a.Profile.TokenRole, AAL: h.AAL, Ways: h.Ways, Session: h.Session, Anonymous: a.Anonymous,
	}
	if a.Type == headykey.Agent {
		claims.Type = a.Type
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("session token: %w", err)
	}
	return text, nil
}

// SignSession returns claims as a session token: signed by the present session key,
// or by the secret that apps share.
func (s *Service) SignSession(claims []byte) (string, error) {
	key, ok := s.shared()
	if !ok {
		k, found := s.ring.Signing(keyring.Session)
		if !found {
			return "", fmt.Errorf("session token: there is no key to sign with")
		}
		key = k.JOSE()
	}
	return s.signWith(key, claims)
}

func (s *Service) signWith(key jose.Key, claims []byte) (string, error) {
	signer, err := s.signerOf(key, sessionType)
	if err != nil {
		return "", err
	}
	return signer.Sign(claims)
}

// shared is the key of the secret that apps know, if one is configured. It has no id.
func (s *Service) shared() (jose.Key, bool) {
	return jose.Key{Algorithm: jose.HS256, Secret: s.config.ProjectSecret}, len(s.config.ProjectSecret) > 0
}

// ReadSession returns what a valid session token says. It fails with
// headykey.ErrInvalidToken, or with headykey.ErrTokenExpired if that is all that is
// wrong with it. Whether its session still lives is for the caller to ask.
func (s *Service) ReadSession(token string) (SessionAccess, error) {
	text, err := jose.Verify(token, sessionType, func(kid string) (jose.Key, bool) {
		if kid == "" {
			return s.shared()
		}
		k, ok := s.ring.Verifying(keyring.Session, kid)
		return k.JOSE(), ok
	})
	if err != nil {
		return SessionAccess{}, headykey.ErrInvalidToken
	}
	var a SessionAccess
	if err := json.Unmarshal(text, &a); err != nil {
		return SessionAccess{}, headykey.ErrInvalidToken
	}
	_, badUser := headykey.ParseID(string(a.Subject))
	_, badSession := headykey.ParseID(string(a.Session))
	now := time.Now().Unix()
	switch {
	case badUser != nil, badSession != nil, a.Role == "", a.Audience == "":
		return SessionAccess{}, headykey.ErrInvalidToken
	case a.Issuer != s.config.OAuthIssuer, a.Issued > now+60:
		return SessionAccess{}, headykey.ErrInvalidToken
	case now >= a.Expires:
		return SessionAccess{}, headykey.ErrTokenExpired
	}
	return a, nil
}

// CheckChanged returns how much sooner a token that says changed ends, if that may stand
// in place of what was made: it speaks of the same person, session, audience and kind
// of identity, ends no later, and ReadSession reads it. Otherwise the error names the
// claim at fault and none of its values.
func CheckChanged(made, changed []byte) (sooner time.Duration, err error) {
	var a, b SessionAccess
	if err := json.Unmarshal(made, &a); err != nil {
		return 0, fmt.Errorf("session token: %w", err)
	}
	if err := json.Unmarshal(changed, &b); err != nil {
		return 0, errors.New("claims: one is of another kind than it must be")
	}
	for _, claim := range []struct {
		name string
		good bool
	}{
		{"sub", b.Subject == a.Subject}, {"session_id", b.Session == a.Session}, {"aal", b.AAL == a.AAL},
		{"aud", b.Audience == a.Audience}, {"iss", b.Issuer == a.Issuer}, {"identity_type", b.Type == a.Type},
		{"role", b.Role != ""}, {"iat", b.Issued <= a.Issued}, {"exp", b.Expires <= a.Expires && time.Now().Unix() < b.Expires},
	} {
		if !claim.good {
			return 0, fmt.Errorf("claims: %s must not be changed to that", claim.name)
		}
	}
	return time.Duration(a.Expires-b.Expires) * time.Second, nil
}
