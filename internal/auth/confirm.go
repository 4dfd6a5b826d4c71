package auth

import (
	"context"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// postConfirmation posts the letter that confirms user's new account. hash is that of
// the password which its sign-up chose; it counts once the letter is used ("": the
// account has it already).
func (s *Service) postConfirmation(ctx context.Context, tx *store.Tx, a *headykey.Account, hash string, app *Asking, from headykey.From) error {
	a.Profile.ConfirmationSent = tx.Now
	if app != nil {
		if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
			return err
		}
	}
	return s.post(ctx, tx, a, letter{purpose: purposeConfirm, to: a.Email, app: app, data: hash, from: from})
}

// ConfirmEmail marks the address that a letter's token was sent to as confirmed.
// The token works once; otherwise headykey.ErrInvalidToken.
func (s *Service) ConfirmEmail(ctx context.Context, token string, from headykey.From) error {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		link, err := takeByToken(tx, token, []string{purposeConfirm})
		if err != nil {
			return err
		}
		account, err := tx.Account(link.User)
		if err != nil {
			return err
		}
		_, err = s.honour(ctx, tx, account, link, from)
		return err
	})
	return asBadLink(err)
}

// asBadLink says of a missing link only that the token is not valid.
func asBadLink(err error) error {
	if e := headykey.Explain(err); err != nil && (e.Is(headykey.ErrNotFound) || e.Is(headykey.ErrSpentProof)) {
		return headykey.ErrInvalidToken.Saying("This link was used before, has run out, or is not one of ours. Ask for a new one.")
	}
	return err
}

// NewSetupLink returns a fresh link that makes one administrator, once.
func (s *Service) NewSetupLink(ctx context.Context) (string, error) {
	token := secret.Token(linkSize)
	hash := secret.Hash(token)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertLink(store.Link{
			Hash: hash[:], Purpose: purposeSetup, Expires: tx.Now.Add(s.config.Lifetimes.SetupLink),
		})
	})
	return s.config.BaseURL + "/setup?token=" + token, err
}

// SetupLinkLives reports whether token would work now; if not, with
// headykey.ErrNotFound.
func (s *Service) SetupLinkLives(ctx context.Context, token string) error {
	hash := secret.Hash(token)
	return s.DB.View(ctx, func(tx *store.Tx) error {
		_, err := tx.Link(hash[:], purposeSetup)
		return err
	})
}

// SetUp makes an administrator with the token of a set-up link and signs them in.
// The link is spent only if the account was made. It fails with
// headykey.ErrNotFound if the link does not live, and otherwise as Register does.
func (s *Service) SetUp(ctx context.Context, token string, in Registration) (*Grant, error) {
	if err := s.SetupLinkLives(ctx, token); err != nil {
		return nil, err
	}
	if in.Password == "" {
		return nil, headykey.ErrMissingField.About("password")
	}
	d, err := s.draft(ctx, in, headykey.RoleAdmin)
	if err != nil {
		return nil, err
	}
	d.asked = true // who holds the link is trusted with the server itself, and needs no hook's leave
	o := prepare(in.From, in.Surface, headykey.ByPassword)
	hash := secret.Hash(token)
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.TakeLink(hash[:], purposeSetup); err != nil {
			return err
		}
		d.account.Verified = tx.Now // who holds the link is trusted with the server itself
		return s.open(ctx, tx, o, d, in)
	})
	if err != nil {
		return nil, err
	}
	return s.grant(ctx, o, &d.account.User)
}
