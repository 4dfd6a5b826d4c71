// Package web3 verifies messages by which the holder of a wallet signs in: Sign-In
// with Ethereum (EIP-4361) and the form of it that Solana wallets sign (CAIP-122).
//
// A message is proof of an address, for one site, for a few minutes. It is no
// protection against being shown twice: who accepts one must remember it as long as
// it is [Statement.Current].
package web3

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// A Chain is whose keys sign.
type Chain string

// The chains we know, as they are spelled on the wire.
const (
	Ethereum Chain = "ethereum"
	Solana   Chain = "solana"
)

// Why a message proves nothing. Compare with [errors.Is]; the text around
// ErrMessage names the line at fault and may be shown.
var (
	ErrChain     = errors.New("chain is not supported")
	ErrMessage   = errors.New("message is not a sign-in message")
	ErrPlace     = errors.New("message was signed for another place")
	ErrSignature = errors.New("signature is not of the address in the message")
	ErrTime      = errors.New("message is not of this time")
)

const (
	maxMessage = 8 << 10          // bytes
	freshness  = 10 * time.Minute // how far from now a message may have been issued
)

// A Statement is what the holder of an address signed.
type Statement struct {
	Chain     Chain
	Address   string // Ethereum: 0x and lower-case hex; Solana: base58
	Domain    string // host, or host:port, as the wallet showed it: the host of URI
	Text      string // what the person was asked to agree to; may be empty
	URI       *url.URL
	Version   string // "1"
	Network   string // chain id, as it was spelled; may be empty on Solana
	Nonce     string // may be empty; it is not compared with anything
	IssuedAt  time.Time
	Expires   time.Time // zero: never
	NotBefore time.Time // zero: at once
	RequestID string    // may be empty
	Resources []string  // URIs
}

// Verify returns what message says, once it is known that the holder of the address
// in it signed it, for the site it names. An Ethereum signature is 65 bytes in hex
// with 0x (EIP-191, personal_sign), a Solana signature 64 bytes in base64 or
// base64url.
//
// It fails with ErrChain; with ErrMessage if message, at most 8 KiB, is not of the
// form; with ErrPlace if its domain is not the host of its URI, or the URI is neither
// https nor of this machine; and with ErrSignature. The times are not judged: ask
// [Statement.Current]. Nor is it known here which URIs are ours.
func Verify(chain Chain, message, signature string) (*Statement, error) {
	c, ok := customs[chain]
	if !ok {
		return nil, ErrChain
	}
	s, scheme, err := c.parse(message)
	if err != nil {
		return nil, err
	}
	s.Chain = chain
	if !s.atHome(scheme) {
		return nil, ErrPlace
	}
	if !c.signed(s.Address, message, signature) {
		return nil, ErrSignature
	}
	return s, nil
}

// Current reports by ErrTime that a message was issued more than ten minutes before
// or after now, has expired, or is not valid yet.
func (s *Statement) Current(now time.Time) error {
	switch {
	case now.Sub(s.IssuedAt) > freshness:
		return fmt.Errorf("%w: it was issued too long ago", ErrTime)
	case s.IssuedAt.Sub(now) > freshness:
		return fmt.Errorf("%w: it was issued too far in the future", ErrTime)
	case !s.Expires.IsZero() && !now.Before(s.Expires):
		return fmt.Errorf("%w: it has expired", ErrTime)
	case now.Before(s.NotBefore):
		return fmt.Errorf("%w: it is not valid yet", ErrTime)
	}
	return nil
}

// atHome reports whether the wallet was shown the host that the URI leads to, by a
// scheme that keeps it secret. A wallet compares the domain with the page that asks;
// the URI is compared with nothing but this.
func (s *Statement) atHome(scheme string) bool {
	return strings.EqualFold(s.URI.Host, s.Domain) &&
		(scheme == "" || strings.EqualFold(scheme, s.URI.Scheme)) &&
		(s.URI.Scheme == "https" || s.URI.Scheme == "http" && isLocal(s.URI.Hostname()))
}

func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}
