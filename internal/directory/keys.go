package directory

import (
	"context"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// uses are the keys that can be listed and rotated.
var uses = []string{keyring.Session, keyring.Heady, keyring.Receipt, keyring.Project}

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
	k.Secret, k.Private, k.Signer = nil, nil, nil
	return k
}

// idTokens is the use of the session keys that sign ID tokens alone: those of every
// algorithm but ES256, which access tokens are signed with.
const idTokens = "id"

// RotateKey replaces the key of one use ("session", "id", "heady", "receipt",
// "project") at once and returns the one that signs now; for "id" the keys of several
// algorithms, and it returns that of RS256. Tokens of the old one verify until they
// expire, receipts of the old one for ever; the keys of apps, which are made of the
// project's, as long as the tokens of a session key. It fails with headykey.ErrInvalid about "use", and with
// ErrConflict where the secret comes from the configuration. The receipt is
// "key.rotated", one for each key.
func (s *Service) RotateKey(ctx context.Context, by headykey.Caller, use string) (keyring.Key, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return keyring.Key{}, err
	}
	if use != idTokens && !slices.Contains(uses, use) {
		return keyring.Key{}, headykey.ErrInvalid.Saying("The keys that can be rotated here are session, id, heady, receipt and project.").About("use")
	}
	if use == keyring.Heady && s.ring.Fixed() {
		return keyring.Key{}, headykey.ErrConflict.Saying("The HS256 secret comes from the configuration: change it there.")
	}
	present, err := s.presentKeys(ctx, use)
	if err != nil {
		return keyring.Key{}, err
	}
	var fresh []keyring.Key
	for _, k := range present {
		fresh = append(fresh, k.Successor())
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		for _, k := range fresh {
			if err := s.replace(ctx, tx, by, k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return keyring.Key{}, err
	}
	// The ring was read again before Update returned.
	if use == idTokens {
		k, _ := s.ring.Current(jose.RS256)
		return bare(k), nil
	}
	k, _ := s.ring.Signing(use)
	return bare(k), nil
}

// presentKeys returns the keys that sign for use now.
func (s *Service) presentKeys(ctx context.Context, use string) ([]keyring.Key, error) {
	switch use {
	case keyring.Session:
		k, _ := s.ring.Current(jose.ES256)
		return []keyring.Key{k}, nil
	case idTokens:
		if err := s.ring.Prepare(ctx); err != nil {
			return nil, err
		}
		return slices.DeleteFunc(s.ring.Present(keyring.Session), func(k keyring.Key) bool { return k.Algorithm == jose.ES256 }), nil
	}
	return s.ring.Present(use), nil
}

func (s *Service) replace(ctx context.Context, tx *store.Tx, by headykey.Caller, fresh keyring.Key) error {
	request := headykey.RequestID(ctx)
	if fresh.Use == keyring.Receipt {
		return s.receipts.RotateKey(tx, fresh, request, by)
	}
	old, _ := s.ring.Signing(fresh.Use)
	successor := fresh.ID
	var err error
	switch fresh.Use {
	case keyring.Session:
		old, _ = s.ring.Current(fresh.Algorithm)
		next, _ := s.ring.Next(fresh.Algorithm)
		successor = next.ID
		err = s.ring.Advance(tx, fresh, s.lives.SessionKeyGrace)
	case keyring.Project:
		err = s.ring.Replace(tx, fresh, s.lives.SessionKeyGrace)
	default:
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

// RotateDueKeys replaces the HS256 secret and the session keys, each once it is old
// enough. A background job calls it; of many nodes one does it.
func (s *Service) RotateDueKeys(ctx context.Context) error {
	if !s.ring.Fixed() {
		if err := s.rotateDue(ctx, keyring.Heady, s.lives.JWTSecretRotation); err != nil {
			return err
		}
	}
	return s.rotateDue(ctx, keyring.Session, s.lives.SessionKey)
}

// rotateDue replaces the keys of use that have signed for every or longer.
func (s *Service) rotateDue(ctx context.Context, use string, every time.Duration) error {
	for _, key := range s.ring.Present(use) {
		if time.Since(key.Active) < every {
			continue
		}
		if err := s.succeed(ctx, key, every); err != nil {
			return err
		}
	}
	return nil
}

// succeed replaces key, unless another node was quicker.
func (s *Service) succeed(ctx context.Context, key keyring.Key, every time.Duration) error {
	fresh := key.Successor()
	return s.db.Update(ctx, func(tx *store.Tx) error {
		keys, err := store.Collect(tx.SigningKeys())
		if err != nil {
			return err
		}
		young := func(k store.SigningKey) bool {
			return k.Use == key.Use && k.Algorithm == key.Algorithm && k.Retired.IsZero() && !k.Active.IsZero() && tx.Now.Sub(k.Active) < every
		}
		if slices.ContainsFunc(keys, young) {
			return nil
		}
		return s.replace(ctx, tx, headykey.System, fresh)
	})
}
