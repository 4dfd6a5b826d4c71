package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// giveFamily adds a refresh family to s, whose first token is called token.
func giveFamily(t *testing.T, db *store.DB, s *headykey.Session, handle, token string, expires time.Time) store.RefreshFamily {
	t.Helper()
	f := store.RefreshFamily{
		User: s.User, Session: s.ID, Handle: hashOf(handle), Current: hashOf(token), Created: s.Created, Expires: expires,
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertRefreshFamily(f) })
	return f
}

func rotation(handle, token, next string) store.Rotation {
	return store.Rotation{
		Handle: hashOf(handle), Current: hashOf(token), Next: hashOf(next), Successor: []byte("masked " + next), Life: time.Hour,
	}
}

func familyOf(t *testing.T, db *store.DB, handle string) (f store.RefreshFamily, err error) {
	t.Helper()
	_ = db.View(t.Context(), func(tx *store.Tx) error {
		f, err = tx.RefreshFamily(hashOf(handle))
		return err
	})
	return f, err
}

func TestRotationPutsTheSuccessorInTheTokensPlace(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		want := giveFamily(t, db, s, "handle", "first", s.Ends)
		for _, step := range [][2]string{{"first", "second"}, {"second", "third"}} {
			got, err := db.Rotate(t.Context(), rotation("handle", step[0], step[1]))
			if err != nil {
				t.Fatal(err)
			}
			wantSame(t, "holder", got, (&headykey.Proof{Session: *s, User: *jane}).Holder())
			f, err := familyOf(t, db, "handle")
			if err != nil || f.Rotated.IsZero() {
				t.Fatalf("family %+v, %v", f, err)
			}
			want.Previous, want.Current, want.Successor = hashOf(step[0]), hashOf(step[1]), []byte("masked "+step[1])
			want.Rotated, want.Expires = f.Rotated, f.Rotated.Add(time.Hour)
			wantSame(t, "family", f, want)
		}
	})
}

// Whatever is wrong with the token or with what stands behind it, rotation finds
// nothing and changes nothing.
func TestRotationOfADeadTokenChangesNothing(t *testing.T) {
	t.Parallel()
	const handle = "handle"
	tests := []struct {
		name string
		kill func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session)
	}{
		{"unknown family", func(t *testing.T, db *store.DB, _ *headykey.User, _ *headykey.Session) {}},
		{"another token of the family", func(t *testing.T, db *store.DB, _ *headykey.User, s *headykey.Session) {
			giveFamily(t, db, s, handle, "other", s.Ends)
		}},
		{"used", func(t *testing.T, db *store.DB, _ *headykey.User, s *headykey.Session) {
			giveFamily(t, db, s, handle, "token", s.Ends)
			if _, err := db.Rotate(t.Context(), rotation(handle, "token", "successor")); err != nil {
				t.Fatal(err)
			}
		}},
		{"expired", func(t *testing.T, db *store.DB, _ *headykey.User, s *headykey.Session) {
			giveFamily(t, db, s, handle, "token", micro())
		}},
		{"session ended", func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session) {
			giveFamily(t, db, s, handle, "token", s.Ends)
			update(t, db, func(tx *store.Tx) error { _, err := tx.EndSession(u.ID, s.ID); return err })
		}},
		{"session ran out", func(t *testing.T, db *store.DB, u *headykey.User, _ *headykey.Session) {
			old := signIn(t, db, u, micro().Add(-time.Hour), "old")
			giveFamily(t, db, old, handle, "token", micro().Add(time.Hour))
		}},
		{"user disabled", func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session) {
			giveFamily(t, db, s, handle, "token", s.Ends)
			u.Disabled = micro()
			update(t, db, func(tx *store.Tx) error { return tx.UpdateUser(u, "jane") })
		}},
		{"user erased", func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session) {
			giveFamily(t, db, s, handle, "token", s.Ends)
			update(t, db, func(tx *store.Tx) error { return tx.DeleteUser(u.ID) })
		}},
	}
	each(t, func(t *testing.T, db *store.DB) {
		for i, tt := range tests {
			jane := someone(t, db, fmt.Sprintf("jane%d@example.com", i))
			s := signIn(t, db, jane, micro(), tt.name)
			tt.kill(t, db, jane, s)
			before, beforeErr := familyOf(t, db, handle)
			_, err := db.Rotate(t.Context(), rotation(handle, "token", "next"))
			wantError(t, tt.name, err, headykey.ErrNotFound)
			after, afterErr := familyOf(t, db, handle)
			wantSame(t, tt.name+": the family", after, before)
			wantError(t, tt.name+": the family", afterErr, beforeErr)
			update(t, db, func(tx *store.Tx) error { // make room for the next story
				if err := tx.DeleteUser(jane.ID); !errors.Is(err, headykey.ErrNotFound) {
					return err
				}
				return nil
			})
		}
	})
}

// A stolen token and its owner's race: one of them wins, and one successor lives.
func TestOfFiftyRotationsOfOneTokenOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		giveFamily(t, db, s, "handle", "token", s.Ends)
		errs := make([]error, 50)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = db.Rotate(t.Context(), rotation("handle", "token", fmt.Sprint("next", i))) })
		}
		wg.Wait()
		winner, won := 0, 0
		for i, err := range errs {
			if err == nil {
				winner, won = i, won+1
				continue
			}
			wantError(t, "a loser", err, headykey.ErrNotFound)
		}
		if won != 1 {
			t.Fatalf("%d rotations won, want 1", won)
		}
		f, err := familyOf(t, db, "handle")
		wantError(t, "family", err, nil)
		wantSame(t, "current", f.Current, hashOf(fmt.Sprint("next", winner)))
		wantSame(t, "kept successor", string(f.Successor), fmt.Sprint("masked next", winner))
	})
}
