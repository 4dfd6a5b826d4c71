package store_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

func consent(t *testing.T, db *store.DB, user, client headykey.ID, created time.Time) *headykey.Consent {
	t.Helper()
	c := &headykey.Consent{
		User: user, Client: client, Scopes: []string{"openid", `odd'"`}, Resources: []string{"https://a.example"},
		Details: jsontext.Value(`[{"type":"pay"}]`), Created: created, Updated: created, Expires: created.Add(time.Hour),
	}
	update(t, db, func(tx *store.Tx) error { return tx.PutConsent(c) })
	return c
}

func TestAConsentTakesTheOldOnesPlace(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, client, now := someone(t, db, "jane@example.com"), headykey.NewID(), micro()
		c := consent(t, db, jane.ID, client, now)
		is := func(what string, want *headykey.Consent) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Consent(jane.ID, client)
				wantSame(t, what, got, want)
				return err
			})
		}
		is("first", c)
		next := &headykey.Consent{User: jane.ID, Client: client, Created: now.Add(time.Minute), Updated: now.Add(time.Minute)}
		update(t, db, func(tx *store.Tx) error { return tx.PutConsent(next) })
		next.Details, next.Created = jsontext.Value("[]"), now // since when is told by the first
		is("second", next)
		for _, want := range []bool{true, false} {
			update(t, db, func(tx *store.Tx) error {
				was, err := tx.DeleteConsent(jane.ID, client)
				wantSame(t, "withdrawn", was, want)
				return err
			})
		}
		err := db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Consent(jane.ID, client); return err })
		wantError(t, "after", err, headykey.ErrNotFound)
	})
}

func TestConsentsAreListedByPerson(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, client, now := someone(t, db, "jane@example.com"), headykey.NewID(), micro()
		old, young := consent(t, db, jane.ID, client, now.Add(-time.Minute)), consent(t, db, jane.ID, headykey.NewID(), now)
		consent(t, db, someone(t, db, "joe@example.com").ID, client, now)
		view(t, db, func(tx *store.Tx) error {
			got, err := store.Collect(tx.Consents(jane.ID))
			wantSame(t, "hers", got, []*headykey.Consent{young, old})
			return err
		})
	})
}

// The pages of a client come from its origins as long as it may do anything.
func TestOriginsGoWithTheirClient(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		const a, b = "https://a.example", "https://b.example"
		c, other := program(t, db, "robot", micro()), program(t, db, "other", micro())
		has := func(what string, wantA, wantB bool) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				gotA, err := tx.HasClientOrigin(a)
				gotB, err2 := tx.HasClientOrigin(b)
				wantSame(t, what, []bool{gotA, gotB}, []bool{wantA, wantB})
				wantError(t, what, err2, nil)
				return err
			})
		}
		has("none", false, false)
		epoch := db.Epoch(store.OriginsEpoch)
		update(t, db, func(tx *store.Tx) error { return tx.UpdateClient(c, []string{a, b, a}) })
		if epoch.Current() {
			t.Error("new origins are no news")
		}
		has("both", true, true)
		update(t, db, func(tx *store.Tx) error { return tx.UpdateClient(c, []string{b}) })
		update(t, db, func(tx *store.Tx) error { return tx.UpdateClient(other, []string{b}) })
		has("the second", false, true)
		c.Disabled = micro()
		update(t, db, func(tx *store.Tx) error { return tx.UpdateClient(c, []string{a, b}) })
		has("the disabled one's do not count", false, true)
		update(t, db, func(tx *store.Tx) error { return tx.DeleteClient(other.ID) })
		has("the deleted one's are gone", false, false)
	})
}

func TestADeletedClientLeavesNoConsentsAndRequests(t *testing.T) {
	t.Parallel()
	for name, behind := range backs(t) {
		t.Run(name, func(t *testing.T) {
			options, b := behind(t)
			db := open(t, options)
			jane, c := someone(t, db, "jane@example.com"), program(t, db, "robot", micro())
			consent(t, db, jane.ID, c.ID, micro())
			hold(t, db, "page", "one", c.ID)
			ask(t, db, c.ID, "poll", "")
			update(t, db, func(tx *store.Tx) error { return tx.UpdateClient(c, []string{"https://a.example"}) })
			update(t, db, func(tx *store.Tx) error { return tx.DeleteClient(c.ID) })
			wantSame(t, "after", b.mentions(t, string(c.ID)), map[string]int{"changes": 2}) // of its change and of its end
		})
	}
}
