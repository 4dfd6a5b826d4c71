package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/store"
)

// A foreigner is somebody who has just proven who they are elsewhere: provider and
// subject say who that is, and nothing else does.
type foreigner struct {
	provider string
	subject  string
	email    string // "": none that is good
	verified bool   // the provider says that it is theirs
	name     string
	data     jsontext.Value // what the provider says of them, an object
	method   string         // headykey.ByOAuth, ByWeb3
	app      Asking
	from     headykey.From
	asked    bool // the operator's hook has nothing against an account of theirs
}

// foreignData returns the data of an identity with claims.
func foreignData(claims map[string]any) (jsontext.Value, error) {
	return json.Marshal(claims, json.Deterministic(true))
}

func (f *foreigner) key() string {
	return (&headykey.Identity{Provider: f.provider, Subject: f.subject}).Key()
}

// welcome signs f in: to the account that is known by this identity, to the one whose
// address f has proven as its owner did, or to a new one. first, if any, is asked in
// the transaction before.
func (s *Service) welcome(ctx context.Context, f *foreigner, first func(*store.Tx) error) (*Grant, error) {
	if err := s.askLeave(ctx, f); err != nil {
		return nil, err
	}
	find := func(tx *store.Tx) (*headykey.Account, error) {
		if first != nil {
			if err := first(tx); err != nil {
				return nil, err
			}
		}
		return s.arrive(ctx, tx, f)
	}
	g, err := s.admitForeigner(ctx, f, find)
	if errors.Is(err, headykey.ErrIdentityTaken) || errors.Is(err, headykey.ErrEmailTaken) {
		return s.admitForeigner(ctx, f, find) // the same person was faster, elsewhere: now there is an account
	}
	return g, err
}

// askLeave asks the operator's hook whether f may have an account, unless they have one.
func (s *Service) askLeave(ctx context.Context, f *foreigner) error {
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		_, err := tx.UserByKey(f.key())
		return err
	})
	if err == nil || !errors.Is(err, headykey.ErrNotFound) {
		return err
	}
	d := s.draftOf(f, f.email != "")
	err = s.mayBegin(ctx, d, f.from)
	f.asked = d.asked
	return err
}

// admitForeigner begins a session of the account that find finds for f. Somebody whose
// provider does not vouch for their address gets a letter instead, and
// headykey.ErrEmailUnproven.
func (s *Service) admitForeigner(ctx context.Context, f *foreigner, find func(*store.Tx) (*headykey.Account, error)) (*Grant, error) {
	fresh := prepare(f.from, AppSurface, f.method)
	if f.method == headykey.ByOAuth {
		fresh.session.Ways[0].Provider = f.provider
	}
	var o opening
	var a *headykey.Account
	var asked, barred bool
	err := s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		o, asked, barred = *fresh, false, false
		if a, err = find(tx); err != nil {
			return err
		}
		if asked = s.unproven(a, f); asked {
			return s.askForAddress(ctx, tx, a, f)
		}
		if err := s.mayEnter(&a.User); err != nil {
			barred = true
			return err
		}
		return s.begin(ctx, tx, &o, &a.User)
	})
	switch {
	case barred && err != nil:
		return nil, s.noteBarred(ctx, &a.User, err)
	case err != nil:
		return nil, err
	case asked:
		return nil, headykey.ErrEmailUnproven
	}
	return s.grant(ctx, &o, &a.User)
}

