package web3

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWhatIsSignedIsRead(t *testing.T) {
	each(t, func(t *testing.T, chain Chain) {
		m := message(chain)
		got, err := Verify(chain, m, ada.sign(chain, m))
		want(t, err, nil)
		expected := &Statement{
			Chain: chain, Address: ada.address(chain), Domain: "id.test:8443",
			Text:    "I accept the terms: https://id.test/terms",
			URI:     &url.URL{Scheme: "https", Host: "id.test:8443", Path: "/login", RawQuery: "x=y"},
			Version: "1", Network: "1", Nonce: "32891756", RequestID: "req_1",
			Resources: []string{"ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/", "https://id.test/claim.json"},
		}
		if got == nil {
			return
		}
		issued := time.Date(2026, 8, 1, 12, 0, 0, 5e8, time.UTC)
		if !got.IssuedAt.Equal(issued) || !got.Expires.Equal(issued.Add(5*time.Minute-time.Second/2)) || !got.NotBefore.Equal(issued.Add(-time.Second/2)) {
			t.Errorf("got %v, %v, %v", got.IssuedAt, got.Expires, got.NotBefore)
		}
		expected.IssuedAt, expected.Expires, expected.NotBefore = got.IssuedAt, got.Expires, got.NotBefore
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("got %+v, want %+v", got, expected)
		}
	})
}

func TestWhoeverElseSignsProvesNothing(t *testing.T) {
	each(t, func(t *testing.T, chain Chain) {
		m := message(chain)
		_, err := Verify(chain, m, eve.sign(chain, m))
		want(t, err, ErrSignature)
		_, err = Verify(chain, strings.Replace(m, ada.address(chain), eve.address(chain), 1), ada.sign(chain, m))
		want(t, err, ErrSignature)
		_, err = Verify(chain, strings.Replace(m, "terms", "other", 1), ada.sign(chain, m))
		want(t, err, ErrSignature)
	})
}

func TestAChainIsNotTakenForTheOther(t *testing.T) {
	m := message(Solana)
	_, err := Verify(Ethereum, m, ada.sign(Solana, m))
	want(t, err, ErrMessage)
	for _, chain := range []Chain{"", "Solana", "kaspa"} {
		_, err = Verify(chain, m, ada.sign(Solana, m))
		want(t, err, ErrChain)
	}
}

func TestTheDomainIsTheHostOfTheURI(t *testing.T) {
	tests := []struct {
		name, domain, uri string
		want              error
	}{
		{"the same", "id.test", "https://id.test/", nil},
		{"in capitals", "ID.test", "https://id.TEST", nil},
		{"with a fragment", "id.test", "https://id.test/login#/x", nil},
		{"with a port", "id.test:8443", "https://id.test:8443/", nil},
		{"an international name", "xn--bcher-kva.example", "https://xn--bcher-kva.example/", nil},
		{"this machine", "localhost:3000", "http://localhost:3000/", nil},
		{"this machine by number", "127.0.0.1:3000", "http://127.0.0.1:3000/", nil},
		{"this machine by IPv6", "[::1]:3000", "http://[::1]:3000/", nil},
		{"another host", "evil.test", "https://id.test/", ErrPlace},
		{"a child", "www.id.test", "https://id.test/", ErrPlace},
		{"another port", "id.test", "https://id.test:8443/", ErrPlace},
		{"another host, and the URI is of this machine", "evil.test", "http://localhost/", ErrPlace},
		{"plain http", "id.test", "http://id.test/", ErrPlace},
		{"plain http to a name like this machine's", "localhost.test", "http://localhost.test/", ErrPlace},
		{"no web page", "id.test", "ipfs://id.test/", ErrPlace},
		{"a user", "id.test", "https://id.test@evil.test/", ErrMessage},
		{"a user in the domain", "id.test@evil.test", "https://evil.test/", ErrMessage},
		{"no host", "id.test", "https:///login", ErrMessage},
		{"a host's name alone", "id.test", "id.test", ErrMessage},
		{"a path alone", "id.test", "/login", ErrMessage},
		{"opaque", "id.test", "mailto:ada@id.test", ErrMessage},
		{"a backslash", "id.test", `https://evil.test\@id.test/`, ErrMessage},
		{"an escaped host", "id.test", "https://id%2etest%2f/", ErrMessage},
		{"a space", "id.test", "https://id.test/a b", ErrMessage},
		{"an empty port", "id.test:", "https://id.test:/", ErrMessage},
		{"a path in the domain", "id.test/x", "https://id.test/x", ErrMessage},
		{"no domain", "", "https://id.test/", ErrMessage},
		{"a port alone", ":80", "https://:80/", ErrMessage},
		{"a domain in letters outside ASCII", "bücher.example", "https://xn--bcher-kva.example/", ErrMessage},
		{"a URI in letters outside ASCII", "xn--bcher-kva.example", "https://bücher.example/", ErrMessage},
		{"a letter that looks like another", "іd.test", "https://іd.test/", ErrMessage},
	}
	each(t, func(t *testing.T, chain Chain) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				m := strings.Replace(message(chain), "id.test:8443 wants", tt.domain+" wants", 1)
				m = strings.Replace(m, "https://id.test:8443/login?x=y", tt.uri, 1)
				_, err := Verify(chain, m, ada.sign(chain, m))
				want(t, err, tt.want)
			})
		}
	})
}

