package auth

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// Invite makes an account for the owner of an address, or takes the one that waits for
// its owner, and sends them the letter by which they come in. It fails with
// headykey.ErrInvalidEmail, ErrInvalid about "data", and ErrEmailTaken where somebody
// came in before. The receipts are "account.created" and "account.invited".
func (s *Service) Invite(ctx context.Context, by headykey.Caller, email string, data jsontext.Value, app Asking) (*headykey.Account, error) {
	w := LinkWish{Kind: LinkInvite, Email: email, Data: data, App: app}
	o, err := s.order(ctx, by, w)
	if err != nil {
		return nil, err
	}
	var a *headykey.Account
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		var l letter
		if a, l, err = s.invite(ctx, tx, by, o); err != nil {
			return err
		}
		return s.post(ctx, tx, a, l)
	})
	if err != nil {
		return nil, err
	}
	return s.Account(ctx, a.ID)
}

// The links that an operator may have made, as apps call them.
const (
	LinkSignUp   = "signup"
	LinkInvite   = "invite"
	LinkSignIn   = "magiclink"
	LinkRecovery = "recovery"
	LinkLeave    = "email_change_current" // for the address that an account has
	LinkMove     = "email_change_new"     // for the address that it is to have
)

// A LinkWish asks for the link and the code of a letter that somebody else sends.
type LinkWish struct {
	Kind     string
	Email    string
	NewEmail string         // of LinkLeave and LinkMove
	Password string         // of a LinkSignUp; not judged
	Data     jsontext.Value // of an account that is made
	App      Asking
}

// A MadeLink is what such a letter holds.
type MadeLink struct {
	Account *headykey.Account
	Kind    string // LinkSignUp where a LinkSignIn had to make the account
	URL     string
	Token   string // of the URL
	Code    string
}

// An order is a wish that was checked.
type order struct {
	LinkWish
	draft      *draft
	newAddress string
	newKey     string
}

// makers prepare the account that a link of a kind is for, and return it and the
// letter, which is not written yet.
var makers = map[string]func(*Service, context.Context, *store.Tx, headykey.Caller, *order) (*headykey.Account, letter, error){
	LinkSignUp:   (*Service).askToConfirm,
	LinkInvite:   (*Service).invite,
	LinkSignIn:   (*Service).askToSignIn,
	LinkRecovery: (*Service).askToRecover,
	LinkLeave:    (*Service).askToLeave,
	LinkMove:     (*Service).askToArrive,
}

// MakeLink makes the link and the code of a letter and sends nothing. Those before it
// for the same stop working.
//
// It fails with headykey.ErrInvalid about "type", "data" or "password",
// ErrInvalidEmail, ErrEmailTaken, ErrBusy, and ErrNotFound where there is no account
// to recover or to change. The receipt is "link.made", and those of an account that is
// made for it.
func (s *Service) MakeLink(ctx context.Context, by headykey.Caller, w LinkWish) (*MadeLink, error) {
	o, err := s.order(ctx, by, w)
	if err != nil {
		return nil, err
	}
	var out MadeLink
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		a, l, err := makers[w.Kind](s, ctx, tx, by, o)
		if err != nil {
			return err
		}
		made, err := s.write(tx, a, l)
		if err != nil {
			return err
		}
		out = MadeLink{Account: a, Kind: w.Kind, URL: made.Link, Token: made.Token, Code: made.Code}
		if l.purpose == purposeConfirm {
			out.Kind = LinkSignUp
		}
		return s.noteOf(ctx, tx, by, a.ID, "link.made", map[string]any{"kind": out.Kind})
	})
	if err != nil {
		return nil, err
	}
	out.Account, err = s.Account(ctx, out.Account.ID)
	return &out, err
}

// order checks what w asks for.
func (s *Service) order(ctx context.Context, by headykey.Caller, w LinkWish) (*order, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if _, ok := makers[w.Kind]; !ok {
		return nil, headykey.ErrInvalid.Saying("There are no links of this type.").About("type")
	}
	if w.Kind == LinkSignUp && w.Password == "" {
		return nil, headykey.ErrInvalid.Saying("Signup requires a valid password").About("password")
	}
	o := &order{LinkWish: w}
	var err error
	if w.Kind == LinkLeave || w.Kind == LinkMove {
		if o.newAddress, o.newKey, err = headykey.ParseEmail(w.NewEmail); err != nil {
			return nil, err
		}
	}
	if o.draft, err = s.draft(ctx, Registration{Email: w.Email, Data: w.Data}, headykey.RoleUser); err != nil {
		return nil, err
	}
	if w.Kind == LinkSignUp {
		o.draft.hash, err = s.givenPassword(ctx, w.Password, "")
	}
	return o, err
}

