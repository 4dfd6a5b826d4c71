package web

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"headykey.com/headykey"
)

const maxAgent = 300 // bytes of a User-Agent that we keep

// Proxies are the networks whose X-Forwarded-For counts, IPv4 ones as IPv4. None:
// nobody's does.
type Proxies []netip.Prefix

// Address returns the client's address, IPv4 always as IPv4 and without a zone:
// the peer of the connection or, where that is a trusted proxy, the right-most
// entry of X-Forwarded-For that no trusted proxy stands behind. An entry that is
// no address ends the walk at the last address that was one. The zero Addr means
// that the connection has no address (a Unix socket).
func (p Proxies) Address(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := plain(peer.Addr())
	if len(p) == 0 || !p.trust(addr) {
		return addr
	}
	lines := r.Header["X-Forwarded-For"]
	for i := len(lines) - 1; i >= 0; i-- {
		next, done := p.walk(addr, lines[i])
		if done {
			return next
		}
		addr = next
	}
	return addr
}

// walk reads one header line from its right end. It returns the last good address
// and whether the walk ends with it.
func (p Proxies) walk(addr netip.Addr, line string) (netip.Addr, bool) {
	for more := true; more; {
		entry := line
		comma := strings.LastIndexByte(line, ',')
		if more = comma >= 0; more {
			entry, line = line[comma+1:], line[:comma]
		}
		next, ok := parseHop(strings.Trim(entry, " \t"))
		if !ok {
			return addr, true
		}
		if addr = next; !p.trust(addr) {
			return addr, true
		}
	}
	return addr, false
}

// parseHop reads an address, with a port or without.
func parseHop(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return plain(addr), true
	}
	withPort, err := netip.ParseAddrPort(s)
	return plain(withPort.Addr()), err == nil
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func (p Proxies) trust(addr netip.Addr) bool {
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// From returns where the request came from. The User-Agent loses its control
// characters and what is not UTF-8, and keeps at most 300 bytes of whole
// characters.
func (p Proxies) From(r *http.Request) headykey.From {
	return headykey.From{Address: p.Address(r), Agent: cleanAgent(r.Header.Get("User-Agent"))}
}

func cleanAgent(s string) string {
	if len(s) > maxAgent {
		cut := maxAgent
		for cut > maxAgent-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return strings.Map(visible, s)
		}
	}
	return s
}

// visible keeps a character, or drops it (-1) if it could play tricks in a log or
// on a page: controls, invisible format marks, broken UTF-8.
func visible(c rune) rune {
	if c == utf8.RuneError || unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
		return -1
	}
	return c
}

// Prefix returns the unit in which we count addresses: one IPv4 address (/32), or
// one IPv6 network (/64), which a single customer gets whole.
func Prefix(addr netip.Addr) netip.Prefix {
	addr = plain(addr)
	if addr.Is4() {
		return netip.PrefixFrom(addr, 32)
	}
	network, _ := addr.Prefix(64) // the zero Addr has the zero Prefix
	return network
}
