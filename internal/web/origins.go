package web

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// HeadyOrigins is the preset "heady": the 23 origins of the product's own sites.
var HeadyOrigins = [...]string{
	"https://headyme.com", "https://www.headyme.com",
	"https://headysystems.com", "https://www.headysystems.com",
	"https://heady-ai.com", "https://www.heady-ai.com",
	"https://headyos.com", "https://www.headyos.com",
	"https://headyconnection.org", "https://www.headyconnection.org",
	"https://headyex.com", "https://www.headyex.com",
	"https://headyfinance.com", "https://www.headyfinance.com",
	"https://headybuddy.org", "https://www.headybuddy.org",
	"https://admin.headysystems.com", "https://auth.headysystems.com", "https://api.headysystems.com",
	"https://headybot.com", "https://headyapi.com", "https://headyio.com", "https://headymcp.com",
}

// CheckOrigin returns nil if s is an origin exactly as browsers spell it
// (RFC 6454 §6.1) and fit to be listed, otherwise one sentence that names s.
func CheckOrigin(s string) error {
	if fault := originFault(s); fault != "" {
		return fmt.Errorf("CORS origin %q %s", s, fault)
	}
	return nil
}

func originFault(s string) string {
	if strings.Contains(s, "*") {
		return "has a *, but every origin must be listed by its full name"
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "has a character that no origin has; spell other alphabets as xn--"
		}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "is not an origin such as https://app.example.com"
	case u.Scheme != "https" && u.Scheme != "http":
		return "must begin with https://"
	case u.User != nil:
		return "must not have a user name"
	case u.Path == "/":
		return "must not end with a slash"
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return "must end after the host: no path, query or fragment"
	case lowerASCII(s) != s:
		return "must be in lower case"
	case originOf(u) != s:
		return "must leave out the usual port"
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return "must be https, since plain http is for loopback only"
	}
	return ""
}

// originOf returns the origin of u as browsers spell it.
func originOf(u *url.URL) string {
	scheme, host := lowerASCII(u.Scheme), lowerASCII(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + strings.TrimSuffix(host, ":")
}

// loopbackOrigin reports whether s is a well-spelled origin of this very machine.
func loopbackOrigin(s string) bool {
	if originFault(s) != "" {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && loopbackHost(u.Hostname())
}

func loopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// lowerASCII folds A to Z alone: Unicode would fold the Kelvin sign to k.
func lowerASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}
