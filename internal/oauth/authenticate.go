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

	PrivateKeyJWT = "private_key_jwt" // by a JWT made with a key of its own (same place)
)

// AuthMethods lists the ways that exist here; the first is the usual one. Not all work
// on every server: see [Service.AuthMethods].
var AuthMethods = []string{SecretBasic, SecretPost, PrivateKeyJWT, SecretJWT, headykey.AuthNone, TLSAuth, TLSSelfSigned}

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
// the registered one, another secret. Its text helps a client that signs to find its
// mistake. Failures of the store are passed on.
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
	if c.AuthMethod != p.methodFor(c) || !c.Disabled.IsZero() {
		return nil, headykey.ErrBadClient
	}
	if err := s.proves(ctx, c, p); err != nil {
		return nil, err
	}
	return c, nil
}

// proves returns nil if p, which uses c's method, proves c.
func (s *Service) proves(ctx context.Context, c *headykey.Client, p Proof) error {
	switch c.AuthMethod {
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
	case TLSAuth, TLSSelfSigned:
		if s.provesByCertificate(ctx, c, p.Certificates) {
			return nil
		}
	}
	return headykey.ErrBadClient
}
