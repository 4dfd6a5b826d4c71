package web3

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A custom is how the wallets of one chain spell a message and sign it.
type custom struct {
	title   string   // in the first line
	scheme  bool     // one may stand before the domain
	ordered bool     // the fields have one order
	needs   []string // the fields that must be there
	list    []string // headings of the resources

	address func(text string) (canonical string, ok bool)
	network func(text string) bool
	signed  func(address, message, signature string) bool
}

// customs lists the chains. Common clients leave the nonce out, on both; those of
// Solana write the fields in an order of their own, and no colon after Resources.
var customs = map[Chain]custom{
	Ethereum: {
		title: "Ethereum", scheme: true, ordered: true,
		needs: []string{"URI", "Version", "Chain ID", "Issued At"}, list: []string{"Resources:"},
		address: ethereumAddress, network: ethereumNetwork, signed: ethereumSigned,
	},
	Solana: {
		title: "Solana",
		needs: []string{"URI", "Version", "Issued At"}, list: []string{"Resources:", "Resources"},
		address: solanaAddress, network: solanaNetwork, signed: solanaSigned,
	},
}

// A field is a line "Name: value".
type field struct {
	name string
	set  func(s *Statement, value string) bool // false: the value is not usable
}

// fields stand in the order of EIP-4361.
var fields = []field{
	{"URI", func(s *Statement, v string) (ok bool) { s.URI, ok = parseURI(v); return ok && s.URI.Host != "" }},
	{"Version", func(s *Statement, v string) bool { s.Version = v; return v == "1" }},
	{"Chain ID", func(s *Statement, v string) bool { s.Network = v; return v != "" }},
	{"Nonce", func(s *Statement, v string) bool { s.Nonce = v; return v != "" && isVisible(v) }},
	{"Issued At", func(s *Statement, v string) bool { return parseTime(&s.IssuedAt, v) }},
	{"Expiration Time", func(s *Statement, v string) bool { return parseTime(&s.Expires, v) }},
	{"Not Before", func(s *Statement, v string) bool { return parseTime(&s.NotBefore, v) }},
	{"Request ID", func(s *Statement, v string) bool { s.RequestID = v; return isVisible(v) }},
}

// parse reads a message, and the scheme before its domain, if there is one. Lines end
// in LF, the last one does not; a line more or a space more is another message.
func (c *custom) parse(message string) (s *Statement, scheme string, err error) {
	switch {
	case len(message) > maxMessage:
		return nil, "", fmt.Errorf("%w: it is longer than %d bytes", ErrMessage, maxMessage)
	case !utf8.ValidString(message) || strings.ContainsFunc(message, unseen):
		return nil, "", fmt.Errorf("%w: it has characters that cannot be shown", ErrMessage)
	}
	s = &Statement{}
	lines := strings.Split(message, "\n")
	if len(lines) < 4 || lines[2] != "" {
		return nil, "", fmt.Errorf("%w: it has no domain, address and empty line", ErrMessage)
	}
	if s.Domain, scheme, err = c.parseTitle(lines[0]); err != nil {
		return nil, "", err
	}
	var ok bool
	if s.Address, ok = c.address(lines[1]); !ok {
		return nil, "", fmt.Errorf("%w: line 2 is no %s address", ErrMessage, c.title)
	}
	var at int
	s.Text, at = textOf(lines)
	if err := c.parseFields(s, lines, at); err != nil {
		return nil, "", err
	}
	return s, scheme, nil
}

// parseTitle reads "[scheme://]domain wants you to sign in with your X account:".
func (c *custom) parseTitle(line string) (domain, scheme string, err error) {
	domain, ok := strings.CutSuffix(line, " wants you to sign in with your "+c.title+" account:")
	if !ok {
		return "", "", fmt.Errorf("%w: line 1 does not ask to sign in with %s", ErrMessage, c.title)
	}
	if before, after, found := strings.Cut(domain, "://"); found && c.scheme && before != "" {
		scheme, domain = before, after
	}
	if !isHost(domain) {
		return "", "", fmt.Errorf("%w: line 1 has no good domain", ErrMessage)
	}
	return domain, scheme, nil
}

// textOf returns what the person was asked to agree to, which has an empty line after
// it, and where the fields begin. Where there is no text, the empty line after it may
// stay or not: both are common.
func textOf(lines []string) (text string, at int) {
	const first = 3
	switch {
	case lines[first] == "":
		return "", first + 1
	case len(lines) > first+1 && lines[first+1] == "":
		return lines[first], first + 2
	}
	return "", first
}

// parseFields reads the lines from at on: each field at most once, and in its place,
// then the resources.
func (c *custom) parseFields(s *Statement, lines []string, at int) error {
	seen, next := map[string]bool{}, 0
	for ; at < len(lines) && !slices.Contains(c.list, lines[at]); at++ {
		name, value, _ := strings.Cut(lines[at], ": ")
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			return fault(at, "is no field that we know")
		case seen[name]:
			return fault(at, "comes twice")
		case c.ordered && i < next:
			return fault(at, "comes too late")
		case !fields[i].set(s, value):
			return fault(at, "has a value that is not usable")
		case name == "Chain ID" && !c.network(value):
			return fault(at, "is no network of "+c.title)
		}
		seen[name], next = true, i+1
	}
	for _, name := range c.needs {
		if !seen[name] {
			return fmt.Errorf("%w: it has no field %s", ErrMessage, name)
		}
	}
	if !s.Expires.IsZero() && (s.IssuedAt.After(s.Expires) || s.NotBefore.After(s.Expires)) {
		return fmt.Errorf("%w: it expires before it begins", ErrMessage)
	}
	return s.parseResources(lines, at+1)
}

// parseResources reads the lines from at on, "- " and a URI each; there may be none.
func (s *Statement) parseResources(lines []string, at int) error {
	for ; at < len(lines); at++ {
		value, ok := strings.CutPrefix(lines[at], "- ")
		if !ok {
			return fault(at, "is no resource")
		}
		if _, ok := parseURI(value); !ok {
			return fault(at, "is no URI")
		}
		s.Resources = append(s.Resources, value)
	}
	return nil
}

// fault blames the line with this index.
func fault(index int, why string) error {
	return fmt.Errorf("%w: line %d %s", ErrMessage, index+1, why)
}

// parseURI reads an absolute URI in ASCII, without user (RFC 3986 §4.3, with a
// fragment or not). One with a host must have a good one.
func parseURI(text string) (*url.URL, bool) {
	if !isVisible(text) {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.User != nil || u.Host != "" && !isHost(u.Host) {
		return nil, false
	}
	return u, true
}

// parseTime reads a time of RFC 3339 §5.6. The zero time says "none" in a Statement,
// so nobody may write it.
func parseTime(t *time.Time, text string) (ok bool) {
	parsed, err := time.Parse(time.RFC3339, text)
	*t = parsed
	return err == nil && !parsed.IsZero()
}

// isHost reports whether s is a host or host:port in ASCII. An international name has
// its xn-- form here, as the origin of a page has.
func isHost(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]"
	if s == "" || strings.Trim(s, letters) != "" {
		return false
	}
	u, err := url.Parse("//" + s)
	return err == nil && u.Host == s && u.Hostname() != "" && !strings.HasSuffix(s, ":")
}

// isVisible reports whether s is of visible ASCII characters alone.
func isVisible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// unseen reports a character that a wallet may show as nothing, or that turns the
// text around it.
func unseen(r rune) bool {
	return r != '\n' && !unicode.IsGraphic(r) && r != '\u200C' && r != '\u200D'
}
