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

// giveToken adds an unused refresh token to s.
func giveToken(t *testing.T, db *store.DB, s *headykey.Session, token string, expires time.Time) store.RefreshToken {
	t.Helper()
	r := store.RefreshToken{User: s.User, Session: s.ID, Hash: hashOf(token), Created: s.Created, Expires: expires}
	update(t, db, func(tx *store.Tx) error { return tx.InsertRefreshToken(r) })
	return r
}

func rotation(token, next string) store.Rotation {
	return store.Rotation{Hash: hashOf(token), Next: hashOf(next), Successor: []byte("masked " + next), Life: time.Hour}
}

func TestRotationSpendsATokenAndStoresItsSuccessor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		first := giveToken(t, db, s, "first", s.Ends)
		got, err := db.Rotate(t.Context(), rotation("first", "second"))
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, "proof", got, &headykey.Proof{Session: *s, User: *jane})
		view(t, db, func(tx *store.Tx) error {
			spent, err := tx.RefreshToken(hashOf("first"))
			if err != nil || spent.Used.IsZero() {
				t.Fatalf("spent token %+v, %v", spent, err)
			}
			first.Used, first.Successor = spent.Used, []byte("masked second")
			wantSame(t, "spent token", spent, first)
			born, err := tx.RefreshToken(hashOf("second"))
			wantSame(t, "successor", born, store.RefreshToken{
				User: jane.ID, Session: s.ID, Hash: hashOf("second"), Created: spent.Used, Expires: spent.Used.Add(time.Hour),
			})
			for token, want := range map[string]bool{"first": false, "second": true, "third": false} {
				unused, err := tx.HasUnusedToken(jane.ID, hashOf(token))
				if unused != want || err != nil {
					t.Errorf("%s is unused: %v, %v", token, unused, err)
				}
			}
			return err
		})
	})
}

// Whatever is wrong with the token or with what stands behind it, rotation finds
// nothing and changes nothing.
func TestRotationOfADeadTokenChangesNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kill func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session)
	}{
		{"unknown", func(t *testing.T, db *store.DB, _ *headykey.User, _ *headykey.Session) {}},
		{"used", func(t *testing.T, db *store.DB, _ *headykey.User, s *headykey.Session) {
			giveToken(t, db, s, "token", s.Ends)
			if _, err := db.Rotate(t.Context(), rotation("token", "first successor")); err != nil {
				t.Fatal(err)
			}
		}},
		{"expired", func(t *testing.T, db *store.DB, _ *headykey.User, s *headykey.Session) {
			giveToken(t, db, s, "token", micro())
		}},
		{"session ended", func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session) {
			giveToken(t, db, s, "token", s.Ends)
			update(t, db, func(tx *store.Tx) error { _, err := tx.EndSession(u.ID, s.ID); return err })
		}},
		{"session ran out", func(t *testing.T, db *store.DB, u *headykey.User, _ *headykey.Session) {
			old := signIn(t, db, u, micro().Add(-time.Hour), "old")
			giveToken(t, db, old, "token", micro().Add(time.Hour))
		}},
		{"user disabled", func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session) {
			giveToken(t, db, s, "token", s.Ends)
			u.Disabled = micro()
			update(t, db, func(tx *store.Tx) error { return tx.UpdateUser(u, "jane") })
		}},
		{"user erased", func(t *testing.T, db *store.DB, u *headykey.User, s *headykey.Session) {
			giveToken(t, db, s, "token", s.Ends)
			update(t, db, func(tx *store.Tx) error { return tx.DeleteUser(u.ID) })
		}},
	}
	each(t, func(t *testing.T, db *store.DB) {
		for i, tt := range tests {
			jane := someone(t, db, fmt.Sprintf("jane%d@example.com", i))
			s := signIn(t, db, jane, micro(), tt.name)
			tt.kill(t, db, jane, s)
			before, beforeErr := tokenOf(t, db, "token")
			_, err := db.Rotate(t.Context(), rotation("token", "next"))
			wantError(t, tt.name, err, headykey.ErrNotFound)
			after, afterErr := tokenOf(t, db, "token")
			wantSame(t, tt.name+": the token", after, before)
			wantError(t, tt.name+": the token", afterErr, beforeErr)
			_, err = tokenOf(t, db, "next")
			wantError(t, tt.name+": a successor", err, headykey.ErrNotFound)
			update(t, db, func(tx *store.Tx) error { // make room for the next story
				if err := tx.DeleteUser(jane.ID); !errors.Is(err, headykey.ErrNotFound) {
					return err
				}
				return nil
			})
		}
	})
}

func tokenOf(t *testing.T, db *store.DB, token string) (r store.RefreshToken, err error) {
	t.Helper()
	_ = db.View(t.Context(), func(tx *store.Tx) error {
		r, err = tx.RefreshToken(hashOf(token))
		return nil
	})
	return r, err
}

// A stolen token and its owner's race: one of them wins, and one successor lives.
func TestOfFiftyRotationsOfOneTokenOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		giveToken(t, db, s, "token", s.Ends)
		errs := make([]error, 50)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = db.Rotate(t.Context(), rotation("token", fmt.Sprint("next", i))) })
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
		spent, err := tokenOf(t, db, "token")
		wantError(t, "spent token", err, nil)
		wantSame(t, "kept successor", string(spent.Successor), fmt.Sprint("masked next", winner))
		for i := range errs {
			_, err := tokenOf(t, db, fmt.Sprint("next", i))
			wantError(t, fmt.Sprint("successor ", i), err, map[bool]error{false: headykey.ErrNotFound}[i == winner])
		}
	})
}
