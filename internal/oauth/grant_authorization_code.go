package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// redeemCode exchanges a code for tokens, once (RFC 6749 §4.1.3). A code that is
// shown again takes down all that was made of it (RFC 6749 §4.1.2); one that is
// shown wrongly is spent by that (RFC 9700 §4.5.3).
func redeemCode(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error) {
	code := req.Form.Get("code")
	if code == "" {
		return Permit{}, headykey.ErrMissingField.About("code")
	}
	id, ok := s.handleOf(code)
	if !ok {
		return Permit{}, headykey.ErrGrantSpent
	}
	return s.redeemIn(ctx, func(tx *store.Tx) (Permit, error, error) {
		p, err := tx.AuthorizationProof(id)
		if err != nil {
			return Permit{}, nil, err
		}
		if refusal := s.mayRedeem(tx, c, p, req, code); refusal != nil {
			return Permit{}, refusal, s.punishCode(ctx, tx, c, p, req, code)
		}
		permit, err := s.takeCode(ctx, tx, c, p, req)
		return permit, nil, err
	})
}

// mayRedeem returns nil if c may redeem this code of p at this moment.
func (s *Service) mayRedeem(tx *store.Tx, c *headykey.Client, p *headykey.AuthorizationProof, req Request, code string) error {
	a := &p.Authorization
	t := &a.Terms
	switch {
	case a.Code == nil || !secret.Equal(a.Code, codeHash(code)), a.Client != c.ID:
		return headykey.ErrGrantSpent
	case !a.Redeemed.IsZero(), !tx.Now.Before(a.CodeExpires), !p.Live(tx.Now):
		return headykey.ErrGrantSpent
	case t.Named && req.Form.Get("redirect_uri") != t.Redirect:
		return headykey.ErrGrantSpent.Saying("The redirect_uri is not the one of the authorization request.")
	case !t.Named && req.Form.Get("redirect_uri") != "" && req.Form.Get("redirect_uri") != t.Redirect:
		return headykey.ErrGrantSpent.Saying("The redirect_uri is not the one of the authorization request.")
	case t.Challenge != "" && !provesPKCE(req.Form.Get("code_verifier"), t.Challenge):
		return headykey.ErrGrantSpent.Saying("The code_verifier does not match the code_challenge.")
	case t.Challenge == "" && req.Form.Has("code_verifier"):
		// RFC 9700 §4.8.2: somebody took the challenge out of the request.
		return headykey.ErrGrantSpent.Saying("There is a code_verifier, but there was no code_challenge.")
	case t.JKT != "" && t.JKT != req.Possession.JKT:
		return headykey.ErrBadProof.Saying("The code is bound to another DPoP key.")
	}
	return nil
}

// punishCode ends what a code gave, or would have given, after a wrong use of it.
// Whoever does not hold the whole code, or another client, changes nothing.
func (s *Service) punishCode(ctx context.Context, tx *store.Tx, c *headykey.Client, p *headykey.AuthorizationProof, req Request, code string) error {
	a := &p.Authorization
	if a.Code == nil || !secret.Equal(a.Code, codeHash(code)) || a.Client != c.ID {
		return nil
	}
	why := "misused"
	if !a.Redeemed.IsZero() {
		why = "code_used_again"
	}
	return s.end(ctx, tx, as(c, req.From), a, "code.reused", why)
}

// takeCode marks the code of p as redeemed and begins its refresh tokens, if there
// are to be any. The receipt is "code.exchanged".
func (s *Service) takeCode(ctx context.Context, tx *store.Tx, c *headykey.Client, p *headykey.AuthorizationProof, req Request) (Permit, error) {
	a := &p.Authorization
	jkt, x5t := s.bindRefresh(c, req.Possession)
	changed := jkt != a.Terms.JKT || x5t != a.Terms.X5T
	a.Terms.JKT, a.Terms.X5T = jkt, x5t
	permit := Permit{Proof: p}
	if c.May("refresh_token") {
		permit.Refresh = s.newHandleToken(a.ID)
		a.Current = refreshHash(permit.Refresh)
	}
	first, err := tx.RedeemAuthorization(a, changed)
	if err != nil {
		return Permit{}, err
	}
	if !first {
		return Permit{}, headykey.ErrGrantSpent
	}
	by := as(c, req.From)
	return permit, s.noteToken(ctx, tx, by, "code.exchanged", headykey.Party{Type: "authorization", ID: string(a.ID)}, a.User)
}

// bindRefresh is what the refresh tokens of a public client are bound to: the key
// that the first request showed (RFC 9449 §5, RFC 8705 §4). A confidential client
// proves itself at each use.
func (s *Service) bindRefresh(c *headykey.Client, p Possession) (jkt, x5t string) {
	if !c.Public() {
		return "", ""
	}
	if c.Details.BoundTLS {
		x5t = p.X5T
	}
	return p.JKT, x5t
}

// provesPKCE reports whether BASE64URL(SHA256(verifier)) is challenge, in constant
// time. A verifier has 43 to 128 unreserved characters (RFC 7636 §4.1, §4.6).
func provesPKCE(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	for i := range len(verifier) {
		if !unreserved(verifier[i]) {
			return false
		}
	}
	sum := sha256.Sum256([]byte(verifier))
	return secret.Equal([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge))
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}
