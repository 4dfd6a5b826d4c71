package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/store"
)

// KnockKind is the kind of parcel that a knock travels in.
const KnockKind = "knock"

// letterPause is how long after a letter to an address no other goes there.
const letterPause = time.Minute

// What a knock may ask for.
const (
	KnockSignIn   = "sign_in"  // a link and a code to sign in by
	KnockRecovery = "recovery" // the same, to choose a new password
	KnockSignUp   = "signup"   // the letter of a new account once more
	KnockMove     = "move"     // the letters of a change of address once more
)

// A Knock is somebody who asks for a letter to an address. Whether that is anybody's
// is found out later, behind the answer: what is done and said until then is the same
// for all addresses.
type Knock struct {
	Wish    string         `json:"wish"`
	Email   string         `json:"email"`
	Create  bool           `json:"create,omitzero"` // make an account where there is none; for KnockSignIn
	Data    jsontext.Value `json:"data,omitempty"`  // of that account
	App     Asking         `json:"app"`
	From    headykey.From  `json:"from"`
	Request string         `json:"request"` // id of the request

	Audience string `json:"audience,omitempty"` // of the accounts that are looked at; "": any
}

// Knock has the letter sent that k asks for, if there is one for that address. It
// fails with headykey.ErrInvalidEmail, ErrInvalid about "data", and with
// ErrMailTooOften within a minute of the letter before.
func (s *Service) Knock(ctx context.Context, k Knock) error {
	_, emailKey, err := headykey.ParseEmail(k.Email)
	if err != nil {
		return err
	}
	if err := introduce(&headykey.Account{Profile: headykey.NewProfile()}, k.Data); err != nil {
		return err
	}
	k.Request = headykey.RequestID(ctx)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.admitLetter(tx, emailKey, &k.App); err != nil {
			return err
		}
		return s.Outbox.Post(tx, KnockKind, k)
	})
}

// admitLetter lets one letter to an address go, for apps, or fails with
// headykey.ErrMailTooOften. It does not know whether the address is anybody's.
func (s *Service) admitLetter(tx *store.Tx, emailKey string, app *Asking) error {
	if !s.config.Throttle || app == nil {
		return nil
	}
	key := s.Sealer.MAC("letter to", []byte(emailKey))
	last, err := tx.Throttle(key[:])
	if err != nil {
		return err
	}
	if wait := last.Next.Sub(tx.Now); wait > 0 {
		return headykey.ErrMailTooOften.Later(wait)
	}
	return tx.PutThrottle(store.Throttle{Key: key[:], Next: tx.Now.Add(letterPause), Window: tx.Now})
}

// AnswerKnock posts the letter that a knock asks for. It is the sender of KnockKind.
func (s *Service) AnswerKnock(ctx context.Context, payload []byte) error {
	var k Knock
	if err := json.Unmarshal(payload, &k); err != nil {
		return fmt.Errorf("%w: a knock that cannot be read: %w", outbox.ErrPermanent, err)
	}
	ctx = headykey.WithRequestID(ctx, k.Request)
	d, err := s.draft(ctx, Registration{Email: k.Email, Data: k.Data, From: k.From, Surface: AppSurface}, headykey.RoleUser)
	if err != nil {
		return fmt.Errorf("%w: a knock that was not checked: %w", outbox.ErrPermanent, err)
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		a, err := s.knocked(tx, k, d.emailKey)
		switch {
		case err == nil && k.Audience != "" && k.Audience != a.Profile.Audience:
			return nil
		case err == nil:
			return s.answer(ctx, tx, a, k)
		case !errors.Is(err, headykey.ErrNotFound):
			return err
		case k.Wish != KnockSignIn || !k.Create || s.config.Closed || k.Audience != "" && k.Audience != headykey.Authenticated:
			return nil
		}
		if err := s.insertAccount(ctx, tx, d, self(&d.account.User, k.From)); err != nil {
			return err
		}
		return s.answer(ctx, tx, d.account, k)
	})
}

// knocked returns the account that k is about.
func (s *Service) knocked(tx *store.Tx, k Knock, emailKey string) (*headykey.Account, error) {
	a, err := tx.AccountByKey(emailKey)
	if k.Wish != KnockMove || err == nil || !errors.Is(err, headykey.ErrNotFound) {
		return a, err
	}
	u, err := tx.UserMovingTo(emailKey)
	if err != nil {
		return nil, err
	}
	return tx.Account(u.ID)
}

// answer posts the letter that k asks for to the owner of a.
func (s *Service) answer(ctx context.Context, tx *store.Tx, a *headykey.Account, k Knock) error {
	if !a.Disabled.IsZero() {
		return nil
	}
	switch k.Wish {
	case KnockSignIn:
		if s.unconfirmed(&a.User) {
			return s.postConfirmation(ctx, tx, a, "", &k.App, k.From)
		}
		return s.post(ctx, tx, a, letter{purpose: purposeSignIn, to: a.Email, app: &k.App, from: k.From})
	case KnockRecovery:
		a.Profile.RecoverySent = tx.Now
		if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
			return err
		}
		return s.post(ctx, tx, a, letter{purpose: purposeRecovery, to: a.Email, app: &k.App, from: k.From})
	case KnockSignUp:
		if s.unconfirmed(&a.User) {
			return s.postConfirmation(ctx, tx, a, "", &k.App, k.From)
		}
	case KnockMove:
		if a.Profile.NewEmail != "" {
			return s.askToMove(ctx, tx, a, a.Profile.NewEmail, &k.App, k.From)
		}
	}
	return nil
}
