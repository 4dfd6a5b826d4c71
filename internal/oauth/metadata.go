package oauth

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

// Metadata is what a client is registered with, in the spelling of RFC 7591 §2 and
// OpenID Connect Registration §2.
type Metadata struct {
	Name       string   `json:"client_name,omitempty"`
	AuthMethod string   `json:"token_endpoint_auth_method,omitempty"`
	Grants     []string `json:"grant_types,omitempty"`
	Redirects  []string `json:"redirect_uris,omitempty"`
	Scope      string   `json:"scope,omitempty"` // with spaces between the words
	headykey.ClientDetails
}

// ParseMetadata reads one JSON object. Members that it does not know are passed
// over, among them names in other languages (client_name#de); one that is null is
// absent. It fails with headykey.ErrInvalidJSON, and with ErrInvalid about a member
// of the wrong type.
func ParseMetadata(text []byte) (Metadata, error) {
	var m Metadata
	return m, mergeInto(&m, &m.JWKS, text)
}

// Wish is what an operator who says m wants.
func (m Metadata) Wish() ClientWish {
	return ClientWish{
		Name: m.Name, AuthMethod: m.AuthMethod, Grants: m.Grants, Redirects: m.Redirects,
		Scopes: strings.Fields(m.Scope), Details: m.ClientDetails,
	}
}

// merge lets the members of another object override those of m.
func (m *Metadata) merge(text []byte) error { return mergeInto(m, &m.JWKS, text) }

// mergeDetails lets the members of an object override those of d.
func mergeDetails(text []byte, d *headykey.ClientDetails) error {
	if len(text) == 0 {
		return nil
	}
	// Lists are read into the arrays that are there: those must not be another's.
	d.Responses, d.Contacts, d.RequestURIs = slices.Clone(d.Responses), slices.Clone(d.Contacts), slices.Clone(d.RequestURIs)
	d.ACR, d.DetailTypes = slices.Clone(d.ACR), slices.Clone(d.DetailTypes)
	d.LogoutRedirects, d.TokenExchangeActors = slices.Clone(d.LogoutRedirects), slices.Clone(d.TokenExchangeActors)
	d.Serves = slices.Clone(d.Serves)
	d.JWKS = slices.Clone(d.JWKS)
	return mergeInto(d, &d.JWKS, text)
}

// mergeInto decodes text over into, whose key set lies at keys.
func mergeInto(into any, keys *jsontext.Value, text []byte) error {
	if !strings.HasPrefix(strings.TrimLeft(string(text), " \t\r\n"), "{") {
		return headykey.ErrInvalidJSON
	}
	err := json.Unmarshal(text, into)
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		field := "" // the first name on the way to it
		for field = range wrong.JSONPointer.Tokens() {
			break
		}
		return invalid(field, "This member has a value of another type.")
	}
	if err != nil {
		return headykey.ErrInvalidJSON
	}
	switch keys.Kind() {
	case 'n':
		*keys = nil
	case '{', 0:
	default:
		return invalid("jwks", "This member has a value of another type.")
	}
	return nil
}

// metadataOf is what c is registered with, the defaults written out.
func metadataOf(c *headykey.Client) Metadata {
	m := Metadata{
		Name: c.Name, AuthMethod: c.AuthMethod, Grants: c.Grants, Redirects: c.Redirects,
		Scope: strings.Join(c.Scopes, " "), ClientDetails: c.Details,
	}
	if len(m.Responses) == 0 && c.May("authorization_code") {
		m.Responses = c.Responses()
	}
	return m
}

// put makes the dynamic client c what m says. What m leaves out has its default,
// whatever it was before (RFC 7592 §2.2), but for what operators alone decide:
// that stays, and the trust in what is gone now ends.
func (m Metadata) put(c *headykey.Client) error {
	operators := c.Details
	c.Name = cmp.Or(m.Name, nameFrom(m.URI, m.Redirects))
	c.AuthMethod = cmp.Or(m.AuthMethod, SecretBasic)
	c.Redirects, c.Details = m.Redirects, m.ClientDetails
	c.Details.DetailTypes, c.Details.TokenExchangeActors = operators.DetailTypes, operators.TokenExchangeActors
	c.Details.Serves = operators.Serves
	if c.Grants = m.Grants; len(c.Grants) == 0 {
		c.Grants = grantsFor(m.Responses)
	}
	c.Trusted, c.Verified = false, time.Time{}
	return m.putScopes(c)
}

// putScopes narrows the scopes to those that a client may choose by itself (RFC 7591
// §2: the server may register fewer).
func (m Metadata) putScopes(c *headykey.Client) error {
	c.Scopes = slices.Clone(StandardScopes)
	if m.Scope == "" {
		return nil
	}
	asked := strings.Fields(m.Scope)
	c.Scopes = slices.DeleteFunc(c.Scopes, func(one string) bool { return !slices.Contains(asked, one) })
	if len(c.Scopes) == 0 {
		return invalid("scopes", "None of these scopes can be registered for.")
	}
	return nil
}

// nameFrom is what a client is called that did not say: by the host that it is
// known from.
func nameFrom(uri string, redirects []string) string {
	for _, text := range append([]string{uri}, redirects...) {
		if u, err := url.Parse(text); err == nil && u.Hostname() != "" {
			return u.Hostname()
		}
	}
	return "Unnamed program"
}

// asMetadataFault spells what is wrong with a client as RFC 7591 §3.2.2 does.
func asMetadataFault(err error) error {
	e := headykey.Explain(err)
	if err == nil || !e.Is(headykey.ErrInvalid) && !e.Is(headykey.ErrMissingField) && !e.Is(headykey.ErrInvalidJSON) {
		return err
	}
	names := map[string]string{"name": "client_name", "scopes": "scope"}
	spelled := headykey.ErrBadMetadata.Saying(e.Text)
	for _, f := range e.Fields {
		if f.Name == "redirect_uris" {
			spelled = headykey.ErrBadRedirect.Saying(e.Text)
		}
	}
	for _, f := range e.Fields {
		spelled = spelled.About(cmp.Or(names[f.Name], f.Name))
	}
	return spelled
}
