package oauth

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

const maxStatement = 16 << 10 // bytes of a software statement

// A StatementIssuer is somebody whose software statements count (RFC 7591 §2.3).
type StatementIssuer struct {
	Issuer  string `json:"issuer"`   // as the claim iss spells it
	KeysURL string `json:"jwks_url"` // where its public keys are
}

// readStatement returns the claims of a software statement: a JWT by one of the
// issuers that were configured, and in its time. Others are
// headykey.ErrUnapprovedStatement; ErrBadStatement is everything else that is wrong.
func (s *Service) readStatement(ctx context.Context, text string) ([]byte, error) {
	header, unverified, err := jose.Peek(text, maxStatement)
	if err != nil {
		return nil, headykey.ErrBadStatement
	}
	var claims struct {
		Issuer    string   `json:"iss"`
		Expires   *float64 `json:"exp"`
		NotBefore *float64 `json:"nbf"`
	}
	if json.Unmarshal(unverified, &claims) != nil {
		return nil, headykey.ErrBadStatement
	}
	i := slices.IndexFunc(s.Registration.Issuers, func(one StatementIssuer) bool { return one.Issuer == claims.Issuer })
	if i < 0 {
		return nil, headykey.ErrUnapprovedStatement
	}
	keys, err := s.keysAt(ctx, s.Registration.Issuers[i].KeysURL, header.KeyID)
	if err != nil {
		return nil, headykey.ErrUnavailable.Saying("The keys of the software statement's issuer cannot be had.")
	}
	verified, err := keys.Verify(text, maxStatement, jose.ForeignAlgorithms)
	if err != nil {
		return nil, headykey.ErrBadStatement
	}
	now := float64(time.Now().Unix())
	if claims.Expires != nil && now >= *claims.Expires || claims.NotBefore != nil && now < *claims.NotBefore {
		return nil, headykey.ErrBadStatement.Saying("The software statement is not valid at this time.")
	}
	return verified.Claims, nil
}
