package fetch

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	tests := []struct{ is, addresses string }{
		{"", "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0"},
		{"", "172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0"},
		{"", "198.51.99.255 203.0.112.255 203.0.114.0 223.255.255.255 2001:200:: 2606:4700::1111 2a00:1450::1 3ffe::1"},
		{"", "64:ff9b::1.1.1.1 ::ffff:1.1.1.1"},
		{"this network", "0.0.0.0 0.255.255.255 ::ffff:0.0.0.0 64:ff9b::"},
		{"private", "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 ::ffff:10.0.0.1 64:ff9b::192.168.0.1 fc00:: fdff::1"},
		{"shared by a carrier (RFC 6598)", "100.64.0.0 100.100.100.200 100.127.255.255 ::ffff:100.64.0.1"},
		{"loopback", "127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1"},
		{"the platform of Azure machines", "168.63.129.16 ::ffff:168.63.129.16"},
		{"link-local", "169.254.0.0 169.254.169.254 fe80::1 febf::1 fe80::1%eth0 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe"},
		{"for protocols", "192.0.0.0 192.0.0.192 192.0.0.255 2001:1::1 2001:1ff::"},
		{"for documentation", "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff:fff::1"},
		{"a 6to4 relay (RFC 7526)", "192.88.99.1"},
		{"for benchmarks", "198.18.0.0 198.19.255.255"},
		{"multicast", "224.0.0.1 239.255.255.255 ff02::1"},
		{"reserved or broadcast", "240.0.0.0 255.255.255.255"},
		{"unspecified", "::"},
		{"a local NAT64 (RFC 8215)", "64:ff9b:1::1.1.1.1 64:ff9b:1:ffff::"},
		{"Teredo (RFC 4380)", "2001::1 2001:0:7f00:1::"},
		{"6to4 (RFC 3056)", "2002:7f00:1:: 2002:a00:1::1 2002:101:101::"},
		{"not of the public internet", "::7f00:1 ::2 100:: 1fff:: 4000:: 5f00:: 64:ff9b:0:1:: fec0::1 ::ffff:0:7f00:1"},
	}
	for _, tt := range tests {
		for text := range strings.FieldsSeq(tt.addresses) {
			if got := closedTo(plain(netip.MustParseAddr(text))); got != tt.is {
				t.Errorf("%s: got %q, want %q", text, got, tt.is)
			}
		}
	}
}

