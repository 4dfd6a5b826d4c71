package oauth

import (
	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/token"
)

// A Possession is which keys a request shows to hold, by the thumbprints that the
// door proved. The zero Possession shows none.
type Possession struct {
	JKT string // of the key of its DPoP proof (RFC 9449)
	X5T string // of the client certificate of its connection (RFC 8705)
	// Scheme is how an access token was sent: [Bearer], [DPoP]; "" where none was.
	Scheme string
}

// The types of access tokens, which are the schemes that they are sent by, too.
const (
	Bearer = "Bearer" // RFC 6750
	DPoP   = "DPoP"   // RFC 9449 §7.1
)

// confirm is what a token of c made for this request is bound to; nil: nothing.
func (p Possession) confirm(c *headykey.Client) *token.Confirmation {
	bound := token.Confirmation{JKT: p.JKT}
	if c.Details.BoundTLS {
		bound.X5T = p.X5T
	}
	if bound == (token.Confirmation{}) {
		return nil
	}
	return &bound
}

// holds returns nil if the request shows the key that a token is bound to. A bound
// token sent as a plain one is worth nothing, nor is a plain one sent as a bound one
// (RFC 9449 §7.1).
func (p Possession) holds(bound *token.Confirmation) error {
	if bound == nil {
		bound = &token.Confirmation{}
	}
	if (bound.JKT != "") != (p.Scheme == DPoP) {
		return headykey.ErrInvalidToken
	}
	if bound.JKT != "" && !secret.Equal([]byte(bound.JKT), []byte(p.JKT)) {
		return headykey.ErrInvalidToken
	}
	if bound.X5T != "" && !secret.Equal([]byte(bound.X5T), []byte(p.X5T)) {
		return headykey.ErrInvalidToken
	}
	return nil
}

// lacks reports whether a token is bound to a key that the request does not show.
func (p Possession) lacks(bound *token.Confirmation) bool {
	return bound != nil && (bound.JKT != "" && bound.JKT != p.JKT || bound.X5T != "" && bound.X5T != p.X5T)
}

// demandPossession returns nil unless c's tokens must be bound and the request shows
// no key.
func (s *Service) demandPossession(c *headykey.Client, p Possession) error {
	d := &c.Details
	switch {
	case d.BoundTLS && p.X5T == "":
		return headykey.ErrBadClient.Saying("This client's tokens are bound to its certificate, and the connection has none.")
	case d.BoundDPoP && p.JKT == "", c.Profile == headykey.ProfileFAPI2 && !d.BoundTLS && p.JKT == "":
		return headykey.ErrBadProof
	}
	return nil
}
