package oauth

import (
	"context"

	"headykey.com/headykey"
)

// redeemClientCredentials lets a client act for itself (RFC 6749 §4.4): it has
// proven who it is, and that is all that this grant asks.
func redeemClientCredentials(_ context.Context, s *Service, c *headykey.Client, _ Request) (Permit, error) {
	if c.Public() {
		return Permit{}, headykey.ErrGrantNotAllowed // it proved nothing
	}
	return Permit{Subject: c.ID, Scopes: c.Scopes, Resources: s.resourcesOf(c)}, nil
}
