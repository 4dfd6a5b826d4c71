package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// crowd stores count accounts, each a second younger than the one before, and returns
// their ids, the oldest first. Every second one has a profile and two identities.
func crowd(t *testing.T, db *store.DB, count int) (ids []headykey.ID) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		for i := range count {
			u := &headykey.User{
				ID: headykey.NewID(), Email: fmt.Sprintf("p%02d@example.com", i), Name: fmt.Sprintf("Person %d", i%3),
				Role: headykey.RoleUser, Type: headykey.Human, Created: tx.Now.Add(time.Duration(i) * time.Second),
			}
			if err := tx.InsertUser(u, u.Email, headykey.Fold(u.Name)); err != nil {
				return err
			}
			ids = append(ids, u.ID)
			if i%2 == 0 {
				continue
			}
			p := headykey.NewProfile()
			p.UserData = jsontext.Value(fmt.Sprintf(`{"n":%d}`, i))
			if err := tx.PutProfile(u.ID, &p); err != nil {
				return err
			}
			for n, provider := range []string{"email", "google"} {
				err := tx.PutIdentity(&headykey.Identity{
					ID: headykey.NewID(), User: u.ID, Provider: provider, Subject: string(u.ID), Data: jsontext.Value("{}"),
					Created: tx.Now.Add(time.Duration(n) * time.Second),
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	return ids
}

func TestAPageOfAccountsHasAllThatIsKnownOfThem(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ids := crowd(t, db, 9)
		newest := slices.Clone(ids)
		slices.Reverse(newest)
		for name, tt := range map[string]struct {
			filter headykey.UserFilter
			want   []headykey.ID
			total  int64
		}{
			"the newest":       {headykey.UserFilter{Limit: 4}, newest[:4], 9},
			"the next":         {headykey.UserFilter{Limit: 4, Offset: 4}, newest[4:8], 9},
			"the last":         {headykey.UserFilter{Limit: 4, Offset: 8}, newest[8:], 9},
			"beyond it":        {headykey.UserFilter{Limit: 4, Offset: 12}, nil, 9},
			"the oldest":       {headykey.UserFilter{Limit: 2, Oldest: true}, ids[:2], 9},
			"one address":      {headykey.UserFilter{Query: "p03@", Limit: 4}, ids[3:4], 1},
			"a name":           {headykey.UserFilter{Query: "person 2", Limit: 2}, []headykey.ID{ids[8], ids[5]}, 3},
			"nobody":           {headykey.UserFilter{Query: "zz", Limit: 2}, nil, 0},
			"a wildcard means": {headykey.UserFilter{Query: "%", Limit: 2}, nil, 0},
		} {
			view(t, db, func(tx *store.Tx) error {
				page, err := tx.AccountsPage(tt.filter)
				if err != nil {
					return err
				}
				var got []headykey.ID
				for _, a := range page {
					got = append(got, a.ID)
					if whole, err := tx.Account(a.ID); err != nil || !reflect.DeepEqual(a, whole) {
						t.Errorf("%s: got %+v, %v, want %+v", name, a, err, whole)
					}
				}
				total, err := tx.CountUsers(tt.filter)
				if !slices.Equal(got, tt.want) || total != tt.total {
					t.Errorf("%s: got %v of %d, want %v of %d", name, got, total, tt.want, tt.total)
				}
				return err
			})
		}
	})
}

func TestUsersByIDPassesOverThoseThatAreNot(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ids := crowd(t, db, 2)
		view(t, db, func(tx *store.Tx) error {
			some, err := tx.UsersByID([]string{string(ids[1]), string(headykey.NewID())})
			if len(some) != 1 || some[ids[1]] == nil || some[ids[1]].Email != "p01@example.com" {
				t.Errorf("got %v", some)
			}
			if none, err := tx.UsersByID(nil); err != nil || len(none) != 0 {
				t.Errorf("of nobody: got %v, %v", none, err)
			}
			return err
		})
	})
}

