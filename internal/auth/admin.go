package auth

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// An AccountWish is what an operator wants an account to be; empty fields stay.
type AccountWish struct {
	ID            headykey.ID // of a new one; "": any
	Email         string
	Phone         string
	Password      string // not judged
	PasswordHash  string // made elsewhere, as secret.CheckHash knows it
	Verified      bool   // the address counts as confirmed
	PhoneVerified bool
	UserData      jsontext.Value // members to change; null takes one away
	AppData       jsontext.Value // the same
	TokenRole     string
	Audience      string
	Ban           *time.Duration // for how long it is disabled; zero: not any more
}

// A checkedWish is the part of a wish that can be had without the account.
type checkedWish struct {
	address, emailKey string
	phone             string
	hash              string // of the password
}

// maxWord bounds the role and the audience of an account, in bytes.
const maxWord = 255

// check reads the names of w and hashes its password.
func (s *Service) check(ctx context.Context, w *AccountWish) (c checkedWish, err error) {
	if len(w.TokenRole) > maxWord || len(w.Audience) > maxWord {
		return c, headykey.ErrInvalid.Saying("A role and an audience may have at most 255 bytes.").About("role")
	}
	if w.Email != "" {
		if c.address, c.emailKey, err = headykey.ParseEmail(w.Email); err != nil {
			return c, err
		}
	}
	if w.Phone != "" {
		if c.phone, err = headykey.ParsePhone(w.Phone); err != nil {
			return c, err
		}
	}
	if w.Ban != nil && *w.Ban < 0 {
		return c, headykey.ErrInvalid.Saying("A ban cannot end before it begins.").About("ban_duration")
	}
	c.hash, err = s.givenPassword(ctx, w.Password, w.PasswordHash)
	return c, err
}

// givenPassword returns the hash of what an operator gives as a password, or as one
// hashed elsewhere; "": neither.
func (s *Service) givenPassword(ctx context.Context, password, hash string) (string, error) {
	switch {
	case password != "" && hash != "":
		return "", headykey.ErrInvalid.Saying("Only a password or a password hash should be provided").About("password_hash")
	case hash != "":
		if err := secret.CheckHash(hash); err != nil {
			return "", headykey.ErrInvalid.Saying("This hash is of no kind that can be checked here.").About("password_hash")
		}
		return hash, nil
	case password == "":
		return "", nil
	}
	hash, err := s.Pool.Hash(ctx, password)
	return hash, busy(err)
}

// CreateAccount makes an account for somebody else. Without a password it has none,
// and its owner comes in by a letter.
//
// It fails with headykey.ErrInvalidEmail, ErrInvalid, ErrEmailTaken, ErrPhoneTaken,
// ErrConflict where the id is another's, and ErrBusy. The receipt is
// "account.created", and that of a ban.
func (s *Service) CreateAccount(ctx context.Context, by headykey.Caller, w AccountWish) (*headykey.Account, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if w.Email == "" && w.Phone == "" {
		return nil, headykey.ErrInvalid.Saying("Cannot create a user without either an email or phone").About("email")
	}
	c, err := s.check(ctx, &w)
	if err != nil {
		return nil, err
	}
	d := &draft{emailKey: c.emailKey, hash: c.hash, account: &headykey.Account{
		User:    headykey.User{ID: cmp.Or(w.ID, headykey.NewID()), Email: c.address, Role: headykey.RoleUser},
		Profile: headykey.NewProfile(),
	}}
	if err := w.introduce(d.account); err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error { return s.create(ctx, tx, by, d, &w, c.phone) })
	if err != nil {
		return nil, err
	}
	return s.Account(ctx, d.account.ID)
}

// introduce gives a new account the data that is wished for it.
func (w *AccountWish) introduce(a *headykey.Account) (err error) {
	if err := introduce(a, w.UserData); err != nil {
		return err
	}
	_, err = w.settle(a)
	return err
}

