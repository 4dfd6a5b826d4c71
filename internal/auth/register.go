package auth

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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
	Data     jsontext.Value // what the person says of themselves, an object; may be empty
	App      *Asking        // that has its letter sent; nil: our own pages do
	From     headykey.From
	Surface  string // the door it comes in by
	Replaces string // the session cookie that the browser still holds; its session ends
}

// Register makes an account of role user and signs it in.
//
// It fails with headykey.ErrSignUpClosed, ErrInvalidEmail, ErrWeakPassword,
// ErrPasswordTooLong, ErrInvalid (about "name" or "data"), ErrEmailTaken, and with
// ErrBusy when too many passwords wait to be hashed, and as the operator's hook does,
// if there is one: see hook.Hooks.BeforeUserCreated. Where addresses must be
// confirmed it returns a nil Grant and no error whether or not the address is taken:
// a letter tells its owner. The receipts "account.created" and "session.started" are
// written in the transaction.
func (s *Service) Register(ctx context.Context, in Registration) (*Grant, error) {
	g, _, err := s.SignUp(ctx, in)
	return g, err
}

// SignUp is Register, and returns the account where a letter must be answered first:
// the new one, the one that waits for the same letter, or one that looks like new and
// is nobody's, with no identity, where the address is taken.
func (s *Service) SignUp(ctx context.Context, in Registration) (*Grant, *headykey.Account, error) {
	if s.config.Closed {
		return nil, nil, headykey.ErrSignUpClosed
	}
	d, err := s.draft(ctx, in, headykey.RoleUser)
	if err != nil {
		return nil, nil, err
	}
	if err := s.mayBegin(ctx, d, in.From); err != nil {
		return nil, nil, err
	}
	if s.config.ConfirmEmail {
		account, err := s.signUpUnconfirmed(ctx, d, in)
		return nil, account, err
	}
	o := prepare(in.From, in.Surface, headykey.ByPassword)
	err = s.DB.Update(ctx, func(tx *store.Tx) error { return s.open(ctx, tx, o, d, in) })
	if err != nil {
		return nil, nil, err
	}
	g, err := s.grant(ctx, o, &d.account.User)
	return g, nil, err
}

// open stores a new account and begins its first session.
func (s *Service) open(ctx context.Context, tx *store.Tx, o *opening, d *draft, in Registration) error {
	if err := s.insertAccount(ctx, tx, d, self(&d.account.User, in.From)); err != nil {
		return err
	}
	if err := s.endReplaced(ctx, tx, in.Replaces); err != nil {
		return err
	}
	return s.begin(ctx, tx, o, &d.account.User)
}

