package auth

import (
	"context"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// addressClaims is what the identity that is an address says.
type addressClaims struct {
	Subject       headykey.ID `json:"sub"`
	Email         string      `json:"email"`
	EmailVerified bool        `json:"email_verified"`
	PhoneVerified bool        `json:"phone_verified"`
}

// putAddress stores a's profile, and keeps the identity that is its address true to
// that, with what a says of itself.
func (s *Service) putAddress(tx *store.Tx, a *headykey.Account) error {
	if a.Email == "" {
		return tx.PutProfile(a.ID, &a.Profile)
	}
	data, err := json.Marshal(addressClaims{a.ID, a.Email, !a.Verified.IsZero(), !a.Profile.PhoneVerified.IsZero()})
	if err != nil {
		return err
	}
	if said, err := headykey.MergeData(a.Profile.UserData, data); err == nil { // there may be no room
		a.Profile.UserData = said
	}
	if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
		return err
	}
	i := a.Identity(headykey.ByEmail)
	if i == nil {
		a.Identities = append(a.Identities, headykey.Identity{
			ID: headykey.NewID(), User: a.ID, Provider: headykey.ByEmail, Subject: string(a.ID), Created: tx.Now,
		})
		i = &a.Identities[len(a.Identities)-1]
	}
	i.Email, i.Data, i.Updated = a.Email, jsontext.Value(data), tx.Now
	return tx.PutIdentity(i)
}

// askToMove begins the change of a's address to address, by letters to that and to
// the one before, or makes it at once where addresses need not be confirmed and there
// was none.
func (s *Service) askToMove(ctx context.Context, tx *store.Tx, a *headykey.Account, address string, app *Asking, from headykey.From) error {
	if a.Email == "" && !s.config.ConfirmEmail {
		return s.move(ctx, tx, a, address, time.Time{}, from) // nobody has proven that it is theirs
	}
	return s.postMove(ctx, tx, a, address, app, from)
}

// postMove posts the letters that change a's address to address.
func (s *Service) postMove(ctx context.Context, tx *store.Tx, a *headykey.Account, address string, app *Asking, from headykey.From) error {
	if err := tx.DropLinks(a.ID, purposeLeave, purposeMove); err != nil {
		return err
	}
	a.Profile.NewEmail, a.Profile.EmailChangeSent = address, tx.Now
	if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
		return err
	}
	there := letter{purpose: purposeMove, to: address, app: app, data: headykey.AddressKey(address), from: from}
	if a.Email == "" || !s.config.ConfirmEmail {
		return s.post(ctx, tx, a, there)
	}
	here := letter{purpose: purposeLeave, to: a.Email, app: app, from: from}
	if s.byHook(here) {
		return s.handOver(ctx, tx, a, here, there)
	}
	if err := s.post(ctx, tx, a, here); err != nil {
		return err
	}
	return s.post(ctx, tx, a, there)
}

// halfDone marks the letter of a change whose other letter was answered.
const halfDone = "half"

// moveOn notes one of the letters that change a's address. The change is made with
// the last of them: the one to the new address must be answered in any case.
func (s *Service) moveOn(ctx context.Context, tx *store.Tx, a *headykey.Account, link store.Link, from headykey.From) (half bool, err error) {
	other, single := purposeMove, false
	if link.Purpose == purposeMove {
		other, single = purposeLeave, a.Email == "" || !s.config.ConfirmEmail
	}
	if a.Profile.NewEmail == "" || link.Purpose == purposeMove && movingTo(link) != headykey.AddressKey(a.Profile.NewEmail) {
		return false, headykey.ErrSpentProof // of a change that was given up
	}
	if !single && !strings.HasPrefix(link.Data, halfDone) {
		rest, err := tx.Links(a.ID, other)
		if err != nil {
			return false, err
		}
		if len(rest) == 0 {
			return false, headykey.ErrSpentProof // it has run out: one alone changes nothing
		}
		return true, tx.MarkLink(rest[0].Hash, strings.TrimSpace(halfDone+" "+rest[0].Data))
	}
	return false, s.move(ctx, tx, a, a.Profile.NewEmail, tx.Now, from)
}

// movingTo is the folded address that a letter of a change went to.
func movingTo(l store.Link) string { return strings.TrimPrefix(l.Data, halfDone+" ") }

// move gives a the address, proven at the given time (zero: it was not). It fails with
// headykey.ErrEmailTaken.
func (s *Service) move(ctx context.Context, tx *store.Tx, a *headykey.Account, address string, proven time.Time, from headykey.From) error {
	a.Verified = proven
	return s.giveAddress(ctx, tx, self(&a.User, from), a, address)
}

// giveAddress gives a the address on behalf of by, and ends the letters that went to
// the one before. It fails with headykey.ErrEmailTaken.
func (s *Service) giveAddress(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, address string) error {
	old, was := "", a.Email
	if was != "" {
		old = headykey.AddressKey(was)
	}
	key := headykey.AddressKey(address)
	a.Email, a.Anonymous, a.Profile.NewEmail = address, false, ""
	if err := tx.ChangeEmail(&a.User, old, key); err != nil {
		return err
	}
	if err := tx.DropLinks(a.ID); err != nil {
		return err
	}
	if err := s.putAddress(tx, a); err != nil {
		return err
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "email.changed", By: by, Subject: a.ID,
		Object:   headykey.Party{Type: "user", ID: string(a.ID)},
		Personal: map[string]string{"email": key, "before": old, "address": addressText(by.From)},
	})
	return err
}
