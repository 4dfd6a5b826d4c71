// Package token makes and reads the tokens of a session: access tokens that
// stand by themselves, and refresh tokens that are spent for a successor.
package token

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// accessType is the typ of an access token (RFC 9068 §2.1). Each kind of token
// has its own, so that none passes for another.
const accessType = "at+jwt"

// Config says who issues and how long things live.
type Config struct {
	Issuer   string // the server's base URL
	Audience string // of HeadyKey access tokens: the base URL and /api
	Access   time.Duration
	Refresh  time.Duration
}

// A Service makes and reads tokens. It is safe for concurrent use.
type Service struct {
	db     *store.DB
	ring   *keyring.Ring
	config Config

	mu     sync.Mutex
	signer *jose.Signer
	kid    string // of signer
}

// New returns a service whose keys are those of ring.
func New(db *store.DB, ring *keyring.Ring, c Config) *Service {
	return &Service{db: db, ring: ring, config: c}
}

// Access is what an access token says (contract: tokens).
type Access struct {
	UserID   headykey.ID `json:"userId"`
	Email    string      `json:"email"`
	Role     string      `json:"role"`
	Issuer   string      `json:"iss"`
	Subject  headykey.ID `json:"sub"`
	Audience string      `json:"aud"`
	Issued   int64       `json:"iat"` // seconds since 1970
	Expires  int64       `json:"exp"` // seconds since 1970
	ID       string      `json:"jti"`
	Session  headykey.ID `json:"sid"`
	AMR      []string    `json:"amr"`
	AAL      string      `json:"aal"`
}

// Life is how long an access token lives.
func (s *Service) Life() time.Duration { return s.config.Access }

// MakeAccess returns an access token for h.
func (s *Service) MakeAccess(h *headykey.Holder) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(Access{
		UserID: h.User, Email: h.Email, Role: h.Role.String(),
		Issuer: s.config.Issuer, Subject: h.User, Audience: s.config.Audience,
		Issued: now.Unix(), Expires: now.Add(s.config.Access).Unix(),
		ID: string(headykey.NewID()), Session: h.Session, AMR: h.AMR, AAL: h.AAL,
	})
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	signer, err := s.headySigner()
	if err != nil {
		return "", err
	}
	return signer.Sign(claims)
}

// headySigner returns the signer of the present key, made once per key.
func (s *Service) headySigner() (*jose.Signer, error) {
	key, ok := s.ring.Signing(keyring.Heady)
	if !ok {
		return nil, errors.New("there is no key to sign access tokens with")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kid != key.ID {
		signer, err := jose.NewSigner(jose.Key{ID: key.ID, Algorithm: key.Algorithm, Secret: key.Secret}, accessType)
		if err != nil {
			return nil, err
		}
		s.signer, s.kid = signer, key.ID
	}
	return s.signer, nil
}

// ReadAccess returns what a valid access token says. It fails with
// headykey.ErrInvalidToken, or with headykey.ErrTokenExpired if that is all that
// is wrong with it. Whether its session still lives is for the caller to ask.
func (s *Service) ReadAccess(token string) (Access, error) {
	text, err := jose.Verify(token, accessType, func(kid string) (jose.Key, bool) {
		k, ok := s.ring.Verifying(keyring.Heady, kid)
		return jose.Key{ID: k.ID, Algorithm: k.Algorithm, Secret: k.Secret}, ok
	})
	if err != nil {
		return Access{}, headykey.ErrInvalidToken
	}
	var a Access
	if err := json.Unmarshal(text, &a); err != nil {
		return Access{}, headykey.ErrInvalidToken
	}
	_, badUser := headykey.ParseID(string(a.UserID))
	_, badSession := headykey.ParseID(string(a.Session))
	now := time.Now().Unix()
	switch {
	case badUser != nil || badSession != nil:
		return Access{}, headykey.ErrInvalidToken
	case a.Issuer != s.config.Issuer || a.Audience != s.config.Audience || a.Subject != a.UserID:
		return Access{}, headykey.ErrInvalidToken
	case a.Issued > now+60: // from the future: no clock of ours is a minute ahead
		return Access{}, headykey.ErrInvalidToken
	case now >= a.Expires:
		return Access{}, headykey.ErrTokenExpired
	}
	return a, nil
}
