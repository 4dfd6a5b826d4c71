package directory

import (
	"context"
	"crypto/rand"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/store"
)

// Accounts returns a page of accounts with all that is known of them, and how many
// there are on all pages.
func (s *Service) Accounts(ctx context.Context, by headykey.Caller, f headykey.UserFilter) (page []*headykey.Account, total int64, err error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, 0, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		if total, err = tx.CountUsers(f); err != nil {
			return err
		}
		page, err = tx.AccountsPage(f)
		return err
	})
	return page, total, err
}

// Account returns one account with all that is known of it, or headykey.ErrNotFound.
func (s *Service) Account(ctx context.Context, by headykey.Caller, id headykey.ID) (*headykey.Account, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var account *headykey.Account
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		account, err = tx.Account(id)
		return err
	})
	return account, err
}

// HideUser erases an account and all that belongs to it as EraseUser does, and fails
// as that does, but leaves its row, so that what names its id elsewhere does not hang
// in the air: disabled, marked as deleted, with hashes in place of its address, phone
// and identities. Their key goes with it: nobody can guess what they were. The receipt
// is "account.deleted". For one that is hidden already it does nothing.
func (s *Service) HideUser(ctx context.Context, by headykey.Caller, id headykey.ID) error {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(id)
		if err != nil || !a.Profile.Deleted.IsZero() {
			return err
		}
		if err := s.erase(ctx, tx, by, id, "account.deleted"); err != nil {
			return err
		}
		return leaveTrace(tx, a)
	})
}

// leaveTrace stores what stays of an account that was hidden.
func leaveTrace(tx *store.Tx, a *headykey.Account) error {
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	conceal := func(s string) string {
		if s == "" {
			return ""
		}
		return receipt.Conceal(salt, s)
	}
	u := headykey.User{
		ID: a.ID, Email: conceal(a.Email), Role: headykey.RoleUser, Type: a.Type, Anonymous: a.Anonymous,
		Disabled: tx.Now, Created: a.Created,
	}
	if err := tx.InsertUser(&u, "", ""); err != nil {
		return err
	}
	p := headykey.NewProfile()
	p.Audience, p.TokenRole = a.Profile.Audience, a.Profile.TokenRole
	p.Phone, p.Deleted = conceal(a.Profile.Phone), tx.Now
	if err := tx.PutProfile(a.ID, &p); err != nil {
		return err
	}
	for _, i := range a.Identities {
		i.Subject, i.Email, i.Data = conceal(i.Subject), "", jsontext.Value("{}")
		if err := tx.PutIdentity(&i); err != nil {
			return err
		}
	}
	return nil
}

// maxLifted bounds how many accounts one background transaction enables.
const maxLifted = 89

// LiftBans enables the accounts that were to be disabled only until now. The receipt
// is "account.enabled".
func (s *Service) LiftBans(ctx context.Context) error {
	over := func(tx *store.Tx) ([]*headykey.User, error) { return store.Collect(tx.BansOver(maxLifted)) }
	var some []*headykey.User
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		some, err = over(tx)
		return err
	})
	if err != nil || len(some) == 0 {
		return err
	}
	enable := false
	return s.db.Update(ctx, func(tx *store.Tx) error {
		users, err := over(tx) // another node may have been here
		if err != nil {
			return err
		}
		for _, u := range users {
			if err := s.Apply(ctx, tx, headykey.System, u, headykey.UserChange{Disabled: &enable}); err != nil {
				return err
			}
		}
		return nil
	})
}
