package oauth

import (
	"cmp"
	"context"
	"strings"

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
	Scopes     []string         // none: StandardScopes if people may allow it things
	Redirects  []string
	Resources  []string // none: the server's own
	Details    headykey.ClientDetails
}

// A NewClient is a client's record and, this once, its secret; "" if it has none.
type NewClient struct {
	Record headykey.Client
	Secret string
}

// Named returns wish with a name, by the host that it is known from where it has none.
func (wish ClientWish) Named() ClientWish {
	wish.Name = cmp.Or(wish.Name, nameFrom(wish.Details.URI, wish.Redirects))
	return wish
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
		c.Grants = grantsFor(c.Details.Responses)
		if c.May("authorization_code") {
			c.Grants = append(c.Grants, "refresh_token")
		}
	}
	if len(c.Grants) == 0 {
		c.Grants = []string{"client_credentials"}
	}
	if len(c.Scopes) == 0 && (len(c.Redirects) > 0 || c.May(deviceGrant) || c.May(cibaGrant)) {
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
	if err := s.vet(ctx, c); err != nil {
		return NewClient{}, err
	}
	fresh.Secret = s.giveSecret(c)
	err := s.DB.Update(ctx, func(tx *store.Tx) error { return s.insert(ctx, tx, by, c) })
	return fresh, err
}

// vet returns nil if c may be kept, having asked outside what has to be asked there.
func (s *Service) vet(ctx context.Context, c *headykey.Client) error {
	if err := s.check(c); err != nil {
		return err
	}
	if err := s.isOffered(c); err != nil {
		return err
	}
	return s.vetSector(ctx, c)
}

// insert keeps a new client, with its receipt.
func (s *Service) insert(ctx context.Context, tx *store.Tx, by headykey.Caller, c *headykey.Client) error {
	c.Created, c.Updated = tx.Now, tx.Now
	if err := tx.InsertClient(c, originsOf(c)); err != nil {
		return err
	}
	return s.note(ctx, tx, by, c.ID, "client.created", map[string]any{
		"auth_method": c.AuthMethod, "profile": c.Profile, "origin": c.Origin,
		"grants": c.Grants, "scopes": append([]string{}, c.Scopes...),
	})
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
