package upstream

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// An Issuer is somebody whose ID tokens count. All that a token is checked against
// stands here; nothing of it comes from the token or from whoever sends it.
type Issuer struct {
	Provider      string   `json:"provider"`                 // whose people these are: google, apple, or custom:acme
	Issuer        string   `json:"issuer"`                   // as the claim iss spells it
	ClientIDs     []string `json:"client_ids"`               // our apps there; whatever aud and azp may name must be listed
	KeysURL       string   `json:"jwks_url,omitempty"`       // where its public keys are; empty: where its discovery document says
	SkipNonce     bool     `json:"skip_nonce,omitempty"`     // DANGEROUS: whoever finds a token may use it until it expires
	EmailOptional bool     `json:"email_optional,omitempty"` // people without an e-mail address count, too
}

// providers lists the names that are not custom. No other may be taken: an identity
// is known by provider and subject, and some, such as email, are our own.
var providers = []string{
	"apple", "azure", "facebook", "google", "kakao", "keycloak", "snapchat", "vercel_marketplace",
}

var custom = regexp.MustCompile(`^custom:[a-z0-9][a-z0-9_-]{0,49}$`)

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
