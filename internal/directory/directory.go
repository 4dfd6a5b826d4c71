// Package directory is what operators and administrators may do for others: look
// people up, change roles, disable and erase accounts, end sessions, rotate keys.
// Operators read; administrators write.
package directory

import (
	"context"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A Service serves operators. It is safe for concurrent use.
type Service struct {
	db       *store.DB
	receipts *receipt.Ledger
	ring     *keyring.Ring
	// endAll ends every session of a user in a transaction, with its receipt.
	endAll func(ctx context.Context, tx *store.Tx, by headykey.Caller, user headykey.ID, why string) error
	lives  headykey.Lifetimes
	sealer *secret.Sealer // of what providers know us by
	fetch  *fetch.Client  // which says what addresses of providers may be
}

// New returns the service. endAll ends every session of a user; lives says when
// keys are replaced and how long they verify after that; sealer keeps the secrets of
// providers, whose addresses must be such that out fetches them.
func New(db *store.DB, receipts *receipt.Ledger, ring *keyring.Ring, lives headykey.Lifetimes,
	endAll func(context.Context, *store.Tx, headykey.Caller, headykey.ID, string) error,
	sealer *secret.Sealer, out *fetch.Client) *Service {
	return &Service{db: db, receipts: receipts, ring: ring, endAll: endAll, lives: lives, sealer: sealer, fetch: out}
}

// Users returns a page of accounts, newest first.
func (s *Service) Users(ctx context.Context, by headykey.Caller, f headykey.UserFilter) ([]*headykey.User, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var users []*headykey.User
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		users, err = store.Collect(tx.Users(f))
		return err
	})
	return users, err
}

// User returns one account, or headykey.ErrNotFound.
func (s *Service) User(ctx context.Context, by headykey.Caller, id headykey.ID) (*headykey.User, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var user *headykey.User
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		user, err = tx.User(id)
		return err
	})
	return user, err
}

// ChangeUser changes an account. Disabling it ends its sessions. It fails with
// headykey.ErrNotFound, ErrInvalid, ErrRoleEscalation, and ErrLastAdmin if no
// administrator would be left. The receipts are "role.changed",
// "account.disabled", "account.enabled" and "account.changed", as it may be.
func (s *Service) ChangeUser(ctx context.Context, by headykey.Caller, id headykey.ID, c headykey.UserChange) (*headykey.User, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if c.Role != nil && *c.Role > by.Role {
		return nil, headykey.ErrRoleEscalation
	}
	if c.Name != nil {
		name, err := headykey.CleanName(*c.Name)
		if err != nil {
			return nil, err
		}
		c.Name = &name
	}
	var user *headykey.User
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		user, err = tx.User(id)
		if err != nil {
			return err
		}
		return s.Apply(ctx, tx, by, user, c)
	})
	return user, err
}

// UserByEmail returns the account that an address signs in, or
// headykey.ErrNotFound.
func (s *Service) UserByEmail(ctx context.Context, by headykey.Caller, email string) (*headykey.User, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	_, key, err := headykey.ParseEmail(email)
	if err != nil {
		return nil, err
	}
	var user *headykey.User
	err = s.db.View(ctx, func(tx *store.Tx) error {
		login, err := tx.LoginByEmail(key)
		if err == nil {
			user = &login.User
		}
		return err
	})
	return user, err
}

// Apply makes the changes in tx and leaves a receipt for each kind of them: the part
// of ChangeUser behind the questions that it asks of the caller.
func (s *Service) Apply(ctx context.Context, tx *store.Tx, by headykey.Caller, user *headykey.User, c headykey.UserChange) error {
	before := *user
	acts := []headykey.Act{}
	if c.Name != nil && *c.Name != user.Name {
		user.Name = *c.Name
		acts = append(acts, headykey.Act{Type: "account.changed", Details: map[string]any{"changed": []string{"name"}}})
	}
	if c.Role != nil && *c.Role != user.Role {
		user.Role = *c.Role
		acts = append(acts, headykey.Act{Type: "role.changed",
			Details: map[string]any{"from": before.Role.String(), "to": user.Role.String()}})
	}
	if c.Disabled != nil {
		acts = append(acts, disable(tx, user, c)...)
	}
	if len(acts) == 0 {
		return nil
	}
	if user.Role != headykey.RoleAdmin || !user.Disabled.IsZero() {
		if err := tx.KeepAnAdmin(&before); err != nil {
			return err
		}
	}
	if err := tx.UpdateUser(user, headykey.Fold(user.Name)); err != nil {
		return err
	}
	for _, act := range acts {
		if err := s.note(ctx, tx, by, user.ID, act); err != nil {
			return err
		}
	}
	if before.Disabled.IsZero() && !user.Disabled.IsZero() {
		return s.endAll(ctx, tx, by, user.ID, "account_disabled")
	}
	return nil
}