func TestBansOverAreThoseWhoseEndHasCome(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ids := crowd(t, db, 4)
		update(t, db, func(tx *store.Tx) error {
			for i, until := range []time.Time{tx.Now.Add(-time.Second), tx.Now.Add(time.Hour), {}} {
				u, err := tx.User(ids[i])
				if err != nil {
					return err
				}
				u.Disabled, u.DisabledUntil = tx.Now.Add(-time.Minute), until
				if err := tx.UpdateUser(u, ""); err != nil {
					return err
				}
			}
			return nil
		})
		view(t, db, func(tx *store.Tx) error {
			over, err := store.Collect(tx.BansOver(5))
			if len(over) != 1 || over[0].ID != ids[0] {
				t.Errorf("got %v, want %s alone", over, ids[0])
			}
			return err
		})
	})
}

func TestAPageOfReceiptsIsByTypeAndActor(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		const ada, bob = "usr_11111111-1111-4111-8111-111111111111", "usr_22222222-2222-4222-8222-222222222222"
		var ids []headykey.ID
		update(t, db, func(tx *store.Tx) error {
			for i, actor := range []string{ada, bob, ada, "service_role", ada} {
				r := &headykey.Receipt{
					ID: headykey.NewOrderedID(), At: tx.Now, Type: []string{"a.b", "c.d"}[i%2], KeyID: "k", SignedAt: tx.Now, Sig: []byte{1},
					Body: []byte(`{"act":[],"actor":{"id":"` + actor + `","type":"user"},"details":{"who":"` + bob + `"}}`),
				}
				if err := tx.InsertReceipt(r, "", []byte{byte(i)}); err != nil {
					return err
				}
				ids = append(ids, r.ID)
			}
			return nil
		})
		for name, tt := range map[string]struct {
			filter headykey.ReceiptFilter
			want   []headykey.ID
			total  int64
		}{
			"all":             {headykey.ReceiptFilter{Limit: 2}, []headykey.ID{ids[4], ids[3]}, 5},
			"the second page": {headykey.ReceiptFilter{Limit: 2, Offset: 2}, []headykey.ID{ids[2], ids[1]}, 5},
			"one type":        {headykey.ReceiptFilter{Types: []string{"c.d"}, Limit: 5}, []headykey.ID{ids[3], ids[1]}, 2},
			"two actors":      {headykey.ReceiptFilter{Actors: []string{bob, "service_role"}, Limit: 5}, []headykey.ID{ids[3], ids[1]}, 2},
			"both":            {headykey.ReceiptFilter{Types: []string{"a.b"}, Actors: []string{ada}, Limit: 5, Offset: 1}, []headykey.ID{ids[2], ids[0]}, 3},
			"a part of one":   {headykey.ReceiptFilter{Actors: []string{ada[:20]}, Limit: 5}, nil, 0},
		} {
			view(t, db, func(tx *store.Tx) error {
				page, err := store.Collect(tx.ReceiptsPage(tt.filter))
				if err != nil {
					return err
				}
				var got []headykey.ID
				for _, r := range page {
					got = append(got, r.ID)
				}
				total, err := tx.CountReceipts(tt.filter)
				if !slices.Equal(got, tt.want) || total != tt.total {
					t.Errorf("%s: got %v of %d, want %v of %d", name, got, total, tt.want, tt.total)
				}
				return err
			})
		}
	})
}

// How many are meant decides how they are looked for, not who is found.
func TestAPrefixOfManyIsFoundLikeOneOfFew(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ids := crowd(t, db, 1234)
		f := headykey.UserFilter{Query: "p", Limit: 2, Offset: 3}
		view(t, db, func(tx *store.Tx) error {
			page, err := tx.AccountsPage(f)
			if err != nil || len(page) != 2 || page[0].ID != ids[1230] || page[1].ID != ids[1229] {
				t.Errorf("got %v, %v", page, err)
			}
			f.Oldest, f.Offset = true, 0
			page, err = tx.AccountsPage(f)
			if err != nil || len(page) != 2 || page[0].ID != ids[0] || page[1].ID != ids[1] {
				t.Errorf("the oldest: got %v, %v", page, err)
			}
			if n, err := tx.CountUsers(f); n != 1234 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
			last, err := tx.User(ids[1232])
			if err != nil {
				return err
			}
			listed, err := store.Collect(tx.Users(headykey.UserFilter{Query: "p", Limit: 1, Before: headykey.Mark{At: last.Created, ID: last.ID}}))
			if err != nil || len(listed) != 1 || listed[0].ID != ids[1231] {
				t.Errorf("behind a mark: got %v, %v", listed, err)
			}
			return nil
		})
	})
}
