package directory

import (
	"context"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// SigningKeys returns every signing key that ever was, without its private part,
// newest first.
func (s *Service) SigningKeys(by headykey.Caller) ([]keyring.Key, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var keys []keyring.Key
	for _, use := range []string{keyring.Heady, keyring.Receipt} {
		for _, k := range s.ring.All(use) {
			k.Secret, k.Private = nil, nil
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// RotateKey replaces the key of one use ("heady", "receipt") at once. Tokens of
// the old one verify until they expire, receipts of the old one for ever. It fails
// with headykey.ErrInvalid about "use", and with ErrConflict where the secret
// comes from the configuration. The receipt is "key.rotated".
func (s *Service) RotateKey(ctx context.Context, by headykey.Caller, use string) (keyring.Key, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return keyring.Key{}, err
	}
	if use != keyring.Heady && use != keyring.Receipt {
		return keyring.Key{}, headykey.ErrInvalid.Saying("The keys that can be rotated here are heady and receipt.").About("use")
	}
	if use == keyring.Heady && s.ring.Fixed() {
		return keyring.Key{}, headykey.ErrConflict.Saying("The HS256 secret comes from the configuration: change it there.")
	}
	fresh := keyring.Generate(use)
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.replace(ctx, tx, by, fresh) })
	fresh.Secret, fresh.Private = nil, nil
	return fresh, err
}

func (s *Service) replace(ctx context.Context, tx *store.Tx, by headykey.Caller, fresh keyring.Key) error {
	request := headykey.RequestID(ctx)
	if fresh.Use == keyring.Receipt {
		return s.receipts.RotateKey(tx, fresh, request, by)
	}
	old, _ := s.ring.Signing(fresh.Use)
	if err := s.ring.Replace(tx, fresh, s.overlap); err != nil {
		return err
	}
	_, err := s.receipts.Append(tx, request, headykey.Act{
		Type: "key.rotated", By: by, Object: headykey.Party{Type: "signing_key", ID: old.ID},
		Details: map[string]any{"use": fresh.Use, "successor": fresh.ID},
	})
	return err
}

// RotateDueKeys replaces the HS256 secret once it is older than every. A
// background job calls it; of many nodes one does it.
func (s *Service) RotateDueKeys(ctx context.Context, every time.Duration) error {
	key, ok := s.ring.Signing(keyring.Heady)
	if !ok || s.ring.Fixed() || time.Since(key.Created) < every {
		return nil
	}
	fresh := keyring.Generate(keyring.Heady)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		keys, err := store.Collect(tx.SigningKeys())
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.Use == keyring.Heady && k.Retired.IsZero() && tx.Now.Sub(k.Created) < every {
				return nil // another node was quicker
			}
		}
		return s.replace(ctx, tx, headykey.System, fresh)
	})
}
