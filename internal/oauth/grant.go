package oauth

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// A grant is one way to earn tokens. The token endpoint owns all that grants
// share (client authentication, possession, scopes, resources, issuing, the
// receipt), so a grant can forget none of it: it only turns a request into a permit.
type grant struct {
	name   string // grant_type
	redeem func(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error)
}

// grants is the list to extend; the metadata reads it, too.
var grants = []grant{
	{"authorization_code", redeemCode},
	{"refresh_token", redeemRefresh},
	{"client_credentials", redeemClientCredentials},
	{"urn:ietf:params:oauth:grant-type:token-exchange", redeemExchange},
	{"urn:ietf:params:oauth:grant-type:jwt-bearer", redeemAssertion},
	{deviceGrant, redeemDevice},
	{cibaGrant, redeemCIBA},
}

// A Permit is what a grant allows at most; the request may ask for less.
type Permit struct {
	// Proof is the authorization that the tokens stand on; nil: the client acts for
	// itself, with the three fields below.
	Proof     *headykey.AuthorizationProof
	Subject   headykey.ID
	Scopes    []string
	Resources []string

	Act     jsontext.Value // who acts (RFC 8693 §4.1)
	Refresh string         // refresh token to give; "": none
	Kind    string         // issued_token_type of an exchange; "": it is none
	Absent  bool           // the person of Proof was not there: no ID token
}

// redeemIn lets do turn a request into a permit in one transaction. What a refusal
// leaves behind stands: a code is spent by its misuse, a pause grows. What cannot be
// found is headykey.ErrGrantSpent.
func (s *Service) redeemIn(ctx context.Context, do func(tx *store.Tx) (permit Permit, refusal, err error)) (Permit, error) {
	var permit Permit
	var refusal error
	err := s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		permit, refusal, err = do(tx)
		if isMissing(err) {
			permit, refusal, err = Permit{}, headykey.ErrGrantSpent, nil
		}
		return err
	})
	if err == nil {
		err = refusal
	}
	return permit, err
}

// GrantTypes lists the grants that exist here. The implicit one is a word of
// registrations only: there is nothing to redeem (OpenID Connect Registration §2).
func GrantTypes() []string {
	var names []string
	for _, g := range grants {
		names = append(names, g.name)
	}
	return append(names, "implicit")
}

// grantFor returns the grant called name if c may use it.
func grantFor(c *headykey.Client, name string) (grant, error) {
	i := slices.IndexFunc(grants, func(g grant) bool { return g.name == name })
	if i < 0 {
		return grant{}, headykey.ErrUnknownGrant
	}
	if !c.May(name) {
		return grant{}, headykey.ErrGrantNotAllowed
	}
	return grants[i], nil
}