func TestASchemeBeforeTheDomainIsThatOfTheURI(t *testing.T) {
	tests := []struct {
		scheme, uri string
		want        error
	}{
		{"https://", "https://id.test:8443/", nil},
		{"HTTPS://", "https://id.test:8443/", nil},
		{"http://", "https://id.test:8443/", ErrPlace},
		{"ipfs://", "https://id.test:8443/", ErrPlace},
		{"://", "https://id.test:8443/", ErrMessage},
		{"https://https://", "https://id.test:8443/", ErrMessage},
	}
	for _, tt := range tests {
		t.Run(tt.scheme, func(t *testing.T) {
			m := tt.scheme + strings.Replace(message(Ethereum), "https://id.test:8443/login?x=y", tt.uri, 1)
			got, err := Verify(Ethereum, m, ada.sign(Ethereum, m))
			want(t, err, tt.want)
			if err == nil && got.Domain != "id.test:8443" {
				t.Errorf("got %q", got.Domain)
			}
		})
	}
	m := "https://" + message(Solana)
	_, err := Verify(Solana, m, ada.sign(Solana, m))
	want(t, err, ErrMessage)
}

func TestCurrent(t *testing.T) {
	issued := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	s := &Statement{IssuedAt: issued}
	short := &Statement{IssuedAt: issued, NotBefore: issued.Add(time.Minute), Expires: issued.Add(2 * time.Minute)}
	old := &Statement{IssuedAt: issued, Expires: issued.Add(24 * time.Hour)}
	tests := []struct {
		name  string
		s     *Statement
		after time.Duration
		want  error
	}{
		{"at once", s, 0, nil},
		{"ten minutes old", s, 10 * time.Minute, nil},
		{"a moment older", s, 10*time.Minute + 1, ErrTime},
		{"of a clock ten minutes fast", s, -10 * time.Minute, nil},
		{"of a clock faster still", s, -10*time.Minute - 1, ErrTime},
		{"a long life does not help the old", old, 11 * time.Minute, ErrTime},
		{"a moment early", short, time.Minute - 1, ErrTime},
		{"on time", short, time.Minute, nil},
		{"at the last moment", short, 2*time.Minute - 1, nil},
		{"expired", short, 2 * time.Minute, ErrTime},
		{"of another age", &Statement{IssuedAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, 0, ErrTime},
		{"of an age long ago", &Statement{IssuedAt: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)}, 0, ErrTime},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { want(t, tt.s.Current(issued.Add(tt.after)), tt.want) })
	}
}

// What is accepted names one address in one spelling, and one host of ours to judge.
func FuzzVerify(f *testing.F) {
	for _, chain := range []Chain{Ethereum, Solana} {
		m := message(chain)
		f.Add(string(chain), m, ada.sign(chain, m))
		f.Add(string(chain), strings.Replace(m, "Nonce", "URI", 1), ada.sign(chain, m))
	}
	f.Fuzz(func(t *testing.T, chain, m, signature string) {
		s, err := Verify(Chain(chain), m, signature)
		if err != nil {
			return
		}
		c := customs[s.Chain]
		if canonical, ok := c.address(s.Address); !ok || canonical != s.Address || !strings.EqualFold(s.URI.Host, s.Domain) {
			t.Errorf("accepted %+v", s)
		}
	})
}
