package auth_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// wrong tries a wrong password and returns how long it was held, and how long the
// next try shall wait if it was refused.
func (h *house) wrong(t *testing.T, email, surface string, at headykey.From) (held, after time.Duration) {
	t.Helper()
	began := time.Now()
	_, err := h.Login(t.Context(), auth.PasswordLogin{Email: email, Password: "not " + password, From: at, Surface: surface})
	switch {
	case errors.Is(err, headykey.ErrRateLimited):
		return time.Since(began), headykey.Explain(err).After
	case !errors.Is(err, headykey.ErrBadCredentials):
		t.Fatalf("got %v", err)
	}
	return time.Since(began), 0
}

// climb fails until the ladder reaches its step, and returns what each new try
// met: the time it was held, or was told to wait.
func (h *house) climb(t *testing.T, email string, tries int) []time.Duration {
	t.Helper()
	var met []time.Duration
	for range tries {
		held, after := h.wrong(t, email, "api", home)
		if after == 0 {
			met = append(met, held)
			continue
		}
		met = append(met, after)
		time.Sleep(after)
		if held, after := h.wrong(t, email, "api", home); held != 0 || after != 0 {
			t.Errorf("on time: held %v, told to wait %v", held, after)
		}
	}
	return met
}

var ladder = []time.Duration{0, time.Second, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second, 13 * time.Second}

func TestEachFailureMakesTheNextTryWaitLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		if got := h.climb(t, ada, len(ladder)); !reflect.DeepEqual(got, ladder) {
			t.Errorf("got %v, want %v", got, ladder)
		}
		if _, err := h.try(t, ada, password); !errors.Is(err, headykey.ErrRateLimited) || headykey.Explain(err).After != 21*time.Second {
			t.Errorf("the right password, too early: got %v after %v", err, headykey.Explain(err).After)
		}
		time.Sleep(20 * time.Second)
		began := time.Now()
		if _, err := h.try(t, ada, password); err != nil || time.Since(began) != time.Second {
			t.Errorf("a second early: %v after %v", err, time.Since(began))
		}
		if got := h.climb(t, ada, 4); !reflect.DeepEqual(got, ladder[:4]) {
			t.Errorf("after the right one: got %v, want %v", got, ladder[:4])
		}
	})
}

// Who guesses addresses learns nothing from waiting, either.
func TestAnUnknownAccountIsCountedAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		for _, email := range []string{"nobody@example.com", "not an address"} {
			if got := h.climb(t, email, 6); !reflect.DeepEqual(got, ladder[:6]) {
				t.Errorf("%s: got %v, want %v", email, got, ladder[:6])
			}
		}
	})
}

func TestTheCountIsOneForAllSurfacesSpellingsAndNeighbours(t *testing.T) {
	tests := []struct {
		name           string
		email, surface string
		at             headykey.From
		shared         bool
	}{
		{"the same", ada, "api", from("2001:db8::1"), true},
		{"another surface", ada, "widget", from("2001:db8::1"), true},
		{"another spelling", " ADA@Example.COM ", "api", from("2001:db8::1"), true},
		{"the same network", ada, "api", from("2001:db8::ffff:1"), true},
		{"another network", ada, "api", from("2001:db8:0:1::1"), false},
		{"another account", "eve@example.com", "api", from("2001:db8::1"), false},
	}
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		h.person(t, "eve@example.com", headykey.RoleUser)
		for range 3 {
			h.wrong(t, ada, "api", from("2001:db8::1"))
		}
		for _, tt := range tests {
			if _, after := h.wrong(t, tt.email, tt.surface, tt.at); (after == 2*time.Second) != tt.shared {
				t.Errorf("%s: told to wait %v, want shared %t", tt.name, after, tt.shared)
			}
		}
	})
}

func TestAnIPv4AddressHasOneCountInBothSpellings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		for range 3 {
			h.wrong(t, ada, "api", from("198.51.100.9"))
		}
		if _, after := h.wrong(t, ada, "api", from("::ffff:198.51.100.9")); after != 2*time.Second {
			t.Errorf("told to wait %v, want 2s", after)
		}
	})
}

// After one failure tries go in single file, so that nobody gets many for the
// price of one.
func TestTwoHeldTriesDoNotRunSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		h.wrong(t, ada, "api", home)
		done := make(chan time.Duration)
		go func() {
			held, _ := h.wrong(t, ada, "api", home)
			done <- held
		}()
		synctest.Wait()
		if _, after := h.wrong(t, ada, "widget", home); after != time.Second {
			t.Errorf("beside the held one: told to wait %v, want 1s", after)
		}
		if held := <-done; held != time.Second {
			t.Errorf("the first was held %v, want 1s", held)
		}
	})
}

// A crowd of strangers slows strangers. The owner comes in at once from where they
// came in before, and only from there.
func TestStrangersCannotLockAnOwnerOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		h.signIn(t, ada)
		h.cheapPassword(t, user.ID)
		for i := range 105 {
			h.wrong(t, ada, "api", from(fmt.Sprintf("203.0.113.%d", i)))
		}
		if _, after := h.wrong(t, ada, "api", from("203.0.113.250")); after != 2*time.Second {
			t.Errorf("the next stranger: told to wait %v, want 2s", after)
		}
		began := time.Now()
		if _, err := h.try(t, ada, password); err != nil || time.Since(began) != 0 {
			t.Errorf("the owner: %v after %v", err, time.Since(began))
		}
		if held, after := h.wrong(t, ada, "api", from("203.0.113.251")); held != 0 || after != 0 {
			t.Errorf("a stranger after the owner: held %v, told to wait %v", held, after)
		}
	})
}

// The first refusal of a minute is told at once, the rest of it with its count.
func TestRefusalsAreToldWithTheirCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		counts := func() (out []any) {
			for _, b := range h.bodies(t, "session.refused") {
				if b.Subject != "usr_"+string(user.ID) || b.Outcome != "refused" || *b.Reason != "invalid_credentials" {
					t.Errorf("got %+v", b)
				}
				out = append(out, b.Details["count"])
			}
			return out
		}
		for i := range 4 {
			h.wrong(t, ada, "api", from(fmt.Sprintf("203.0.113.%d", i)))
		}
		check(t, h.TellRefusals(t.Context()))
		if got := counts(); !reflect.DeepEqual(got, []any{1.0}) {
			t.Errorf("at once: got %v, want one of 1", got)
		}
		time.Sleep(time.Minute + time.Millisecond)
		check(t, h.TellRefusals(t.Context()))
		check(t, h.TellRefusals(t.Context()))
		if got := counts(); !reflect.DeepEqual(got, []any{1.0, 3.0}) {
			t.Errorf("after a minute: got %v, want 1 and 3", got)
		}
		h.signIn(t, ada)
		time.Sleep(time.Hour)
		h.wrong(t, ada, "api", home)
		if got := counts(); !reflect.DeepEqual(got, []any{1.0, 3.0, 1.0}) {
			t.Errorf("an hour later: got %v", got)
		}
	})
}

func TestLoadTestsMayGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(c *auth.Config) { c.Throttle = false })
		h.person(t, ada, headykey.RoleUser)
		for range 8 {
			if held, after := h.wrong(t, ada, "api", home); held != 0 || after != 0 {
				t.Fatalf("held %v, told to wait %v", held, after)
			}
		}
	})
}
