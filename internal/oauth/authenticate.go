package oauth

import (
	"context"
	"crypto/x509"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
)

// The ways in which clients prove themselves, as RFC 7591 §2 spells them.
const (
	SecretBasic = "client_secret_basic" // in the Authorization header (RFC 6749 §2.3.1)
	SecretPost  = "client_secret_post"  // in the body
	SecretJWT   = "client_secret_jwt"   // by a JWT made with the secret (OpenID Connect Core §9)
)

// AuthMethods lists the ways that exist here; the first is the usual one. Not all work
// on every server: see [Service.AuthMethods].
var AuthMethods = []string{SecretBasic, SecretPost, headykey.AuthNone, TLSAuth, TLSSelfSigned}

// secretSize is how many random bytes a client's secret has: 272 bits. A secret of
// such size needs no slow hash.
const secretSize = 34

// A Proof is what a request shows of a client.
type Proof struct {
	Method string // one of AuthMethods; "" if it shows nothing
	Client string
	Secret string

	// Certificates are those that the client shows, its own first. They prove a client
	// that is registered for that and names itself, and mean nothing for any other.
	Certificates []*x509.Certificate
}

// methodFor is how p proves c: who shows a name alone is a public client, or one that
// is known by its certificate (RFC 8705 §2).
func (p *Proof) methodFor(c *headykey.Client) string {
	if p.Method == headykey.AuthNone && (c.AuthMethod == TLSAuth || c.AuthMethod == TLSSelfSigned) {
		return c.AuthMethod
	}
	return p.Method
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
	if c.AuthMethod != p.methodFor(c) || !c.Disabled.IsZero() || !s.proves(ctx, c, p) {
		return nil, headykey.ErrBadClient
	}
	return c, nil
}

// proves reports whether p, which uses c's method, proves c.
func (s *Service) proves(ctx context.Context, c *headykey.Client, p Proof) bool {
	switch c.AuthMethod {
	case SecretBasic, SecretPost:
		hash := secret.Hash(p.Secret)
		return secret.Equal(hash[:], c.Secret)
	case headykey.AuthNone: // a public client says who it is; its grants prove the rest
		return p.Secret == ""
	case TLSAuth, TLSSelfSigned:
		return s.provesByCertificate(ctx, c, p.Certificates)
	}
	return false
}
