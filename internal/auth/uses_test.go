package auth_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

func TestUsesAreWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		g := h.signIn(t, ada)
		key, id := h.key(t, user.ID, headykey.RoleUser, time.Time{})
		time.Sleep(10 * time.Minute)
		used := time.Now().UTC()
		caller(t)(h.ByToken(t.Context(), g.Access, home))
		caller(t)(h.ByAPIKey(t.Context(), key, from("203.0.113.9")))
		time.Sleep(time.Second)
		check(t, h.FlushUses(t.Context()))
		check(t, h.FlushUses(t.Context()))
		h.update(t, func(tx *store.Tx) error {
			session, err := tx.Session(g.Session)
			check(t, err)
			k, err := tx.APIKey(id)
			check(t, err)
			events, err := store.Collect(tx.KeyEvents(user.ID, id, 10))
			check(t, err)
			if !session.LastUsed.Equal(used) || !k.LastUsed.Equal(used) || k.LastAddress != "203.0.113.9" {
				t.Errorf("got %v and %v from %q, want %v", session.LastUsed, k.LastUsed, k.LastAddress, used)
			}
			if len(events) != 1 || events[0].Type != "used" || events[0].Agent != "curl/8.5.0" || events[0].Receipt != "" {
				t.Errorf("got %+v", events)
			}
			return nil
		})
	})
}

// A key that is used now and then has one line an hour in its history, not one for
// each use.
func TestTheHistoryOfAKeyIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		key, id := h.key(t, user.ID, headykey.RoleUser, time.Time{})
		lines := func() (n int) {
			h.update(t, func(tx *store.Tx) error {
				events, err := store.Collect(tx.KeyEvents(user.ID, id, 10))
				n = len(events)
				return err
			})
			return n
		}
		for i, tt := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {time.Minute, 1}, {2 * time.Minute, 1}, {time.Hour, 2}, {time.Second, 2}} {
			time.Sleep(tt.wait)
			caller(t)(h.ByAPIKey(t.Context(), key, home))
			check(t, h.FlushUses(t.Context()))
			if got := lines(); got != tt.want {
				t.Errorf("use %d: %d lines, want %d", i+1, got, tt.want)
			}
		}
	})
}

func TestIssuedTokensAreToldWithTheirCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		g := h.signIn(t, ada)
		refresh := g.Refresh
		for range 3 {
			next, err := h.Refresh(t.Context(), refresh, home)
			check(t, err)
			refresh = next.Refresh
		}
		if told := h.bodies(t, "token.issued"); len(told) != 0 {
			t.Errorf("before the flush: %+v", told)
		}
		check(t, h.FlushUses(t.Context()))
		check(t, h.FlushUses(t.Context()))
		told := h.bodies(t, "token.issued")
		if len(told) != 1 || told[0].Details["count"] != 3.0 || told[0].Subject != "usr_"+string(user.ID) ||
			told[0].Object.ID != "ses_"+string(g.Session) {
			t.Errorf("got %+v", told)
		}
	})
}

// A busy second costs 35 receipts and no more.
func TestBeyond34SessionsOneReceiptTellsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		for i := range 40 {
			s := headykey.Session{ID: headykey.NewOrderedID(), User: user.ID, Surface: "api"}
			h.update(t, func(tx *store.Tx) error {
				s.Created, s.Proven, s.LastUsed, s.Ends = tx.Now, tx.Now, tx.Now, tx.Now.Add(time.Hour)
				return tx.InsertSession(&s, fmt.Appendf(nil, "%032d", i))
			})
			_, err := h.RefreshByCookie(t.Context(), headykey.Caller{User: user.ID, Session: s.ID})
			check(t, err)
		}
		check(t, h.FlushUses(t.Context()))
		told := h.bodies(t, "token.issued")
		if len(told) != 35 {
			t.Fatalf("got %d receipts, want 35", len(told))
		}
		batch := told[34]
		for _, b := range told {
			if b.Object.Type == "sessions" {
				batch = b
			}
		}
		if batch.Details["count"] != 6.0 || batch.Details["sessions"] != 6.0 || batch.Actor.Type != "system" || len(batch.Object.ID) != 64 || batch.Subject != "" {
			t.Errorf("got %+v", batch)
		}
	})
}
