package store_test

import (
	"fmt"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// program adds a client and returns it.
func program(t *testing.T, db *store.DB, name string, created time.Time) *headykey.Client {
	t.Helper()
	c := &headykey.Client{
		ID: headykey.NewID(), Name: name, Secret: hashOf(name), AuthMethod: "client_secret_basic",
		Grants: []string{"client_credentials"}, Scopes: []string{"read", `odd'"`}, Redirects: []string{"https://a.example/cb?x=1,2"},
		Created: created,
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertClient(c, nil) })
	return c
}

func TestClientComesBackAsItWent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		want := program(t, db, "robot", micro())
		bare := &headykey.Client{ID: headykey.NewID(), Name: "bare", AuthMethod: "none", Created: micro(), Disabled: micro()}
		update(t, db, func(tx *store.Tx) error { return tx.InsertClient(bare, nil) })
		view(t, db, func(tx *store.Tx) error {
			for _, c := range []*headykey.Client{want, bare} {
				got, err := tx.Client(c.ID)
				wantError(t, c.Name, err, nil)
				wantSame(t, c.Name, got, c)
			}
			for _, id := range []headykey.ID{headykey.NewID(), "' OR 1=1", ""} {
				_, err := tx.Client(id)
				wantError(t, "another id", err, headykey.ErrNotFound)
			}
			return nil
		})
	})
}

func TestClientIsChangedAndDeleted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		c, other := program(t, db, "robot", micro()), program(t, db, "other", micro())
		epoch, others := db.Epoch(c.ID), db.Epoch(other.ID)
		c.Name, c.Secret, c.Scopes, c.Resources, c.Disabled = "golem", hashOf("new"), nil, []string{"https://b.example"}, micro()
		update(t, db, func(tx *store.Tx) error { return tx.UpdateClient(c, nil) })
		if epoch.Current() || !others.Current() {
			t.Error("the news of a change do not say of which client")
		}
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.Client(c.ID)
			wantSame(t, "changed", got, c)
			got, err2 := tx.Client(other.ID)
			wantSame(t, "the other", got, other)
			wantError(t, "the other", err2, nil)
			return err
		})
		epoch = db.Epoch(c.ID)
		update(t, db, func(tx *store.Tx) error { return tx.DeleteClient(c.ID) })
		if epoch.Current() {
			t.Error("a deleted client is believed")
		}
		err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteClient(c.ID) })
		wantError(t, "deleted twice", err, headykey.ErrNotFound)
		err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateClient(c, nil) })
		wantError(t, "changed after its end", err, headykey.ErrNotFound)
	})
}

func TestPageMarksWalkAllClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		now := micro()
		for i := range 7 { // all of one microsecond: the id must break the tie
			program(t, db, fmt.Sprint("robot ", i), now)
		}
		seen := map[headykey.ID]bool{}
		var mark headykey.Mark
		for range 3 {
			view(t, db, func(tx *store.Tx) error {
				page, err := store.Collect(tx.Clients(mark, 3))
				for _, c := range page {
					seen[c.ID], mark = true, headykey.Mark{At: c.Created, ID: c.ID}
				}
				return err
			})
		}
		wantSame(t, "clients walked", len(seen), 7)
	})
}

func TestRevokedTokenIsOneClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		c, other, id, now := headykey.NewID(), headykey.NewID(), headykey.NewID(), micro()
		epoch := db.Epoch(id)
		for _, want := range []bool{true, false} {
			update(t, db, func(tx *store.Tx) error {
				fresh, err := tx.RevokeToken(c, id, now.Add(time.Hour))
				wantSame(t, "revoked for the first time", fresh, want)
				return err
			})
		}
		if epoch.Current() {
			t.Error("a revoked token is believed")
		}
		is := func(what string, client, token headykey.ID, want bool) {
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.IsTokenRevoked(client, token)
				wantSame(t, what, got, want)
				return err
			})
		}
		is("the token", c, id, true)
		is("another client's of the same name", other, id, false)
		is("another", c, headykey.NewID(), false)
		for _, at := range []time.Time{now.Add(time.Hour), now.Add(time.Hour + time.Microsecond)} {
			is("before it is pruned", c, id, true)
			update(t, db, func(tx *store.Tx) error {
				_, err := tx.PruneRevokedTokens(at, 10)
				return err
			})
		}
		is("pruned", c, id, false)
	})
}

func TestAPublishedKeySignsOnceItIsActive(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		now := micro()
		keys := []store.SigningKey{ // newest first
			{ID: "b", Use: "session", Algorithm: "ES256", Public: []byte{4}, Private: []byte{2}, Created: now},
			{ID: "c", Use: "session", Algorithm: "RS256", Public: []byte{4}, Private: []byte{2}, Created: now},
			{ID: "a", Use: "session", Algorithm: "ES256", Public: []byte{4}, Private: []byte{1}, Created: now.Add(-time.Second), Active: now},
			{ID: "d", Use: "session", Algorithm: "RS256", Public: []byte{4}, Private: []byte{1}, Created: now.Add(-time.Second), Active: now},
		}
		update(t, db, func(tx *store.Tx) error {
			for _, k := range keys {
				if err := tx.InsertSigningKey(k); err != nil {
					return err
				}
			}
			keys[2].Retired, keys[2].Expires, keys[0].Active = tx.Now, now.Add(time.Hour), tx.Now
			if err := tx.RetireSigningKeys("session", "ES256", now.Add(time.Hour)); err != nil {
				return err
			}
			return tx.ActivateSigningKeys("session", "ES256")
		})
		view(t, db, func(tx *store.Tx) error {
			got, err := store.Collect(tx.SigningKeys())
			wantSame(t, "keys", got, keys)
			return err
		})
	})
}
