package oauth

import (
	"context"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// lostAnswer is how long a client that never saw its new refresh token may show the
// old one again and gets the same.
const lostAnswer = 34 * time.Second

// redeemRefresh exchanges a refresh token for new tokens (RFC 6749 §6). It is
// rotated at each use, but for clients of FAPI 2.0, whose tokens are bound to a key
// (§5.3.2.1 of that profile). An old one that is shown after the time of lost answers
// ends the authorization (RFC 9700 §4.14.2).
func redeemRefresh(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error) {
	text := req.Form.Get("refresh_token")
	if text == "" {
		return Permit{}, headykey.ErrMissingField.About("refresh_token")
	}
	id, ok := s.handleOf(text)
	if !ok {
		return Permit{}, headykey.ErrGrantSpent
	}
	next := s.newHandleToken(id)
	return s.redeemIn(ctx, func(tx *store.Tx) (Permit, error, error) {
		p, err := tx.AuthorizationProof(id)
		if err != nil {
			return Permit{}, nil, err
		}
		if refusal := s.mayRefresh(tx, c, p, req, text); refusal != nil {
			return Permit{}, refusal, nil
		}
		return s.rotate(ctx, tx, c, p, req, text, next)
	})
}

// mayRefresh returns nil if text, which we made for p, is or was a refresh token, and c
// may use it at this moment.
func (s *Service) mayRefresh(tx *store.Tx, c *headykey.Client, p *headykey.AuthorizationProof, req Request, text string) error {
	a := &p.Authorization
	switch {
	case a.Current == nil, a.Client != c.ID, a.Code != nil && secret.Equal(a.Code, codeHash(text)), !p.Live(tx.Now), !tx.Now.Before(a.Expires):
		return headykey.ErrGrantSpent
	case a.Terms.JKT != "" && a.Terms.JKT != req.Possession.JKT:
		return headykey.ErrBadProof.Saying("The refresh token is bound to another DPoP key.")
	case a.Terms.X5T != "" && a.Terms.X5T != req.Possession.X5T:
		return headykey.ErrGrantSpent.Saying("The refresh token is bound to another certificate.")
	}
	if _, err := narrowScopes(a.Terms.Scopes, req.Scope); err != nil {
		return err // before anything is spent
	}
	return nil
}

// rotate spends text for next, or repeats the answer that was lost.
func (s *Service) rotate(ctx context.Context, tx *store.Tx, c *headykey.Client, p *headykey.AuthorizationProof, req Request, text, next string) (Permit, error, error) {
	a := &p.Authorization
	a.Terms.Nonce = "" // nobody waits for it in a second ID token (OpenID Connect Core §12.2)
	expires := tx.Now.Add(s.Tokens.RefreshLife())
	if c.Profile == headykey.ProfileFAPI2 {
		return Permit{Proof: p, Refresh: text}, nil, tx.ProlongAuthorization(a, expires)
	}
	if sameRefresh(a.Current, text) {
		_, err := tx.RotateAuthorization(a, a.Current, refreshHash(next), token.Mask(text, next), expires)
		return Permit{Proof: p, Refresh: next}, nil, err
	}
	again, ok := token.Unmask(text, a.Successor)
	if ok && sameRefresh(a.Previous, text) && tx.Now.Sub(a.Rotated) <= lostAnswer {
		return Permit{Proof: p, Refresh: again}, nil, nil
	}
	return Permit{}, headykey.ErrGrantSpent, s.end(ctx, tx, as(c, req.From), a, "refresh_token.reused", "used_again")
}

func sameRefresh(hash []byte, text string) bool {
	return hash != nil && secret.Equal(hash, refreshHash(text))
}
