package headykey

import "time"

// A Client is a program that gets tokens of its own or for somebody: an OAuth
// client (RFC 6749 §2).
type Client struct {
	ID         ID
	Name       string
	Secret     []byte   // SHA-256 of its secret; nil: it has none
	AuthMethod string   // the only one that it may prove itself by, as RFC 7591 §2 spells it
	Grants     []string // grant types that it may use
	Scopes     []string // the most that its tokens may carry
	Redirects  []string // where people may be sent back to, byte for byte
	Resources  []string // what its tokens may be for (RFC 8707); empty: the default alone
	Created    time.Time
	Disabled   time.Time // zero: not disabled
}

// A ClientChange says what to change of a client; nil fields stay.
type ClientChange struct {
	Name      *string
	Scopes    *[]string
	Redirects *[]string
	Resources *[]string
	Disabled  *bool
}
