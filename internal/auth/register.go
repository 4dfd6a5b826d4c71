package auth

import (
	"context"
	"errors"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A Registration is what somebody asks an account with.
type Registration struct {
	Email    string
	Password string
	Name     string
	From     headykey.From
	Surface  string // the door it comes in by
	Replaces string // the session cookie that the browser still holds; its session ends
}

// Register makes an account of role user and signs it in.
//
// It fails with headykey.ErrInvalidEmail, ErrWeakPassword, ErrPasswordTooLong,
// ErrInvalid (about "name"), ErrEmailTaken, and with ErrBusy when too many
// passwords wait to be hashed. Where addresses must be confirmed it returns a nil
// Grant and no error whether or not the address is taken: a letter tells its
// owner. The receipts "account.created" and "session.started" are written in the
// transaction.
func (s *Service) Register(ctx context.Context, in Registration) (*Grant, error) {
	user, emailKey, hash, err := s.newAccount(ctx, in.Email, in.Password, in.Name, headykey.RoleUser)
	if err != nil {
		return nil, err
	}
	if s.config.ConfirmEmail {
		return nil, s.registerUnconfirmed(ctx, user, emailKey, hash, in)
	}
	o := prepare(in.From, in.Surface, "pwd")
	err = s.DB.Update(ctx, func(tx *store.Tx) error { return s.open(ctx, tx, o, user, emailKey, hash, in) })
	if err != nil {
		return nil, err
	}
	return s.grant(o, user)
}

// open stores a new account and begins its first session.
func (s *Service) open(ctx context.Context, tx *store.Tx, o *opening, user *headykey.User, emailKey, hash string, in Registration) error {
	if err := s.insertAccount(ctx, tx, user, emailKey, hash, self(user, in.From)); err != nil {
		return err
	}
	if err := s.endReplaced(ctx, tx, in.Replaces); err != nil {
		return err
	}
	return s.begin(ctx, tx, o, user)
}

// registerUnconfirmed stores the account and posts the letter that confirms it,
// or, if the address is taken, the letter that says so: the same work and the
// same answer.
func (s *Service) registerUnconfirmed(ctx context.Context, user *headykey.User, emailKey, hash string, in Registration) error {
	link := secret.Token(linkSize)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.insertAccount(ctx, tx, user, emailKey, hash, self(user, in.From)); err != nil {
			return err
		}
		return s.postConfirmation(ctx, tx, user, link, in.From)
	})
	if errors.Is(err, headykey.ErrEmailTaken) {
		err = s.DB.Update(ctx, func(tx *store.Tx) error { return s.registerAgain(ctx, tx, user, emailKey, hash, link, in) })
	}
	return err
}

// registerAgain answers who registers an address that is taken. One that nobody
// has confirmed yet belongs to whoever confirms it: the newest password counts and
// a new letter goes out, so that a lost one bars nobody for ever. Otherwise the
// owner is told that the account exists.
func (s *Service) registerAgain(ctx context.Context, tx *store.Tx, user *headykey.User, emailKey, hash, link string, in Registration) error {
	login, err := tx.LoginByEmail(emailKey)
	if err != nil {
		return err
	}
	old := &login.User
	if !old.Verified.IsZero() || !old.LastSignIn.IsZero() || !old.Disabled.IsZero() {
		return s.Outbox.Post(tx, "mail", mail.AddressTaken(user.Email, s.config.BaseURL, "", occasion(ctx, tx, in.From)))
	}
	if err := tx.SetPassword(old.ID, hash); err != nil {
		return err
	}
	_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "account.changed", Subject: old.ID, Object: headykey.Party{Type: "user", ID: string(old.ID)},
		Details:  map[string]any{"changed": []string{"password"}},
		Personal: map[string]string{"address": addressText(in.From)},
	})
	if err != nil {
		return err
	}
	return s.postConfirmation(ctx, tx, old, link, in.From)
}

func occasion(ctx context.Context, tx *store.Tx, from headykey.From) mail.Occasion {
	return mail.Occasion{At: tx.Now, From: from, RequestID: headykey.RequestID(ctx)}
}

