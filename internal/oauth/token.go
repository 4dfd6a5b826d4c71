package oauth

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/token"
)

const maxAudience = 2584 // bytes of all resources of one token

// A Request is what a client asks of the token endpoint.
type Request struct {
	Grant      string     // grant_type
	Scope      string     // words with one space between them; "": all that it may
	Resources  []string   // RFC 8707; none: the usual one
	Form       url.Values // what the grant itself needs, each once
	Possession Possession // the keys that the request shows to hold
	From       headykey.From
}

// Issued is what the token endpoint gives.
type Issued struct {
	Access  string
	Type    string        // Bearer, DPoP
	Life    time.Duration // of Access
	Scope   string        // what it may be used for; "": nothing in particular
	Refresh string        // "": none
	ID      string        // ID token; "": none
	Details []byte        // authorization_details (RFC 9396 §7); nil: none
	Kind    string        // issued_token_type (RFC 8693 §2.2.1); "": not an exchange
}

// Token gives the client c, which has proven itself, tokens for what it asks. It
// fails with headykey.ErrUnknownGrant, ErrGrantNotAllowed, ErrScopeNotAllowed,
// ErrBadResource, ErrBadProof, and as the grant does. The receipt "token.issued"
// follows within a second, with a count; a grant that is used up leaves its own.
func (s *Service) Token(ctx context.Context, c *headykey.Client, req Request) (Issued, error) {
	c, err := s.present(ctx, c.ID)
	if err != nil {
		return Issued{}, err
	}
	g, err := grantFor(c, req.Grant)
	if err != nil {
		return Issued{}, err
	}
	if err := s.demandPossession(c, req.Possession); err != nil {
		return Issued{}, err
	}
	permit, err := g.redeem(ctx, s, c, req)
	if err != nil {
		return Issued{}, err
	}
	out, err := s.issue(ctx, c, permit, req)
	if err == nil {
		s.noteIssue(c.ID)
	}
	return out, err
}

// present returns the client under id as it is at this moment: whatever was proven of
// it a moment ago, one that is disabled or gone is headykey.ErrBadClient.
func (s *Service) present(ctx context.Context, id headykey.ID) (*headykey.Client, error) {
	c, err := s.client(ctx, id)
	if isMissing(err) || err == nil && !c.Disabled.IsZero() {
		return nil, headykey.ErrBadClient
	}
	return c, err
}

// issue makes the tokens that a permit allows. Every grant ends here.
func (s *Service) issue(ctx context.Context, c *headykey.Client, permit Permit, req Request) (Issued, error) {
	if permit.Proof == nil {
		return s.ownAccess(c, permit, req)
	}
	if permit.Kind != "" {
		req.Scope, req.Resources = "", nil // an exchange has narrowed already
	}
	out, err := s.access(c, permit.Proof, req)
	if err != nil {
		return Issued{}, err
	}
	out.Refresh, out.Kind = permit.Refresh, permit.Kind
	t := &permit.Proof.Authorization.Terms
	out.Details = t.Details
	if t.Has(headykey.ScopeOpenID) && permit.Kind == "" && !permit.Absent {
		out.ID, err = s.idToken(ctx, c, permit.Proof, halves{Access: out.Access})
	}
	return out, err
}

// ownAccess makes an access token for a client by itself.
func (s *Service) ownAccess(c *headykey.Client, permit Permit, req Request) (Issued, error) {
	scopes, err := narrowScopes(permit.Scopes, req.Scope)
	if err != nil {
		return Issued{}, err
	}
	audience, err := s.narrowResources(permit.Resources, req.Resources)
	if err != nil {
		return Issued{}, err
	}
	return s.makeAccess(token.ClientAccess{
		Subject: string(permit.Subject), Audience: audience, Client: c.ID, Scope: strings.Join(scopes, " "),
		Bound: req.Possession.confirm(c), Act: permit.Act,
	})
}

// access makes an access token that stands on an authorization. The request may ask
// for less than was allowed.
func (s *Service) access(c *headykey.Client, p *headykey.AuthorizationProof, req Request) (Issued, error) {
	a := &p.Authorization
	scopes, err := narrowScopes(a.Terms.Scopes, req.Scope)
	if err != nil {
		return Issued{}, err
	}
	allowed := a.Terms.Resources
	if len(allowed) == 0 {
		allowed = s.resourcesOf(c)
	}
	audience, err := s.narrowAudience(allowed, a.Terms.Resources, req.Resources)
	if err != nil {
		return Issued{}, err
	}
	if len(a.Terms.Resources)+len(req.Resources) == 0 && slices.Contains(scopes, headykey.ScopeOpenID) && !slices.Contains(audience, s.ownResource()) {
		audience = append(slices.Clone(audience), s.Issuer()) // or its own userinfo would refuse it
	}
	return s.makeAccess(token.ClientAccess{
		Subject: a.Terms.Subject, Audience: audience, Client: c.ID, Scope: strings.Join(scopes, " "), Grant: a.ID,
		Session: a.Session, Proven: a.Terms.Proven, ACR: a.Terms.ACR, AMR: a.Terms.AMR, Bound: req.Possession.confirm(c),
		Details: a.Terms.Details, Act: a.Terms.Act, MayAct: mayAct(c), Expires: lastSecond(a),
	})
}

// mayAct names the one client that may act for whom c's tokens are of, if an operator
// named one: then nobody else may (RFC 8693 §4.4).
func mayAct(c *headykey.Client) jsontext.Value {
	if len(c.Details.TokenExchangeActors) != 1 {
		return nil
	}
	text, err := json.Marshal(map[string]string{"client_id": c.Details.TokenExchangeActors[0]})
	if err != nil {
		return nil // a string can be written
	}
	return text
}

// lastSecond is when tokens that stand on a end at the latest; zero: as they do.
func lastSecond(a *headykey.Authorization) int64 {
	switch {
	case a.Parent != "":
		return a.Expires.Unix() // it gains no time by an exchange
	case !a.Ends.IsZero():
		return a.Ends.Unix()
	}
	return 0
}

// narrowAudience is what a token is for: what the request names, else all that was
// asked for at the beginning, else the usual one.
func (s *Service) narrowAudience(allowed, chosen, asked []string) ([]string, error) {
	if len(asked) == 0 && len(chosen) > 0 {
		return chosen, nil
	}
	return s.narrowResources(allowed, asked)
}

func (s *Service) makeAccess(a token.ClientAccess) (Issued, error) {
	life := s.Tokens.Life()
	if a.Expires != 0 {
		life = min(life, time.Until(time.Unix(a.Expires, 0)))
	}
	text, err := s.Tokens.MakeClientAccess(a)
	if err != nil {
		return Issued{}, err
	}
	out := Issued{Access: text, Type: Bearer, Life: life, Scope: a.Scope}
	if a.Bound != nil && a.Bound.JKT != "" {
		out.Type = DPoP
	}
	return out, nil
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

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// hasWord reports whether word is among the words of text.
func hasWord(text, word string) bool { return slices.Contains(strings.Fields(text), word) }