// signUpUnconfirmed stores the account and posts the letter that confirms it, or, if
// the address is taken, the letter that says so: the same work and the same answer.
func (s *Service) signUpUnconfirmed(ctx context.Context, d *draft, in Registration) (*headykey.Account, error) {
	account := d.account
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.admitLetter(tx, d.emailKey, in.App); err != nil {
			return err
		}
		if err := s.insertAccount(ctx, tx, d, self(&d.account.User, in.From)); err != nil {
			return err
		}
		return s.postConfirmation(ctx, tx, account, d.claim(), in.App, in.From)
	})
	if errors.Is(err, headykey.ErrEmailTaken) {
		err = s.DB.Update(ctx, func(tx *store.Tx) error {
			if err := s.admitLetter(tx, d.emailKey, in.App); err != nil {
				return err
			}
			account, err = s.signUpAgain(ctx, tx, d, in)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return account, nil
}

// signUpAgain answers who signs up with an address that is taken. One that nobody has
// confirmed yet belongs to whoever confirms it: a new letter goes out, and what the
// sign-up said whose letter is used counts, so that neither a lost letter nor a
// stranger who was first bars the owner. Until then the account is neither's: it has
// no password, and says nothing. Otherwise the owner is told that the account exists.
func (s *Service) signUpAgain(ctx context.Context, tx *store.Tx, d *draft, in Registration) (*headykey.Account, error) {
	old, err := tx.AccountByKey(d.emailKey)
	if err != nil {
		return nil, err
	}
	if unclaimed(&old.User) && old.Disabled.IsZero() {
		if err := tx.DropPassword(old.ID); err != nil {
			return nil, err
		}
		if err := s.become(tx, old, claim{}); err != nil {
			return nil, err
		}
		if err := s.postConfirmation(ctx, tx, old, d.claim(), in.App, in.From); err != nil {
			return nil, err
		}
		old.Name, old.Type, old.Profile.UserData = d.account.Name, d.account.Type, d.account.Profile.UserData
		return old, nil // as it will be for them
	}
	nobody := *d.account
	nobody.ID, nobody.Created, nobody.Updated = headykey.NewID(), tx.Now, tx.Now
	nobody.Profile.ConfirmationSent, nobody.Profile.TokenRole, nobody.Identities = tx.Now, "", nil
	nobody.Profile.AppData = jsontext.Value(`{"provider":"email","providers":["email"]}`) // as somebody has
	return &nobody, s.Outbox.Post(tx, "mail", mail.AddressTaken(d.account.Email, s.config.BaseURL, "", occasion(ctx, tx, in.From)))
}

func occasion(ctx context.Context, tx *store.Tx, from headykey.From) mail.Occasion {
	return mail.Occasion{At: tx.Now, From: from, RequestID: headykey.RequestID(ctx)}
}

// self is the caller who makes their own account.
func self(user *headykey.User, from headykey.From) headykey.Caller {
	return headykey.Caller{User: user.ID, Role: headykey.RoleUser, Method: headykey.BySession, From: from}
}

// A draft is an account that is not stored yet.
type draft struct {
	account   *headykey.Account
	emailKey  string     // "": it has no address
	hash      string     // of its password; "": it has none
	foreigner *foreigner // by whose identity it is known; nil: by its address
	asked     bool       // it may be somebody's own: see mayBegin
}

// draft checks what an account is asked with and hashes the password ("": an account
// without one).
func (s *Service) draft(ctx context.Context, in Registration, role headykey.Role) (*draft, error) {
	address, key, err := headykey.ParseEmail(in.Email)
	if err != nil {
		return nil, err
	}
	d := &draft{emailKey: key, account: &headykey.Account{
		User:    headykey.User{ID: headykey.NewID(), Email: address, Role: role, Type: headykey.Human},
		Profile: headykey.NewProfile(),
	}}
	if d.account.Name, err = headykey.CleanName(in.Name); err != nil {
		return nil, err
	}
	if err := introduce(d.account, in.Data); err != nil {
		return nil, err
	}
	if in.Password == "" {
		return d, nil
	}
	if err := CheckPassword(in.Password, address, d.account.Name); err != nil {
		return nil, err
	}
	if d.hash, err = s.Pool.Hash(ctx, in.Password); err != nil {
		return nil, busy(err)
	}
	return d, nil
}

// introduced is what a new account says of itself that we understand.
type introduced struct {
	Type     headykey.IdentityType `json:"identity_type"`
	Agent    string                `json:"agent_name"`
	FullName string                `json:"full_name"`
	Name     string                `json:"name"`
}

// introduce gives a new account the data that it says of itself: that it is an agent,
// and its name, if that can be one. It fails with headykey.ErrInvalid about "data".
func introduce(a *headykey.Account, data jsontext.Value) (err error) {
	if a.Profile.UserData, err = headykey.MergeData(a.Profile.UserData, data); err != nil {
		return err
	}
	said := readIntroduction(a.Profile.UserData)
	if said.Type != "" && said.Type != headykey.Human && said.Type != headykey.Agent {
		return headykey.ErrInvalid.Saying("An identity_type is human or agent.").About("data")
	}
	a.Type = cmp.Or(said.Type, a.Type, headykey.Human)
	if a.Type != headykey.Agent {
		said.Agent = ""
	}
	for _, name := range []string{said.Agent, said.FullName, said.Name} {
		if clean, err := headykey.CleanName(name); err == nil {
			a.Name = cmp.Or(a.Name, clean)
		}
	}
	return nil
}

// readIntroduction returns what data says of an account; members of another kind say
// nothing.
func readIntroduction(data jsontext.Value) (said introduced) {
	var members map[string]any
	if json.Unmarshal(data, &members) != nil {
		return introduced{}
	}
	text := func(name string) string { t, _ := members[name].(string); return t }
	if _, there := members["identity_type"]; there {
		said.Type = headykey.IdentityType(cmp.Or(text("identity_type"), "?"))
	}
	said.Agent, said.FullName, said.Name = text("agent_name"), text("full_name"), text("name")
	return said
}

// insertAccount stores a draft and its receipt. One that is made by its own owner must
// have passed mayBegin.
func (s *Service) insertAccount(ctx context.Context, tx *store.Tx, d *draft, by headykey.Caller) error {
	a := d.account
	if by.User == a.ID {
		if !d.asked {
			return errUnasked
		}
		s.toldLater(ctx, tx, a.ID, by.From)
	}
	a.Created, a.Identities = tx.Now, nil // the transaction may run twice
	if err := tx.InsertUser(&a.User, d.emailKey, headykey.Fold(a.Name)); err != nil {
		return err
	}
	if d.hash != "" {
		if err := tx.SetPassword(a.ID, d.hash); err != nil {
			return err
		}
	}
	if err := s.putFirst(tx, d); err != nil {
		return err
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "account.created", By: by, Subject: a.ID, Object: headykey.Party{Type: "user", ID: string(a.ID)},
		Details:  map[string]any{"role": a.Role.String(), "identityType": string(a.Type)},
		Personal: map[string]string{"email": d.emailKey},
	})
	return err
}

// putFirst stores how a new account is known.
func (s *Service) putFirst(tx *store.Tx, d *draft) error {
	if d.foreigner != nil {
		return putForeigner(tx, d.account, d.foreigner)
	}
	return s.putAddress(tx, d.account)
}

// CheckPassword returns nil if password may be chosen for an account with this
// address and name; otherwise headykey.ErrWeakPassword (joined with the
// *secret.WeakPassword that says why), ErrPasswordTooLong or ErrMissingField about
// "password".
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
			text = "A password is text without control characters."
		case secret.TooShort:
			text = "A password needs at least 8 characters."
		case secret.TooPersonal:
			text = "This password is too close to your email address, your name or ours."
		case secret.TooCommon:
			text = "This password is among the first that anybody tries. Choose another one."
		}
	}
	return errors.Join(headykey.ErrWeakPassword.Saying(text).About("password"), weak)
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
	d, err := s.draft(ctx, Registration{Email: in.Email, Password: in.Password, Name: in.Name}, in.Role)
	if err != nil {
		return nil, err
	}
	if in.Verified {
		d.account.Verified = now()
	}
	return &d.account.User, s.DB.Update(ctx, func(tx *store.Tx) error { return s.insertAccount(ctx, tx, d, by) })
}

// now is the present as the store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
