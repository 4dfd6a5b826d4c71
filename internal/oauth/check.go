package oauth

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

// How much a client may be registered for.
const (
	maxScopes    = 89
	maxScopeText = 1597 // bytes of all scopes together: each may stand in one token
	maxAddresses = 34   // of redirect URIs, and of resources
)

// scopeForm is a scope-token of RFC 6749 §3.3, at most 89 characters.
var scopeForm = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,89}$`)

// check returns nil if c may be kept, or headykey.ErrInvalid about what may not.
func (s *Service) check(c *headykey.Client) error {
	name, err := headykey.CleanName(c.Name)
	if err != nil {
		return err
	}
	if c.Name = name; name == "" {
		return headykey.ErrMissingField.About("name")
	}
	if !slices.Contains(AuthMethods, c.AuthMethod) {
		return invalid("token_endpoint_auth_method", "This way to prove a client does not exist here.")
	}
	if err := s.checkKeys(c); err != nil {
		return err
	}
	for _, g := range c.Grants {
		if !slices.Contains(GrantTypes(), g) {
			return invalid("grant_types", "This grant type does not exist here.")
		}
	}
	if c.Public() && c.May("client_credentials") {
		return invalid("grant_types", "A public client has nothing to get tokens of its own by.")
	}
	if c.May("authorization_code") && len(c.Redirects) == 0 {
		return invalid("redirect_uris", "A client that gets codes needs a redirect URI.")
	}
	for _, r := range c.Responses() {
		if !slices.Contains(ResponseTypes, r) {
			return invalid("response_types", "This response type does not exist here.")
		}
	}
	if len(strings.Join(c.Scopes, " ")) > maxScopeText {
		return invalid("scopes", "All scopes together have more than 1597 bytes.")
	}
	if len(c.Scopes) > maxScopes || slices.ContainsFunc(c.Scopes, func(scope string) bool { return !scopeForm.MatchString(scope) }) {
		return invalid("scopes", "Scopes are up to 89 words of printable ASCII.")
	}
	if err := checkAddresses("redirect_uris", "redirect URI", c.Redirects, redirectFault); err != nil {
		return err
	}
	return checkAddresses("resources", "resource", c.Resources, func(text string) string {
		if text == s.base+"/api" {
			return "must not be the HeadyKey API, which takes no tokens of clients"
		}
		return resourceFault(text)
	})
}

// checkKeys returns nil if c can sign what it is registered to sign: its proofs and
// its request objects.
func (s *Service) checkKeys(c *headykey.Client) error {
	d := &c.Details
	has := len(d.JWKS) > 0 || d.JWKSURI != ""
	switch {
	case len(d.JWKS) > 0 && d.JWKSURI != "":
		return invalid("jwks", "Keys are registered by value or by jwks_uri, not both.")
	case d.JWKSURI != "" && s.Fetch.Check(d.JWKSURI) != nil:
		return invalid("jwks_uri", "The jwks_uri must be the https address of a public server.")
	case c.AuthMethod == PrivateKeyJWT && !has:
		return invalid("jwks", "A client that proves itself by its keys needs a jwks or a jwks_uri.")
	case d.RequireSigned && !has:
		return invalid("jwks", "A client that signs its requests needs a jwks or a jwks_uri.")
	case !mayProve(c):
		return invalid("token_endpoint_auth_signing_alg", "This client cannot prove itself with this algorithm.")
	case d.RequestAlg != "" && len(algorithmsOf(c, d.RequestAlg)) == 0:
		return invalid("request_object_signing_alg", "This client cannot sign its requests with this algorithm.")
	}
	if len(d.JWKS) > 0 {
		if _, err := jose.ParseSet(d.JWKS); err != nil {
			return invalid("jwks", "The jwks is "+err.Error()+".")
		}
	}
	return checkAddresses("request_uris", "request URI", d.RequestURIs, func(text string) string {
		if s.Fetch.Check(withoutFragment(text)) != nil {
			return "must be an https address of a public server"
		}
		return ""
	})
}

// mayProve reports whether c's algorithm for assertions, if it has one, is one for
// its method. With methods that sign nothing it does not matter.
func mayProve(c *headykey.Client) bool {
	switch alg := c.Details.AuthAlg; {
	case alg == "":
		return true
	case c.AuthMethod == SecretJWT:
		return alg == jose.HS256
	case c.AuthMethod == PrivateKeyJWT:
		return len(algorithmsOf(c, alg)) > 0
	default:
		return slices.Contains(AssertionAlgorithms, alg)
	}
}

func checkAddresses(field, what string, all []string, faultOf func(string) string) error {
	if len(all) > maxAddresses {
		return invalid(field, "There are more than 34.")
	}
	for _, text := range all {
		if fault := faultOf(text); fault != "" {
			return invalid(field, "A "+what+" "+fault+".")
		}
	}
	return nil
}

func invalid(field, text string) error { return headykey.ErrInvalid.Saying(text).About(field) }

// originsOf is where c's pages come from: those of its redirect URIs.
func originsOf(c *headykey.Client) []string {
	var all []string
	for _, text := range c.Redirects {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	return all
}
