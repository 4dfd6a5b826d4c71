package oauth

import (
	"context"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// A Given is a consent with the client that it was given to.
type Given struct {
	Consent *headykey.Consent
	Client  *headykey.Client
}

// Consents returns what a person allowed to clients, the newest first: the caller's
// own, or anybody's for an operator. For others it does not exist:
// headykey.ErrNotFound.
func (s *Service) Consents(ctx context.Context, by headykey.Caller, user headykey.ID) ([]Given, error) {
	if user != by.User {
		if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
			return nil, err
		}
	} else if err := by.Need(headykey.RoleGuest, "profile.read"); err != nil {
		return nil, err
	}
	if user == "" {
		return nil, headykey.ErrNotFound
	}
	var all []*headykey.Consent
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		all, err = store.Collect(tx.Consents(user))
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Given, 0, len(all))
	for _, c := range all {
		client, err := s.client(ctx, c.Client)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Given{c, client})
	}
	return out, nil
}

// Withdraw takes back what a person allowed a client, and ends every token that
// stands on it: on this node at once, on others within a second. People do it for
// themselves, administrators for anybody. It fails with headykey.ErrNotFound. The
// receipt is "consent.withdrawn".
func (s *Service) Withdraw(ctx context.Context, by headykey.Caller, user, client headykey.ID) error {
	if user == "" {
		return headykey.ErrNotFound
	}
	if err := by.NeedOver(user, "profile.write", "admin.write"); err != nil {
		return err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		had, err := tx.DeleteConsent(user, client)
		if err != nil {
			return err
		}
		ended, err := tx.EndAuthorizations(user, client)
		if err != nil {
			return err
		}
		if !had && ended == 0 {
			return headykey.ErrNotFound
		}
		_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
			Type: "consent.withdrawn", By: by, Subject: user, Object: headykey.Party{Type: "client", ID: string(client)},
			Details: map[string]any{"authorizations": ended},
		})
		return err
	})
}
