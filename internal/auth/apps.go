package auth

import (
	"context"
	"errors"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// maxKnown bounds how many accounts are kept in memory.
const maxKnown = 34_000

// A known account is believed as long as a proven credential is.
type known struct {
	account *headykey.Account
	epoch   store.Epoch
}

// Account returns all that is known of user, or headykey.ErrNotFound. Callers share
// it: do not change it.
func (s *Service) Account(ctx context.Context, user headykey.ID) (*headykey.Account, error) {
	if k, ok := s.known.GetIfPresent(user); ok && k.epoch.Current() && s.DB.Fresh() {
		return k.account, nil
	}
	k := &known{epoch: s.DB.Epoch(user)}
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		k.account, err = tx.Account(user)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.known.Set(user, k)
	return k.account, nil
}

// BySession returns the caller of a session token and their account, which callers
// share. It fails with headykey.ErrInvalidToken or ErrTokenExpired, and if the token
// is good, with ErrUserGone, ErrAccountDisabled or ErrSessionGone: an app that is
// told so forgets its session.
func (s *Service) BySession(ctx context.Context, text string, from headykey.From) (headykey.Caller, *headykey.Account, error) {
	p, err := s.recall(ctx, kindSession, text, from, func(ctx context.Context) (*proven, error) {
		a, err := s.Tokens.ReadSession(text)
		if err != nil {
			return nil, err
		}
		return s.proveSession(ctx, &a)
	})
	if err != nil {
		return headykey.Caller{}, nil, err
	}
	by := p.caller
	by.From = from
	return by, p.account, nil
}

// proveSession looks up whose session a is of.
func (s *Service) proveSession(ctx context.Context, a *token.SessionAccess) (*proven, error) {
	epoch := s.DB.Epoch(a.Subject)
	account, err := s.Account(ctx, a.Subject)
	switch {
	case errors.Is(err, headykey.ErrNotFound):
		return nil, headykey.ErrUserGone
	case err != nil:
		return nil, err
	case !account.Profile.Deleted.IsZero():
		return nil, headykey.ErrUserGone
	case !account.Disabled.IsZero():
		return nil, headykey.ErrAccountDisabled
	}
	var p *headykey.Proof
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.ProofBySession(a.Subject, a.Session)
		return err
	})
	by, err := sessionCaller(p, err, headykey.ByToken)
	if errors.Is(err, headykey.ErrInvalidToken) {
		return nil, headykey.ErrSessionGone
	}
	if err != nil {
		return nil, err
	}
	by.Expires = earlier(time.Unix(a.Expires, 0).UTC(), p.Session.Ends)
	return &proven{caller: by, account: account, epoch: epoch}, nil
}

// RefreshSession is Refresh for apps: what it gives is a session token. Text that is
// no refresh token at all is headykey.ErrInvalid. With ErrRefreshTokenReused the Grant
// says whose session has ended, and nothing else.
func (s *Service) RefreshSession(ctx context.Context, refresh string, from headykey.From) (*Grant, error) {
	if !token.WellFormed(refresh) {
		return nil, headykey.ErrInvalid.Saying("This is not a refresh token.").About("refresh_token")
	}
	spent, err := s.Tokens.SpendForApp(ctx, refresh)
	if errors.Is(err, token.ErrReused) {
		h := spent.Holder
		return &Grant{User: headykey.User{ID: h.User}, Session: h.Session}, s.punishReuse(ctx, h, from)
	}
	if err != nil {
		return nil, err
	}
	g, err := s.appGrant(ctx, from, spent.Holder, spent.Next, refreshed)
	if err != nil {
		return nil, err
	}
	g.Again = spent.Again
	s.noteIssue(spent.Holder)
	return g, nil
}

// appGrant makes the answer to an app whose session, h's, is durable. Method is how it
// came to that, as hooks know it.
func (s *Service) appGrant(ctx context.Context, from headykey.From, h *headykey.Holder, refresh, method string) (*Grant, error) {
	account, err := s.Account(ctx, h.User)
	if err != nil {
		return nil, err
	}
	claims, err := s.Tokens.SessionClaims(h, account)
	if err != nil {
		return nil, err
	}
	claims, life, err := s.customise(ctx, from, h, claims, method)
	if err != nil {
		return nil, err
	}
	access, err := s.Tokens.SignSession(claims)
	if err != nil {
		return nil, err
	}
	return &Grant{
		User: account.User, Account: account, Session: h.Session, Access: access, Life: life, Refresh: refresh,
	}, nil
}

// ByProjectKey returns the role of a key that apps are made with, or
// headykey.ErrInvalidToken.
func (s *Service) ByProjectKey(text string) (role string, err error) {
	return s.Tokens.ReadProjectKey(text)
}

// PublicKeys returns those of the keys that apps are made with which grant nothing.
func (s *Service) PublicKeys() (anon, publishable string, err error) {
	keys, err := s.Tokens.ProjectKeys()
	return keys.Anon, keys.Publishable, err
}

// ProjectKeys returns the keys that apps are made with. It is for the command line.
func (s *Service) ProjectKeys(by headykey.Caller) (token.ProjectKeys, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.read"); err != nil {
		return token.ProjectKeys{}, err
	}
	return s.Tokens.ProjectKeys()
}
