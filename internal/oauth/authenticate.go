package oauth

import (
	"context"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
)

// The ways in which clients prove themselves, as RFC 7591 §2 spells them.
const (
	SecretBasic = "client_secret_basic" // in the Authorization header (RFC 6749 §2.3.1)
	SecretPost  = "client_secret_post"  // in the body
	SecretJWT   = "client_secret_jwt"   // by a JWT made with the secret (OpenID Connect Core §9)

	PrivateKeyJWT = "private_key_jwt" // by a JWT made with a key of its own (same place)
)

// AuthMethods lists the ways that exist here; the first is the usual one.
var AuthMethods = []string{SecretBasic, SecretPost, PrivateKeyJWT, SecretJWT, headykey.AuthNone}

// secretSize is how many random bytes a client's secret has: 272 bits. A secret of
// such size needs no slow hash.
const secretSize = 34

// A Proof is what a request shows of a client.
type Proof struct {
	Method string // one of AuthMethods; "" if it shows nothing, or an Assertion
	Client string // "": the Assertion says who it is
	Secret string

	Assertion string // a client_assertion (RFC 7523 §2.2)
	Called    string // URL of the endpoint that was called
}

// Authenticate returns the client that p proves. Every other outcome is
// headykey.ErrBadClient, whatever was wrong: unknown, disabled, another method than
// the registered one, another secret. Failures of the store are passed on.
func (s *Service) Authenticate(ctx context.Context, p Proof) (*headykey.Client, error) {
	if p.Assertion != "" {
		p = p.byAssertion()
	}
	id, err := headykey.ParseID(p.Client)
	if err != nil || p.Method == "" {
		return nil, headykey.ErrBadClient
	}
	c, err := s.client(ctx, id)
	if isMissing(err) {
		return nil, headykey.ErrBadClient
	}
	if err != nil {
		return nil, err
	}
	if c.AuthMethod != p.Method || !c.Disabled.IsZero() {
		return nil, headykey.ErrBadClient
	}
	if err := s.proves(ctx, c, p); err != nil {
		return nil, err
	}
	return c, nil
}

// proves returns nil if p, which uses c's method, proves c.
func (s *Service) proves(ctx context.Context, c *headykey.Client, p Proof) error {
	switch p.Method {
	case SecretBasic, SecretPost:
		if hash := secret.Hash(p.Secret); secret.Equal(hash[:], c.Secret) {
			return nil
		}
	case PrivateKeyJWT, SecretJWT:
		return s.provesByAssertion(ctx, c, p)
	case headykey.AuthNone: // a public client says who it is; its grants prove the rest
		if p.Secret == "" {
			return nil
		}
	}
	return headykey.ErrBadClient
}