// arrive returns the account that f comes to.
//
// An address alone never opens one: it counts only where the provider vouches for it
// and the account's owner has confirmed it. An account that waits for such a letter,
// and that nobody ever entered, is given to whoever proves the address first. Where
// somebody is in an account whose address nobody proved, f gets another one without
// an address: neither sees what is the other's.
func (s *Service) arrive(ctx context.Context, tx *store.Tx, f *foreigner) (*headykey.Account, error) {
	a, err := tx.AccountByKey(f.key())
	if err == nil {
		return a, s.recognise(ctx, tx, a, f)
	}
	if !errors.Is(err, headykey.ErrNotFound) {
		return nil, err
	}
	owner, err := ownerOf(tx, f.email)
	switch {
	case err != nil:
		return nil, err
	case owner == nil:
		return s.admitNew(ctx, tx, f, f.email != "" && (f.verified || !s.config.ConfirmEmail))
	case f.verified && !owner.Verified.IsZero():
		return owner, s.link(ctx, tx, owner, f)
	case f.verified && owner.LastSignIn.IsZero():
		return owner, s.inherit(ctx, tx, owner, f)
	}
	return s.admitNew(ctx, tx, f, false)
}

// ownerOf returns the account that has an address; nil: there is none.
func ownerOf(tx *store.Tx, email string) (*headykey.Account, error) {
	if email == "" {
		return nil, nil
	}
	a, err := tx.AccountByKey(headykey.AddressKey(email))
	if errors.Is(err, headykey.ErrNotFound) {
		return nil, nil
	}
	return a, err
}

// admitNew makes a new account for f, with its address or without one.
func (s *Service) admitNew(ctx context.Context, tx *store.Tx, f *foreigner, withAddress bool) (*headykey.Account, error) {
	if s.config.Closed {
		return nil, headykey.ErrSignUpClosed
	}
	d := s.draftOf(f, withAddress)
	if withAddress && f.verified {
		d.account.Verified = tx.Now
	}
	return d.account, s.insertAccount(ctx, tx, d, self(&d.account.User, f.from))
}

// draftOf is the account that f would get, with its address or without one.
func (s *Service) draftOf(f *foreigner, withAddress bool) *draft {
	d := &draft{foreigner: f, asked: f.asked, account: &headykey.Account{
		User:    headykey.User{ID: headykey.NewID(), Name: f.name, Role: headykey.RoleUser, Type: headykey.Human},
		Profile: headykey.NewProfile(),
	}}
	if withAddress {
		d.account.Email, d.emailKey = f.email, headykey.AddressKey(f.email)
	}
	return d
}

// recognise notes what f's provider says of them today.
func (s *Service) recognise(ctx context.Context, tx *store.Tx, a *headykey.Account, f *foreigner) error {
	if err := s.adopt(ctx, tx, a, f); err != nil {
		return err
	}
	return putForeigner(tx, a, f)
}

// link makes a, whose owner has the address that f has proven, known by f, too.
func (s *Service) link(ctx context.Context, tx *store.Tx, a *headykey.Account, f *foreigner) error {
	if err := putForeigner(tx, a, f); err != nil {
		return err
	}
	if err := s.noteLinked(ctx, tx, a, f); err != nil || a.Email == "" {
		return err
	}
	return s.Outbox.Post(tx, "mail", mail.IdentityAdded(a.Email, a.Name, titleOf(f.provider), occasion(ctx, tx, f.from)))
}

// inherit gives f an account that waits for the owner of its address and that nobody
// ever entered. What a stranger may have chosen for it goes: its password, letters,
// identities and data. What operators said of it stays.
func (s *Service) inherit(ctx context.Context, tx *store.Tx, a *headykey.Account, f *foreigner) error {
	if err := tx.DropPassword(a.ID); err != nil {
		return err
	}
	if err := tx.DropLinks(a.ID); err != nil {
		return err
	}
	for _, i := range a.Identities {
		if err := tx.DeleteIdentity(&i); err != nil {
			return err
		}
	}
	a.Identities, a.Name, a.Profile.NewEmail = nil, f.name, ""
	a.Profile.UserData = headykey.NewProfile().UserData
	if err := s.adopt(ctx, tx, a, f); err != nil {
		return err
	}
	if err := putForeigner(tx, a, f); err != nil {
		return err
	}
	return s.noteLinked(ctx, tx, a, f)
}

