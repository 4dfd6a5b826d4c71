package directory_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/store"
)

func TestABanEndsWhenItsTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		root, ada := h.person(t, "root@example.com", headykey.RoleAdmin), h.person(t, "ada@example.com", headykey.RoleUser)
		ban := func(until time.Time) {
			t.Helper()
			_, err := h.ChangeUser(t.Context(), root, ada.User, headykey.UserChange{Disabled: ptr(true), Until: until})
			check(t, err)
		}
		state := func() (disabled bool, until time.Time) {
			u, err := h.User(t.Context(), root, ada.User)
			check(t, err)
			return !u.Disabled.IsZero(), u.DisabledUntil
		}
		soon, later := time.Now().Add(time.Minute), time.Now().Add(time.Hour)
		ban(soon)
		ban(soon) // says nothing new
		ban(later)
		time.Sleep(time.Hour - time.Millisecond)
		check(t, h.LiftBans(t.Context()))
		if disabled, until := state(); !disabled || !until.Equal(later) {
			t.Errorf("a millisecond early: disabled %t until %v", disabled, until)
		}
		time.Sleep(time.Millisecond)
		check(t, h.LiftBans(t.Context()))
		check(t, h.LiftBans(t.Context()))
		if disabled, until := state(); disabled || !until.IsZero() {
			t.Errorf("on time: disabled %t until %v", disabled, until)
		}
		ban(time.Time{})
		time.Sleep(100 * 365 * 24 * time.Hour)
		check(t, h.LiftBans(t.Context()))
		if disabled, _ := state(); !disabled {
			t.Error("one without an end ended")
		}
		want := []string{"account.disabled", "account.disabled", "account.enabled", "account.disabled"}
		if got := h.types(t, ada.User); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if len(h.ended) != 2 {
			t.Errorf("sessions were ended %d times, want twice", len(h.ended))
		}
	})
}

func TestOneDoesNotHideOneself(t *testing.T) {
	h := build(t, nil)
	root, other := h.person(t, "root@example.com", headykey.RoleAdmin), h.person(t, "two@example.com", headykey.RoleAdmin)
	if err := h.HideUser(t.Context(), root, root.User); !errors.Is(err, headykey.ErrConflict) {
		t.Errorf("oneself: got %v", err)
	}
	check(t, h.HideUser(t.Context(), root, other.User))
	if err := h.HideUser(t.Context(), headykey.System, root.User); !errors.Is(err, headykey.ErrLastAdmin) {
		t.Errorf("the last administrator: got %v", err)
	}
	if err := h.HideUser(t.Context(), root, headykey.NewID()); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("nobody: got %v", err)
	}
}

// What was hidden cannot be guessed with all that is stored.
func TestTheHashesOfAHiddenAccountAreOfASaltThatNobodyKept(t *testing.T) {
	h := build(t, nil)
	root, ada := h.person(t, "root@example.com", headykey.RoleAdmin), h.person(t, "ada@example.com", headykey.RoleUser)
	check(t, h.HideUser(t.Context(), root, ada.User))
	a, err := h.Account(t.Context(), root, ada.User)
	check(t, err)
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		salt, err := tx.Salt(ada.User, []byte("fresh"))
		if a.Email == receipt.Conceal(salt, "ada@example.com") {
			t.Error("the salt is still there")
		}
		return err
	}))
}

func TestAnAuditTellsActorsApart(t *testing.T) {
	h := build(t, nil)
	root, ada := h.person(t, "root@example.com", headykey.RoleAdmin), h.person(t, "ada@example.com", headykey.RoleUser)
	service := headykey.Caller{Method: headykey.ByService, Role: headykey.RoleAdmin}
	for _, by := range []headykey.Caller{root, service, headykey.System} {
		for _, disabled := range []bool{true, false} {
			_, err := h.ChangeUser(t.Context(), by, ada.User, headykey.UserChange{Disabled: &disabled})
			check(t, err)
		}
	}
	for author, want := range map[string]string{"ROOT@": "root@example.com", "service": "service_role", "heady": "headykey"} {
		page, total, err := h.Audit(t.Context(), root, directory.AuditFilter{Author: author, Types: []string{"account.disabled"}, Limit: 5})
		check(t, err)
		if total != 1 || len(page) != 1 || page[0].Receipt.Type != "account.disabled" {
			t.Errorf("%s: got %d of %d", author, len(page), total)
			continue
		}
		got := page[0].Actor.ID
		if u := page[0].User; u != nil {
			got = u.Email
		}
		if got != want {
			t.Errorf("%s: got %s", author, got)
		}
	}
	if page, total, err := h.Audit(t.Context(), root, directory.AuditFilter{Author: "ada@", Limit: 5}); len(page) != 0 || total != 0 || err != nil {
		t.Errorf("who did nothing: got %v, %d, %v", page, total, err)
	}
}
