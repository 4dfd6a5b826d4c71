package auth

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A PasswordLogin is somebody who claims an account by its password.
type PasswordLogin struct {
	Email    string
	Password string
	From     headykey.From
	Surface  string
	Audience string // of the account; "": any
	Replaces string // the session cookie that the browser still holds; its session ends
	Renew    bool   // if that session is the same person's, it goes on instead, under a new cookie
}

// Login signs a person in by password.
//
// It fails with headykey.ErrBadCredentials, alike in words and work for an unknown
// address and for a wrong password; with ErrRateLimited while failures are being
// backed off from; with ErrBusy when too many passwords wait to be hashed; and,
// only once the password was right, with ErrAccountDisabled or
// ErrEmailNotConfirmed. The receipt "session.started" is written in the
// transaction, or "session.renewed" where one goes on; refusals are told by
// "session.refused", the first of a minute at once and the rest of that minute with
// their count.
func (s *Service) Login(ctx context.Context, in PasswordLogin) (*Grant, error) {
	if utf8.RuneCountInString(in.Password) > secret.MaxPassword {
		return nil, headykey.ErrPasswordTooLong.About("password")
	}
	_, emailKey, err := headykey.ParseEmail(in.Email)
	if err != nil {
		emailKey = headykey.Fold(in.Email) // nobody's; refused like any unknown one
	}
	a, err := s.admit(ctx, emailKey, in.From)
	if err != nil {
		return nil, err
	}
	defer s.release(a)

	login, err := s.checkPassword(ctx, emailKey, in.Password)
	if err == nil {
		err = s.checkAudience(ctx, login.User.ID, in.Audience)
	}
	if errors.Is(err, headykey.ErrBadCredentials) {
		if err := s.noteFailure(ctx, a, login); err != nil {
			return nil, err
		}
		return nil, headykey.ErrBadCredentials
	}
	if err != nil {
		return nil, err
	}
	if err := s.mayEnter(&login.User); err != nil {
		return nil, s.noteBarred(ctx, &login.User, err)
	}
	better := s.betterHash(ctx, login.Hash, in.Password)
	fresh := prepare(in.From, in.Surface, headykey.ByPassword)
	var o opening
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		o = *fresh // a renewal changes it, and the transaction may run twice
		return s.enter(ctx, tx, a, login, &o, better, in)
	})
	if err != nil {
		return nil, err
	}
	return s.grant(ctx, &o, &login.User)
}

// recent is how fresh a sign-in must be to stand for a password.
const recent = 13 * time.Minute

// ProveAgain asks for a fresh proof that the caller is the person themselves: the
// password, which counts and is backed off from as at sign-in, or a sign-in of the
// last 13 minutes. It fails with headykey.ErrNeedsRecentSignIn (an API key is no
// person), ErrBadCredentials, ErrRateLimited and ErrBusy.
func (s *Service) ProveAgain(ctx context.Context, by headykey.Caller, password string) error {
	if by.Session == "" || password == "" && time.Since(by.Proven) >= recent {
		return headykey.ErrNeedsRecentSignIn
	}
	if password == "" {
		return nil
	}
	_, emailKey, err := headykey.ParseEmail(by.Email)
	if err != nil {
		return headykey.ErrNeedsRecentSignIn
	}
	a, err := s.admit(ctx, emailKey, by.From)
	if err != nil {
		return err
	}
	defer s.release(a)
	login, err := s.checkPassword(ctx, emailKey, password)
	if errors.Is(err, headykey.ErrBadCredentials) {
		return errors.Join(s.noteFailure(ctx, a, login), headykey.ErrBadCredentials)
	}
	return err
}

// checkPassword returns the login of emailKey if password opens it. The login is
// nil if there is none; the work is the same.
func (s *Service) checkPassword(ctx context.Context, emailKey, password string) (*store.Login, error) {
	var login *store.Login
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		login, err = tx.LoginByEmail(emailKey)
		return err
	})
	known := err == nil
	if err != nil && !errors.Is(err, headykey.ErrNotFound) {
		return nil, err
	}
	var right bool
	if known && login.Hash != "" {
		right, err = s.Pool.Verify(ctx, login.Hash, password)
	} else {
		right, err = s.Pool.VerifyDummy(ctx, password)
	}
	switch {
	case err != nil && errors.Is(err, secret.ErrBusy):
		return nil, headykey.ErrBusy
	case err != nil:
		return nil, err
	case !known:
		return nil, headykey.ErrBadCredentials
	case !right:
		return login, headykey.ErrBadCredentials
	}
	return login, nil
}

