package oauth

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// A live token was verified and looked up. It is believed until it expires, until
// anything about it, its client or its person changes on any node, or until this
// node can no longer know of changes.
type live struct {
	access token.ClientAccess
	owner  *headykey.Client
	proof  *headykey.AuthorizationProof // nil: no person stands behind it
	epochs [3]store.Epoch               // of the client, the token, and the person
}

func (l *live) current() bool {
	return l.epochs[0].Current() && l.epochs[1].Current() && l.epochs[2].Current()
}

// read returns what a token says that is good now, and whose it is. It fails with
// headykey.ErrInvalidToken, also once the token was revoked, its client disabled or
// deleted, its authorization, session or person at an end, and with ErrTokenExpired.
func (s *Service) read(ctx context.Context, text string) (*live, error) {
	name := sha256.Sum256([]byte(text))
	if l, ok := s.live.GetIfPresent(name); ok && l.current() && s.DB.Fresh() && time.Now().Unix() < l.access.Expires &&
		(l.proof == nil || l.proof.Live(time.Now())) {
		return l, nil
	}
	a, err := s.Tokens.ReadClientAccess(text)
	if err != nil {
		return nil, err
	}
	l, err := s.lookUp(ctx, a)
	if isMissing(err) {
		err = headykey.ErrInvalidToken
	}
	if err != nil {
		return nil, err
	}
	s.live.Set(name, l)
	return l, nil
}

// lookUp asks the store whether a, which was verified, still counts.
func (s *Service) lookUp(ctx context.Context, a token.ClientAccess) (*live, error) {
	l := &live{access: a}
	l.epochs[0], l.epochs[1] = s.DB.Epoch(a.Client), s.DB.Epoch(a.ID)
	l.epochs[2] = l.epochs[0]
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		var err error
		if l.owner, err = tx.Client(a.Client); err != nil {
			return err
		}
		revoked, err := tx.IsTokenRevoked(a.Client, a.ID)
		if err != nil {
			return err
		}
		if revoked || !l.owner.Disabled.IsZero() {
			return headykey.ErrInvalidToken
		}
		if a.Grant == "" {
			return nil
		}
		if l.proof, err = tx.AuthorizationProof(a.Grant); err != nil {
			return err
		}
		// Who the person is was not known before; what is remembered must be read
		// after the epoch was taken.
		l.epochs[2] = s.DB.Epoch(l.proof.User.ID)
		l.proof, err = tx.AuthorizationProof(a.Grant)
		return err
	})
	if err == nil && l.proof != nil && (!l.proof.Live(time.Now()) || l.proof.Authorization.Client != a.Client) {
		err = headykey.ErrInvalidToken
	}
	return l, err
}

// Introspect returns what an access token says if it is good now, else nil
// (RFC 7662 §2.2): whoever asks learns nothing of why it is not. The asking client
// has proven itself. A token that stands for a person is told of only to its own
// client and to those that serve one of its resources.
func (s *Service) Introspect(ctx context.Context, c *headykey.Client, text string) (*token.ClientAccess, error) {
	if c.Public() {
		return nil, headykey.ErrBadClient // RFC 7662 §2.1: it proved nothing
	}
	l, err := s.read(ctx, text)
	if err == nil {
		if l.proof != nil && !mayAsk(c, &l.access) {
			return nil, nil
		}
		return &l.access, nil
	}
	if headykey.Explain(err).Kind == headykey.Unproven {
		return nil, nil
	}
	return nil, err
}

// mayAsk reports whether c may know what a token says: it is its own, or an operator
// said that c is the server of one of the token's resources. To be registered for a
// resource is no more than to be its client.
func mayAsk(c *headykey.Client, a *token.ClientAccess) bool {
	return a.Client == c.ID || slices.ContainsFunc(a.Audience, func(r string) bool { return slices.Contains(c.Details.Serves, r) })
}

// Revoke ends a token of c before its time (RFC 7009 §2): an access token by itself,
// a refresh token with everything that stands on its authorization. A token that is
// good no more, or is none, is nothing to fail about; one of another client is
// headykey.ErrForeignToken. The receipt is "token.revoked".
func (s *Service) Revoke(ctx context.Context, c *headykey.Client, from headykey.From, text string) error {
	if id, ok := s.handleOf(text); ok {
		return s.revokeRefresh(ctx, c, from, id, text)
	}
	a, err := s.Tokens.ReadClientAccess(text)
	if err != nil {
		return nil
	}
	if a.Client != c.ID {
		return headykey.ErrForeignToken
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		fresh, err := tx.RevokeToken(a.Client, a.ID, time.Unix(a.Expires, 0))
		if err != nil || !fresh {
			return err
		}
		return s.noteToken(ctx, tx, as(c, from), "token.revoked", headykey.Party{Type: "token", ID: string(a.ID)}, "")
	})
}

// revokeRefresh ends the authorization under id, if text is a refresh token of it.
func (s *Service) revokeRefresh(ctx context.Context, c *headykey.Client, from headykey.From, id headykey.ID, text string) error {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.AuthorizationProof(id)
		if err != nil {
			return err
		}
		a := &p.Authorization
		if !sameRefresh(a.Current, text) && !sameRefresh(a.Previous, text) {
			return nil
		}
		if a.Client != c.ID {
			return headykey.ErrForeignToken
		}
		return s.end(ctx, tx, as(c, from), a, "token.revoked", "")
	})
	if isMissing(err) {
		return nil
	}
	return err
}

// end ends an authorization and leaves a receipt of that kind, unless it had ended.
func (s *Service) end(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Authorization, kind, why string) error {
	live, err := tx.EndAuthorization(a.User, a.ID)
	if err != nil || !live {
		return err
	}
	return s.noteToken(ctx, tx, by, kind, headykey.Party{Type: "authorization", ID: string(a.ID)}, a.User, why)
}

// noteToken leaves a receipt of something done to a token or an authorization of
// subject.
func (s *Service) noteToken(ctx context.Context, tx *store.Tx, by headykey.Caller, kind string, object headykey.Party, subject headykey.ID, why ...string) error {
	act := headykey.Act{Type: kind, By: by, Object: object, Subject: subject}
	if len(why) > 0 && why[0] != "" {
		act.Details = map[string]any{"reason": why[0]}
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), act)
	return err
}
