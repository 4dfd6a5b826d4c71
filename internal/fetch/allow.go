package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// A rule lets one host, or every address of a network, be reached although it is
// private, and by plain http.
type rule struct {
	name    string       // in lower case; empty: see network
	network netip.Prefix // one address: all its bits
	port    uint16       // zero: any
}

type rules []rule

// ParseAllow returns nil if entry can be one of Config.Allow: a host name or an
// address, each perhaps with a port (id.test, 127.0.0.1:8080, [::1]), or a
// network (10.0.0.0/8). Otherwise the error says what it must be.
func ParseAllow(entry string) error {
	_, err := parseRule(entry)
	return err
}

func parseRule(entry string) (rule, error) {
	r, ok := parseNetwork(entry)
	if !ok {
		r, ok = parseHost(entry)
	}
	switch {
	case !ok:
		return rule{}, fmt.Errorf("must be hosts such as id.test, 127.0.0.1:8080 or [::1], or networks such as 10.0.0.0/8, not %q", entry)
	case r.name == "" && r.network.Addr().Is4In6():
		return rule{}, fmt.Errorf("must spell an IPv4 address as such, not %q", entry)
	case r.name == "" && r.network.Bits() == 0:
		return rule{}, fmt.Errorf("must not be every address there is: %q", entry)
	}
	return r, nil
}

// parseNetwork reads a CIDR or an address, without a port.
func parseNetwork(entry string) (rule, bool) {
	if p, err := netip.ParsePrefix(entry); err == nil {
		return rule{network: p.Masked()}, true
	}
	text := entry
	if inner, ok := strings.CutPrefix(entry, "["); ok && strings.Contains(entry, ":") {
		text = strings.TrimSuffix(inner, "]")
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || (text != entry && entry != "["+text+"]") {
		return rule{}, false
	}
	return rule{network: netip.PrefixFrom(a, a.BitLen())}, true
}

// parseHost reads a name, or a host and its port.
func parseHost(entry string) (rule, bool) {
	if p, err := netip.ParseAddrPort(entry); err == nil {
		a := p.Addr()
		return rule{network: netip.PrefixFrom(a, a.BitLen()), port: p.Port()}, p.Port() != 0 && a.Zone() == ""
	}
	name, text, found := strings.Cut(strings.ToLower(entry), ":")
	port, ok := parsePort(text)
	return rule{name: name, port: port}, isName(name) && ok == found
}

// parsePort reads 1 to 65535, without a nought before it.
func parsePort(text string) (uint16, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || text[0] == '0' {
		return 0, false
	}
	return uint16(n), true
}

// admit reports whether a rule is for this host, by its name or by its address.
func (all rules) admit(name string, addr netip.Addr, port uint16) bool {
	for _, r := range all {
		if r.port != 0 && r.port != port {
			continue
		}
		if r.name != "" && r.name == name || r.network.IsValid() && r.network.Contains(addr) {
			return true
		}
	}
	return false
}

// control returns the check of a connection to address, host:port: it sees the
// address that the host was resolved to, right before it is connected to.
func (all rules) control(address string) func(context.Context, string, string, syscall.RawConn) error {
	name := address[:max(strings.LastIndexByte(address, ':'), 0)]
	return func(_ context.Context, _, concrete string, _ syscall.RawConn) error {
		p, err := netip.ParseAddrPort(concrete)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		addr := plain(p.Addr())
		if all.admit(strings.ToLower(name), addr, p.Port()) {
			return nil
		}
		if why := closedTo(addr); why != "" {
			return fmt.Errorf("%w: %s is %s", ErrRefused, addr, why)
		}
		return nil
	}
}
