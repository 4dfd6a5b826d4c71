package store_test

import (
	"fmt"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// giveKey adds an API key to u.
func giveKey(t *testing.T, db *store.DB, u *headykey.User, key string, created, expires time.Time) *headykey.APIKey {
	t.Helper()
	k := &headykey.APIKey{
		ID: headykey.NewID(), User: u.ID, Role: headykey.RoleUser, Description: "for " + key, Prefix: "hdy_12345678",
		Hash: hashOf(key), Scopes: []string{"read", `odd "scope"`, "ünï"}, Created: created, Expires: expires,
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertAPIKey(k) })
	return k
}

func TestKeyComesBackWithItsOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		k := giveKey(t, db, jane, "key", micro(), time.Time{})
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.KeyByHash(hashOf("key"))
			wantError(t, "by hash", err, nil)
			wantSame(t, "by hash", got, &store.KeyProof{Key: *k, Owner: *jane})
			alone, err := tx.APIKey(k.ID)
			wantError(t, "by id", err, nil)
			wantSame(t, "by id", alone, k)
			_, err = tx.KeyByHash(hashOf("another"))
			wantError(t, "another hash", err, headykey.ErrNotFound)
			_, err = tx.APIKey(headykey.NewID())
			wantError(t, "another id", err, headykey.ErrNotFound)
			return nil
		})
	})
}

func TestRevokedKeyIsNeitherCountedNorListed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe, now := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com"), micro()
		older := giveKey(t, db, jane, "older", now.Add(-time.Minute), now.Add(time.Hour))
		newer := giveKey(t, db, jane, "newer", now, time.Time{})
		ranOut := giveKey(t, db, jane, "ran out", now.Add(-time.Hour), now.Add(-time.Second))
		giveKey(t, db, joe, "joe's", now, time.Time{})
		update(t, db, func(tx *store.Tx) error {
			n, err := tx.CountAPIKeys(jane.ID)
			wantSame(t, "live keys", n, 2)
			if revoked, err := tx.RevokeAPIKey(joe.ID, older.ID); revoked || err != nil {
				t.Errorf("somebody else revoked the key: %v", err)
			}
			for _, want := range []bool{true, false} {
				if revoked, err := tx.RevokeAPIKey(jane.ID, older.ID); revoked != want || err != nil {
					t.Errorf("revoked %v, %v, want %v", revoked, err, want)
				}
			}
			got, err2 := tx.APIKey(older.ID)
			older.Revoked = tx.Now
			wantSame(t, "revoked key", got, older)
			wantError(t, "revoked key", err2, nil)
			return err
		})
		view(t, db, func(tx *store.Tx) error {
			list, err := store.Collect(tx.APIKeys(jane.ID, headykey.Mark{}, 10))
			wantSame(t, "jane's keys", list, []*headykey.APIKey{newer, ranOut})
			wantError(t, "jane's keys", err, nil)
			list, err = store.Collect(tx.APIKeys(jane.ID, headykey.Mark{At: newer.Created, ID: newer.ID}, 10))
			wantSame(t, "next page", list, []*headykey.APIKey{ranOut})
			wantError(t, "next page", err, nil)
			list, err = store.Collect(tx.APIKeys("", headykey.Mark{}, 10))
			wantSame(t, "everybody's keys", len(list), 3)
			return err
		})
	})
}

func TestKeyIsNeverMadeToLiveLonger(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		early, late := now.Add(time.Hour), now.Add(2*time.Hour)
		tests := []struct {
			name             string
			before, at, want time.Time
		}{
			{"endless", time.Time{}, late, late},
			{"shorter", late, early, early},
			{"longer", early, late, early},
		}
		for _, tt := range tests {
			k := giveKey(t, db, jane, tt.name, now, tt.before)
			update(t, db, func(tx *store.Tx) error {
				if err := tx.ExpireAPIKey(jane.ID, k.ID, tt.at); err != nil {
					return err
				}
				got, err := tx.APIKey(k.ID)
				k.Expires = tt.want
				wantSame(t, tt.name, got, k)
				return err
			})
		}
	})
}

func TestHistoryOfAKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		k := giveKey(t, db, jane, "key", now, time.Time{})
		other := giveKey(t, db, jane, "other", now, time.Time{})
		var want []headykey.KeyEvent // newest first
		for i, kind := range []string{"created", "used", "revoked"} {
			e := headykey.KeyEvent{At: now.Add(time.Duration(i) * time.Second), Type: kind, Address: "2001:db8::1", Agent: "curl"}
			if kind != "used" {
				e.Receipt = headykey.NewOrderedID()
			}
			want = append([]headykey.KeyEvent{e}, want...)
			update(t, db, func(tx *store.Tx) error { return tx.InsertKeyEvent(jane.ID, k.ID, e) })
		}
		view(t, db, func(tx *store.Tx) error {
			got, err := store.Collect(tx.KeyEvents(jane.ID, k.ID, 10))
			wantError(t, "history", err, nil)
			wantSame(t, "history", got, want)
			got, err = store.Collect(tx.KeyEvents(jane.ID, k.ID, 1))
			wantError(t, "newest", err, nil)
			wantSame(t, "newest", got, want[:1])
			got, err = store.Collect(tx.KeyEvents(jane.ID, other.ID, 10))
			wantError(t, "another key's", err, nil)
			wantSame(t, "another key's", len(got), 0)
			for kind, want := range map[string]bool{"used": true, "rotated": false} {
				if has, err := tx.HasKeyEvent(jane.ID, k.ID, kind); has != want || err != nil {
					t.Errorf("was %s: %v, %v", kind, has, err)
				}
			}
			return nil
		})
	})
}

func TestUseOfAKeyOnlyMovesForward(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		k := giveKey(t, db, jane, "key", now, time.Time{})
		update(t, db, func(tx *store.Tx) error {
			for _, seconds := range []int{2, 1, 3} {
				use := store.Use{User: jane.ID, ID: k.ID, At: now.Add(time.Duration(seconds) * time.Second), Address: fmt.Sprintf("192.0.2.%d", seconds)}
				if err := tx.NoteKeyUse(use); err != nil {
					return err
				}
			}
			got, err := tx.APIKey(k.ID)
			k.LastUsed, k.LastAddress = now.Add(3*time.Second), "192.0.2.3"
			wantSame(t, "used key", got, k)
			return err
		})
	})
}
