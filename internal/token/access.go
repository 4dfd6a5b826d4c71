// Package token makes and reads the tokens of a session: access tokens that
// stand by themselves, and refresh tokens that are spent for a successor.
package token

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/maypok86/otter/v2"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// accessType is the typ of an access token (RFC 9068 §2.1). Each kind of token
// has its own, so that none passes for another.
const accessType = "at+jwt"

const maxSigners = 55

// Config says who issues and how long things live.
type Config struct {
	Issuer   string // the server's base URL
	Audience string // of HeadyKey access tokens: the base URL and /api
	// OAuthIssuer is who issues the tokens of OAuth clients: the base URL and
	// /auth/v1.
	OAuthIssuer string
	Access      time.Duration
	Refresh     time.Duration
	// ProjectSecret is an HS256 secret that apps know, too: it signs session tokens and
	// project keys in place of keys of our own. Nil: there is none.
	ProjectSecret []byte
}

// A Service makes and reads tokens. It is safe for concurrent use.
type Service struct {
	db     *store.DB
	ring   *keyring.Ring
	config Config

	mu      sync.Mutex
	signers map[named]*jose.Signer
	project atomic.Pointer[madeKeys]
	seen    *otter.Cache[[32]byte, seenKey]
}

// named is which tokens a signer makes. Each kind of token has its own type.
type named struct{ kid, typ string }

// New returns a service whose keys are those of ring.
func New(db *store.DB, ring *keyring.Ring, c Config) *Service {
	return &Service{
		db: db, ring: ring, config: c, signers: map[named]*jose.Signer{},
		seen: otter.Must(&otter.Options[[32]byte, seenKey]{MaximumSize: maxSigners}),
	}
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
	return s.sign(keyring.Heady, claims)
}

// sign returns claims as an access token, signed with the present key of use.
func (s *Service) sign(use string, claims []byte) (string, error) {
	key, ok := s.ring.Signing(use)
	if !ok {
		return "", errors.New("there is no key to sign access tokens with")
	}
	signer, err := s.signer(key, accessType)
	if err != nil {
		return "", err
	}
	return signer.Sign(claims)
}

// Sign returns claims, a JSON object, as a token of type typ, signed with the
// session key of algorithm, one of keyring.SessionAlgorithms. The first token of an
// algorithm may have to wait for its key to be made: never call it inside a
// transaction.
func (s *Service) Sign(ctx context.Context, algorithm, typ string, claims []byte) (string, error) {
	key, err := s.ring.SigningBy(ctx, algorithm)
	if err != nil {
		return "", fmt.Errorf("sign %s token: %w", typ, err)
	}
	signer, err := s.signer(key, typ)
	if err != nil {
		return "", err
	}
	return signer.Sign(claims)
}

// VerifyOwn returns the claims of a token of type typ that is signed by one of our
// session keys, whatever its algorithm, which still verifies. It fails with
// headykey.ErrInvalidToken. What the claims say, and whether the token has expired,
// is for the caller to judge.
func (s *Service) VerifyOwn(token, typ string) ([]byte, error) {
	claims, err := jose.Verify(token, typ, s.verifying(keyring.Session))
	if err != nil {
		return nil, headykey.ErrInvalidToken
	}
	return claims, nil
}

// signer returns what signs tokens of type typ with key.
func (s *Service) signer(key keyring.Key, typ string) (*jose.Signer, error) {
	return s.signerOf(key.JOSE(), typ)
}

// signerOf returns what signs tokens of type typ with key, made once for both.
func (s *Service) signerOf(key jose.Key, typ string) (*jose.Signer, error) {
	name := named{key.ID, typ}
	s.mu.Lock()
	defer s.mu.Unlock()
	if signer := s.signers[name]; signer != nil {
		return signer, nil
	}
	signer, err := jose.NewSigner(key, typ)
	if err != nil {
		return nil, err
	}
	if len(s.signers) > maxSigners {
		clear(s.signers) // those of keys long retired
	}
	s.signers[name] = signer
	return signer, nil
}

// verifying finds the keys of use that still verify.
func (s *Service) verifying(use string) func(kid string) (jose.Key, bool) {
	return func(kid string) (jose.Key, bool) {
		k, ok := s.ring.Verifying(use, kid)
		return k.JOSE(), ok
	}
}

// ReadAccess returns what a valid access token says. It fails with
// headykey.ErrInvalidToken, or with headykey.ErrTokenExpired if that is all that
// is wrong with it. Whether its session still lives is for the caller to ask.
func (s *Service) ReadAccess(token string) (Access, error) {
	text, err := jose.Verify(token, accessType, s.verifying(keyring.Heady))
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
