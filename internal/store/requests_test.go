package store_test

import (
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// hold adds a request that waits for an hour.
func hold(t *testing.T, db *store.DB, kind, name string, client headykey.ID) store.HeldRequest {
	t.Helper()
	now := micro()
	r := store.HeldRequest{
		Hash: hashOf(name), Kind: kind, Client: client, Request: []byte(`{"x":"☃ \"1\""}`), Created: now, Expires: now.Add(time.Hour),
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertRequest(r) })
	return r
}

// ask adds a poll of client that nobody has answered.
func ask(t *testing.T, db *store.DB, client headykey.ID, name string, user headykey.ID) *store.Poll {
	t.Helper()
	now := micro()
	p := &store.Poll{
		Hash: hashOf(name), Kind: "ciba", Client: client, User: user, Request: []byte(`{"x":1}`), State: store.PollPending,
		Pause: 5 * time.Second, Created: now, Expires: now.Add(time.Hour),
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertPoll(p) })
	return p
}

func TestAHeldRequestIsUsedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		want := hold(t, db, "page", "one", headykey.NewID())
		is := func(what string) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.HeldRequest("page", want.Hash)
				wantSame(t, what, got, want)
				return err
			})
		}
		is("as it went")
		want.Request = []byte(`{"x":2}`)
		update(t, db, func(tx *store.Tx) error { return tx.ChangeRequest("page", want.Hash, want.Request) })
		is("changed")
		for i, first := range []bool{false, true, false} {
			kind := []string{"pushed", "page", "page"}[i]
			update(t, db, func(tx *store.Tx) error {
				got, err := tx.UseRequest(kind, want.Hash)
				wantSame(t, "used as "+kind, got, first)
				if got {
					want.Used = tx.Now
				}
				return err
			})
		}
		is("used")
		err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.ChangeRequest("page", want.Hash, nil) })
		wantError(t, "changed after its use", err, headykey.ErrNotFound)
		err = db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.HeldRequest("pushed", want.Hash); return err })
		wantError(t, "as another kind", err, headykey.ErrNotFound)
	})
}

func TestAPollIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		want := &store.Poll{
			Hash: hashOf("device code"), Kind: "device", Client: headykey.NewID(), UserCode: hashOf("user code"), Request: []byte(`{}`),
			State: store.PollPending, Pause: 5 * time.Second, Created: now, Expires: now.Add(time.Hour),
		}
		update(t, db, func(tx *store.Tx) error { return tx.InsertPoll(want) })
		is := func(what string) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Poll("device", want.Hash)
				wantSame(t, what, got, want)
				wantError(t, what, err, nil)
				got, err = tx.PollByUserCode(want.UserCode)
				wantSame(t, what+", by what is typed", got, want)
				return err
			})
		}
		is("as it went")
		want.Pause = 10 * time.Second
		update(t, db, func(tx *store.Tx) error { want.Polled = tx.Now; return tx.NotePoll(want) })
		is("polled")
		answered := *want
		answered.User, answered.Grant = jane.ID, headykey.NewID()
		for _, step := range []struct {
			from, to string
			moved    bool
		}{
			{store.PollAllowed, store.PollSpent, false}, {store.PollPending, store.PollAllowed, true},
			{store.PollPending, store.PollDenied, false}, {store.PollAllowed, store.PollSpent, true}, {store.PollAllowed, store.PollSpent, false},
		} {
			update(t, db, func(tx *store.Tx) error {
				moved, err := tx.AnswerPoll(&answered, step.from, step.to)
				wantSame(t, step.from+" to "+step.to, moved, step.moved)
				if moved {
					want, answered.State = &answered, step.to
				}
				return err
			})
			is(step.to)
		}
		for _, kind := range []string{"ciba", ""} {
			err := db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Poll(kind, want.Hash); return err })
			wantError(t, "as another kind", err, headykey.ErrNotFound)
		}
	})
}

func TestAPersonSeesWhatTheyAreAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe, client := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com"), headykey.NewID()
		one, answered := ask(t, db, client, "one", jane.ID), ask(t, db, client, "answered", jane.ID)
		ask(t, db, client, "his", joe.ID)
		ask(t, db, client, "nobody's", "")
		old := *one
		old.Hash, old.Expires = hashOf("old"), one.Created
		update(t, db, func(tx *store.Tx) error { return tx.InsertPoll(&old) })
		update(t, db, func(tx *store.Tx) error {
			_, err := tx.AnswerPoll(answered, store.PollPending, store.PollDenied)
			return err
		})
		view(t, db, func(tx *store.Tx) error {
			got, err := store.Collect(tx.PendingPolls("ciba", jane.ID))
			wantSame(t, "hers", got, []*store.Poll{one})
			return err
		})
	})
}

func TestANameIsSpentOnceUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		now := micro()
		spend := func(what string, want bool) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				fresh, err := tx.SpendName(hashOf("name"), now)
				wantSame(t, what, fresh, want)
				return err
			})
		}
		spend("first", true)
		spend("second", false)
		r, p := hold(t, db, "page", "one", headykey.NewID()), ask(t, db, headykey.NewID(), "poll", "")
		prune := func(at time.Time) {
			update(t, db, func(tx *store.Tx) error { _, err := tx.PruneRequests(at, 10); return err })
		}
		prune(now)
		spend("at the last moment", false)
		prune(now.Add(time.Microsecond))
		spend("forgotten", true)
		gone := func(what string, want error) {
			t.Helper()
			err := db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.HeldRequest("page", r.Hash); return err })
			wantError(t, "request "+what, err, want)
			err = db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Poll("ciba", p.Hash); return err })
			wantError(t, "poll "+what, err, want)
		}
		prune(r.Expires)
		gone("that can be used", nil)
		prune(p.Expires.Add(time.Microsecond))
		gone("that ran out", headykey.ErrNotFound)
	})
}