// self is the caller who makes their own account.
func self(user *headykey.User, from headykey.From) headykey.Caller {
	return headykey.Caller{User: user.ID, Role: headykey.RoleUser, Method: headykey.BySession, From: from}
}

// newAccount checks what an account is asked with and hashes the password ("": an
// account without one).
func (s *Service) newAccount(ctx context.Context, email, password, name string, role headykey.Role) (u *headykey.User, key, hash string, err error) {
	address, key, err := headykey.ParseEmail(email)
	if err != nil {
		return nil, "", "", err
	}
	name, err = headykey.CleanName(name)
	if err != nil {
		return nil, "", "", err
	}
	if password != "" {
		if err := CheckPassword(password, address, name); err != nil {
			return nil, "", "", err
		}
		if hash, err = s.Pool.Hash(ctx, password); err != nil {
			return nil, "", "", busy(err)
		}
	}
	u = &headykey.User{ID: headykey.NewID(), Email: address, Name: name, Role: role, Type: headykey.Human}
	return u, key, hash, nil
}

// insertAccount stores u with its password hash ("": none) and its receipt.
func (s *Service) insertAccount(ctx context.Context, tx *store.Tx, u *headykey.User, emailKey, hash string, by headykey.Caller) error {
	u.Created = tx.Now
	if err := tx.InsertUser(u, emailKey, headykey.Fold(u.Name)); err != nil {
		return err
	}
	if hash != "" {
		if err := tx.SetPassword(u.ID, hash); err != nil {
			return err
		}
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "account.created", By: by, Subject: u.ID, Object: headykey.Party{Type: "user", ID: string(u.ID)},
		Details:  map[string]any{"role": u.Role.String(), "identityType": string(u.Type)},
		Personal: map[string]string{"email": emailKey},
	})
	return err
}

// CheckPassword returns nil if password may be chosen for an account with this
// address and name; otherwise headykey.ErrWeakPassword, ErrPasswordTooLong or
// ErrMissingField about "password".
func CheckPassword(password string, context ...string) error {
	err := secret.CheckPassword(password, context...)
	weak, ok := errors.AsType[*secret.WeakPassword](err)
	if !ok {
		return err
	}
	text := ""
	for _, reason := range weak.Reasons {
		switch reason {
		case secret.TooLong:
			return headykey.ErrPasswordTooLong.About("password")
		case secret.NotText:
			return headykey.ErrWeakPassword.Saying("A password is text without control characters.").About("password")
		case secret.TooShort:
			text = "A password needs at least 8 characters."
		case secret.TooPersonal:
			text = "This password is too close to your email address, your name or ours."
		case secret.TooCommon:
			text = "This password is among the first that anybody tries. Choose another one."
		}
	}
	return headykey.ErrWeakPassword.Saying(text).About("password")
}

// busy turns the pool's refusal into what the caller may know.
func busy(err error) error {
	if errors.Is(err, secret.ErrBusy) {
		return headykey.ErrBusy
	}
	return err
}

// A NewUser is what an operator makes an account with.
type NewUser struct {
	Email    string
	Password string // "": none; the owner sets one by a letter
	Name     string
	Role     headykey.Role
	Verified bool
}

// CreateUser makes an account on behalf of by, who may give no role above their
// own: headykey.ErrRoleEscalation. Otherwise it fails as Register does, and always
// says when an address is taken.
func (s *Service) CreateUser(ctx context.Context, by headykey.Caller, in NewUser) (*headykey.User, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if in.Role > by.Role {
		return nil, headykey.ErrRoleEscalation
	}
	user, emailKey, hash, err := s.newAccount(ctx, in.Email, in.Password, in.Name, in.Role)
	if err != nil {
		return nil, err
	}
	if in.Verified {
		user.Verified = time.Now().UTC().Truncate(time.Microsecond)
	}
	return user, s.DB.Update(ctx, func(tx *store.Tx) error {
		return s.insertAccount(ctx, tx, user, emailKey, hash, by)
	})
}
