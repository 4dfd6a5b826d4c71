package oauth

import (
	"context"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A ClientWish is what somebody wants of a new client.
type ClientWish struct {
	Name       string
	AuthMethod string           // "": the first of AuthMethods
	Profile    headykey.Profile // "": ProfileOIDC
	Trusted    bool             // first party: people are not asked for their consent
	Grants     []string         // none: by code if there are Redirects, else client_credentials
	Scopes     []string         // none: StandardScopes if people may be sent to it
	Redirects  []string
	Resources  []string // none: the server's own
	Details    headykey.ClientDetails
}

// A NewClient is a client's record and, this once, its secret; "" if it has none.
type NewClient struct {
	Record headykey.Client
	Secret string
}

// record is the client that wish means, before it was checked.
func (wish ClientWish) record() headykey.Client {
	c := headykey.Client{
		ID: headykey.NewID(), Name: wish.Name, AuthMethod: wish.AuthMethod, Profile: wish.Profile, Trusted: wish.Trusted,
		Origin: headykey.ByOperator, Grants: wish.Grants, Scopes: wish.Scopes, Redirects: wish.Redirects,
		Resources: wish.Resources, Details: wish.Details,
	}
	if c.AuthMethod == "" {
		c.AuthMethod = AuthMethods[0]
	}
	if c.Profile == "" {
		c.Profile = headykey.ProfileOIDC
	}
	if len(c.Grants) == 0 && len(c.Redirects) > 0 {
		c.Grants = []string{"authorization_code", "refresh_token"}
	}
	if len(c.Grants) == 0 {
		c.Grants = []string{"client_credentials"}
	}
	if len(c.Scopes) == 0 && len(c.Redirects) > 0 {
		c.Scopes = StandardScopes
	}
	return c
}

// giveSecret gives c a new secret, if its method has one, and returns it. Where
// signatures are made with it, it is kept sealed; else its hash alone is. Never both:
// HMAC hashes a key of more than 64 bytes first (RFC 2104 §2), so that whoever read
// the hash could sign with it.
func (s *Service) giveSecret(c *headykey.Client) string {
	c.Secret, c.SealedSecret = nil, nil
	if !strings.HasPrefix(c.AuthMethod, "client_secret_") {
		return ""
	}
	text := secret.Token(secretSize)
	if c.AuthMethod == SecretJWT {
		c.SealedSecret = s.Sealer.Seal(sealedSecret(c.ID), []byte(text))
		return text
	}
	hash := secret.Hash(text)
	c.Secret = hash[:]
	return text
}

// sealedSecret is the purpose that a client's secret is sealed for.
func sealedSecret(id headykey.ID) string { return "client secret " + string(id) }

// CreateClient registers a client. It fails with headykey.ErrInvalid about what is
// not usable, in the words of RFC 7591 §2. The receipt is "client.created".
func (s *Service) CreateClient(ctx context.Context, by headykey.Caller, wish ClientWish) (NewClient, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return NewClient{}, err
	}
	fresh := NewClient{Record: wish.record()}
	c := &fresh.Record
	if err := s.check(c); err != nil {
		return NewClient{}, err
	}
	fresh.Secret = s.giveSecret(c)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		c.Created = tx.Now
		if err := tx.InsertClient(c, originsOf(c)); err != nil {
			return err
		}
		return s.note(ctx, tx, by, c.ID, "client.created", map[string]any{
			"auth_method": c.AuthMethod, "profile": c.Profile, "grants": c.Grants, "scopes": append([]string{}, c.Scopes...),
		})
	})
	return fresh, err
}

// note leaves the receipt of something done to a client.
func (s *Service) note(ctx context.Context, tx *store.Tx, by headykey.Caller, client headykey.ID, what string, details map[string]any) error {
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: what, By: by, Object: headykey.Party{Type: "client", ID: string(client)}, Details: details,
	})
	return err
}

