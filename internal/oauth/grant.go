package oauth

import (
	"context"
	"slices"

	"headykey.com/headykey"
)

// A grant is one way to earn tokens. The token endpoint owns all that grants
// share (client authentication, scopes, resources, issuing, the receipt), so a
// grant can forget none of it: it only turns a request into a permit.
type grant struct {
	name   string // grant_type
	redeem func(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error)
}

// grants is the list to extend; the metadata reads it, too.
var grants = []grant{
	{"client_credentials", redeemClientCredentials},
}

// A Permit is what a grant allows at most; the request may ask for less.
type Permit struct {
	Subject   headykey.ID
	Scopes    []string
	Resources []string
}

// GrantTypes lists the grants that exist here.
func GrantTypes() []string {
	var names []string
	for _, g := range grants {
		names = append(names, g.name)
	}
	return names
}

// grantFor returns the grant called name if c may use it.
func grantFor(c *headykey.Client, name string) (grant, error) {
	i := slices.IndexFunc(grants, func(g grant) bool { return g.name == name })
	if i < 0 {
		return grant{}, headykey.ErrUnknownGrant
	}
	if !slices.Contains(c.Grants, name) {
		return grant{}, headykey.ErrGrantNotAllowed
	}
	return grants[i], nil
}
