package auth

import (
	"context"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

const (
	linkSize = 34 // random bytes of the token in a link

	purposeConfirm = "email.confirm"
	purposeSetup   = "admin.setup"
)

// postConfirmation posts the letter that confirms user's address. Earlier ones
// stop working.
func (s *Service) postConfirmation(ctx context.Context, tx *store.Tx, user *headykey.User, link string, from headykey.From) error {
	if err := tx.DropLinks(user.ID, purposeConfirm); err != nil {
		return err
	}
	hash := secret.Hash(link)
	life := s.config.Lifetimes.EmailLink
	err := tx.InsertLink(store.Link{Hash: hash[:], Purpose: purposeConfirm, User: user.ID, Expires: tx.Now.Add(life)})
	if err != nil {
		return err
	}
	// The link opens a page that asks for a click: what scans mail spends nothing.
	proof := mail.Proof{Link: s.config.BaseURL + "/verify-email?token=" + link, Life: life}
	return s.Outbox.Post(tx, "mail", mail.ConfirmAddress(user.Email, user.Name, proof, occasion(ctx, tx, from)))
}

// ConfirmEmail marks the address that a letter's token was sent to as confirmed.
// The token works once; otherwise headykey.ErrInvalidToken.
func (s *Service) ConfirmEmail(ctx context.Context, token string, from headykey.From) error {
	hash := secret.Hash(token)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		link, err := tx.TakeLink(hash[:], purposeConfirm)
		if err != nil {
			return err
		}
		user, err := tx.User(link.User)
		if err != nil {
			return err
		}
		user.Verified = tx.Now
		if err := tx.UpdateUser(user, headykey.Fold(user.Name)); err != nil {
			return err
		}
		_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
			Type: "email.confirmed", By: self(user, from), Subject: user.ID,
			Object:   headykey.Party{Type: "user", ID: string(user.ID)},
			Personal: map[string]string{"email": headykey.Fold(user.Email), "address": addressText(from)},
		})
		return err
	})
	return asBadLink(err)
}

// asBadLink says of a missing link only that the token is not valid.
func asBadLink(err error) error {
	if e := headykey.Explain(err); err != nil && e.Is(headykey.ErrNotFound) {
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
	user, emailKey, passwordHash, err := s.newAccount(ctx, in.Email, in.Password, in.Name, headykey.RoleAdmin)
	if err != nil {
		return nil, err
	}
	o := prepare(in.From, in.Surface, "pwd")
	hash := secret.Hash(token)
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.TakeLink(hash[:], purposeSetup); err != nil {
			return err
		}
		user.Verified = tx.Now // who holds the link is trusted with the server itself
		return s.open(ctx, tx, o, user, emailKey, passwordHash, in)
	})
	if err != nil {
		return nil, err
	}
	return s.grant(o, user)
}
