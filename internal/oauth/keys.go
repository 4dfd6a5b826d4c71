package oauth

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

const maxKeySet = 256 << 10 // bytes of a client's key set

// clientKeys returns the public keys of c: those it is registered with, or those at
// its jwks_uri. kid is one that must be among them; "" asks for none. A key set that
// does not know it is fetched again, for clients change their keys.
func (s *Service) clientKeys(ctx context.Context, c *headykey.Client, kid string) (*jose.Set, error) {
	if len(c.Details.JWKS) > 0 {
		return jose.ParseSet(c.Details.JWKS)
	}
	if c.Details.JWKSURI == "" {
		return nil, fmt.Errorf("%w: the client has no keys", jose.ErrToken)
	}
	return s.keysAt(ctx, c.Details.JWKSURI, kid)
}

// keysAt returns the public keys at an address, fetched again if kid is not among
// them.
func (s *Service) keysAt(ctx context.Context, address, kid string) (*jose.Set, error) {
	const accept = "application/jwk-set+json, application/json"
	doc, err := s.Fetch.Get(ctx, address, maxKeySet, accept)
	if err != nil {
		return nil, err
	}
	set, err := jose.ParseSet(doc.Body)
	if err == nil && (kid == "" || set.Has(kid)) {
		return set, nil
	}
	if doc, err = s.Fetch.Refetch(ctx, address, maxKeySet, accept); err != nil {
		return nil, err
	}
	return jose.ParseSet(doc.Body)
}

// ClientAlgorithms lists what clients may sign with, the ones to prefer first. The
// last is not for clients of FAPI 2.0 (§5.4.1).
var ClientAlgorithms = []string{jose.PS256, jose.ES256, jose.EdDSA, jose.Ed25519, jose.RS256}

// algorithmsOf returns what c may sign with: the algorithm that it is registered
// with, or any that its profile allows if that is "".
func algorithmsOf(c *headykey.Client, registered string) []string {
	allowed := ClientAlgorithms
	if c.Profile == headykey.ProfileFAPI2 {
		allowed = allowed[:len(allowed)-1]
	}
	return narrowAlgorithms(allowed, registered)
}

// narrowAlgorithms returns the registered one of allowed, or all of them if that is "".
func narrowAlgorithms(allowed []string, registered string) []string {
	if registered == "" {
		return allowed
	}
	if i := slices.Index(allowed, registered); i >= 0 {
		return allowed[i : i+1]
	}
	return nil
}

// verifySigned returns a token of at most limit bytes that c signed with one of its
// keys, by one of the algorithms. Every fault is the refusal, in other words. What went
// wrong on the way to the keys is for the log alone.
func (s *Service) verifySigned(ctx context.Context, c *headykey.Client, text string, limit int, algorithms []string, refusal *headykey.Error) (*jose.Foreign, error) {
	header, _, err := jose.Peek(text, limit)
	if err != nil {
		return nil, refusal.Saying("This is not a signed JWT.")
	}
	if !slices.Contains(algorithms, header.Algorithm) {
		return nil, refusal.Saying("The JWT is signed with an algorithm that this client may not use.")
	}
	keys, err := s.clientKeys(ctx, c, header.KeyID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", refusal.Saying("The client has no keys, or its jwks_uri does not answer with a JWK set of public keys."), err)
	}
	signed, err := keys.Verify(text, limit, algorithms)
	if err != nil {
		return nil, refusal.Saying("The JWT is not signed by a key of this client.")
	}
	return signed, nil
}

// encrypt returns text encrypted to c, or as it is if c wants no encryption. cty is
// JWT if text is one (RFC 7519 §5.2).
func (s *Service) encrypt(ctx context.Context, c *headykey.Client, text, cty, alg, enc string) (string, error) {
	if alg == "" {
		return text, nil
	}
	if enc == "" {
		enc = "A128CBC-HS256" // OpenID Connect Registration §2
	}
	set, err := s.clientKeys(ctx, c, "")
	if err != nil {
		return "", headykey.ErrUnavailable.Saying("The client's keys, which the answer must be encrypted with, cannot be had.")
	}
	return set.Encrypt([]byte(text), alg, enc, cty)
}

// signAnswer makes the response parameter of JARM (§2.1): the answer as a JWT.
func (s *Service) signAnswer(ctx context.Context, c *headykey.Client, params url.Values) (string, error) {
	claims := map[string]any{
		"iss": s.Issuer(), "aud": string(c.ID), "exp": time.Now().Add(10 * time.Minute).Unix(),
	}
	for name := range params {
		claims[name] = params.Get(name)
	}
	text, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("authorization answer: %w", err)
	}
	signed, err := s.Tokens.Sign(ctx, algorithm(c, c.Details.AnswerAlg), idTokenType, text)
	if err != nil {
		return "", err
	}
	return s.encrypt(ctx, c, signed, "JWT", c.Details.AnswerKeyAlg, c.Details.AnswerEnc)
}
