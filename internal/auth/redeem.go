package auth

import (
	"context"
	"errors"
	"slices"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// maxTries is how many wrong codes a letter bears.
const maxTries = 5

// A Redemption is the link or the code of a letter that somebody shows.
type Redemption struct {
	Type    string // as apps call the letter: signup, magiclink, recovery, invite, email_change, email
	Token   string // of the link; "": Code and Email are shown
	Code    string
	Email   string // that the letter went to
	From    headykey.From
	Visitor bool // somebody at a browser, whose app gets a code if it asked for one

	Audience string // of the accounts that are looked at; "": any
}

// A Redeemed is what that gives: one of its fields.
type Redeemed struct {
	Grant *Grant
	Code  string // for the app to exchange
	Half  bool   // of the two letters that change an address, the first
}

// Redeem spends the link or the code of a letter, confirms the address that it went
// to, and signs its owner in.
//
// It fails with headykey.ErrInvalid about "type", with ErrSpentProof alike for what
// is wrong, used, run out or nobody's, with ErrRateLimited, and with
// ErrAccountDisabled. The receipts are those of what it does: "email.confirmed",
// "email.changed", "session.started".
func (s *Service) Redeem(ctx context.Context, in Redemption) (*Redeemed, error) {
	purposes := purposesOf(in.Type)
	if len(purposes) == 0 {
		return nil, headykey.ErrInvalid.Saying("There are no letters of this type.").About("type")
	}
	if in.Token == "" {
		return s.redeemCode(ctx, in, purposes)
	}
	return s.redeem(ctx, in, func(tx *store.Tx) (store.Link, error) { return takeByToken(tx, in.Token, purposes) })
}

func takeByToken(tx *store.Tx, token string, purposes []string) (store.Link, error) {
	hash := secret.Hash(token)
	for _, purpose := range purposes {
		l, err := tx.TakeLink(hash[:], purpose)
		if err == nil || !errors.Is(err, headykey.ErrNotFound) {
			return l, err
		}
	}
	return store.Link{}, headykey.ErrSpentProof
}

// redeemCode is Redeem by a code. Its guesses count as those of passwords do, after
// five the letter is void, and a network has 34 an hour for all letters together.
func (s *Service) redeemCode(ctx context.Context, in Redemption, purposes []string) (*Redeemed, error) {
	_, emailKey, err := headykey.ParseEmail(in.Email)
	if err != nil {
		return nil, headykey.ErrSpentProof
	}
	a, err := s.admit(ctx, emailKey, in.From)
	if err != nil {
		return nil, err
	}
	defer s.release(a)
	var owner *store.Login
	out, err := s.redeem(ctx, in, func(tx *store.Tx) (l store.Link, err error) {
		guesses, err := s.guessesFrom(tx, in.From)
		if err != nil {
			return l, err
		}
		l, owner, err = s.takeByCode(tx, emailKey, in.Code, purposes)
		switch {
		case errors.Is(err, headykey.ErrSpentProof):
			guesses.Failures++
			if err := tx.PutThrottle(guesses); err != nil {
				return l, err
			}
			return l, err
		case err != nil:
			return l, err
		}
		return l, s.forgive(tx, a, l.User)
	})
	if errors.Is(err, headykey.ErrSpentProof) {
		return nil, errors.Join(s.noteFailure(ctx, a, owner), err)
	}
	return out, err
}

// takeByCode takes the letter to emailKey that has this code. A wrong one counts in
// the same transaction, so that of many at once no sixth is looked at. owner is nil
// if there is no letter.
func (s *Service) takeByCode(tx *store.Tx, emailKey, code string, purposes []string) (l store.Link, owner *store.Login, err error) {
	user, links, err := s.lettersTo(tx, emailKey, purposes)
	if err != nil {
		return store.Link{}, nil, err
	}
	if l, ok := s.withCode(links, code); ok {
		l, err = tx.TakeLink(l.Hash, l.Purpose)
		return l, &store.Login{User: *user}, err
	}
	if len(links) > 0 {
		owner = &store.Login{User: *user}
	}
	if err := tx.MissLinks(user.ID, purposes...); err != nil {
		return store.Link{}, nil, err
	}
	return store.Link{}, owner, headykey.ErrSpentProof
}

// withCode returns the letter among links that has this code and bears another try.
func (s *Service) withCode(links []store.Link, code string) (store.Link, bool) {
	for _, l := range links {
		if l.Tries < maxTries && len(l.Code) > 0 && secret.Equal(l.Code, s.codeHash(l.User, l.Purpose, code)) {
			return l, true
		}
	}
	return store.Link{}, false
}

// lettersTo returns the letters that went to emailKey and whose they are. Nobody's
// address is looked for like anybody's.
func (s *Service) lettersTo(tx *store.Tx, emailKey string, purposes []string) (user *headykey.User, all []store.Link, err error) {
	user, err = s.ownerOf(tx, emailKey, purposes)
	if errors.Is(err, headykey.ErrNotFound) {
		user = &headykey.User{ID: headykey.NewID()}
	} else if err != nil {
		return nil, nil, err
	}
	for _, purpose := range purposes {
		links, err := tx.Links(user.ID, purpose)
		if err != nil {
			return nil, nil, err
		}
		for _, l := range links {
			to := headykey.AddressKey(user.Email)
			if l.Purpose == purposeMove {
				to = movingTo(l)
			}
			if to == emailKey {
				all = append(all, l)
			}
		}
	}
	return user, all, nil
}

// ownerOf returns the account of emailKey: whose address it is, or whose it is about
// to be.
func (s *Service) ownerOf(tx *store.Tx, emailKey string, purposes []string) (*headykey.User, error) {
	u, err := tx.UserByKey(emailKey)
	if errors.Is(err, headykey.ErrNotFound) && slices.Contains(purposes, purposeMove) {
		return tx.UserMovingTo(emailKey)
	}
	return u, err
}

// A taking is a letter that is being used.
type taking struct {
	Redemption
	out   *Redeemed
	o     opening // of the session that begins; its secrets are made before
	code  string  // for the app, if that is what it gets
	user  *headykey.User
	spent bool // there was no such letter
}

// redeem spends what take takes. If that is nothing, what take has noted stays.
func (s *Service) redeem(ctx context.Context, in Redemption, take func(*store.Tx) (store.Link, error)) (*Redeemed, error) {
	fresh := taking{Redemption: in, o: *prepare(in.From, AppSurface, headykey.ByOTP), code: string(headykey.NewID())}
	var t taking
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		t = fresh // the transaction may run twice
		t.out = &Redeemed{}
		link, err := take(tx)
		if errors.Is(err, headykey.ErrSpentProof) {
			t.spent = true
			return nil
		}
		if err != nil {
			return err
		}
		return s.use(ctx, tx, &t, link)
	})
	if t.spent && err == nil || errors.Is(err, headykey.ErrNotFound) {
		return nil, headykey.ErrSpentProof
	}
	if err != nil {
		return nil, err
	}
	if t.out.Half || t.out.Code != "" {
		return t.out, nil
	}
	t.out.Grant, err = s.grant(ctx, &t.o, t.user)
	return t.out, err
}

