package account

import (
	"context"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

const (
	maxKeys        = 89 // live keys per person
	maxDescription = 200
	maxScopes      = 34
	maxEvents      = 89 // lines of a key's history that are shown
)

// scopeForm is a scope-token of RFC 6749 §3.3, at most 89 characters.
var scopeForm = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,89}$`)

// A KeyWish is what somebody wants of a new API key.
type KeyWish struct {
	Description string
	Role        headykey.Role // zero: the caller's own
	Expires     time.Time     // zero: never
	Scopes      []string      // empty: all that the role may
}

// A NewKey is a key's record and, this once, the key itself.
type NewKey struct {
	Record *headykey.APIKey
	Key    string
}

// CreateAPIKey makes a key that acts for the caller.
//
// It fails with headykey.ErrNotSignedIn; ErrInsufficientRole for a guest;
// ErrRoleEscalation for a role above the caller's; ErrInvalid for a description
// over 200 characters, more than 34 or malformed scopes, or an end in the past;
// ErrInsufficientScope for scopes that the caller's own key does not have; and
// ErrTooManyKeys beyond 89 live keys. The receipt is "api_key.created".
func (s *Service) CreateAPIKey(ctx context.Context, by headykey.Caller, wish KeyWish) (NewKey, error) {
	if err := mayMake(by, &wish); err != nil {
		return NewKey{}, err
	}
	fresh, err := mint(by.User, wish)
	if err != nil {
		return NewKey{}, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.CountAPIKeys(by.User)
		if err != nil {
			return err
		}
		if n >= maxKeys {
			return headykey.ErrTooManyKeys
		}
		if !wish.Expires.IsZero() && !tx.Now.Before(wish.Expires) {
			return headykey.ErrInvalid.Saying("The key would end in the past.").About("expiresAt")
		}
		return s.insertKey(ctx, tx, by, fresh.Record, "api_key.created", nil)
	})
	return fresh, err
}

// mayMake checks a wish and completes it.
func mayMake(by headykey.Caller, wish *KeyWish) error {
	if err := by.Need(headykey.RoleUser, "api_keys.write"); err != nil {
		return err
	}
	if wish.Role == 0 {
		wish.Role = by.Role
	}
	if len(wish.Scopes) == 0 {
		wish.Scopes = by.Scopes // a narrow key makes no wide one
	}
	if !by.Expires.IsZero() && by.Key != "" && (wish.Expires.IsZero() || wish.Expires.After(by.Expires)) {
		wish.Expires = by.Expires // nor does one that ends make one that does not
	}
	if wish.Role > by.Role {
		return headykey.ErrRoleEscalation
	}
	if !utf8.ValidString(wish.Description) || utf8.RuneCountInString(wish.Description) > maxDescription {
		return headykey.ErrInvalid.Saying("A description may have at most 200 characters.").About("description")
	}
	if len(wish.Scopes) > maxScopes || slices.ContainsFunc(wish.Scopes, func(scope string) bool { return !scopeForm.MatchString(scope) }) {
		return headykey.ErrInvalid.Saying("Scopes are up to 34 words of printable ASCII.").About("scopes")
	}
	for _, scope := range wish.Scopes {
		if len(by.Scopes) > 0 && !slices.Contains(by.Scopes, scope) {
			return headykey.ErrInsufficientScope
		}
	}
	return nil
}

// mint makes a key and its record for user.
func mint(user headykey.ID, wish KeyWish) (NewKey, error) {
	key := headykey.NewAPIKey()
	hash, err := headykey.HashAPIKey(key)
	if err != nil {
		return NewKey{}, err
	}
	return NewKey{Key: key, Record: &headykey.APIKey{
		ID: headykey.NewOrderedID(), User: user, Role: wish.Role, Description: wish.Description,
		Prefix: headykey.APIKeyPrefix(key), Hash: hash[:], Scopes: wish.Scopes, Expires: wish.Expires,
	}}, nil
}

// insertKey stores a key with its receipt and the first line of its history.
func (s *Service) insertKey(ctx context.Context, tx *store.Tx, by headykey.Caller, k *headykey.APIKey, what string, details map[string]any) error {
	k.Created = tx.Now
	if err := tx.InsertAPIKey(k); err != nil {
		return err
	}
	if details == nil {
		details = map[string]any{}
	}
	details["prefix"], details["role"], details["scopes"] = k.Prefix, k.Role.String(), append([]string{}, k.Scopes...)
	return s.noteKey(ctx, tx, by, k, what, "created", details)
}

// noteKey writes a receipt about a key and the line in its history.
func (s *Service) noteKey(ctx context.Context, tx *store.Tx, by headykey.Caller, k *headykey.APIKey, what, event string, details map[string]any) error {
	receipt, err := s.receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: what, By: by, Subject: k.User, Details: details,
		Object: headykey.Party{Type: "api_key", ID: string(k.ID)},
	})
	if err != nil {
		return err
	}
	line := headykey.KeyEvent{At: tx.Now, Type: event, Agent: by.From.Agent, Receipt: receipt}
	if by.From.Address.IsValid() {
		line.Address = by.From.Address.String()
	}
	return tx.InsertKeyEvent(k.User, k.ID, line)
}

// APIKeys returns the caller's keys that are not revoked, newest first, from
// before on.
func (s *Service) APIKeys(ctx context.Context, by headykey.Caller, before headykey.Mark, limit int) ([]*headykey.APIKey, error) {
	if err := by.Need(headykey.RoleGuest, "api_keys.read"); err != nil {
		return nil, err
	}
	if by.User == "" {
		return nil, headykey.ErrNotSignedIn // the store would list everybody's
	}
	var keys []*headykey.APIKey
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = store.Collect(tx.APIKeys(by.User, before, limit))
		return err
	})
	return keys, err
}

// reach returns the key under id if the caller may use a rule of these scopes on
// it, or headykey.ErrNotFound.
func reach(tx *store.Tx, by headykey.Caller, id headykey.ID, scope, adminScope string) (*headykey.APIKey, error) {
	k, err := tx.APIKey(id)
	if err != nil {
		return nil, err
	}
	return k, by.NeedOver(k.User, scope, adminScope)
}

// KeyHistory returns the newest 89 lines of a key's history. It fails with
// headykey.ErrNotFound, also for somebody else's key.
func (s *Service) KeyHistory(ctx context.Context, by headykey.Caller, id headykey.ID) ([]headykey.KeyEvent, error) {
	if err := by.NeedReach("api_keys.read", "admin.read"); err != nil {
		return nil, err
	}
	var events []headykey.KeyEvent
	err := s.db.View(ctx, func(tx *store.Tx) error {
		k, err := reach(tx, by, id, "api_keys.read", "admin.read")
		if err != nil {
			return err
		}
		events, err = store.Collect(tx.KeyEvents(k.User, k.ID, maxEvents))
		return err
	})
	return events, err
}

// RevokeAPIKey ends a key at once and for good. It fails with
// headykey.ErrNotFound, also for somebody else's key and for one that was revoked
// before. The receipt is "api_key.revoked".
func (s *Service) RevokeAPIKey(ctx context.Context, by headykey.Caller, id headykey.ID) error {
	if err := by.NeedReach("api_keys.write", "admin.write"); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		k, err := reach(tx, by, id, "api_keys.write", "admin.write")
		if err != nil {
			return err
		}
		live, err := tx.RevokeAPIKey(k.User, k.ID)
		if err != nil {
			return err
		}
		if !live {
			return headykey.ErrNotFound
		}
		return s.noteKey(ctx, tx, by, k, "api_key.revoked", "revoked", map[string]any{"prefix": k.Prefix})
	})
}

// RotateAPIKey makes a new key of the same kind; the old one works for the time of
// grace more, so that it can be replaced without a gap. It fails with
// headykey.ErrNotFound for a key that does not live and for somebody else's, and
// with ErrRoleEscalation for a key above the caller and ErrTooManyKeys beyond 178
// live ones. The receipt is
// "api_key.rotated".
func (s *Service) RotateAPIKey(ctx context.Context, by headykey.Caller, id headykey.ID) (NewKey, error) {
	if err := by.Need(headykey.RoleUser, "api_keys.write"); err != nil {
		return NewKey{}, err
	}
	var fresh NewKey
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		old, err := tx.APIKey(id)
		if err != nil {
			return err
		}
		if old.User != by.User || !old.Revoked.IsZero() || (!old.Expires.IsZero() && !tx.Now.Before(old.Expires)) {
			return headykey.ErrNotFound
		}
		n, err := tx.CountAPIKeys(by.User)
		if err != nil {
			return err
		}
		if n >= 2*maxKeys { // those in their grace count, too
			return headykey.ErrTooManyKeys
		}
		wish := KeyWish{Description: old.Description, Role: old.Role, Scopes: old.Scopes}
		if !old.Expires.IsZero() {
			wish.Expires = tx.Now.Add(old.Expires.Sub(old.Created))
		}
		if err := mayMake(by, &wish); err != nil {
			return err
		}
		if fresh, err = mint(by.User, wish); err != nil {
			return err
		}
		if err := tx.ExpireAPIKey(old.User, old.ID, tx.Now.Add(s.keyGrace)); err != nil {
			return err
		}
		details := map[string]any{"successor": "key_" + string(fresh.Record.ID)}
		if err := s.noteKey(ctx, tx, by, old, "api_key.rotated", "rotated", details); err != nil {
			return err
		}
		return s.insertKey(ctx, tx, by, fresh.Record, "api_key.created", map[string]any{"replaces": "key_" + string(old.ID)})
	})
	return fresh, err
}
