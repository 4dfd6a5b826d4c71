package web3

import (
	"slices"
	"strings"
	"testing"
)

// The examples of EIP-4361: a domain alone, with a port, and with a scheme.
func TestTheExamplesOfTheStandard(t *testing.T) {
	const rest = `example.com%s wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json`
	c := customs[Ethereum]
	tests := []struct {
		scheme, port string
		atHome       bool
	}{{"", "", true}, {"", ":3388", false}, {"https://", "", true}}
	for _, tt := range tests {
		s, scheme, err := c.parse(tt.scheme + strings.Replace(rest, "%s", tt.port, 1))
		if err != nil {
			t.Fatal(err)
		}
		if s.Address != "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2" || s.Domain != "example.com"+tt.port ||
			s.Text != "I accept the ExampleOrg Terms of Service: https://example.com/tos" || len(s.Resources) != 2 || s.atHome(scheme) != tt.atHome {
			t.Errorf("%s%s: got %+v", tt.scheme, tt.port, s)
		}
	}
}

func TestEveryFieldOnceAndInItsPlace(t *testing.T) {
	must := map[Chain][]string{
		Ethereum: {"URI", "Version", "Chain ID", "Issued At"},
		Solana:   {"URI", "Version", "Issued At"},
	}
	each(t, func(t *testing.T, chain Chain) {
		lines := strings.Split(message(chain), "\n")
		for _, f := range fields {
			at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, f.name+": ") })
			missing := slices.Delete(slices.Clone(lines), at, at+1)
			check(t, chain, f.name+" is missing", missing, slices.Contains(must[chain], f.name))
			check(t, chain, f.name+" comes twice", slices.Insert(slices.Clone(lines), at, lines[at]), true)
			check(t, chain, f.name+" is empty", slices.Replace(slices.Clone(lines), at, at+1, f.name+": "), f.name != "Request ID")
			check(t, chain, f.name+" without a space", slices.Replace(slices.Clone(lines), at, at+1, strings.Replace(lines[at], ": ", ":", 1)), true)
			check(t, chain, f.name+" in lower case", slices.Replace(slices.Clone(lines), at, at+1, strings.ToLower(lines[at])), true)
			check(t, chain, f.name+" with a space after it", slices.Replace(slices.Clone(lines), at, at+1, lines[at]+" "), true)
			check(t, chain, f.name+" after an empty line", slices.Insert(slices.Clone(lines), at, ""), true)
			if f.name != "URI" {
				swapped := slices.Clone(lines)
				swapped[at-1], swapped[at] = swapped[at], swapped[at-1]
				check(t, chain, f.name+" comes early", swapped, chain == Ethereum)
			}
			check(t, chain, f.name+" after the resources", append(missing, lines[at]), true)
		}
	})
}

// check parses lines, and says whether they were wrongly accepted or refused.
func check(t *testing.T, chain Chain, name string, lines []string, refuse bool) {
	t.Helper()
	c := customs[chain]
	_, _, err := c.parse(strings.Join(lines, "\n"))
	t.Run(name, func(t *testing.T) {
		if refuse {
			want(t, err, ErrMessage)
			return
		}
		want(t, err, nil)
	})
}

func TestOtherSpellings(t *testing.T) {
	tests := []struct {
		name, old, new string
		refuse         bool
	}{
		{"no text", "I accept the terms: https://id.test/terms\n\n", "", false},
		{"no text, and its empty line", "I accept the terms: https://id.test/terms\n", "", false},
		{"no text, and three empty lines", "I accept the terms: https://id.test/terms\n", "\n", true},
		{"a text in letters of the world", "I accept", "Şartları kabul ediyorum 👩\u200d💻", false},
		{"a text of two lines", "I accept the terms:", "I accept the terms:\nyes", true},
		{"a text that looks like a field", "I accept the terms: ", "URI: ", false},
		{"a text with nothing after it", "\n\nURI", "\nURI", true},
		{"a text that turns around", "I accept", "I \u202eaccept", true},
		{"a text with something unseen", "I accept", "I\u200b accept", true},
		{"a line end of another kind", "I accept", "I\u2028accept", true},
		{"a control character", "I accept", "I\x00accept", true},
		{"a tab", "I accept", "I\taccept", true},
		{"CR LF", "\n", "\r\n", true},
		{"CR LF once", "Version: 1\n", "Version: 1\r\n", true},
		{"no UTF-8", "I accept", "I\xffaccept", true},
		{"an LF at the end", "claim.json", "claim.json\n", true},
		{"an LF at the beginning", "id.test:8443 wants", "\nid.test:8443 wants", true},
		{"no empty line after the address", "\n\nI accept", "\nI accept", true},
		{"a title in capitals", "sign in", "Sign In", true},
		{"a space before the title", " wants", "  wants", true},
		{"a title of no chain", " account:", " account", true},
		{"a field that nobody knows", "Nonce: ", "Colour: ", true},
		{"version 2", "Version: 1", "Version: 2", true},
		{"a network of no chain", "Chain ID: 1", "Chain ID: ethereum:1", true},
		{"a nonce of two words", "32891756", "32891756 x", true},
		{"a nonce in other letters", "32891756", "ключ", true},
		{"a date without time", "2026-08-01T12:00:00.5Z", "2026-08-01", true},
		{"a time without zone", "12:00:00.5Z", "12:00:00", true},
		{"a time in Unix seconds", "2026-08-01T12:00:00.5Z", "1785585600", true},
		{"a day that is not there", "2026-08-01T12:05:00Z", "2026-02-30T12:05:00Z", true},
		{"expires never, as zero", "2026-08-01T12:05:00Z", "0001-01-01T00:00:00Z", true},
		{"expires before it is issued", "2026-08-01T12:05:00Z", "2026-08-01T12:00:00Z", true},
		{"expires before it begins", "2026-08-01T14:00:00+02:00", "2026-08-01T12:05:01Z", true},
		{"resources, but none", "\n- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/\n- https://id.test/claim.json", "", false},
		{"a resource that is no URI", "- https://id.test/claim.json", "- claim", true},
		{"a resource with a space", "claim.json", "claim json", true},
		{"a resource without a mark", "- https", "https", true},
		{"a resource without a heading", "Resources:\n", "", true},
		{"two lists of resources", "- https://id.test/claim.json", "Resources:", true},
	}
	each(t, func(t *testing.T, chain Chain) {
		for _, tt := range tests {
			m := strings.ReplaceAll(message(chain), tt.old, tt.new)
			if m == message(chain) {
				t.Fatalf("%s: changes nothing", tt.name)
			}
			check(t, chain, tt.name, strings.Split(m, "\n"), tt.refuse)
		}
	})
}

