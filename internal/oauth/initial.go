package oauth

import (
	"context"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// What initial access tokens are kept for: those that may be used again, and those
// that may not.
const (
	forClients   = "client.registration"
	forOneClient = "client.registration.once"
)

// Lives of an initial access token.
const (
	InitialLife    = 34 * time.Hour      // if nothing is said: fib 9
	maxInitialLife = 89 * 24 * time.Hour // fib 11 days
)

// An InitialToken lets its holder register clients (RFC 7591 §3).
type InitialToken struct {
	Token   string // shown this once: its hash alone is kept
	Once    bool   // good for one client
	Expires time.Time
}

// MakeInitialToken makes an initial access token that lives for life (0:
// InitialLife), for one client or for any number. It fails with headykey.ErrInvalid
// about expires_in if that is negative or over 89 days. The receipt is
// "registration_token.created".
func (s *Service) MakeInitialToken(ctx context.Context, by headykey.Caller, life time.Duration, once bool) (*InitialToken, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if life < 0 || life > maxInitialLife {
		return nil, invalid("expires_in", "A registration token lives for at most 89 days.")
	}
	if life == 0 {
		life = InitialLife
	}
	t := &InitialToken{Token: secret.Token(secretSize), Once: once}
	purpose := forClients
	if once {
		purpose = forOneClient
	}
	hash := secret.Hash(t.Token)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		t.Expires = tx.Now.Add(life)
		if err := tx.InsertLink(store.Link{Hash: hash[:], Purpose: purpose, Expires: t.Expires}); err != nil {
			return err
		}
		_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
			Type: "registration_token.created", By: by, Object: headykey.Party{Type: "registration_token", ID: string(headykey.NewID())},
			Details: map[string]any{"once": once, "seconds": int64(life / time.Second)},
		})
		return err
	})
	return t, err
}

// admit says whether who shows initial may register a client, before anything is
// done for them.
func (s *Service) admit(ctx context.Context, initial string) error {
	switch {
	case !s.Registers():
		return headykey.ErrNotFound
	case s.Registration.Who == RegistrationOpen:
		return nil
	case initial == "":
		return headykey.ErrNotSignedIn
	}
	return s.DB.View(ctx, func(tx *store.Tx) error { return useInitial(tx, initial, tx.Link) })
}

// spendInitial uses up initial, if it is good for one client, in the transaction
// that makes this client.
func (s *Service) spendInitial(tx *store.Tx, initial string) error {
	if s.Registration.Who == RegistrationOpen {
		return nil
	}
	return useInitial(tx, initial, tx.TakeLink)
}

// useInitial looks initial up; one that is for one client by single.
func useInitial(tx *store.Tx, initial string, single func([]byte, string) (store.Link, error)) error {
	hash := secret.Hash(initial)
	_, err := tx.Link(hash[:], forClients)
	if isMissing(err) {
		_, err = single(hash[:], forOneClient)
	}
	if isMissing(err) {
		return headykey.ErrInvalidToken
	}
	return err
}
