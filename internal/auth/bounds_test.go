package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/store"
)

func TestRememberedTokenDiesWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(c *auth.Config) { c.Lifetimes.SessionMax, c.Lifetimes.Refresh = 2*time.Hour, 2*time.Hour })
		h.person(t, ada, headykey.RoleUser)
		g := h.signIn(t, ada)
		time.Sleep(90 * time.Minute)
		late, err := h.Refresh(t.Context(), g.Refresh, home)
		check(t, err)
		caller(t)(h.ByToken(t.Context(), late.Access, home))
		time.Sleep(30 * time.Minute)
		if _, err := h.ByToken(t.Context(), late.Access, home); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("got %v, want ErrInvalidToken", err)
		}
	})
}

func TestFlushKeepsWhatItCouldNotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		g := h.signIn(t, ada)
		_, err := h.Refresh(t.Context(), g.Refresh, home)
		check(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.FlushUses(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		check(t, h.FlushUses(t.Context()))
		if told := h.bodies(t, "token.issued"); len(told) != 1 {
			t.Errorf("got %+v", told)
		}
	})
}

func TestConstantUseIsSampledHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		key, id := h.key(t, user.ID, headykey.RoleUser, time.Time{})
		for range 90 { // three hours
			caller(t)(h.ByAPIKey(t.Context(), key, home))
			check(t, h.FlushUses(t.Context()))
			time.Sleep(2 * time.Minute)
		}
		h.update(t, func(tx *store.Tx) error {
			events, err := store.Collect(tx.KeyEvents(user.ID, id, 100))
			if len(events) != 3 {
				t.Errorf("got %d lines, want 3", len(events))
			}
			return err
		})
	})
}

func TestADeadSessionsRefreshTokenSignsNobodyElseOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		dead, live := h.signIn(t, ada), h.signIn(t, ada)
		_, err := h.LogoutByRefresh(t.Context(), dead.Refresh, "local", home)
		check(t, err)
		for _, scope := range []string{"others", "global"} {
			if got, err := h.LogoutByRefresh(t.Context(), dead.Refresh, scope, home); err != nil || len(got) != 0 {
				t.Errorf("%s: got %v, %v", scope, got, err)
			}
		}
		caller(t)(h.ByCookie(t.Context(), live.Cookie, home))
	})
}

// A spent token may end its own session, for the client that lost the answer, and
// no other.
func TestASpentRefreshTokenSignsNobodyElseOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		g, other := h.signIn(t, ada), h.signIn(t, ada)
		_, err := h.Refresh(t.Context(), g.Refresh, home)
		check(t, err)
		if got, err := h.LogoutByRefresh(t.Context(), g.Refresh, "global", home); err != nil || len(got) != 0 {
			t.Errorf("global: got %v, %v", got, err)
		}
		caller(t)(h.ByCookie(t.Context(), other.Cookie, home))
		if got, err := h.LogoutByRefresh(t.Context(), g.Refresh, "local", home); err != nil || len(got) == 0 {
			t.Errorf("local: got %v, %v", got, err)
		}
	})
}

func TestAdminKeyWithAdminWriteCreates(t *testing.T) {
	h := build(t)
	by := headykey.Caller{User: headykey.NewID(), Role: headykey.RoleAdmin, Method: headykey.ByAPIKey, Key: headykey.NewID(), Scopes: []string{"admin.write"}}
	if _, err := h.CreateUser(t.Context(), by, auth.NewUser{Email: ada, Role: headykey.RoleUser}); err != nil {
		t.Error(err)
	}
}

func TestAnAdministratorsKeyReachesAsFarAsItsScope(t *testing.T) {
	h := build(t)
	h.person(t, ada, headykey.RoleUser)
	by := headykey.Caller{User: headykey.NewID(), Role: headykey.RoleAdmin, Method: headykey.ByAPIKey, Key: headykey.NewID()}
	for scope, want := range map[string]error{"sessions.write": headykey.ErrInsufficientScope, "admin.write": nil} {
		by.Scopes = []string{scope}
		if _, err := h.EndSession(t.Context(), by, h.signIn(t, ada).Session); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", scope, err, want)
		}
	}
}

// Nobody has confirmed the address yet: it belongs to whoever does, by the newest
// letter and password.
func TestALostConfirmationBarsNobodyForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(c *auth.Config) { c.ConfirmEmail = true })
		in := auth.Registration{Email: ada, Password: "an earlier password, not hers", From: home, Surface: "api"}
		if g, err := h.Register(t.Context(), in); g != nil || err != nil {
			t.Fatalf("got %+v, %v", g, err)
		}
		first := h.linkIn(t, ada)
		h.mailbox.Clear()
		time.Sleep(time.Hour)
		in.Password = password
		if g, err := h.Register(t.Context(), in); g != nil || err != nil {
			t.Fatalf("again: got %+v, %v", g, err)
		}
		second := h.linkIn(t, ada)
		if err := h.ConfirmEmail(t.Context(), first, home); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("the first link: got %v", err)
		}
		check(t, h.ConfirmEmail(t.Context(), second, home))
		if _, err := h.Login(t.Context(), auth.PasswordLogin{Email: ada, Password: password, From: home, Surface: "api"}); err != nil {
			t.Errorf("the newest password: %v", err)
		}
	})
}

// A caller who was identified a moment ago gets no token for a session that has
// ended since, by cookie as little as by refresh token.
func TestACookieOfAnEndedSessionGivesNoToken(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	g := h.signIn(t, ada)
	by := caller(t)(h.ByCookie(t.Context(), g.Cookie, home))
	if _, err := h.RefreshByCookie(t.Context(), by); err != nil {
		t.Errorf("while it lives: %v", err)
	}
	h.update(t, func(tx *store.Tx) error {
		_, err := tx.EndSession(user.ID, g.Session)
		return err
	})
	if got, err := h.RefreshByCookie(t.Context(), by); got != nil || !errors.Is(err, headykey.ErrInvalidToken) {
		t.Errorf("once it has ended: got %+v, %v", got, err)
	}
}
