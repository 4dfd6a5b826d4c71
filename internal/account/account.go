// Package account is what belongs to a person and what they may do with it: their
// profile, their API keys, their receipts, and the end of their account.
package account

import (
	"context"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/store"
)

// A Service serves people their own. It is safe for concurrent use.
type Service struct {
	db       *store.DB
	receipts *receipt.Ledger
	keyGrace time.Duration
	// proveAgain asks for a fresh proof that the caller is the person themselves.
	proveAgain func(ctx context.Context, by headykey.Caller, password string) error
	endAll     EndAll
}

// EndAll ends every session of user in tx, and tells whom that concerns.
type EndAll = func(ctx context.Context, tx *store.Tx, by headykey.Caller, user headykey.ID, why string) error

// New returns the service. A rotated API key works for keyGrace more; proveAgain
// asks for a fresh proof of a person; endAll comes before an account is erased.
func New(db *store.DB, receipts *receipt.Ledger, keyGrace time.Duration,
	proveAgain func(context.Context, headykey.Caller, string) error, endAll EndAll) *Service {
	return &Service{db: db, receipts: receipts, keyGrace: keyGrace, proveAgain: proveAgain, endAll: endAll}
}

// Me returns the caller's own account. It fails with headykey.ErrNotSignedIn.
func (s *Service) Me(ctx context.Context, by headykey.Caller) (*headykey.User, error) {
	if err := by.Need(headykey.RoleGuest, "profile.read"); err != nil {
		return nil, err
	}
	var user *headykey.User
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		user, err = tx.User(by.User)
		return err
	})
	return user, err
}

// Rename changes the caller's display name. It fails with headykey.ErrInvalid
// about "name". The receipt is "account.changed".
func (s *Service) Rename(ctx context.Context, by headykey.Caller, name string) (*headykey.User, error) {
	if err := by.Need(headykey.RoleGuest, "profile.write"); err != nil {
		return nil, err
	}
	name, err := headykey.CleanName(name)
	if err != nil {
		return nil, err
	}
	var user *headykey.User
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if user, err = tx.User(by.User); err != nil {
			return err
		}
		user.Name = name
		if err := tx.UpdateUser(user, headykey.Fold(name)); err != nil {
			return err
		}
		return s.note(ctx, tx, by, "account.changed", map[string]any{"changed": []string{"name"}})
	})
	return user, err
}

// Erase deletes the caller's account and all that belongs to it. It needs a
// person's own session (never an API key) and the password, or a sign-in of the
// last 13 minutes: otherwise headykey.ErrNeedsRecentSignIn, or ErrBadCredentials
// or ErrRateLimited for a wrong password, which counts as one at sign-in. The last administrator stays: ErrLastAdmin. Receipts stay
// too and mean nobody.
func (s *Service) Erase(ctx context.Context, by headykey.Caller, password string) error {
	if err := by.Need(headykey.RoleGuest, "profile.delete"); err != nil {
		return err
	}
	if err := s.proveAgain(ctx, by, password); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		user, err := tx.User(by.User)
		if err != nil {
			return err
		}
		if err := tx.KeepAnAdmin(user); err != nil {
			return err
		}
		if err := s.endAll(ctx, tx, by, by.User, "account_erased"); err != nil {
			return err
		}
		if err := s.note(ctx, tx, by, "account.erased", nil); err != nil {
			return err
		}
		return tx.DeleteUser(by.User)
	})
}

// note writes a receipt about the caller's own account.
func (s *Service) note(ctx context.Context, tx *store.Tx, by headykey.Caller, what string, details map[string]any) error {
	_, err := s.receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: what, By: by, Subject: by.User, Details: details,
		Object: headykey.Party{Type: "user", ID: string(by.User)},
	})
	return err
}