// checkAudience fails with headykey.ErrBadCredentials if user is of another audience
// than the one asked for ("": any): who looks there finds nobody.
func (s *Service) checkAudience(ctx context.Context, user headykey.ID, audience string) error {
	if audience == "" {
		return nil
	}
	account, err := s.Account(ctx, user)
	if errors.Is(err, headykey.ErrNotFound) || err == nil && account.Profile.Audience != audience {
		return headykey.ErrBadCredentials
	}
	return err
}

// mayEnter says whether a person who proved themselves may come in at all. Every
// way in asks it.
func (s *Service) mayEnter(u *headykey.User) error {
	switch {
	case !u.Disabled.IsZero():
		return headykey.ErrAccountDisabled
	case s.unconfirmed(u):
		return headykey.ErrEmailNotConfirmed
	}
	return nil
}

// unconfirmed reports whether u must confirm its address first.
func (s *Service) unconfirmed(u *headykey.User) bool {
	return s.config.ConfirmEmail && u.Email != "" && u.Verified.IsZero()
}

// noteBarred leaves a receipt of somebody with the right password who may not come
// in, and returns why.
func (s *Service) noteBarred(ctx context.Context, user *headykey.User, why error) error {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
			Type: "session.refused", Subject: user.ID, Object: headykey.Party{Type: "user", ID: string(user.ID)},
			Outcome: headykey.Refused, Reason: headykey.Explain(why).Code, Details: map[string]any{"count": 1},
		})
		return err
	})
	if err != nil {
		return err
	}
	return why
}

// betterHash returns a hash of password by today's measure if have is not one, or
// "". A busy pool leaves it for the next sign-in.
func (s *Service) betterHash(ctx context.Context, have, password string) string {
	if !secret.NeedsUpgrade(have) {
		return ""
	}
	better, err := s.Pool.Hash(ctx, password)
	if err != nil {
		return ""
	}
	return better
}

// enter begins the session, having looked once more: between the password and
// this transaction the account may have been disabled or given another password.
func (s *Service) enter(ctx context.Context, tx *store.Tx, a admission, login *store.Login, o *opening, better string, in PasswordLogin) error {
	user, err := tx.User(login.User.ID)
	if errors.Is(err, headykey.ErrNotFound) {
		return headykey.ErrBadCredentials
	}
	if err != nil {
		return err
	}
	hash, err := tx.PasswordOf(user.ID)
	if err != nil && !errors.Is(err, headykey.ErrNotFound) {
		return err
	}
	if hash != login.Hash {
		return headykey.ErrBadCredentials
	}
	if err := s.mayEnter(user); err != nil {
		return err
	}
	if better != "" {
		if err := tx.UpgradePassword(user.ID, login.Hash, better); err != nil {
			return err
		}
	}
	if err := s.forgive(tx, a, user.ID); err != nil {
		return err
	}
	login.User = *user
	if in.Renew {
		if renewed, err := s.renew(ctx, tx, o, user, in); renewed || err != nil {
			return err
		}
	}
	if err := s.endReplaced(ctx, tx, in.Replaces); err != nil {
		return err
	}
	return s.begin(ctx, tx, o, user)
}

// endReplaced ends the session of the cookie that a new sign-in overwrites: one
// nobody holds the key of must not live on.
func (s *Service) endReplaced(ctx context.Context, tx *store.Tx, cookie string) error {
	if cookie == "" {
		return nil
	}
	hash := secret.Hash(cookie)
	old, err := tx.ProofByCookie(hash[:])
	if errors.Is(err, headykey.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	by := headykey.Caller{User: old.User.ID, Role: old.User.Role, Method: headykey.BySession}
	_, err = s.endSessions(ctx, tx, by, "replaced", &old.Session)
	return err
}
