package oauth

import (
	"context"
	"crypto/sha256"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// A live token was verified and looked up. It is believed until it expires, until
// anything about it or its client changes on any node, or until this node can no
// longer know of changes.
type live struct {
	access        token.ClientAccess
	client, token store.Epoch
}

// read returns what a token says that is good now. It fails with
// headykey.ErrInvalidToken, also once the token was revoked or its client disabled
// or deleted, and with ErrTokenExpired.
func (s *Service) read(ctx context.Context, text string) (token.ClientAccess, error) {
	name := sha256.Sum256([]byte(text))
	if l, ok := s.live.GetIfPresent(name); ok && l.client.Current() && l.token.Current() &&
		s.DB.Fresh() && time.Now().Unix() < l.access.Expires {
		return l.access, nil
	}
	a, err := s.Tokens.ReadClientAccess(text)
	if err != nil {
		return token.ClientAccess{}, err
	}
	l := &live{access: a, client: s.DB.Epoch(a.Client), token: s.DB.Epoch(a.ID)}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(a.Client)
		if err != nil {
			return err
		}
		revoked, err := tx.IsTokenRevoked(a.Client, a.ID)
		if err == nil && (revoked || !c.Disabled.IsZero()) {
			return headykey.ErrInvalidToken
		}
		return err
	})
	if isMissing(err) {
		err = headykey.ErrInvalidToken
	}
	if err != nil {
		return token.ClientAccess{}, err
	}
	s.live.Set(name, l)
	return a, nil
}

// Introspect returns what an access token says if it is good now, else nil
// (RFC 7662 §2.2): whoever asks learns nothing of why it is not. The asking client
// has proven itself; the tokens of clients say nothing of people.
func (s *Service) Introspect(ctx context.Context, text string) (*token.ClientAccess, error) {
	a, err := s.read(ctx, text)
	if err == nil {
		return &a, nil
	}
	if headykey.Explain(err).Kind == headykey.Unproven {
		return nil, nil
	}
	return nil, err
}

// Revoke ends an access token of c before its time (RFC 7009 §2). A token that is
// good no more, or is none, is nothing to fail about; one of another client is
// headykey.ErrForeignToken. The receipt is "token.revoked".
func (s *Service) Revoke(ctx context.Context, c *headykey.Client, from headykey.From, text string) error {
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
		_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
			Type: "token.revoked", By: as(c, from), Object: headykey.Party{Type: "token", ID: string(a.ID)},
		})
		return err
	})
}
