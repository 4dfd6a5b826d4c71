package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

// introspectionType is the typ of a signed introspection answer (RFC 9701 §5): none
// of our other tokens passes for one.
const introspectionType = "token-introspection+jwt"

// SignIntrospection returns what is told of a token, a JSON value, as a JWT for the
// client c that asked, signed by the algorithm that it is registered for (RFC 9701
// §4, §5).
func (s *Service) SignIntrospection(ctx context.Context, c *headykey.Client, told any) (string, error) {
	text, err := json.Marshal(map[string]any{
		"iss": s.Issuer(), "aud": string(c.ID), "iat": time.Now().Unix(), "token_introspection": told,
	}, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("introspection answer: %w", err)
	}
	return s.Tokens.Sign(ctx, algorithm(c, c.Details.IntrospectAlg), introspectionType, text)
}