// Clients returns a page of clients, newest first.
func (s *Service) Clients(ctx context.Context, by headykey.Caller, before headykey.Mark, limit int) ([]*headykey.Client, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var clients []*headykey.Client
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		clients, err = store.Collect(tx.Clients(before, limit))
		return err
	})
	return clients, err
}

// Client returns one client, or headykey.ErrNotFound.
func (s *Service) Client(ctx context.Context, by headykey.Caller, id headykey.ID) (*headykey.Client, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	var client *headykey.Client
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		client, err = tx.Client(id)
		return err
	})
	return client, err
}

// RotateSecret gives a client a new secret in place of the old one, which counts
// no more. Its tokens stay. It fails with headykey.ErrNotFound, and with ErrConflict
// if it has none. The receipt is "client.secret_rotated".
func (s *Service) RotateSecret(ctx context.Context, by headykey.Caller, id headykey.ID) (NewClient, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return NewClient{}, err
	}
	var fresh NewClient
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(id)
		if err != nil {
			return err
		}
		if fresh.Secret = s.giveSecret(c); fresh.Secret == "" {
			return headykey.ErrConflict.Saying("This client does not prove itself by a secret.")
		}
		if err := tx.UpdateClient(c, originsOf(c)); err != nil {
			return err
		}
		fresh.Record = *c
		return s.note(ctx, tx, by, id, "client.secret_rotated", nil)
	})
	if err != nil {
		return NewClient{}, err
	}
	return fresh, nil
}

// ChangeClient changes a client. Disabling it ends its tokens: on this node at
// once, on others within a second. It fails with headykey.ErrNotFound and
// ErrInvalid. The receipts are "client.changed", "client.disabled" and
// "client.enabled", as it may be.
func (s *Service) ChangeClient(ctx context.Context, by headykey.Caller, id headykey.ID, change headykey.ClientChange) (*headykey.Client, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	var client *headykey.Client
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(id)
		if err != nil {
			return err
		}
		client = c
		changed := append(apply(c, change), vouch(c, change.Verified, tx.Now)...)
		if err := s.check(c); err != nil {
			return err
		}
		state := applyState(c, change.Disabled, tx.Now)
		if len(changed) == 0 && state == "" {
			return nil
		}
		if err := tx.UpdateClient(c, originsOf(c)); err != nil {
			return err
		}
		if len(changed) > 0 {
			err = s.note(ctx, tx, by, id, "client.changed", map[string]any{"changed": changed})
		}
		if err == nil && state == "client.disabled" {
			err = tx.EndDerived(id)
		}
		if err == nil && state != "" {
			err = s.note(ctx, tx, by, id, state, nil)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return client, nil
}

// apply makes the changes and names what was changed.
func apply(c *headykey.Client, change headykey.ClientChange) (changed []string) {
	if change.Name != nil && *change.Name != c.Name {
		c.Name, changed = *change.Name, append(changed, "name")
	}
	for _, one := range []struct {
		name string
		of   *[]string
		to   *[]string
	}{
		{"scopes", &c.Scopes, change.Scopes}, {"redirect_uris", &c.Redirects, change.Redirects},
		{"resources", &c.Resources, change.Resources},
	} {
		if one.to != nil {
			*one.of, changed = *one.to, append(changed, one.name)
		}
	}
	if change.Trusted != nil && *change.Trusted != c.Trusted {
		c.Trusted, changed = *change.Trusted, append(changed, "trusted")
	}
	return changed
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

// DeleteClient removes a client and with it all its tokens. It fails with
// headykey.ErrNotFound. The receipt is "client.deleted".
func (s *Service) DeleteClient(ctx context.Context, by headykey.Caller, id headykey.ID) error {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.EndDerived(id); err != nil {
			return err
		}
		if err := tx.DeleteClient(id); err != nil {
			return err
		}
		return s.note(ctx, tx, by, id, "client.deleted", nil)
	})
}
