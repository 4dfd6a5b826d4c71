package upstream

import (
	"slices"
	"strings"

	"headykey.com/headykey"
)

// An Identity is one person as a provider knows them. Provider and Subject together
// say who it is; all else may change.
type Identity struct {
	Provider      string
	Issuer        string
	Subject       string
	Email         string         // as headykey.ParseEmail returns it; empty: none that is good
	EmailVerified bool           // the provider says that it is theirs
	Name          string         // may be empty
	Picture       string         // URL; may be empty
	Claims        map[string]any // what may be kept of the token, by the names of OpenID Connect Core §5.1; all from outside
}

// What is kept of a token besides iss, sub and the e-mail address. A claim that is
// not what it should be is left out: it is no reason to refuse anybody.
var (
	texts     = []string{"name", "given_name", "middle_name", "family_name", "nickname", "preferred_username", "locale", "zoneinfo"}
	addresses = []string{"picture", "profile", "website"}
)

// specials lists what one provider alone says; it is kept under custom_claims.
var specials = map[string][]string{
	"apple":  {"is_private_email"},
	"google": {"hd"}, // the organisation that the account belongs to
}

const maxAddress = 2048 // bytes of a URL

// identity returns whom c, a token by i that counts, is about.
func (c *claims) identity(i Issuer) *Identity {
	kept := map[string]any{"iss": c.Issuer, "sub": c.Subject}
	for _, name := range texts {
		keep(kept, name, textOf(c.said[name]))
	}
	for _, name := range addresses {
		keep(kept, name, addressOf(c.said[name]))
	}
	who := &Identity{Provider: i.Provider, Issuer: c.Issuer, Subject: c.Subject, Email: c.email(), Claims: kept}
	if who.Email != "" {
		who.EmailVerified = isTrue(c.said["email_verified"])
		kept["email"], kept["email_verified"] = who.Email, who.EmailVerified
	}
	who.Name, _ = kept["name"].(string)
	who.Picture, _ = kept["picture"].(string)
	if special := c.special(i); len(special) > 0 {
		kept["custom_claims"] = special
	}
	return who
}

// special returns what i alone says: switches and texts.
func (c *claims) special(i Issuer) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Concat(specials[i.Provider], i.Claims) {
		if on, ok := c.said[name].(bool); ok {
			out[name] = on
			continue
		}
		keep(out, name, textOf(c.said[name]))
	}
	return out
}

// email returns the address that c names as we keep it, or "" if it is none.
func (c *claims) email() string {
	said, _ := c.said["email"].(string)
	address, _, err := headykey.ParseEmail(said)
	if err != nil {
		return ""
	}
	return address
}

func keep(kept map[string]any, name, text string) {
	if text != "" {
		kept[name] = text
	}
}

// textOf returns a short text on one line, or "".
func textOf(v any) string {
	s, _ := v.(string)
	s, err := headykey.CleanName(headykey.ShownText(s))
	if err != nil {
		return ""
	}
	return s
}

// addressOf returns a URL that a page may link to, or "".
func addressOf(v any) string {
	s, _ := v.(string)
	if len(s) > maxAddress || !isWeb(s) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// isTrue reads a boolean that some providers spell as a string.
func isTrue(v any) bool { return v == true || v == "true" }
