package oauth

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"headykey.com/headykey"
)

// How much a client may be registered for.
const (
	maxScopes    = 89
	maxScopeText = 1597 // bytes of all scopes together: each may stand in one token
	maxAddresses = 34   // of redirect URIs, and of other lists of addresses
	maxWords     = 21   // of other lists
	maxWord      = 233  // bytes of one of them
)

// scopeForm is a scope-token of RFC 6749 §3.3, at most 89 characters.
var scopeForm = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,89}$`)

// hostForm is the host of an address, with its port.
var hostForm = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// check returns nil if c may be kept, or headykey.ErrInvalid about what may not.
// Whoever makes or changes a client asks here; what lies at an address of the
// client is asked by vetSector.
func (s *Service) check(c *headykey.Client) error {
	for _, rule := range []func(*headykey.Client) error{
		checkName, checkProof, s.checkKeys, checkCertificate, checkGrants, checkResponses, s.checkCIBA, checkScopes,
		checkRedirects, s.checkResources, checkPages, checkLogout, checkSubject,
		checkAlgorithms, checkEncryption, s.checkDetailTypes, checkWords,
	} {
		if err := rule(c); err != nil {
			return err
		}
	}
	return nil
}

func checkName(c *headykey.Client) error {
	name, err := headykey.CleanName(c.Name)
	if err != nil {
		return err
	}
	if c.Name = name; name == "" {
		return headykey.ErrMissingField.About("name")
	}
	return nil
}

func checkProof(c *headykey.Client) error {
	d := &c.Details
	if d.JWKS.Kind() == 'n' {
		d.JWKS = nil
	}
	switch {
	case len(d.JWKS) > 0 && d.JWKS.Kind() != '{':
		return invalid("jwks", "This member has a value of another type.")
	case !slices.Contains(AuthMethods, c.AuthMethod):
		return invalid("token_endpoint_auth_method", "This way to prove a client does not exist here.")
	}
	return nil
}

func checkScopes(c *headykey.Client) error {
	if len(strings.Join(c.Scopes, " ")) > maxScopeText {
		return invalid("scopes", "All scopes together have more than 1597 bytes.")
	}
	if len(c.Scopes) > maxScopes || slices.ContainsFunc(c.Scopes, func(scope string) bool { return !scopeForm.MatchString(scope) }) {
		return invalid("scopes", "Scopes are up to 89 words of printable ASCII.")
	}
	return nil
}

// checkWords looks at what is kept and repeated, and means nothing here.
func checkWords(c *headykey.Client) error {
	d := &c.Details
	for _, one := range []struct {
		field string
		words []string
	}{
		{"contacts", d.Contacts}, {"default_acr_values", d.ACR}, {"authorization_details_types", d.DetailTypes},
		{"token_exchange_actors", d.TokenExchangeActors},
		{"software_id", []string{d.SoftwareID}}, {"software_version", []string{d.SoftwareVersion}},
	} {
		if len(one.words) > maxWords || slices.ContainsFunc(one.words, isUnfit) {
			return invalid(one.field, "This is up to 21 texts of at most 233 bytes, without control characters.")
		}
	}
	if d.MaxAge != nil && *d.MaxAge < 0 {
		return invalid("default_max_age", "This is a number of seconds, 0 or more.")
	}
	return nil
}

func isUnfit(text string) bool {
	return len(text) > maxWord || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
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
