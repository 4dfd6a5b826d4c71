package oauth

import (
	"net/netip"
	"net/url"
	"strings"
)

const maxAddress = 2048 // bytes of a redirect URI or a resource

// redirectFault says why text may not be a redirect URI, or "": an absolute URI
// without fragment that is https, http on loopback (RFC 8252 §7.3), or of a
// private-use scheme that is a domain turned round (RFC 8252 §7.1). It will be
// compared byte for byte (RFC 9700 §2.1).
func redirectFault(text string) string {
	u, fault := absolute(text)
	switch {
	case fault != "":
		return fault
	case u.Scheme == "https" || u.Scheme == "http":
		return webFault(u)
	case !strings.Contains(u.Scheme, "."):
		return "must be https, http on loopback, or of a private-use scheme such as com.example.app"
	case u.Opaque != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/"):
		return "of a private-use scheme must have one slash and a path behind the colon"
	}
	return dotFault(u)
}

// resourceFault says why text may not name a resource (RFC 8707 §2), or "".
func resourceFault(text string) string {
	u, fault := absolute(text)
	switch {
	case fault != "":
		return fault
	case u.Scheme != "https" && u.Scheme != "http":
		return "must be https, or http on loopback"
	}
	return webFault(u)
}

// absolute parses what every address must be.
func absolute(text string) (u *url.URL, fault string) {
	if len(text) > maxAddress {
		return nil, "must have at most 2048 bytes"
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}*", c) >= 0 {
			return nil, "has a character that belongs in no such address"
		}
	}
	if strings.Contains(text, "#") {
		return nil, "must not have a fragment"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !strings.HasPrefix(text, u.Scheme+":") {
		return nil, "must be an absolute URI with its scheme in lower case"
	}
	return u, ""
}

func webFault(u *url.URL) string {
	switch {
	case u.Opaque != "" || u.Hostname() == "":
		return "must name a host"
	case u.User != nil:
		return "must not have a user name"
	case strings.HasSuffix(u.Host, ":"):
		return "must not have an empty port"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "must be https, unless it is on loopback"
	}
	return dotFault(u)
}

// dotFault refuses what browsers would rewrite before they go there.
func dotFault(u *url.URL) string {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return "must not have dot segments in its path"
		}
	}
	return ""
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
