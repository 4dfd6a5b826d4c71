package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

func TestLinkWorksOnceForItsPurposeInItsTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		owned := store.Link{Hash: hashOf("owned"), Purpose: "confirm", User: jane.ID, Expires: now.Add(time.Hour)}
		nobodys := store.Link{Hash: hashOf("nobody's"), Purpose: "setup", Expires: now.Add(time.Hour)}
		late := store.Link{Hash: hashOf("late"), Purpose: "confirm", User: jane.ID, Expires: now.Add(-time.Microsecond)}
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.InsertLink(owned), tx.InsertLink(nobodys), tx.InsertLink(late))
		})
		tests := []struct {
			name, token, purpose string
			want                 store.Link
			err                  error
		}{
			{"wrong purpose", "owned", "setup", store.Link{}, headykey.ErrNotFound},
			{"right", "owned", "confirm", owned, nil},
			{"again", "owned", "confirm", store.Link{}, headykey.ErrNotFound},
			{"nobody's", "nobody's", "setup", nobodys, nil},
			{"late", "late", "confirm", store.Link{}, headykey.ErrNotFound},
			{"unknown", "unknown", "confirm", store.Link{}, headykey.ErrNotFound},
		}
		for _, tt := range tests {
			_ = db.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Link(hashOf(tt.token), tt.purpose) // looking does not use it up
				wantError(t, tt.name+", looked at", err, tt.err)
				got, err := tx.TakeLink(hashOf(tt.token), tt.purpose)
				wantError(t, tt.name, err, tt.err)
				if tt.err == nil {
					wantSame(t, tt.name, got, tt.want)
				}
				return err
			})
		}
	})
}

func TestOfEightWhoTakeALinkOneGetsIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		link := store.Link{Hash: hashOf("token"), Purpose: "setup", Expires: micro().Add(time.Hour)}
		update(t, db, func(tx *store.Tx) error { return tx.InsertLink(link) })
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				err := db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.TakeLink(link.Hash, "setup"); return err })
				if err == nil {
					won.Add(1)
					return
				}
				wantError(t, "a loser", err, headykey.ErrNotFound)
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d took the link, want 1", won.Load())
		}
	})
}

func TestLinksAreDroppedAndPruned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe, now := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com"), micro()
		for token, l := range map[string]store.Link{
			"dropped":       {Purpose: "confirm", User: jane.ID, Expires: now.Add(time.Hour)},
			"other purpose": {Purpose: "recover", User: jane.ID, Expires: now.Add(time.Hour)},
			"other user":    {Purpose: "confirm", User: joe.ID, Expires: now.Add(time.Hour)},
			"late":          {Purpose: "recover", User: joe.ID, Expires: now.Add(-time.Hour)},
		} {
			l.Hash = hashOf(token)
			update(t, db, func(tx *store.Tx) error { return tx.InsertLink(l) })
		}
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.DropLinks(jane.ID, "confirm"), tx.PruneLinks(tx.Now))
		})
		view(t, db, func(tx *store.Tx) error {
			_, err := tx.Link(hashOf("dropped"), "confirm")
			wantError(t, "dropped", err, headykey.ErrNotFound)
			_, err = tx.Link(hashOf("other purpose"), "recover")
			wantError(t, "other purpose", err, nil)
			_, err = tx.Link(hashOf("other user"), "confirm")
			wantError(t, "other user", err, nil)
			return nil
		})
		// A hash that is free again shows that its row is gone.
		update(t, db, func(tx *store.Tx) error {
			return tx.InsertLink(store.Link{Hash: hashOf("late"), Purpose: "recover", Expires: now})
		})
	})
}

func TestThrottleCountsAndForgets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		key := hashOf("account and address")
		update(t, db, func(tx *store.Tx) error {
			none, err := tx.Throttle(key)
			wantError(t, "no count yet", err, nil)
			wantSame(t, "no count yet", none, store.Throttle{Key: key})

			first := store.Throttle{Key: key, Failures: 1, Next: now.Add(time.Second), Window: now}
			wantError(t, "first failure", tx.PutThrottle(first), nil)
			got, err := tx.Throttle(key)
			wantError(t, "first failure", err, nil)
			wantSame(t, "first failure", got, first)

			second := store.Throttle{Key: key, Failures: 2, Next: now.Add(2 * time.Second), Window: now.Add(-time.Hour), Untold: 7, User: jane.ID}
			wantError(t, "second failure", tx.PutThrottle(second), nil)
			got, err = tx.Throttle(key)
			wantError(t, "second failure", err, nil)
			wantSame(t, "second failure", got, second)

			wantError(t, "success", tx.ClearThrottle(key), nil)
			second.Failures, second.Next = 0, tx.Now
			got, err = tx.Throttle(key)
			wantError(t, "success", err, nil)
			wantSame(t, "after a success the untold refusals stay", got, second)
			return nil
		})
	})
}

func TestUntoldRefusalsAreFoundAndNotPruned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		now := micro()
		old, young := now.Add(-2*time.Hour), now
		told := store.Throttle{Key: hashOf("told"), Failures: 1, Next: old, Window: old}
		untold := store.Throttle{Key: hashOf("untold"), Failures: 1, Next: old, Window: old, Untold: 3}
		running := store.Throttle{Key: hashOf("running"), Failures: 1, Next: young, Window: young, Untold: 1}
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.PutThrottle(told), tx.PutThrottle(untold), tx.PutThrottle(running))
		})
		update(t, db, func(tx *store.Tx) error {
			got, err := tx.UntoldThrottles(now.Add(-time.Hour), 10)
			wantError(t, "untold", err, nil)
			wantSame(t, "untold", got, []store.Throttle{untold})
			n, err := tx.PruneThrottles(now.Add(-time.Hour), 10)
			wantSame(t, "pruned", n, int64(1))
			wantError(t, "pruned", err, nil)
			gone, err := tx.Throttle(told.Key)
			wantSame(t, "pruned count", gone, store.Throttle{Key: told.Key})
			return err
		})
	})
}

func TestAddressIsKnownOnceLearned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
		home := hashOf("192.0.2.1")
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.LearnAddress(jane.ID, home), tx.LearnAddress(jane.ID, home))
		})
		view(t, db, func(tx *store.Tx) error {
			knows, err := tx.KnowsAddress(jane.ID, home)
			wantSame(t, "jane at home", knows, true)
			wantError(t, "jane at home", err, nil)
			knows, err = tx.KnowsAddress(jane.ID, hashOf("198.51.100.1"))
			wantSame(t, "jane elsewhere", knows, false)
			wantError(t, "jane elsewhere", err, nil)
			knows, err = tx.KnowsAddress(joe.ID, home)
			wantSame(t, "joe at jane's", knows, false)
			return err
		})
	})
}
