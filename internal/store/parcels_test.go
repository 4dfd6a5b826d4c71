package store_test

import (
	"sync"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// postParcels adds n parcels and returns their ids, the oldest first.
func postParcels(t *testing.T, db *store.DB, n int) []headykey.ID {
	t.Helper()
	var ids []headykey.ID
	update(t, db, func(tx *store.Tx) error {
		ids = ids[:0]
		for range n {
			p := store.Parcel{ID: headykey.NewOrderedID(), Kind: "mail", Payload: []byte{0, 1}}
			ids = append(ids, p.ID)
			if err := tx.Post(p); err != nil {
				return err
			}
		}
		return nil
	})
	return ids
}

// takeParcels leases up to limit parcels.
func takeParcels(t *testing.T, db *store.DB, limit int, lease time.Duration) (taken []store.Parcel, now time.Time) {
	t.Helper()
	update(t, db, func(tx *store.Tx) (err error) {
		now = tx.Now
		taken, err = tx.TakeParcels(limit, lease)
		return err
	})
	return taken, now
}

func TestParcelIsLeasedDeferredAndDelivered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		view(t, db, func(tx *store.Tx) error {
			next, err := tx.NextParcel()
			wantSame(t, "next of none", next, time.Time{})
			return err
		})
		id := postParcels(t, db, 1)[0]
		taken, now := takeParcels(t, db, 10, time.Hour)
		if len(taken) != 1 || taken[0].Created.After(now) {
			t.Fatalf("took %+v", taken)
		}
		wantSame(t, "parcel", taken[0], store.Parcel{ID: id, Kind: "mail", Payload: []byte{0, 1}, Created: taken[0].Created})
		view(t, db, func(tx *store.Tx) error {
			next, err := tx.NextParcel()
			wantSame(t, "next while leased", next, now.Add(time.Hour))
			return err
		})
		if again, _ := takeParcels(t, db, 10, time.Hour); len(again) != 0 {
			t.Errorf("a leased parcel was taken: %+v", again)
		}
		update(t, db, func(tx *store.Tx) error { return tx.Undelivered(id, "timed out", tx.Now, false) })
		taken, _ = takeParcels(t, db, 10, time.Hour)
		if len(taken) != 1 || taken[0].Attempts != 1 {
			t.Fatalf("took %+v after one failure", taken)
		}
		update(t, db, func(tx *store.Tx) error { return tx.Delivered(id) })
		view(t, db, func(tx *store.Tx) error {
			s, err := tx.Stats()
			wantSame(t, "mail", []int64{s.MailWaiting, s.MailDead}, []int64{0, 0})
			return err
		})
	})
}

func TestDeadParcelsAreShownAndNotTaken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		ids := postParcels(t, db, 3)
		var died time.Time
		update(t, db, func(tx *store.Tx) error {
			died = tx.Now
			for _, id := range ids[:2] {
				if err := tx.Undelivered(id, "refused for good", tx.Now, true); err != nil {
					return err
				}
			}
			return nil
		})
		taken, _ := takeParcels(t, db, 10, time.Hour)
		if len(taken) != 1 || taken[0].ID != ids[2] {
			t.Errorf("took %+v, want the third alone", taken)
		}
		view(t, db, func(tx *store.Tx) error {
			dead, err := tx.DeadParcels(10)
			if len(dead) != 2 {
				t.Fatalf("%d dead parcels, want 2", len(dead))
			}
			want := store.Parcel{ID: ids[1], Kind: "mail", Created: dead[0].Created, Attempts: 1, Error: "refused for good", Dead: died}
			wantSame(t, "newest dead parcel", dead[0], want)
			wantSame(t, "older dead parcel", dead[1].ID, ids[0])
			return err
		})
	})
}

func TestParcelsAreTakenInTheirOrderUpToTheLimit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		var ids []headykey.ID
		for range 3 {
			ids = append(ids, postParcels(t, db, 1)...)
		}
		var got []headykey.ID
		for _, limit := range []int{2, 2} {
			taken, _ := takeParcels(t, db, limit, time.Hour)
			for _, p := range taken {
				got = append(got, p.ID)
			}
		}
		wantSame(t, "order", got, ids)
	})
}

// Two nodes take at the same time: no parcel is taken twice, none is left.
func TestTwoNodesShareTheParcels(t *testing.T) {
	t.Parallel()
	for name, options := range engines() {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			nodes := []*store.DB{open(t, o), open(t, o)}
			want := map[headykey.ID]int{}
			for _, id := range postParcels(t, nodes[0], 40) {
				want[id] = 1
			}
			got := takeAll(t, nodes)
			// SKIP LOCKED may let a node see none while another holds the last.
			rest, _ := takeParcels(t, nodes[0], 40, time.Hour)
			for _, p := range rest {
				got[p.ID]++
			}
			wantSame(t, "taken", got, want)
		})
	}
}

// takeAll lets six hands on two nodes take parcels until none is seen, and counts
// how often each was taken.
func takeAll(t *testing.T, nodes []*store.DB) map[headykey.ID]int {
	t.Helper()
	var mu sync.Mutex
	got := map[headykey.ID]int{}
	count := func(taken []store.Parcel) bool {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range taken {
			got[p.ID]++
		}
		return len(taken) > 0
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for more := true; more; {
				taken, _ := takeParcels(t, nodes[i%2], 3, time.Hour)
				more = count(taken)
			}
		})
	}
	wg.Wait()
	return got
}

// engines returns how to make an empty database of each kind.
func engines() map[string]func(t *testing.T) store.Options {
	return map[string]func(t *testing.T) store.Options{
		"sqlite":   func(t *testing.T) store.Options { return store.Options{Dir: t.TempDir()} },
		"postgres": func(t *testing.T) store.Options { return store.Options{DSN: freshPostgres(t)} },
	}
}