// disable says of user what c says, and returns the receipt of it; none if that was
// so already.
func disable(tx *store.Tx, user *headykey.User, c headykey.UserChange) []headykey.Act {
	was := !user.Disabled.IsZero()
	switch {
	case !*c.Disabled && was:
		user.Disabled, user.DisabledUntil = time.Time{}, time.Time{}
		return []headykey.Act{{Type: "account.enabled"}}
	case !*c.Disabled, was && c.Until.Equal(user.DisabledUntil):
		return nil
	case !was:
		user.Disabled = tx.Now
	}
	user.DisabledUntil = c.Until
	act := headykey.Act{Type: "account.disabled"}
	if !c.Until.IsZero() {
		act.Details = map[string]any{"until": c.Until.UTC().Format(time.RFC3339)}
	}
	return []headykey.Act{act}
}

func (s *Service) note(ctx context.Context, tx *store.Tx, by headykey.Caller, user headykey.ID, act headykey.Act) error {
	act.By, act.Subject = by, user
	act.Object = headykey.Party{Type: "user", ID: string(user)}
	_, err := s.receipts.Append(tx, headykey.RequestID(ctx), act)
	return err
}

// EraseUser deletes an account and all that belongs to it. It fails with
// headykey.ErrNotFound and ErrLastAdmin, and with ErrConflict for the caller's own
// account, which asks for a fresh proof elsewhere. The receipt is "account.erased".
func (s *Service) EraseUser(ctx context.Context, by headykey.Caller, id headykey.ID) error {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return s.erase(ctx, tx, by, id, "account.erased") })
}

// erase is EraseUser in tx, told by the receipt what.
func (s *Service) erase(ctx context.Context, tx *store.Tx, by headykey.Caller, id headykey.ID, what string) error {
	user, err := tx.User(id)
	if err != nil {
		return err
	}
	if err := tx.KeepAnAdmin(user); err != nil {
		return err
	}
	if id == by.User {
		return headykey.ErrConflict.Saying("Erase your own account with DELETE /api/auth/me.")
	}
	if err := s.endAll(ctx, tx, by, id, "account_erased"); err != nil {
		return err
	}
	if err := s.note(ctx, tx, by, id, headykey.Act{Type: what}); err != nil {
		return err
	}
	return tx.DeleteUser(id)
}

// APIKeys returns a page of keys, newest first: of owner, or of everybody.
func (s *Service) APIKeys(ctx context.Context, by headykey.Caller, owner headykey.ID, before headykey.Mark, limit int) ([]*headykey.APIKey, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var keys []*headykey.APIKey
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = store.Collect(tx.APIKeys(owner, before, limit))
		return err
	})
	return keys, err
}

// Sessions returns a page of live sessions, newest first: of user, or of
// everybody.
func (s *Service) Sessions(ctx context.Context, by headykey.Caller, user headykey.ID, before headykey.Mark, limit int) ([]*headykey.Proof, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var sessions []*headykey.Proof
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		sessions, err = store.Collect(tx.SessionsPage(user, before, limit))
		return err
	})
	return sessions, err
}

// Stats counts what there is.
func (s *Service) Stats(ctx context.Context, by headykey.Caller) (headykey.Stats, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return headykey.Stats{}, err
	}
	var stats headykey.Stats
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		stats, err = tx.Stats()
		return err
	})
	return stats, err
}
