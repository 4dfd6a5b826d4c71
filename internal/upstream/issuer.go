package upstream

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"headykey.com/headykey"
)

// An Issuer is somebody whose ID tokens count. All that a token is checked against
// stands here; nothing of it comes from the token or from whoever sends it.
type Issuer struct {
	Provider      string   `json:"provider"`                 // whose people these are: google, apple, or custom:acme
	Issuer        string   `json:"issuer"`                   // as the claim iss spells it
	ClientIDs     []string `json:"client_ids"`               // our apps there; whatever aud and azp may name must be listed
	KeysURL       string   `json:"jwks_url,omitempty"`       // where its public keys are; empty: where its discovery document says
	DiscoveryURL  string   `json:"discovery_url,omitempty"`  // where its discovery document is; empty: at the usual place
	Claims        []string `json:"custom_claims,omitempty"`  // switches and texts of its tokens that are kept, too
	SkipNonce     bool     `json:"skip_nonce,omitempty"`     // DANGEROUS: whoever finds a token may use it until it expires
	EmailOptional bool     `json:"email_optional,omitempty"` // people without an e-mail address count, too
}

// providers lists the names that are not custom. No other may be taken: an identity
// is known by provider and subject, and some, such as email, are our own.
var providers = []string{
	"apple", "azure", "facebook", "google", "kakao", "keycloak", "snapchat", "vercel_marketplace",
}

var custom = regexp.MustCompile(`^custom:[a-z0-9][a-z0-9_-]{0,49}$`)

// OfCustom returns p, a provider of the kind headykey.OpenIDProvider, as an Issuer.
func OfCustom(p *headykey.CustomProvider) Issuer {
	return Issuer{
		Provider: p.Name, Issuer: p.Issuer, ClientIDs: p.Apps(), KeysURL: p.KeysURL, DiscoveryURL: p.DiscoveryURL,
		Claims: p.Claims, SkipNonce: p.SkipNonce, EmailOptional: p.EmailOptional,
	}
}

// Fault says what i must be, or "" if it can be used. Whether plain http will do is
// for the fetch client to say.
func (i Issuer) Fault() string {
	switch {
	case !slices.Contains(providers, i.Provider) && !custom.MatchString(i.Provider):
		return fmt.Sprintf("must have as provider one of %s, or custom: and a name in lower case, not %q",
			strings.Join(providers, ", "), i.Provider)
	case !isWeb(i.Issuer) || strings.Contains(i.Issuer, "?"):
		return fmt.Sprintf("must have as issuer an https:// URL without query and fragment, not %q", i.Issuer)
	case i.KeysURL != "" && !isWeb(i.KeysURL):
		return fmt.Sprintf("must have as jwks_url an https:// URL, or none, not %q", i.KeysURL)
	case i.DiscoveryURL != "" && !isWeb(i.DiscoveryURL):
		return fmt.Sprintf("must have as discovery_url an https:// URL, or none, not %q", i.DiscoveryURL)
	case len(i.ClientIDs) == 0 || slices.Contains(i.ClientIDs, ""):
		return "must have client_ids, none of them empty"
	}
	return ""
}

// isWeb reports whether text is the address of something on the web, without a
// fragment.
func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		!strings.Contains(text, "#")
}
