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
)

// AuthMethods lists the ways that exist here; the first is the usual one.
var AuthMethods = []string{SecretBasic, SecretPost}

// secretSize is how many random bytes a client's secret has: 272 bits. A secret of
// such size needs no slow hash.
const secretSize = 34

// A Proof is what a request shows of a client.
type Proof struct {
	Method string // one of AuthMethods; "" if it shows nothing
	Client string
	Secret string
}

// Authenticate returns the client that p proves. Every other outcome is
// headykey.ErrBadClient, whatever was wrong: unknown, disabled, another method than
// the registered one, another secret. Failures of the store are passed on.
func (s *Service) Authenticate(ctx context.Context, p Proof) (*headykey.Client, error) {
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
	hash := secret.Hash(p.Secret)
	same := secret.Equal(hash[:], c.Secret)
	if !same || c.AuthMethod != p.Method || !c.Disabled.IsZero() {
		return nil, headykey.ErrBadClient
	}
	return c, nil
}
