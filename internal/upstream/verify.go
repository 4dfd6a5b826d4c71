// Package upstream believes other providers of identity, as far as they can be
// believed: it verifies ID tokens that an app got from one of them by itself.
package upstream

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/jose"
)

const (
	maxToken     = 16 << 10  // bytes of an ID token
	maxDiscovery = 64 << 10  // bytes of a discovery document
	maxKeySet    = 256 << 10 // bytes of a key set
)

// Why a token does not count. Compare with [errors.Is]; the text around them is for
// the log, and shows nothing of the token.
var (
	ErrToken       = errors.New("not an ID token that counts here")
	ErrNonce       = errors.New("ID token and request do not have the same nonce")
	ErrUnreachable = errors.New("keys of the ID token's issuer cannot be had")
)

// A Verifier verifies ID tokens. It is safe for concurrent use.
type Verifier struct {
	Fetch *fetch.Client // gets the keys of issuers, and remembers them
}

// Verify returns whom an ID token of at most 16 KiB is about (OpenID Connect Core
// §3.1.3.7). It must be signed by a key of i with an asymmetric algorithm, be by i
// and for our apps alone, and be in its time, give or take a minute.
//
// The token's nonce must be the SHA-256 of nonce in lower-case hex, so that who began
// the sign-in ends it; "" is for a token without one. If accessToken is not empty and
// the token has an at_hash, that must fit.
//
// It fails with ErrToken; with ErrNonce if that is all that is wrong; with
// ErrUnreachable if i's documents cannot be had or used; and with none of them if i
// itself has a fault.
func (v *Verifier) Verify(ctx context.Context, i Issuer, token, nonce, accessToken string) (*Identity, error) {
	if fault := i.Fault(); fault != "" {
		return nil, fmt.Errorf("issuer of ID tokens: it %s", fault)
	}
	header, _, err := jose.Peek(token, maxToken) // nothing but whose key it wants is believed yet
	if err != nil || !slices.Contains(jose.ForeignAlgorithms, header.Algorithm) || !isIDToken(header.Type) {
		return nil, refuse("is no JWT of this kind, signed with an asymmetric key")
	}
	keys, err := v.keys(ctx, i, header.KeyID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	signed, err := keys.Verify(token, maxToken, jose.ForeignAlgorithms)
	if err != nil {
		return nil, refuse("is not signed by a key of its issuer")
	}
	c, err := read(signed.Claims)
	if err != nil {
		return nil, err
	}
	if fault := c.fault(i, time.Now()); fault != "" {
		return nil, refuse(fault)
	}
	if accessToken != "" && c.AccessHash != "" && c.AccessHash != halfHash(signed.Header.Algorithm, accessToken) {
		return nil, refuse("came with another access token")
	}
	if !i.SkipNonce && !c.answers(nonce) {
		return nil, ErrNonce
	}
	return c.identity(i), nil
}

func refuse(fault string) error { return fmt.Errorf("%w: it %s", ErrToken, fault) }

// isIDToken reports whether a token with this typ may be one: others of the same
// issuer, such as at+jwt and logout+jwt, say what they are (RFC 8725 §3.11).
func isIDToken(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "" || typ == "jwt"
}

// keys returns the public keys of i. A set that does not know kid is fetched again,
// for issuers change their keys.
func (v *Verifier) keys(ctx context.Context, i Issuer, kid string) (*jose.Set, error) {
	const accept = "application/jwk-set+json, application/json"
	address, err := v.keysURL(ctx, i)
	if err != nil {
		return nil, err
	}
	doc, err := v.Fetch.Get(ctx, address, maxKeySet, accept)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	set, err := jose.ParseSet(doc.Body)
	if err == nil && (kid == "" || set.Has(kid)) {
		return set, nil
	}
	if doc, err = v.Fetch.Refetch(ctx, address, maxKeySet, accept); err != nil {
		return nil, fmt.Errorf("keys again: %w", err)
	}
	return jose.ParseSet(doc.Body)
}

// keysURL returns where the keys of i are. A discovery document that is about
// somebody else says nothing (OpenID Connect Discovery §4.3).
func (v *Verifier) keysURL(ctx context.Context, i Issuer) (string, error) {
	if i.KeysURL != "" {
		return i.KeysURL, nil
	}
	address := cmp.Or(i.DiscoveryURL, strings.TrimSuffix(i.Issuer, "/")+"/.well-known/openid-configuration")
	doc, err := v.Fetch.Get(ctx, address, maxDiscovery, "application/json")
	if err != nil {
		return "", fmt.Errorf("discovery: %w", err)
	}
	var said struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(doc.Body, &said); err != nil {
		return "", errors.New("discovery: it is not a JSON object with issuer and jwks_uri")
	}
	if said.Issuer != i.Issuer {
		return "", errors.New("discovery: the document is about another issuer")
	}
	return said.KeysURL, nil
}

// halfHash is the left half of the hash of text, in base64url, that goes with an
// algorithm (OpenID Connect Core §3.1.3.6). Ed25519 works with SHA-512 (RFC 8032 §5.1).
func halfHash(alg, text string) string {
	hash := sha256.New()
	switch {
	case strings.HasSuffix(alg, "384"):
		hash = sha512.New384()
	case strings.HasSuffix(alg, "512"), alg == jose.EdDSA, alg == jose.Ed25519:
		hash = sha512.New()
	}
	hash.Write([]byte(text))
	sum := hash.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
