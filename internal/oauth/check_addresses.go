package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

const maxSector = 5 << 10 // bytes of the document at a sector_identifier_uri

// checkRedirects looks at where people may be sent back to (RFC 8252 §7, OpenID
// Connect Registration §2).
func checkRedirects(c *headykey.Client) error {
	d := &c.Details
	if len(c.Redirects) == 0 && (c.May("authorization_code") || c.May("implicit")) {
		return invalid("redirect_uris", "A client that people are sent back to needs a redirect URI.")
	}
	if !slices.Contains([]string{"", "web", "native"}, d.ApplicationType) {
		return invalid("application_type", "The types are web and native.")
	}
	return checkAddresses("redirect_uris", "redirect URI", c.Redirects, func(text string) string {
		if fault := redirectFault(text); fault != "" || d.ApplicationType == "native" {
			return fault
		}
		u, err := url.Parse(text)
		switch {
		case err != nil:
			return "must be a URI"
		case d.ApplicationType == "web" && u.Scheme != "https" && u.Scheme != "http":
			return "of a web application must be https"
		case c.May("implicit") && (u.Scheme != "https" || isLoopback(u.Hostname())):
			return "that tokens are sent to must be https and not on localhost, unless the application is native"
		}
		return ""
	})
}

func (s *Service) checkResources(c *headykey.Client) error {
	return checkAddresses("resources", "resource", c.Resources, func(text string) string {
		if text == s.base+"/api" {
			return "must not be the HeadyKey API, which takes no tokens of clients"
		}
		return resourceFault(text)
	})
}

// checkPages looks at what people or their browsers are shown, and at where
// requests are fetched from: https alone.
func checkPages(c *headykey.Client) error {
	d := &c.Details
	for _, one := range []struct{ field, text string }{
		{"client_uri", d.URI}, {"logo_uri", d.LogoURI}, {"policy_uri", d.PolicyURI}, {"tos_uri", d.TermsURI},
		{"initiate_login_uri", d.InitiateLogin}, {"sector_identifier_uri", d.SectorURI},
	} {
		if one.text == "" {
			continue
		}
		if err := checkAddresses(one.field, "page", []string{one.text}, pageFault); err != nil {
			return err
		}
	}
	return checkAddresses("request_uris", "request URI", d.RequestURIs, func(text string) string {
		text, _, _ = strings.Cut(text, "#") // the hash of what is there (OpenID Connect Core §6.2)
		return pageFault(text)
	})
}

// pageFault says why text may not be a page on the web, or "".
func pageFault(text string) string {
	u, fault := absolute(text)
	switch {
	case fault != "":
		return fault
	case u.Scheme != "https":
		return "must be https"
	}
	return webFault(u)
}

// checkLogout looks at who is told of a sign-out, and where people go after it. The
// frame of a front-channel logout must come from a page that is known already
// (OpenID Connect Front-Channel Logout §2).
func checkLogout(c *headykey.Client) error {
	d := &c.Details
	if err := checkAddresses("post_logout_redirect_uris", "post-logout redirect URI", d.LogoutRedirects, redirectFault); err != nil {
		return err
	}
	if d.BackLogoutURI != "" {
		err := checkAddresses("backchannel_logout_uri", "logout URI", []string{d.BackLogoutURI}, resourceFault)
		if err != nil {
			return err
		}
	}
	if d.FrontLogoutURI == "" {
		return nil
	}
	return checkAddresses("frontchannel_logout_uri", "logout URI", []string{d.FrontLogoutURI}, func(text string) string {
		if fault := resourceFault(text); fault != "" {
			return fault
		}
		u, err := url.Parse(text)
		if err != nil || !slices.Contains(originsOf(c), u.Scheme+"://"+u.Host) {
			return "must have the scheme, host and port of a redirect URI"
		}
		return ""
	})
}

// checkSubject looks at how a client knows people. Redirect URIs on several hosts
// are one sector only if a document says so (OpenID Connect Core §8.1).
func checkSubject(c *headykey.Client) error {
	d := &c.Details
	if !slices.Contains([]string{"", "public", "pairwise"}, d.SubjectType) {
		return invalid("subject_type", "The types are public and pairwise.")
	}
	if d.SubjectType != "pairwise" || d.SectorURI != "" {
		return nil
	}
	var hosts []string
	for _, text := range c.Redirects {
		if u, err := url.Parse(text); err == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	slices.Sort(hosts)
	if len(slices.Compact(hosts)) > 1 {
		return invalid("sector_identifier_uri", "Redirect URIs on several hosts need one for pairwise subjects.")
	}
	return nil
}

// vetSector asks the document at c's sector_identifier_uri, if it has one, for all
// of its redirect URIs (OpenID Connect Registration §5). It goes out, so it is never
// called in a transaction.
func (s *Service) vetSector(ctx context.Context, c *headykey.Client) error {
	uri := c.Details.SectorURI
	if uri == "" {
		return nil
	}
	const field, accept = "sector_identifier_uri", "application/json"
	doc, err := s.Fetch.Get(ctx, uri, maxSector, accept)
	if err == nil && !lists(doc.Body, c.Redirects) {
		doc, err = s.Fetch.Refetch(ctx, uri, maxSector, accept)
	}
	switch {
	case err != nil:
		return invalid(field, "The document at this address cannot be had.")
	case !lists(doc.Body, c.Redirects):
		return invalid(field, "The document at this address does not list every redirect URI.")
	}
	return nil
}

// lists reports whether document is a JSON array of strings with all of wanted
// among them.
func lists(document []byte, wanted []string) bool {
	var known []string
	return json.Unmarshal(document, &known) == nil && covers(known, wanted)
}

// sectorKey is what vetSector looked at: while it stays, nothing need be asked anew.
func sectorKey(c *headykey.Client) string {
	if c.Details.SectorURI == "" {
		return ""
	}
	return c.Details.SectorURI + "\n" + strings.Join(c.Redirects, "\n")
}
