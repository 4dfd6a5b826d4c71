package fetch

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

const (
	maxURL     = 2048 // bytes
	firstPort  = 1024 // from here on any service may listen
	schemePort = 443
)

// Check says, without connecting, why address may not be fetched at all, or nil.
// It must be https, without user and fragment, to port 443 or one from 1024 on,
// of a public host. A host that is allowed may also be private, spoken to by
// http, and have any port. Whether a name leads to a public address is not known
// before it is dialled. The error wraps ErrRefused.
func (c *Client) Check(address string) error {
	if why := c.rules.fault(address); why != "" {
		return fmt.Errorf("%w: it %s", ErrRefused, why)
	}
	return nil
}

// fault says why address may not be fetched, or "".
func (all rules) fault(address string) string {
	u, why := parse(address)
	if why != "" {
		return why
	}
	name := strings.ToLower(u.Hostname())
	port, ok := portOf(u)
	if !ok {
		return "has no good port"
	}
	addr, err := netip.ParseAddr(name)
	if err != nil && !isName(name) || addr.Zone() != "" {
		return "has no good host"
	}
	addr = plain(addr)
	if all.admit(name, addr, port) {
		return ""
	}
	switch {
	case u.Scheme != "https":
		return "is not https"
	case port != schemePort && port < firstPort:
		return "has a port of another service"
	case name == "localhost" || strings.HasSuffix(name, ".localhost"):
		return "is loopback"
	case addr.IsValid():
		return refused(addr)
	}
	return ""
}

// refused says of an address in a URL what closedTo says.
func refused(addr netip.Addr) string {
	if why := closedTo(addr); why != "" {
		return "is " + why
	}
	return ""
}

// parse reads what every URL must be: absolute, of http or https, in ASCII.
func parse(address string) (u *url.URL, why string) {
	if len(address) > maxURL {
		return nil, "is too long"
	}
	for i := range len(address) {
		if c := address[i]; c <= ' ' || c > '~' || c == '\\' {
			return nil, "has a character that belongs in no URL"
		}
	}
	if strings.Contains(address, "#") {
		return nil, "has a fragment"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, "is no URL with a host"
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, "is not https"
	case u.User != nil:
		return nil, "has a user name"
	}
	return u, ""
}

// portOf returns the port of u, or its scheme's.
func portOf(u *url.URL) (uint16, bool) {
	switch text := u.Port(); {
	case text != "":
		return parsePort(text)
	case strings.HasSuffix(u.Host, ":"):
		return 0, false
	case u.Scheme == "http":
		return 80, true
	}
	return schemePort, true
}

// isName reports whether s is the name of a host (RFC 1123 §2.1, and underscores)
// in lower case. The last label begins with no digit: such a name is an address
// in a spelling that some resolvers read, 127.1 or 0x7f000001.
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
		last = label
	}
	return last[0] < '0' || last[0] > '9'
}
