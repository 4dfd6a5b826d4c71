package auth

import (
	"context"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// AmendAccount makes somebody's account what an operator wants it to be, at once. A
// new address voids the letters that are under way; a new password does, too, and ends
// every session.
//
// It fails with headykey.ErrNotFound, ErrInvalidEmail, ErrInvalid, ErrFixedType,
// ErrEmailTaken, ErrPhoneTaken, ErrLastAdmin and ErrBusy. The receipts are
// "email.changed", "email.confirmed", "password.changed", "account.changed" and those
// of a ban, as it may be.
func (s *Service) AmendAccount(ctx context.Context, by headykey.Caller, id headykey.ID, w AccountWish) (*headykey.Account, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if _, err := s.Account(ctx, id); err != nil {
		return nil, err // before a password is hashed for nobody
	}
	c, err := s.check(ctx, &w)
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(id)
		if err != nil {
			return err
		}
		return s.amend(ctx, tx, by, a, &w, c)
	})
	if err != nil {
		return nil, err
	}
	return s.Account(ctx, id)
}

// amend does the parts of a wish, each of which leaves its own receipt.
func (s *Service) amend(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, w *AccountWish, c checkedWish) error {
	if err := s.amendProfile(ctx, tx, by, a, w, c.phone); err != nil {
		return err
	}
	if err := s.amendAddress(ctx, tx, by, a, w.Verified, c.address); err != nil {
		return err
	}
	if c.hash != "" {
		if err := s.givePassword(ctx, tx, by, a, c.hash); err != nil {
			return err
		}
	}
	return s.ban(ctx, tx, by, a, w.Ban)
}

func (s *Service) amendProfile(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, w *AccountWish, phone string) error {
	changed, err := w.settle(a)
	if err != nil {
		return err
	}
	data, err := ChangedData(a, w.UserData)
	if err != nil {
		return err
	}
	if string(data) != string(a.Profile.UserData) {
		a.Profile.UserData, changed = data, append(changed, "data")
	}
	if phone != "" && phone != a.Profile.Phone || w.PhoneVerified && a.Profile.Phone != "" && a.Profile.PhoneVerified.IsZero() {
		if err := s.givePhone(tx, a, phone, w.PhoneVerified); err != nil {
			return err
		}
		changed = append(changed, "phone")
	}
	if len(changed) == 0 {
		return nil
	}
	if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
		return err
	}
	return s.noteOf(ctx, tx, by, a.ID, "account.changed", map[string]any{"changed": changed})
}

// amendAddress gives a the address ("": it stays), and notes that it is confirmed. One
// that takes the place of a confirmed one is as good: the operator vouches for it.
func (s *Service) amendAddress(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, verified bool, address string) error {
	moves := address != "" && address != a.Email
	confirms := verified && a.Verified.IsZero() && (moves || a.Email != "")
	if confirms {
		a.Verified = tx.Now
	}
	switch {
	case moves:
		return s.giveAddress(ctx, tx, by, a, address)
	case !confirms:
		return nil
	}
	if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
		return err
	}
	if err := s.putAddress(tx, a); err != nil {
		return err
	}
	return s.noteOf(ctx, tx, by, a.ID, "email.confirmed", nil)
}

// givePassword gives a another password, voids the letters that are under way and ends
// all sessions.
func (s *Service) givePassword(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, hash string) error {
	if err := tx.DropLinks(a.ID); err != nil {
		return err
	}
	if err := tx.SetPassword(a.ID, hash); err != nil {
		return err
	}
	if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
		return err
	}
	if err := s.noteOf(ctx, tx, by, a.ID, "password.changed", nil); err != nil {
		return err
	}
	return s.EndAll(ctx, tx, by, a.ID, "password_changed")
}