// use honours link and begins the session of its owner, or lets their app begin it.
func (s *Service) use(ctx context.Context, tx *store.Tx, t *taking, link store.Link) error {
	account, err := tx.Account(link.User)
	if err != nil {
		return err
	}
	switch {
	case t.Audience != "" && t.Audience != account.Profile.Audience:
		return headykey.ErrSpentProof
	case !account.Disabled.IsZero():
		return headykey.ErrAccountDisabled
	}
	if t.out.Half, err = s.honour(ctx, tx, account, link, t.From); err != nil || t.out.Half {
		return err
	}
	if link.Challenge != "" && t.Visitor {
		t.out.Code = t.code
		return s.insertFlow(tx, link, t.code)
	}
	t.user = &account.User
	return s.begin(ctx, tx, &t.o, t.user)
}

// honour does what the link of a letter is for. half says that the other letter of a
// change of address is still to be shown.
func (s *Service) honour(ctx context.Context, tx *store.Tx, a *headykey.Account, link store.Link, from headykey.From) (half bool, err error) {
	switch link.Purpose {
	case purposeLeave, purposeMove:
		return s.moveOn(ctx, tx, a, link, from)
	case purposeInvite:
		// Whoever signed up with the address of another before it was invited must not
		// hold a password of theirs.
		if a.Verified.IsZero() {
			if err := tx.SetPassword(a.ID, ""); err != nil {
				return false, err
			}
		}
	case purposeConfirm:
		err = s.settle(tx, a, link.Data)
	default:
		err = s.disown(tx, a)
	}
	if err != nil {
		return false, err
	}
	return false, s.confirm(ctx, tx, a, from)
}

// disown takes away the password that somebody gave an address which its owner now
// proves to be theirs, by a letter that knows of no password.
func (s *Service) disown(tx *store.Tx, a *headykey.Account) error {
	if !s.config.ConfirmEmail || !unclaimed(&a.User) {
		return nil
	}
	return tx.DropPassword(a.ID)
}

// confirm notes that a's address is its owner's, unless that was known. Letters to
// others who claimed it mean nothing any more.
func (s *Service) confirm(ctx context.Context, tx *store.Tx, a *headykey.Account, from headykey.From) error {
	if !a.Verified.IsZero() {
		return nil
	}
	a.Verified = tx.Now
	if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
		return err
	}
	if err := s.putAddress(tx, a); err != nil {
		return err
	}
	if err := tx.DropLinks(a.ID, purposeConfirm); err != nil {
		return err
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "email.confirmed", By: self(&a.User, from), Subject: a.ID,
		Object:   headykey.Party{Type: "user", ID: string(a.ID)},
		Personal: map[string]string{"email": headykey.Fold(a.Email), "address": addressText(from)},
	})
	return err
}
