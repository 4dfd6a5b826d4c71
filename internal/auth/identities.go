package auth

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// byPhone is the provider of the identity that is a telephone number.
const byPhone = "phone"

// Unlink takes an identity of the caller's account away. The account's address goes
// with the identity that it came by; it has the one that another identity vouches for
// then, or none. With the address itself go the password and the letters to it.
//
// It fails with headykey.ErrNotSignedIn, with ErrLastIdentity, with ErrNotFound for
// one that is not the caller's, and with ErrEmailTaken if the address that is left is
// another account's. The receipt is "identity.unlinked".
func (s *Service) Unlink(ctx context.Context, by headykey.Caller, id headykey.ID) error {
	if by.Session == "" {
		return headykey.ErrNotSignedIn
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(by.User)
		if err != nil {
			return err
		}
		if len(a.Identities) < 2 {
			return headykey.ErrLastIdentity
		}
		n := slices.IndexFunc(a.Identities, func(i headykey.Identity) bool { return i.ID == id })
		if n < 0 {
			return headykey.ErrNotFound
		}
		gone := a.Identities[n]
		if err := tx.DeleteIdentity(&gone); err != nil {
			return err
		}
		a.Identities = slices.Delete(a.Identities, n, n+1)
		if err := s.forget(tx, a, gone.Provider); err != nil {
			return err
		}
		return s.note(ctx, tx, by, "identity.unlinked", map[string]any{"provider": gone.Provider})
	})
}

// forget takes from a what came with the identity that it has lost.
func (s *Service) forget(tx *store.Tx, a *headykey.Account, provider string) error {
	switch provider {
	case byPhone:
		if a.Profile.Phone != "" {
			if err := tx.FreeKey(headykey.PhoneKey(a.Profile.Phone), a.ID); err != nil {
				return err
			}
		}
		a.Profile.Phone, a.Profile.PhoneVerified = "", time.Time{}
		return tx.PutProfile(a.ID, &a.Profile)
	case headykey.ByEmail:
		if err := tx.DropPassword(a.ID); err != nil {
			return err
		}
		if err := tx.DropLinks(a.ID); err != nil {
			return err
		}
	}
	if a.Email == "" || a.Identity(headykey.ByEmail) != nil {
		return nil
	}
	old, left := headykey.AddressKey(a.Email), vouched(a)
	if left != "" && headykey.AddressKey(left) == old {
		return nil
	}
	a.Email, a.Verified = left, time.Time{}
	if left != "" {
		a.Verified = tx.Now
	}
	return tx.ChangeEmail(&a.User, old, headykey.AddressKey(left))
}

// vouched returns the first address that an identity of a vouches for, or "".
func vouched(a *headykey.Account) string {
	for _, i := range a.Identities {
		var said addressClaims
		if i.Email != "" && json.Unmarshal(i.Data, &said) == nil && said.EmailVerified {
			return i.Email
		}
	}
	return ""
}
