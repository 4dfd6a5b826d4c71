package oauth_test

import (
	"errors"
	"net/url"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// A challenge counts only if it says that it is a hash: without a method it would be
// the verifier itself (RFC 7636 §4.3).
func TestAChallengeIsS256(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{AuthMethod: headykey.AuthNone, Redirects: []string{"https://app.example/cb"}})
	for method, want := range map[string]error{
		"S256": nil, "plain": headykey.ErrBadAuthorization, "": headykey.ErrBadAuthorization, "s256": headykey.ErrBadAuthorization,
	} {
		p, err := h.Begin(t.Context(), url.Values{
			"client_id": {string(c.Record.ID)}, "response_type": {"code"}, "scope": {"openid"},
			"redirect_uri":   {"https://app.example/cb"},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {method},
		})
		if p == nil || !errors.Is(err, want) {
			t.Errorf("method %q: %v, want %v", method, err, want)
		}
	}
}
