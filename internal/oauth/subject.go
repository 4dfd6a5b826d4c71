package oauth

import (
	"encoding/base64"
	"net/url"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/token"
)

// Subject is how c knows a person: by the account's id, or by a name that no other
// sector's clients share (OpenID Connect Core §8.1).
func (s *Service) Subject(c *headykey.Client, user headykey.ID) string {
	if c.Details.SubjectType != "pairwise" {
		return string(user)
	}
	mac := s.Sealer.MAC("pairwise subject", []byte(sectorOf(c)), []byte(user))
	return base64.RawURLEncoding.EncodeToString(mac[:])
}

// sectorOf is the host that a pairwise client belongs to (OpenID Connect Core §8.1).
func sectorOf(c *headykey.Client) string {
	from := c.Details.SectorURI
	if from == "" && len(c.Redirects) > 0 {
		from = c.Redirects[0]
	}
	u, err := url.Parse(from)
	if err != nil || u.Host == "" {
		return string(c.ID)
	}
	return u.Hostname()
}

// readHint returns the subject of an id_token_hint: an ID token of ours for c,
// expired or not (OpenID Connect Core §3.1.2.1).
func (s *Service) readHint(c *headykey.Client, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	hint, err := s.hint(text)
	if err != nil || !hint.For(c.ID) {
		return "", wrongAsk("The id_token_hint is not an ID token of this client.")
	}
	return hint.Subject, nil
}

// A hint is what an ID token of ours says of whom it was for.
type hint struct {
	Issuer   string         `json:"iss"`
	Subject  string         `json:"sub"`
	Audience token.Audience `json:"aud"`
	Session  headykey.ID    `json:"sid"`
	Issued   int64          `json:"iat"`
	Events   *struct{}      `json:"events"` // of a logout token, which is no hint
}

// For reports whether h was made for client.
func (h *hint) For(client headykey.ID) bool {
	for _, one := range h.Audience {
		if one == string(client) {
			return true
		}
	}
	return false
}

// hint reads an ID token of ours, expired or not. It fails with
// headykey.ErrInvalidToken.
func (s *Service) hint(text string) (*hint, error) {
	claims, err := s.Tokens.VerifyOwn(text, idTokenType)
	if err != nil {
		return nil, headykey.ErrInvalidToken
	}
	h := &hint{}
	if err := json.Unmarshal(claims, h); err != nil || h.Issuer != s.Issuer() || h.Subject == "" || h.Issued == 0 || h.Events != nil {
		return nil, headykey.ErrInvalidToken
	}
	return h, nil
}
