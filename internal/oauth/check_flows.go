package oauth

import (
	"slices"
	"strings"

	"headykey.com/headykey"
)

func checkGrants(c *headykey.Client) error {
	for _, g := range c.Grants {
		if !slices.Contains(GrantTypes(), g) {
			return invalid("grant_types", "This grant type does not exist here.")
		}
	}
	if c.Public() && c.May("client_credentials") {
		return invalid("grant_types", "A public client has nothing to get tokens of its own by.")
	}
	return nil
}

// checkResponses holds response types and grant types together (RFC 7591 §2.1,
// OpenID Connect Registration §2). The words of a response type have no order:
// they are kept sorted.
func checkResponses(c *headykey.Client) error {
	profiles := []headykey.Profile{headykey.ProfileOIDC, headykey.ProfileOAuth21, headykey.ProfileFAPI2}
	if !slices.Contains(profiles, c.Profile) {
		return invalid("profile", "A profile is oidc, oauth21 or fapi2.")
	}
	for i, r := range c.Details.Responses {
		r = sortedWords(r)
		c.Details.Responses[i] = r
		code, front := flows(r)
		switch {
		case !slices.Contains(ResponseTypes, r):
			return invalid("response_types", "This response type does not exist here.")
		case front && c.Profile != headykey.ProfileOIDC:
			return invalid("response_types", "The client's profile knows the response type code alone.")
		case code && !c.May("authorization_code"):
			return invalid("response_types", "A response type with code needs the grant type authorization_code.")
		case front && !c.May("implicit"):
			return invalid("response_types", "A response type with a token needs the grant type implicit.")
		}
	}
	return nil
}

// flows reports whether a response type has a code, and whether it has a token of
// any kind, which then comes by way of the browser.
func flows(response string) (code, front bool) {
	return slices.Contains(strings.Fields(response), "code"), strings.Contains(response, "token")
}

func sortedWords(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// grantsFor are the grant types that response types need; none of these mean code.
func grantsFor(responses []string) []string {
	var code, front bool
	for _, r := range responses {
		c, f := flows(r)
		code, front = code || c, front || f
	}
	var all []string
	if code || len(responses) == 0 {
		all = append(all, "authorization_code")
	}
	if front {
		all = append(all, "implicit")
	}
	return all
}
