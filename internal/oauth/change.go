package oauth

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// ChangeClient changes a client. Disabling it ends its tokens: on this node at
// once, on others within a second. One whose new method needs a secret that it does
// not have has none until RotateSecret. It fails with headykey.ErrNotFound,
// ErrInvalid, and with ErrConflict if somebody else changed it meanwhile. The
// receipts are "client.changed", "client.disabled" and "client.enabled", as it may be.
func (s *Service) ChangeClient(ctx context.Context, by headykey.Caller, id headykey.ID, change headykey.ClientChange) (*headykey.Client, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if err := mergeDetails(change.Details, &headykey.ClientDetails{}); err != nil {
		return nil, err // what cannot be read is wrong for any client
	}
	return s.revise(ctx, by, id, func(c *headykey.Client, now time.Time) (notes, error) {
		changed, err := apply(c, change)
		if err != nil {
			return nil, err
		}
		dropSecret(c)
		changed = append(changed, vouch(c, change.Verified, now)...)
		all := notes{}
		if len(changed) > 0 {
			all["client.changed"] = map[string]any{"changed": changed}
		}
		if state := applyState(c, change.Disabled, now); state != "" {
			all[state] = nil
		}
		return all, nil
	})
}

// notes are the receipts of a change, by type; none: nothing was changed.
type notes map[string]map[string]any

// revise keeps what change makes of the client under id, if it may be. change is
// called twice: on a draft, so that what has to be asked outside is asked before the
// transaction, and in the transaction.
func (s *Service) revise(ctx context.Context, by headykey.Caller, id headykey.ID,
	change func(c *headykey.Client, now time.Time) (notes, error)) (*headykey.Client, error) {
	vetted, err := s.draft(ctx, id, change)
	if err != nil {
		return nil, err
	}
	var client *headykey.Client
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if client, err = tx.Client(id); err != nil {
			return err
		}
		all, err := change(client, tx.Now)
		if err != nil {
			return err
		}
		if err := s.check(client); err != nil {
			return err
		}
		if sectorKey(client) != vetted {
			return headykey.ErrConflict.Saying("Somebody else has just changed this client. Try again.")
		}
		if len(all) == 0 {
			return nil
		}
		if err := tx.UpdateClient(client, originsOf(client)); err != nil {
			return err
		}
		if !client.Disabled.IsZero() {
			if err := tx.EndDerived(id); err != nil {
				return err
			}
		}
		for _, what := range slices.Sorted(maps.Keys(all)) {
			if err := s.note(ctx, tx, by, id, what, all[what]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return client, nil
}

// draft makes the change on a copy, has it vetted where it differs, and returns the
// key of the sector that was vetted.
func (s *Service) draft(ctx context.Context, id headykey.ID, change func(*headykey.Client, time.Time) (notes, error)) (string, error) {
	var c *headykey.Client
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		c, err = tx.Client(id)
		return err
	})
	if err != nil {
		return "", err
	}
	before := sectorKey(c)
	if _, err := change(c, time.Now()); err != nil {
		return "", err
	}
	if err := s.check(c); err != nil {
		return "", err
	}
	after := sectorKey(c)
	if after != before {
		err = s.vetSector(ctx, c)
	}
	return after, err
}

// apply makes the changes and names what was changed.
func apply(c *headykey.Client, change headykey.ClientChange) (changed []string, err error) {
	for _, one := range []struct {
		name string
		of   *string
		to   *string
	}{{"name", &c.Name, change.Name}, {"token_endpoint_auth_method", &c.AuthMethod, change.AuthMethod},
		{"profile", (*string)(&c.Profile), (*string)(change.Profile)}} {
		if one.to != nil && *one.to != *one.of {
			*one.of, changed = *one.to, append(changed, one.name)
		}
	}
	for _, one := range []struct {
		name string
		of   *[]string
		to   *[]string
	}{
		{"grant_types", &c.Grants, change.Grants}, {"scopes", &c.Scopes, change.Scopes},
		{"redirect_uris", &c.Redirects, change.Redirects}, {"resources", &c.Resources, change.Resources},
	} {
		if one.to != nil {
			*one.of, changed = slices.Clone(*one.to), append(changed, one.name)
		}
	}
	if change.Trusted != nil && *change.Trusted != c.Trusted {
		c.Trusted, changed = *change.Trusted, append(changed, "trusted")
	}
	before := c.Details
	if err := mergeDetails(change.Details, &c.Details); err != nil {
		return nil, err
	}
	differ, err := differences(before, c.Details)
	return append(changed, differ...), err
}

// differences names the members in which two registrations differ.
func differences(a, b headykey.ClientDetails) ([]string, error) {
	var members [2]map[string]jsontext.Value
	for i, d := range []headykey.ClientDetails{a, b} {
		text, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &members[i]); err != nil {
			return nil, err
		}
	}
	var names []string
	for name, value := range members[0] {
		if other, ok := members[1][name]; !ok || string(other) != string(value) {
			names = append(names, name)
		}
	}
	for name := range members[1] {
		if _, ok := members[0][name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// dropSecret takes from c what its method does not need: a public client has no
// secret, and one that signs with it must have it sealed.
func dropSecret(c *headykey.Client) {
	if c.AuthMethod != SecretBasic && c.AuthMethod != SecretPost {
		c.Secret = nil
	}
	if c.AuthMethod != SecretJWT {
		c.SealedSecret = nil
	}
}

// vouch notes that an administrator vouches for c, or does not any more.
func vouch(c *headykey.Client, verified *bool, now time.Time) (changed []string) {
	switch {
	case verified == nil || *verified != c.Verified.IsZero():
		return nil
	case *verified:
		c.Verified = now
	default:
		c.Verified = time.Time{}
	}
	return []string{"verified"}
}

// applyState disables or enables c and returns the receipt's type, or "" if it was
// so before.
func applyState(c *headykey.Client, disabled *bool, now time.Time) string {
	switch {
	case disabled == nil || *disabled != c.Disabled.IsZero():
		return ""
	case *disabled:
		c.Disabled = now
		return "client.disabled"
	}
	c.Disabled = time.Time{}
	return "client.enabled"
}