// create stores the new account of d, which it does not change: the transaction may
// run twice.
func (s *Service) create(ctx context.Context, tx *store.Tx, by headykey.Caller, d *draft, w *AccountWish, phone string) error {
	account := *d.account
	a := &account
	if w.ID != "" {
		if _, err := tx.User(w.ID); !errors.Is(err, headykey.ErrNotFound) {
			return errors.Join(headykey.ErrConflict.Saying("An account with this id exists already.").About("id"), err)
		}
	}
	if w.Verified && a.Email != "" {
		a.Verified = tx.Now
	}
	if err := s.insertAccount(ctx, tx, &draft{account: a, emailKey: d.emailKey, hash: d.hash}, by); err != nil {
		return err
	}
	if phone != "" {
		if err := s.givePhone(tx, a, phone, w.PhoneVerified); err != nil {
			return err
		}
	}
	return s.ban(ctx, tx, by, a, w.Ban)
}

// settle gives a what w says of it that only an operator may say, and returns the
// names of what changed.
func (w *AccountWish) settle(a *headykey.Account) (changed []string, err error) {
	p := &a.Profile
	data, err := headykey.MergeData(p.AppData, w.AppData)
	if err != nil {
		return nil, err
	}
	if string(data) != string(p.AppData) {
		p.AppData, changed = data, append(changed, "app_data")
	}
	if w.TokenRole != "" && w.TokenRole != p.TokenRole {
		p.TokenRole, changed = w.TokenRole, append(changed, "role")
	}
	if w.Audience != "" && w.Audience != p.Audience {
		p.Audience, changed = w.Audience, append(changed, "audience")
	}
	return changed, nil
}

// phoneClaims is what the identity that is a phone number says.
type phoneClaims struct {
	Subject       headykey.ID `json:"sub"`
	Phone         string      `json:"phone"`
	EmailVerified bool        `json:"email_verified"`
	PhoneVerified bool        `json:"phone_verified"`
}

// givePhone gives a the phone number ("": the one that it has), and keeps its identity
// true to that. It fails with headykey.ErrPhoneTaken.
func (s *Service) givePhone(tx *store.Tx, a *headykey.Account, digits string, verified bool) error {
	if old := a.Profile.Phone; digits != "" && digits != old {
		if err := claimPhone(tx, a.ID, old, digits); err != nil {
			return err
		}
		a.Profile.Phone, a.Anonymous = digits, false
	}
	if verified && a.Profile.PhoneVerified.IsZero() {
		a.Profile.PhoneVerified = tx.Now
	}
	if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
		return err
	}
	if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
		return err
	}
	data, err := json.Marshal(phoneClaims{a.ID, a.Profile.Phone, !a.Verified.IsZero(), !a.Profile.PhoneVerified.IsZero()})
	if err != nil {
		return err
	}
	i := headykey.Identity{ID: headykey.NewID(), User: a.ID, Provider: "phone", Subject: string(a.ID), Created: tx.Now}
	if have := a.Identity(i.Provider); have != nil {
		i = *have
	}
	i.Data = data
	return tx.PutIdentity(&i)
}

// claimPhone has user be who is meant by a phone number in place of the one before.
func claimPhone(tx *store.Tx, user headykey.ID, old, digits string) error {
	err := tx.ClaimKey(headykey.PhoneKey(digits), user)
	if errors.Is(err, headykey.ErrEmailTaken) {
		return headykey.ErrPhoneTaken
	}
	if err != nil || old == "" {
		return err
	}
	return tx.FreeKey(headykey.PhoneKey(old), user)
}

// ban disables a for a while, or enables it; nil: neither.
func (s *Service) ban(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, ban *time.Duration) error {
	if ban == nil {
		return nil
	}
	if s.Change == nil {
		return headykey.ErrFeatureOff
	}
	disabled := *ban > 0
	c := headykey.UserChange{Disabled: &disabled}
	if disabled {
		c.Until = tx.Now.Add(*ban)
	}
	return s.Change(ctx, tx, by, &a.User, c)
}
