package oauth

import (
	"context"
	"slices"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/token"
)

const maxAudience = 2584 // bytes of all resources of one token

// A Request is what a client asks of the token endpoint.
type Request struct {
	Grant     string   // grant_type
	Scope     string   // words with one space between them; "": all that it may
	Resources []string // RFC 8707; none: the usual one
}

// Issued is what the token endpoint gives.
type Issued struct {
	Access string
	Life   time.Duration // of Access
	Scope  string        // what it may be used for; "": nothing in particular
}

// Token gives the client c, which has proven itself, a token for what it asks. It
// fails with headykey.ErrUnknownGrant, ErrGrantNotAllowed, ErrScopeNotAllowed and
// ErrBadResource. The receipt "token.issued" follows within a second, with a count.
func (s *Service) Token(ctx context.Context, c *headykey.Client, req Request) (Issued, error) {
	g, err := grantFor(c, req.Grant)
	if err != nil {
		return Issued{}, err
	}
	permit, err := g.redeem(ctx, s, c, req)
	if err != nil {
		return Issued{}, err
	}
	scopes, err := narrowScopes(permit.Scopes, req.Scope)
	if err != nil {
		return Issued{}, err
	}
	audience, err := s.narrowResources(permit.Resources, req.Resources)
	if err != nil {
		return Issued{}, err
	}
	scope := strings.Join(scopes, " ")
	access, err := s.Tokens.MakeClientAccess(token.ClientAccess{
		Subject: permit.Subject, Audience: audience, Client: c.ID, Scope: scope,
	})
	if err != nil {
		return Issued{}, err
	}
	s.noteIssue(c.ID)
	return Issued{Access: access, Life: s.Tokens.Life(), Scope: scope}, nil
}

// narrowScopes returns what asked asks of allowed, each once; all of it if nothing
// is asked (RFC 6749 §3.3).
func narrowScopes(allowed []string, asked string) ([]string, error) {
	if asked == "" {
		return allowed, nil
	}
	var out []string
	for word := range strings.SplitSeq(asked, " ") {
		if !slices.Contains(allowed, word) {
			return nil, headykey.ErrScopeNotAllowed
		}
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out, nil
}

// narrowResources returns what asked asks of allowed, each once. If nothing is
// asked it is the server's own resource where that is allowed, or the only one
// that is; a client of several others must name one.
func (s *Service) narrowResources(allowed, asked []string) ([]string, error) {
	if len(asked) == 0 {
		switch {
		case slices.Contains(allowed, s.ownResource()):
			return []string{s.ownResource()}, nil
		case len(allowed) == 1:
			return allowed, nil
		}
		return nil, headykey.ErrBadResource.Saying("This client is registered for several resources: name one.")
	}
	var out []string
	size := 0
	for _, r := range asked {
		if size += len(r); size > maxAudience {
			return nil, headykey.ErrBadResource.Saying("These are too many resources for one token.")
		}
		if !slices.Contains(allowed, r) {
			return nil, headykey.ErrBadResource
		}
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out, nil
}

// ownResource is what tokens are for if nobody says otherwise.
func (s *Service) ownResource() string { return s.base + "/api/v1" }

// resourcesOf is what c's tokens may be for.
func (s *Service) resourcesOf(c *headykey.Client) []string {
	if len(c.Resources) == 0 {
		return []string{s.ownResource()}
	}
	return c.Resources
}
