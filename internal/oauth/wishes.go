package oauth

import (
	"maps"
	"slices"

	"headykey.com/headykey"
)

// A claim that a request asks for by name (OpenID Connect Core §5.5) tells the client
// as much as the scope that opens it. So the person is asked for that scope, and
// without their yes the wish is dropped.

// wanted are the scopes that a needs a yes to: its own, and those of claims that it
// asks for by name.
func (a *Ask) wanted() []string { return union(a.Scopes, namedBy(a.Claims)) }

// namedBy returns the scopes that open the claims of c.
func namedBy(c *headykey.ClaimsRequest) []string {
	var out []string
	for _, scope := range StandardScopes {
		if c != nil && slices.ContainsFunc(claimsOf[scope], func(claim string) bool {
			_, info := c.Userinfo[claim]
			_, token := c.IDToken[claim]
			return info || token
		}) {
			out = append(out, scope)
		}
	}
	return out
}

// withoutUnwanted returns c without the claims of scopes that are not allowed.
func withoutUnwanted(c *headykey.ClaimsRequest, allowed []string) *headykey.ClaimsRequest {
	if c == nil {
		return nil
	}
	out := &headykey.ClaimsRequest{Userinfo: maps.Clone(c.Userinfo), IDToken: maps.Clone(c.IDToken)}
	for scope, claims := range claimsOf {
		if slices.Contains(allowed, scope) {
			continue
		}
		for _, claim := range claims {
			delete(out.Userinfo, claim)
			delete(out.IDToken, claim)
		}
	}
	return out
}
