package store_test

import (
	"fmt"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// allow stores what session's person allowed client, which runs out at expires.
func allow(t *testing.T, db *store.DB, session *headykey.Session, client headykey.ID, expires time.Time) *headykey.Authorization {
	t.Helper()
	a := &headykey.Authorization{
		ID: headykey.NewID(), User: session.User, Client: client, Session: session.ID, Created: micro(), Expires: expires,
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertAuthorization(a) })
	return a
}

// Who was allowed something in a session must be told when it ends, even if that has
// run out, or was taken back, long before.
func TestASessionKnowsItsClientsUntilItEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		session, other := signIn(t, db, jane, now, "this"), signIn(t, db, jane, now, "other")
		long, back := headykey.ID("00000000-0000-4000-8000-000000000001"), headykey.ID("00000000-0000-4000-8000-000000000002")
		allow(t, db, session, long, now.Add(-48*time.Hour))
		allow(t, db, session, long, now.Add(time.Hour))
		taken := allow(t, db, session, back, now.Add(time.Hour))
		allow(t, db, other, headykey.NewID(), now.Add(time.Hour))
		update(t, db, func(tx *store.Tx) error { _, err := tx.EndAuthorization(jane.ID, taken.ID); return err })
		prune := func(want int64) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				_, n, err := tx.SweepAuthorizations("", now.Add(-time.Hour), 10)
				wantSame(t, "pruned", n, want)
				return err
			})
		}
		prune(0)
		view(t, db, func(tx *store.Tx) error {
			clients, err := store.Collect(tx.SessionClients(jane.ID, session.ID))
			wantSame(t, "clients", fmt.Sprint(clients), fmt.Sprint([]headykey.ID{long, back}))
			return err
		})
		update(t, db, func(tx *store.Tx) error { _, err := tx.EndSession(jane.ID, session.ID); return err })
		prune(1)
	})
}

func TestParcelsOfOtherKindsAreLeftAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		postParcels(t, db, 2)
		update(t, db, func(tx *store.Tx) error {
			next, err := tx.NextParcel("logout", "webhook")
			wantSame(t, "next of other kinds", next, time.Time{})
			if err != nil {
				return err
			}
			none, err := tx.TakeParcels(10, time.Hour, "logout", "webhook")
			wantSame(t, "taken of other kinds", len(none), 0)
			if err != nil {
				return err
			}
			both, err := tx.TakeParcels(10, time.Hour, "logout", "mail")
			wantSame(t, "taken", len(both), 2)
			return err
		})
	})
}
