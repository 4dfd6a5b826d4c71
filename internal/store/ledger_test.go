package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// writeReceipt adds a receipt of kind about subject.
func writeReceipt(t *testing.T, db *store.DB, kind string, subject headykey.ID, at time.Time) *headykey.Receipt {
	t.Helper()
	r := &headykey.Receipt{
		ID: headykey.NewOrderedID(), At: at, Type: kind, Subject: subject, Object: "user:" + string(subject),
		Body: []byte(`{"b":1,  "a":"☃ \u0000"}`), Sig: slices.Repeat([]byte{0, 255}, 32), KeyID: "kid", SignedAt: at.Add(time.Microsecond),
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertReceipt(r, "request", hashOf(string(r.ID))) })
	return r
}

// The signature covers the body's bytes: not a blank may move.
func TestReceiptComesBackByteForByte(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		for _, subject := range []headykey.ID{headykey.NewID(), ""} {
			want := writeReceipt(t, db, "user.created", subject, micro())
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Receipt(want.ID)
				wantSame(t, "receipt", got, want)
				return err
			})
		}
		view(t, db, func(tx *store.Tx) error {
			_, err := tx.Receipt(headykey.NewOrderedID())
			wantError(t, "unknown", err, headykey.ErrNotFound)
			return nil
		})
	})
}

func TestReceiptsAreFilteredNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe, now := headykey.NewID(), headykey.NewID(), micro()
		var all []*headykey.Receipt // oldest first
		for i, subject := range []headykey.ID{jane, joe, jane, "", jane} {
			kind := []string{"session.started", "session.ended"}[i%2]
			all = append(all, writeReceipt(t, db, kind, subject, now.Add(time.Duration(i)*time.Second)))
		}
		tests := []struct {
			name   string
			filter headykey.ReceiptFilter
			want   []int
		}{
			{"all", headykey.ReceiptFilter{}, []int{4, 3, 2, 1, 0}},
			{"subject", headykey.ReceiptFilter{Subject: jane}, []int{4, 2, 0}},
			{"type", headykey.ReceiptFilter{Type: "session.ended"}, []int{3, 1}},
			{"since", headykey.ReceiptFilter{Since: all[3].At}, []int{4, 3}},
			{"before", headykey.ReceiptFilter{Before: all[2].ID}, []int{1, 0}},
			{"limit", headykey.ReceiptFilter{Limit: 2}, []int{4, 3}},
			{"all at once", headykey.ReceiptFilter{Subject: jane, Type: "session.started", Since: all[1].At, Before: all[4].ID, Limit: 9}, []int{2}},
			{"none", headykey.ReceiptFilter{Subject: joe, Type: "session.started"}, nil},
		}
		view(t, db, func(tx *store.Tx) error {
			for _, tt := range tests {
				if tt.filter.Limit == 0 {
					tt.filter.Limit = 100
				}
				var want []*headykey.Receipt
				for _, i := range tt.want {
					want = append(want, all[i])
				}
				got, err := store.Collect(tx.Receipts(tt.filter))
				wantError(t, tt.name, err, nil)
				wantSame(t, tt.name, got, want)
			}
			return nil
		})
	})
}

func TestSaltIsMadeOnceForEachUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
		for _, step := range []struct {
			user        headykey.ID
			fresh, want string
		}{{jane.ID, "one", "one"}, {jane.ID, "two", "one"}, {joe.ID, "three", "three"}} {
			update(t, db, func(tx *store.Tx) error {
				got, err := tx.Salt(step.user, []byte(step.fresh))
				wantSame(t, "salt", string(got), step.want)
				return err
			})
		}
	})
}

func TestSigningKeysRetireByUse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		now := micro()
		ends := now.Add(time.Hour)
		keys := []store.SigningKey{ // newest first
			{ID: "heady-2", Use: "heady", Algorithm: "HS256", Private: []byte{0, 1}, Created: now, Active: now},
			{ID: "receipt-1", Use: "receipt", Algorithm: "EdDSA", Public: []byte("public"), Private: []byte{2}, Created: now.Add(-time.Second), Active: now},
			{ID: "heady-1", Use: "heady", Algorithm: "HS256", Private: []byte{3}, Created: now.Add(-time.Minute), Active: now.Add(-time.Minute), Retired: now.Add(-time.Second), Expires: ends},
		}
		update(t, db, func(tx *store.Tx) error {
			var err error
			for _, k := range keys {
				err = errors.Join(err, tx.InsertSigningKey(k))
			}
			return err
		})
		list := func(what string) {
			view(t, db, func(tx *store.Tx) error {
				got, err := store.Collect(tx.SigningKeys())
				wantSame(t, what, got, keys)
				return err
			})
		}
		list("fresh keys")
		update(t, db, func(tx *store.Tx) error {
			keys[0].Retired, keys[0].Expires = tx.Now, ends.Add(time.Hour)
			return tx.RetireSigningKeys("heady", "HS256", keys[0].Expires)
		})
		list("after retiring: what was retired before keeps its times")
		update(t, db, func(tx *store.Tx) error {
			keys[1].Retired = tx.Now
			return tx.RetireSigningKeys("receipt", "EdDSA", time.Time{})
		})
		list("retired, and verified for ever")
	})
}