// letter returns the one of purpose to the address of a.
func (o *order) letter(purpose string, a *headykey.Account, by headykey.Caller) letter {
	return letter{purpose: purpose, to: a.Email, app: &o.App, from: by.From}
}

// waiting returns the account of o's address that waits for its owner: the one there
// is, or a new one. It fails with headykey.ErrEmailTaken where somebody came in before.
func (s *Service) waiting(ctx context.Context, tx *store.Tx, by headykey.Caller, o *order) (a *headykey.Account, fresh bool, err error) {
	old, err := tx.AccountByKey(o.draft.emailKey)
	switch {
	case errors.Is(err, headykey.ErrNotFound):
		return o.draft.account, true, s.insertAccount(ctx, tx, o.draft, by)
	case err != nil:
		return nil, false, err
	case !old.Verified.IsZero() || !old.LastSignIn.IsZero():
		return nil, false, headykey.ErrEmailTaken
	}
	return old, false, nil
}

func (s *Service) invite(ctx context.Context, tx *store.Tx, by headykey.Caller, o *order) (*headykey.Account, letter, error) {
	a, _, err := s.waiting(ctx, tx, by, o)
	if err != nil {
		return nil, letter{}, err
	}
	a.Profile.Invited, a.Profile.ConfirmationSent = tx.Now, tx.Now
	if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
		return nil, letter{}, err
	}
	return a, o.letter(purposeInvite, a, by), s.noteOf(ctx, tx, by, a.ID, "account.invited", nil)
}

// askToConfirm gives an account that waits the data of o; the password counts once
// the link is used, since somebody else may have chosen the present one.
func (s *Service) askToConfirm(ctx context.Context, tx *store.Tx, by headykey.Caller, o *order) (*headykey.Account, letter, error) {
	a, fresh, err := s.waiting(ctx, tx, by, o)
	if err != nil {
		return nil, letter{}, err
	}
	l := o.letter(purposeConfirm, a, by)
	if !fresh {
		if a.Profile.UserData, err = ChangedData(a, o.Data); err != nil {
			return nil, letter{}, err
		}
		if l.data, err = (&claim{o.draft.hash, a.Name, a.Profile.UserData}).text(); err != nil {
			return nil, letter{}, err
		}
	}
	a.Profile.ConfirmationSent = tx.Now
	return a, l, tx.PutProfile(a.ID, &a.Profile)
}

// askToSignIn makes the account where there is none.
func (s *Service) askToSignIn(ctx context.Context, tx *store.Tx, by headykey.Caller, o *order) (*headykey.Account, letter, error) {
	a, err := tx.AccountByKey(o.draft.emailKey)
	if errors.Is(err, headykey.ErrNotFound) {
		return s.askToConfirm(ctx, tx, by, o)
	}
	if err != nil {
		return nil, letter{}, err
	}
	return a, o.letter(purposeSignIn, a, by), nil
}

func (s *Service) askToRecover(_ context.Context, tx *store.Tx, by headykey.Caller, o *order) (*headykey.Account, letter, error) {
	a, err := tx.AccountByKey(o.draft.emailKey)
	if err != nil {
		return nil, letter{}, err
	}
	a.Profile.RecoverySent = tx.Now
	return a, o.letter(purposeRecovery, a, by), tx.PutProfile(a.ID, &a.Profile)
}

func (s *Service) askToLeave(_ context.Context, tx *store.Tx, by headykey.Caller, o *order) (*headykey.Account, letter, error) {
	a, err := announceMove(tx, o)
	if err != nil {
		return nil, letter{}, err
	}
	return a, o.letter(purposeLeave, a, by), nil
}

func (s *Service) askToArrive(_ context.Context, tx *store.Tx, by headykey.Caller, o *order) (*headykey.Account, letter, error) {
	a, err := announceMove(tx, o)
	if err != nil {
		return nil, letter{}, err
	}
	l := o.letter(purposeMove, a, by)
	l.to, l.data = o.newAddress, o.newKey
	return a, l, nil
}

// announceMove notes which address the account of o is to have. Links for another one
// stop working; the other link for the same goes on.
func announceMove(tx *store.Tx, o *order) (*headykey.Account, error) {
	a, err := tx.AccountByKey(o.draft.emailKey)
	if err != nil {
		return nil, err
	}
	if _, err := tx.UserByKey(o.newKey); !errors.Is(err, headykey.ErrNotFound) {
		return nil, errors.Join(headykey.ErrEmailTaken, err)
	}
	if a.Profile.NewEmail != o.newAddress {
		if err := tx.DropLinks(a.ID, purposeLeave, purposeMove); err != nil {
			return nil, err
		}
	}
	a.Profile.NewEmail, a.Profile.EmailChangeSent = o.newAddress, tx.Now
	return a, tx.PutProfile(a.ID, &a.Profile)
}