func TestTheHeadingOfTheResourcesNeedsNoColonOnSolana(t *testing.T) {
	each(t, func(t *testing.T, chain Chain) {
		check(t, chain, "no colon", strings.Split(strings.Replace(message(chain), "Resources:", "Resources", 1), "\n"), chain == Ethereum)
	})
}

func TestNetworks(t *testing.T) {
	tests := []struct {
		chain     Chain
		good, bad string
	}{
		{Ethereum, "1 10 137 11155111 18446744073709551615", "0x1 -1 +1 1.0 1_0 eip155:1 mainnet 18446744073709551616"},
		{
			Solana, "mainnet devnet testnet localnet main solana:main solana:mainnet solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
			"solana: :mainnet eip155:1 solana:solana:main main.net ключ solana:" + strings.Repeat("x", 33),
		},
	}
	for _, tt := range tests {
		for network := range strings.FieldsSeq(tt.good) {
			check(t, tt.chain, network, strings.Split(strings.Replace(message(tt.chain), "Chain ID: 1", "Chain ID: "+network, 1), "\n"), false)
		}
		for network := range strings.FieldsSeq(tt.bad) {
			check(t, tt.chain, network, strings.Split(strings.Replace(message(tt.chain), "Chain ID: 1", "Chain ID: "+network, 1), "\n"), true)
		}
	}
}

func TestAMessageHasAtMost8KiB(t *testing.T) {
	each(t, func(t *testing.T, chain Chain) {
		room := maxMessage - len(message(chain))
		for more, sentinel := range map[int]error{0: nil, 1: ErrMessage} {
			m := strings.Replace(message(chain), "I accept", strings.Repeat("x", room+more)+"I accept", 1)
			_, err := Verify(chain, m, ada.sign(chain, m))
			want(t, err, sentinel)
		}
	})
}

func TestWhatIsNoMessage(t *testing.T) {
	each(t, func(t *testing.T, chain Chain) {
		head := strings.Join(strings.Split(message(chain), "\n")[:3], "\n")
		for _, m := range []string{"", "\n", "\n\n\n\n\n", head, head + "\n", head + "\n\n", head + "\nx", head + "\nx\n", head + "\n\n\n"} {
			_, err := Verify(chain, m, ada.sign(chain, m))
			want(t, err, ErrMessage)
		}
	})
}

// Whatever is read is in the message as it was read: nothing is made up, trimmed or
// taken from elsewhere.
func FuzzParse(f *testing.F) {
	for _, chain := range []Chain{Ethereum, Solana} {
		f.Add(chain == Solana, message(chain))
		f.Add(chain == Solana, strings.Replace(message(chain), "I accept the terms: https://id.test/terms\n", "", 1))
		f.Add(chain == Solana, strings.Replace(message(chain), "Resources:", "Resources", 1))
	}
	f.Fuzz(func(t *testing.T, solana bool, m string) {
		chain := Ethereum
		if solana {
			chain = Solana
		}
		c := customs[chain]
		s, _, err := c.parse(m)
		if err != nil {
			want(t, err, ErrMessage)
			return
		}
		lines := strings.Split(m, "\n")
		for prefix, value := range map[string]string{
			"": s.Text, "Version: ": s.Version, "Chain ID: ": s.Network, "Nonce: ": s.Nonce, "Request ID: ": s.RequestID,
		} {
			if value != "" && !slices.Contains(lines, prefix+value) {
				t.Errorf("%q: made %q of %q", prefix, value, m)
			}
		}
		if s.URI.Host == "" || s.IssuedAt.IsZero() || !strings.Contains(lines[0], s.Domain) || !strings.EqualFold(lines[1], s.Address) {
			t.Errorf("%q is %+v", m, s)
		}
	})
}
