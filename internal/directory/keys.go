package directory

import (
	"context"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// uses are the keys that can be listed and rotated.
var uses = []string{keyring.Session, keyring.Heady, keyring.Receipt}

// SigningKeys returns every signing key that ever was, without its private part,
// newest first.
func (s *Service) SigningKeys(by headykey.Caller) ([]keyring.Key, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var keys []keyring.Key
	for _, use := range uses {
		for _, k := range s.ring.All(use) {
			keys = append(keys, bare(k))
		}
	}
	return keys, nil
}

// bare is k without its private part.
func bare(k keyring.Key) keyring.Key {
	k.Secret, k.Private, k.EC = nil, nil, nil
	return k
}

// RotateKey replaces the key of one use ("session", "heady", "receipt") at once
// and returns the one that signs now. Tokens of the old one verify until they
// expire, receipts of the old one for ever. It fails with headykey.ErrInvalid
// about "use", and with ErrConflict where the secret comes from the configuration.
// The receipt is "key.rotated".
func (s *Service) RotateKey(ctx context.Context, by headykey.Caller, use string) (keyring.Key, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return keyring.Key{}, err
	}
	if !slices.Contains(uses, use) {
		return keyring.Key{}, headykey.ErrInvalid.Saying("The keys that can be rotated here are session, heady and receipt.").About("use")
	}
	if use == keyring.Heady && s.ring.Fixed() {
		return keyring.Key{}, headykey.ErrConflict.Saying("The HS256 secret comes from the configuration: change it there.")
	}
	fresh := keyring.Generate(use)
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.replace(ctx, tx, by, fresh) })
	if err != nil {
		return keyring.Key{}, err
	}
	k, _ := s.ring.Signing(use) // the ring was read again before Update returned
	return bare(k), nil
}

func (s *Service) replace(ctx context.Context, tx *store.Tx, by headykey.Caller, fresh keyring.Key) error {
	request := headykey.RequestID(ctx)
	if fresh.Use == keyring.Receipt {
		return s.receipts.RotateKey(tx, fresh, request, by)
	}
	old, _ := s.ring.Signing(fresh.Use)
	successor := fresh.ID
	var err error
	if fresh.Use == keyring.Session {
		next, _ := s.ring.Next()
		successor = next.ID
		err = s.ring.Advance(tx, fresh, s.lives.SessionKeyGrace)
	} else {
		err = s.ring.Replace(tx, fresh, s.lives.JWTSecretOverlap)
	}
	if err != nil {
		return err
	}
	_, err = s.receipts.Append(tx, request, headykey.Act{
		Type: "key.rotated", By: by, Object: headykey.Party{Type: "signing_key", ID: old.ID},
		Details: map[string]any{"use": fresh.Use, "successor": successor},
	})
	return err
}

// RotateDueKeys replaces the HS256 secret and the session key once they are old
// enough. A background job calls it; of many nodes one does it.
func (s *Service) RotateDueKeys(ctx context.Context) error {
	if !s.ring.Fixed() {
		if err := s.rotateDue(ctx, keyring.Heady, s.lives.JWTSecretRotation); err != nil {
			return err
		}
	}
	return s.rotateDue(ctx, keyring.Session, s.lives.SessionKey)
}

func (s *Service) rotateDue(ctx context.Context, use string, every time.Duration) error {
	key, ok := s.ring.Signing(use)
	if !ok || time.Since(key.Active) < every {
		return nil
	}
	fresh := keyring.Generate(use)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		keys, err := store.Collect(tx.SigningKeys())
		if err != nil {
			return err
		}
		young := func(k store.SigningKey) bool {
			return k.Use == use && k.Retired.IsZero() && !k.Active.IsZero() && tx.Now.Sub(k.Active) < every
		}
		if slices.ContainsFunc(keys, young) {
			return nil // another node was quicker
		}
		return s.replace(ctx, tx, headykey.System, fresh)
	})
}