func TestWhatIsDialledIsJudged(t *testing.T) {
	allow := []string{"id.test", "other.test:8443", "10.0.0.0/8", "[fd00::1]:8443", "192.168.0.1:8443"}
	tests := []struct {
		name, address, concrete string
		ok                      bool
	}{
		{"public", "example.com:443", "1.1.1.1:443", true},
		{"public, IPv6", "example.com:443", "[2606:4700::1111]:443", true},
		{"a name that was bound anew", "example.com:443", "127.0.0.1:443", false},
		{"loopback, IPv6", "example.com:443", "[::1]:443", false},
		{"loopback in disguise", "example.com:443", "[::ffff:127.0.0.1]:443", false},
		{"link-local in a zone", "example.com:443", "[fe80::1%eth0]:443", false},
		{"an allowed name", "id.test:443", "127.0.0.1:443", true},
		{"an allowed name in capitals", "ID.test:443", "127.0.0.1:443", true},
		{"an allowed name's child", "www.id.test:443", "127.0.0.1:443", false},
		{"an allowed name's port", "other.test:8443", "127.0.0.1:8443", true},
		{"an allowed name's other port", "other.test:443", "127.0.0.1:443", false},
		{"an allowed network", "example.com:443", "10.2.3.4:443", true},
		{"an allowed network in disguise", "example.com:443", "[::ffff:10.2.3.4]:443", true},
		{"an allowed network behind NAT64", "example.com:443", "[64:ff9b::a02:304]:443", false},
		{"an allowed address", "[fd00::1]:8443", "[fd00::1]:8443", true},
		{"an allowed address by name", "example.com:8443", "192.168.0.1:8443", true},
		{"an allowed address, another port", "example.com:443", "192.168.0.1:443", false},
		{"an allowed address in a zone", "[fd00::1]:8443", "[fd00::1%eth0]:8443", true},
		{"no address at all", "example.com:443", "example.com:443", false},
		{"a socket's name", "", "/run/docker.sock", false},
	}
	c := newClient(t, nil, allow...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := c.rules.control(tt.address)(t.Context(), "tcp", tt.concrete, nil)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("got %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestParseAllow(t *testing.T) {
	good := `id.test ID.test id.test:8080 localhost my_host 127.0.0.1 127.0.0.1:80 ::1 [::1] [::1]:443 10.0.0.0/8
		10.1.2.3/8 fd00::/8 a.b-c.d:65535 xn--bcher-kva.example 3com.example`
	for entry := range strings.FieldsSeq(good) {
		if err := ParseAllow(entry); err != nil {
			t.Errorf("%q: got %v", entry, err)
		}
	}
	bad := []string{
		"", " ", "*", "*.test", "id.test:", "id.test:0", "id.test:65536", "id.test:http", "id.test:080", "id.test:80:80", ":80",
		"https://id.test", "id.test/", "id.test.", ".test", "a..b", "-a.test", "a-.test", "id test", "bücher.example",
		"127.1", "0x7f000001", "1.2.3.256", "127.0.0.1:0", "[127.0.0.1]", "[::1", "::1]", "[::1]x", "[[::1]]", "fe80::1%eth0", "[fe80::1%eth0]:80",
		"10.0.0.0/33", "10.0.0.0/8:80", "0.0.0.0/0", "::/0", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "[::ffff:10.0.0.1]:80",
		strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 126) + "test",
	}
	for _, entry := range bad {
		if err := ParseAllow(entry); err == nil || !strings.HasPrefix(err.Error(), "must ") {
			t.Errorf("%q: got %v", entry, err)
		}
	}
	if c, err := New(Config{Allow: []string{"id.test", "*"}}); c != nil || err == nil {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestCheck(t *testing.T) {
	c := newClient(t, nil, "id.test", "other.test:8443", "10.0.0.0/8", "[::1]:8080")
	good := `https://example.com https://example.com/ https://EXAMPLE.com:443/a?b=c%20d https://example.com:8443/jwks
		https://1.1.1.1/ https://[2606:4700::1111]/ http://id.test/ http://ID.test:22/ https://id.test:22/ http://10.0.0.1/
		https://other.test:8443/ http://other.test:8443/ https://other.test/ http://[::1]:8080/ https://[::ffff:10.0.0.1]/ HTTPS://example.com/`
	for address := range strings.FieldsSeq(good) {
		if err := c.Check(address); err != nil {
			t.Errorf("%s: got %v", address, err)
		}
	}
	bad := []string{
		"", "example.com", "//example.com/", "/jwks", "https:example.com", "https:///jwks", "https://", "ftp://example.com/", "file:///etc/passwd",
		"http://example.com/", "http://other.test/", "http://other.test:8080/", "http://[::1]/", "http://sub.id.test/",
		"https://ada@example.com/", "https://ada:x@id.test/", "https://@example.com/", "https://example.com/#x", "https://example.com/#",
		"https://example.com:/", "https://example.com:0/", "https://example.com:22/", "https://example.com:80/", "https://example.com:65536/",
		"https://example.com:0443/", "https://example.com:-1/", "https://example.com:x/",
		"https://127.0.0.1/", "https://127.0.0.1:8443/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
		"https://169.254.169.254/", "https://192.168.0.1/", "https://[fd00::1]/", "https://[fe80::1%25eth0]/", "https://[64:ff9b::127.0.0.1]/",
		"https://0.0.0.0/", "https://[::]/", "https://localhost/", "https://LOCALHOST/", "https://id.localhost/",
		"https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.0.0.1./", "https://example.com./",
		"https://exa mple.com/", "https://example.com/ ", "https://example.com/\n", "https://example.com\\@id.test/", "https://bücher.example/",
		"https://127。0。0。1/", "https://%31%32%37.0.0.1/", "https://%C3%BC.example/", "https://a,b.example/", "https://*.example/", "https://[example.com]/",
		"https://example.com/" + strings.Repeat("x", maxURL),
	}
	for _, address := range bad {
		if err := c.Check(address); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: got %v", address, err)
		}
	}
}

// What passes is https to a public host: nothing else tells what the transport
// will do with it.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/jwks?x=y", "https://1.1.1.1:8443", "https://[2606:4700::1111]/", "https://ada@example.com/#x", "http://127.0.0.1",
		"https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://%31/", "https://example.com:0443", "HTTPS://LOCALHOST", "https:\\\\x",
	} {
		f.Add(seed)
	}
	c := newClient(f, nil)
	f.Fuzz(func(t *testing.T, address string) {
		if c.Check(address) != nil {
			return
		}
		r, err := c.request(t.Context(), "GET", address, nil)
		if err != nil {
			t.Fatalf("%q: %v", address, err)
		}
		u := r.URL
		addr, notOne := netip.ParseAddr(u.Hostname())
		if u.Scheme != "https" || u.User != nil || u.Fragment != "" || strings.ContainsAny(u.Host, "@%#/\\ ") ||
			notOne == nil && closedTo(plain(addr)) != "" || notOne != nil && !isName(strings.ToLower(u.Hostname())) {
			t.Errorf("accepted %q as %+v", address, u)
		}
	})
}

// An entry that is accepted is for one thing: what it names is let in, and
// another network is not.
func FuzzParseAllow(f *testing.F) {
	for _, seed := range []string{"id.test:8080", "[::1]:443", "10.0.0.0/8", "127.0.0.1", "::1", "[fe80::1%eth0]", "a..b", "0.0.0.0/0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		r, err := parseRule(entry)
		if err != nil {
			return
		}
		if (r.name == "") != r.network.IsValid() || r.network.IsValid() && r.network.Bits() == 0 {
			t.Errorf("%q is %+v", entry, r)
		}
		if !(rules{r}).admit(r.name, r.network.Addr(), r.port) {
			t.Errorf("%q does not admit itself: %+v", entry, r)
		}
	})
}
