package auth

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A claim is what an account that nobody confirmed yet becomes for whoever confirms it
// by one letter: what was said when that letter was asked for. Strangers may have said
// something else of the same address before, or after.
type claim struct {
	Hash string         `json:"hash,omitempty"` // of the password; "": there is none
	Name string         `json:"name,omitempty"`
	Data jsontext.Value `json:"data,omitempty"` // an object
}

// claim is what whoever signed up with d says.
func (d *draft) claim() *claim { return &claim{d.hash, d.account.Name, d.account.Profile.UserData} }

// text returns c as a link keeps it; "" for none.
func (c *claim) text() (string, error) {
	if c == nil {
		return "", nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write a claim: %w", err)
	}
	return string(text), nil
}

// unclaimed reports whether nobody has shown yet that u is theirs.
func unclaimed(u *headykey.User) bool { return u.Verified.IsZero() && u.LastSignIn.IsZero() }

// settle makes of a what text, a claim, says ("": it stays as it is), unless a is
// somebody's by now.
func (s *Service) settle(tx *store.Tx, a *headykey.Account, text string) error {
	if text == "" || !unclaimed(&a.User) {
		return nil
	}
	var c claim
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("read a claim: %w", err)
	}
	if err := tx.DropPassword(a.ID); err != nil {
		return err
	}
	if c.Hash != "" {
		if err := tx.SetPassword(a.ID, c.Hash); err != nil {
			return err
		}
	}
	return s.become(tx, a, c)
}

// become gives a the name and the data of c in place of its own.
func (s *Service) become(tx *store.Tx, a *headykey.Account, c claim) error {
	a.Name, a.Type, a.Profile.UserData = c.Name, headykey.Human, headykey.NewProfile().UserData
	if err := introduce(a, c.Data); err != nil {
		return err
	}
	if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
		return err
	}
	return s.putAddress(tx, a)
}

// postConfirmation posts the letter that confirms a's new account. What c says counts
// once the letter is used (nil: a stays as it is).
func (s *Service) postConfirmation(ctx context.Context, tx *store.Tx, a *headykey.Account, c *claim, app *Asking, from headykey.From) error {
	data, err := c.text()
	if err != nil {
		return err
	}
	a.Profile.ConfirmationSent = tx.Now
	if app != nil {
		if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
			return err
		}
	}
	return s.post(ctx, tx, a, letter{purpose: purposeConfirm, to: a.Email, app: app, data: data, from: from})
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
