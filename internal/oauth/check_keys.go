package oauth

import (
	"slices"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

// checkKeys returns nil if c can sign what it is registered to sign: its proofs and
// its request objects.
func (s *Service) checkKeys(c *headykey.Client) error {
	d := &c.Details
	has := len(d.JWKS) > 0 || d.JWKSURI != ""
	switch {
	case c.Profile == headykey.ProfileFAPI2 && (c.Public() || strings.HasPrefix(c.AuthMethod, "client_secret_")):
		return invalid("token_endpoint_auth_method", "A client of FAPI 2.0 proves itself by a key of its own.") // FAPI 2.0 §5.3.2.1
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
