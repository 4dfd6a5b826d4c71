package store_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// hashOf is the SHA-256 under which something secret is kept.
func hashOf(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

// micro returns the present as both engines keep it.
func micro() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// signIn adds a session of u that began at created and lives for an hour, with
// cookie as its cookie.
func signIn(t *testing.T, db *store.DB, u *headykey.User, created time.Time, cookie string) *headykey.Session {
	t.Helper()
	s := &headykey.Session{
		ID: headykey.NewID(), User: u.ID, Surface: "api", AMR: []string{"pwd", "otp"}, AAL: "aal2",
		Address: "192.0.2.1", Agent: "curl/8 \"quoted\" ☃", CookieExpires: created.Add(time.Minute),
		Created: created, Proven: created, LastUsed: created, Ends: created.Add(time.Hour),
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertSession(s, hashOf(cookie)) })
	return s
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantSame(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestSessionIsProvenByCookieAndById(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		want := &headykey.Proof{Session: *s, User: *jane}
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.ProofByCookie(hashOf("cookie"))
			wantSame(t, "by cookie", got, want)
			wantError(t, "by cookie", err, nil)
			got, err = tx.ProofBySession(jane.ID, s.ID)
			wantSame(t, "by id", got, want)
			wantError(t, "by id", err, nil)
			alone, err := tx.Session(s.ID)
			wantSame(t, "alone", alone, s)
			wantError(t, "alone", err, nil)

			_, err = tx.ProofByCookie(hashOf("another cookie"))
			wantError(t, "another cookie", err, headykey.ErrNotFound)
			_, err = tx.ProofBySession(joe.ID, s.ID)
			wantError(t, "another user's", err, headykey.ErrNotFound)
			_, err = tx.Session(headykey.NewID())
			wantError(t, "unknown", err, headykey.ErrNotFound)
			return nil
		})
	})
}

// Two sessions without a cookie are not each other's, nor does the empty cookie
// open them.
func TestSessionWithoutCookieIsFoundByNoCookie(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		var want []*headykey.Session
		for range 2 {
			s := &headykey.Session{
				ID: headykey.NewID(), User: jane.ID, Surface: "widget", AAL: "aal1",
				Created: now, Proven: now, LastUsed: now, Ends: now.Add(time.Hour),
			}
			want = append(want, s)
			update(t, db, func(tx *store.Tx) error { return tx.InsertSession(s, nil) })
		}
		view(t, db, func(tx *store.Tx) error {
			for _, cookie := range [][]byte{nil, {}} {
				_, err := tx.ProofByCookie(cookie)
				wantError(t, "no cookie", err, headykey.ErrNotFound)
			}
			for _, s := range want {
				got, err := tx.Session(s.ID)
				wantSame(t, "session with empty fields", got, s)
				wantError(t, "session with empty fields", err, nil)
			}
			return nil
		})
	})
}

func TestEndedSessionStaysToBeSeenAndEndsOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		end := func(u *headykey.User) (ended bool, at time.Time) {
			update(t, db, func(tx *store.Tx) (err error) {
				at = tx.Now
				ended, err = tx.EndSession(u.ID, s.ID)
				return err
			})
			return ended, at
		}
		if ended, _ := end(joe); ended {
			t.Error("somebody else ended the session")
		}
		ended, at := end(jane)
		if !ended {
			t.Error("a live session was not ended")
		}
		if again, _ := end(jane); again {
			t.Error("an ended session ended again")
		}
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.ProofByCookie(hashOf("cookie"))
			wantError(t, "ended", err, nil)
			s.Ended = at
			wantSame(t, "ended", &got.Session, s)
			live, err := store.Collect(tx.LiveSessions(jane.ID))
			wantSame(t, "live sessions", len(live), 0)
			return err
		})
	})
}

func TestUseOfASessionOnlyMovesForward(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		later := s.Created.Add(5 * time.Second)
		update(t, db, func(tx *store.Tx) error {
			for _, at := range []time.Time{later, s.Created} {
				if err := tx.NoteSessionUse(store.Use{User: jane.ID, ID: s.ID, At: at}); err != nil {
					return err
				}
			}
			got, err := tx.Session(s.ID)
			s.LastUsed = later
			wantSame(t, "used session", got, s)
			return err
		})
	})
}

func TestLiveSessionsAreListedNewestFirstInPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe, now := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com"), micro()
		var want []headykey.ID // newest first
		for i := range 5 {
			want = append([]headykey.ID{signIn(t, db, jane, now.Add(time.Duration(i-60)*time.Second), fmt.Sprint(i)).ID}, want...)
		}
		signIn(t, db, jane, now.Add(-2*time.Hour), "ran out")
		signIn(t, db, joe, now, "joe")
		view(t, db, func(tx *store.Tx) error {
			var got, paged []headykey.ID
			for s, err := range tx.LiveSessions(jane.ID) {
				if err != nil {
					return err
				}
				got = append(got, s.ID)
			}
			var mark headykey.Mark
			for n := 2; n == 2; {
				page, err := store.Collect(tx.SessionsPage(jane.ID, mark, 2))
				if err != nil {
					return err
				}
				for _, p := range page {
					wantSame(t, "owner", p.User, *jane)
					paged, mark = append(paged, p.Session.ID), headykey.Mark{At: p.Session.Created, ID: p.Session.ID}
				}
				n = len(page)
			}
			wantSame(t, "live sessions", got, want)
			wantSame(t, "pages of live sessions", paged, want)
			all, err := store.Collect(tx.SessionsPage("", headykey.Mark{}, 100))
			wantSame(t, "everybody's sessions", len(all), 6)
			return err
		})
	})
}

func TestPruneTakesOldSessionsWithTheirTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		live := signIn(t, db, jane, now, "live")
		for i := range 3 {
			old := signIn(t, db, jane, now.Add(-48*time.Hour), fmt.Sprint(i))
			giveFamily(t, db, old, fmt.Sprint("family", i), "token", now.Add(time.Hour))
		}
		giveFamily(t, db, live, "live family", "token", now.Add(time.Hour))
		var counts []int
		for range 3 {
			update(t, db, func(tx *store.Tx) error {
				n, err := tx.PruneSessions(now.Add(-24*time.Hour), 2)
				counts = append(counts, int(n))
				return err
			})
		}
		if !slices.Equal(counts, []int{2, 1, 0}) {
			t.Errorf("pruned %v, want 2, 1 and none", counts)
		}
		view(t, db, func(tx *store.Tx) error {
			for i := range 3 {
				_, err := tx.RefreshFamily(hashOf(fmt.Sprint("family", i)))
				wantError(t, "old family", err, headykey.ErrNotFound)
			}
			_, err := tx.RefreshFamily(hashOf("live family"))
			wantError(t, "live family", err, nil)
			_, err = tx.Session(live.ID)
			return err
		})
	})
}

func TestARenewedSessionHasANewCookie(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		s := signIn(t, db, jane, micro(), "old")
		later := s.Proven.Add(time.Minute)
		s.Proven, s.LastUsed, s.CookieExpires, s.Ends = later, later, later.Add(time.Hour), later.Add(2*time.Hour)
		s.AMR, s.AAL, s.Address, s.Agent = []string{"pwd"}, "aal1", "192.0.2.2", "curl/9"
		epoch := db.Epoch(jane.ID)
		update(t, db, func(tx *store.Tx) error { return tx.RenewSession(s, hashOf("new")) })
		if epoch.Current() {
			t.Error("what is remembered of the old cookie is still believed")
		}
		view(t, db, func(tx *store.Tx) error {
			_, err := tx.ProofByCookie(hashOf("old"))
			wantError(t, "the old cookie", err, headykey.ErrNotFound)
			got, err := tx.ProofByCookie(hashOf("new"))
			wantError(t, "the new cookie", err, nil)
			wantSame(t, "renewed", &got.Session, s)
			return nil
		})
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.EndSession(jane.ID, s.ID); err != nil {
				return err
			}
			return tx.RenewSession(s, hashOf("newer"))
		})
		wantError(t, "after its end", err, headykey.ErrNotFound)
	})
}