func (s *Service) noteLinked(ctx context.Context, tx *store.Tx, a *headykey.Account, f *foreigner) error {
	return s.note(ctx, tx, self(&a.User, f.from), "identity.linked", map[string]any{"provider": f.provider})
}

// adopt gives a the address that f has proven, if a has none and it is free, or notes
// that the one that a has is its owner's.
func (s *Service) adopt(ctx context.Context, tx *store.Tx, a *headykey.Account, f *foreigner) error {
	key := headykey.AddressKey(f.email)
	if !f.verified || f.email == "" || !a.Verified.IsZero() || a.Email != "" && headykey.AddressKey(a.Email) != key {
		return nil
	}
	owner, err := ownerOf(tx, f.email)
	if err != nil || owner != nil && owner.ID != a.ID {
		return err
	}
	a.Email, a.Verified, a.Anonymous, a.Profile.NewEmail = f.email, tx.Now, false, ""
	if err := tx.ChangeEmail(&a.User, "", key); err != nil {
		return err
	}
	if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
		return err
	}
	_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "email.confirmed", By: self(&a.User, f.from), Subject: a.ID, Details: map[string]any{"provider": f.provider},
		Object:   headykey.Party{Type: "user", ID: string(a.ID)},
		Personal: map[string]string{"email": key, "address": addressText(f.from)},
	})
	return err
}

// putForeigner keeps f as an identity of a, with what the provider says of them. It
// fails with headykey.ErrIdentityTaken.
func putForeigner(tx *store.Tx, a *headykey.Account, f *foreigner) error {
	i := identityOf(a, f)
	if i == nil {
		a.Identities = append(a.Identities, headykey.Identity{
			ID: headykey.NewID(), User: a.ID, Provider: f.provider, Subject: f.subject, Created: tx.Now,
		})
		i = &a.Identities[len(a.Identities)-1]
	}
	i.Email, i.Data, i.Updated, i.LastSignIn = f.email, f.data, tx.Now, tx.Now
	if said, err := headykey.MergeData(a.Profile.UserData, f.data); err == nil { // there may be no room
		a.Profile.UserData = said
	}
	if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
		return err
	}
	err := tx.PutIdentity(i)
	if errors.Is(err, headykey.ErrEmailTaken) {
		return headykey.ErrIdentityTaken
	}
	return err
}

// titleOf is a provider's name for people.
func titleOf(provider string) string {
	name := strings.TrimPrefix(provider, customPrefix)
	return strings.ToUpper(name[:1]) + name[1:]
}

func identityOf(a *headykey.Account, f *foreigner) *headykey.Identity {
	for n := range a.Identities {
		if i := &a.Identities[n]; i.Provider == f.provider && i.Subject == f.subject {
			return i
		}
	}
	return nil
}

// unproven reports whether f, by whom alone a is known, must prove the address that
// their provider tells without vouching for it.
func (s *Service) unproven(a *headykey.Account, f *foreigner) bool {
	return s.config.ConfirmEmail && f.email != "" && !f.verified && a.Email == "" && len(a.Identities) == 1 && a.Disabled.IsZero()
}

// askForAddress posts the letter that gives a the address that f claims. The owner of
// one that is taken is told; f learns nothing of that.
func (s *Service) askForAddress(ctx context.Context, tx *store.Tx, a *headykey.Account, f *foreigner) error {
	err := s.admitLetter(tx, headykey.AddressKey(f.email), &f.app)
	if errors.Is(err, headykey.ErrMailTooOften) {
		return nil // one is on its way
	}
	if err != nil {
		return err
	}
	owner, err := ownerOf(tx, f.email)
	switch {
	case err != nil:
		return err
	case owner != nil:
		return s.Outbox.Post(tx, "mail", mail.AddressTaken(f.email, s.config.BaseURL, "", occasion(ctx, tx, f.from)))
	}
	return s.askToMove(ctx, tx, a, f.email, &f.app, f.from)
}
