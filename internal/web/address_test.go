package web_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

func proxies(networks ...string) (p web.Proxies) {
	for _, network := range networks {
		p = append(p, netip.MustParsePrefix(network))
	}
	return p
}

func TestClientAddress(t *testing.T) {
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"direct", "192.0.2.7:5000", nil, "192.0.2.7"},
		{"direct, claiming to be another", "192.0.2.7:5000", []string{"198.51.100.1"}, "192.0.2.7"},
		{"direct, IPv4 in IPv6", "[::ffff:192.0.2.7]:5000", nil, "192.0.2.7"},
		{"direct, with a zone", "[fe80::1%eth0]:5000", nil, "fe80::1"},
		{"one proxy", "10.0.0.1:5000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"one proxy, in IPv6 dress", "[::ffff:10.0.0.1]:5000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"one proxy that says nothing", "10.0.0.1:5000", nil, "10.0.0.1"},
		{"two proxies", "10.0.0.1:5000", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"two proxies, two lines", "10.0.0.1:5000", []string{"198.51.100.1", "10.9.9.9"}, "198.51.100.1"},
		{"a forged beginning", "10.0.0.1:5000", []string{"203.0.113.1, 198.51.100.1"}, "198.51.100.1"},
		{"a forged line before", "10.0.0.1:5000", []string{"203.0.113.1", "198.51.100.1"}, "198.51.100.1"},
		{"a forged trusted beginning", "10.0.0.1:5000", []string{"10.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"all trusted", "10.0.0.1:5000", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"nonsense ends the walk", "10.0.0.1:5000", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"nonsense at once", "10.0.0.1:5000", []string{"198.51.100.1, _hidden"}, "10.0.0.1"},
		{"empty", "10.0.0.1:5000", []string{""}, "10.0.0.1"},
		{"with ports", "10.0.0.1:5000", []string{"[2001:db8::1]:4711, 10.0.0.2:80"}, "2001:db8::1"},
		{"a trusted single address", "[2001:db8:1::5]:5000", []string{"2001:db8::1"}, "2001:db8::1"},
		{"its neighbour", "[2001:db8:1::6]:5000", []string{"2001:db8::1"}, "2001:db8:1::6"},
		{"a Unix socket", "@", []string{"198.51.100.1"}, "invalid IP"},
	}
	p := proxies("10.0.0.0/8", "2001:db8:1::5/128")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.forwarded
			if got := p.Address(r).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFromCleansTheAgent(t *testing.T) {
	tests := []struct{ name, agent, want string }{
		{"plain", "curl/8.16.0", "curl/8.16.0"},
		{"none", "", ""},
		{"controls", "a\x00b\x1bc\x7f", "abc"},
		{"text that turns around", "a\u202eb", "ab"},
		{"broken UTF-8", "a\xffb", "ab"},
		{"other alphabets", "браузер", "браузер"},
		{"300 bytes", strings.Repeat("x", 300), strings.Repeat("x", 300)},
		{"301 bytes", strings.Repeat("x", 301), strings.Repeat("x", 300)},
		{"a cut between characters", strings.Repeat("x", 299) + "é", strings.Repeat("x", 299)},
		{"no character border at all", strings.Repeat("\x80", 400), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = "192.0.2.7:5000"
			r.Header.Set("User-Agent", tt.agent)
			want := headykey.From{Address: netip.MustParseAddr("192.0.2.7"), Agent: tt.want}
			if got := web.Proxies(nil).From(r); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestPrefix(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := web.Prefix(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
	if got := web.Prefix(netip.Addr{}); got != (netip.Prefix{}) {
		t.Errorf("no address: got %s", got)
	}
}

// Whatever the header says, an address behind an untrusted peer is the peer's, and
// behind a trusted one it is plain: no zone, no IPv4 in IPv6.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"198.51.100.1", "10.0.0.2, 10.0.0.3", ",,", "[::1]:80", "fe80::1%a,b", "::ffff:1.2.3.4", "1.2.3.4:99999"} {
		f.Add(s, "curl\x00")
	}
	p := proxies("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forwarded, agent string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Forwarded-For"] = []string{forwarded}
		r.Header["User-Agent"] = []string{agent}
		r.RemoteAddr = "192.0.2.7:1"
		if got := p.Address(r).String(); got != "192.0.2.7" {
			t.Errorf("untrusted peer: got %s", got)
		}
		r.RemoteAddr = "10.0.0.1:1"
		from := p.From(r)
		if a := from.Address; !a.IsValid() || a.Is4In6() || a.Zone() != "" {
			t.Errorf("%q: got %s", forwarded, a)
		}
		if len(from.Agent) > 300 || !utf8.ValidString(from.Agent) || strings.ContainsAny(from.Agent, "\x00\r\n\x1b") {
			t.Errorf("agent %q", from.Agent)
		}
	})
}
