package auth_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/store"
)

// three signs Ada in three times, by widget last, and returns the oldest first.
func three(t *testing.T, h *house) (all []*auth.Grant) {
	t.Helper()
	user := h.person(t, ada, headykey.RoleUser)
	for _, surface := range []string{"api", "api", "widget"} {
		h.cheapPassword(t, user.ID)
		g, err := h.Login(t.Context(), auth.PasswordLogin{Email: ada, Password: password, From: home, Surface: surface})
		check(t, err)
		all = append(all, g)
		time.Sleep(time.Second)
	}
	return all
}

// layersOf is what one session is taken down to, the last built first.
func layersOf(g *auth.Grant, kinds ...string) (out []auth.Revoked) {
	for _, kind := range kinds {
		out = append(out, auth.Revoked{Type: kind, ID: g.Session})
	}
	return out
}

func TestASignOutTakesDownLastInFirstOut(t *testing.T) {
	plain, widget := []string{"access", "refresh", "session", "cookie"}, []string{"widget", "access", "refresh", "session", "cookie"}
	tests := []struct {
		scope string
		want  func(all []*auth.Grant) []auth.Revoked // the caller is the second
	}{
		{"local", func(all []*auth.Grant) []auth.Revoked { return layersOf(all[1], plain...) }},
		{"others", func(all []*auth.Grant) []auth.Revoked {
			return slices.Concat(layersOf(all[2], widget...), layersOf(all[0], plain...))
		}},
		{"global", func(all []*auth.Grant) []auth.Revoked {
			return slices.Concat(layersOf(all[2], widget...), layersOf(all[1], plain...), layersOf(all[0], plain...))
		}},
	}
	for _, tt := range tests {
		t.Run("scope "+tt.scope, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t)
				eve := h.person(t, "eve@example.com", headykey.RoleUser)
				hers := h.signIn(t, "eve@example.com")
				all := three(t, h)
				by := caller(t)(h.ByToken(t.Context(), all[1].Access, home))
				want := tt.want(all)
				got, err := h.Logout(t.Context(), by, tt.scope)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("got %v, %v, want %v", got, err, want)
				}
				for i, g := range all {
					gone := slices.ContainsFunc(want, func(r auth.Revoked) bool { return r.ID == g.Session })
					if _, err := h.ByCookie(t.Context(), g.Cookie, home); gone != errors.Is(err, headykey.ErrInvalidToken) {
						t.Errorf("session %d: got %v, want gone %t", i, err, gone)
					}
				}
				if by := caller(t)(h.ByCookie(t.Context(), hers.Cookie, home)); by.User != eve.ID {
					t.Errorf("somebody else: %+v", by)
				}
				told := h.bodies(t, "session.ended")
				list, _ := told[0].Details["revoked"].([]any)
				if len(told) != 1 || len(list) != len(want) || told[0].Details["reason"] != "signed_out" {
					t.Errorf("got %+v", told)
				}
			})
		})
	}
}

func TestASignOutOfNobodyTakesDownNothing(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	g := h.signIn(t, ada)
	key, _ := h.key(t, user.ID, headykey.RoleUser, time.Time{})
	for name, by := range map[string]headykey.Caller{
		"a stranger": {}, "a key": caller(t)(h.ByAPIKey(t.Context(), key, home)), "the system": headykey.System,
	} {
		if got, err := h.Logout(t.Context(), by, "global"); err != nil || len(got) != 0 || got == nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if got, err := h.LogoutByRefresh(t.Context(), "unknown", "global", home); err != nil || len(got) != 0 {
		t.Errorf("an unknown refresh token: got %v, %v", got, err)
	}
	by := caller(t)(h.ByToken(t.Context(), g.Access, home))
	if _, err := h.Logout(t.Context(), by, "all"); !errors.Is(err, headykey.ErrInvalid) {
		t.Errorf("an unknown scope: got %v", err)
	}
	for i, want := range []int{4, 0} {
		if got, err := h.LogoutByRefresh(t.Context(), g.Refresh, "", home); err != nil || len(got) != want {
			t.Errorf("time %d: got %v, %v, want %d layers", i+1, got, err, want)
		}
	}
	if told := h.bodies(t, "session.ended"); len(told) != 1 {
		t.Errorf("got %+v", told)
	}
}

func TestSessionsAreEndedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		all := three(t, h)
		eve := headykey.Caller{User: h.person(t, "eve@example.com", headykey.RoleUser).ID, Role: headykey.RoleUser, Method: headykey.ByToken}
		operator, admin := eve, eve
		operator.Role, admin.Role = headykey.RoleOperator, headykey.RoleAdmin
		owner := caller(t)(h.ByToken(t.Context(), all[0].Access, home))
		narrow := owner
		narrow.Scopes = []string{"sessions.read"}
		tests := []struct {
			name    string
			by      headykey.Caller
			session headykey.ID
			want    error
		}{
			{"a stranger", headykey.Caller{}, all[0].Session, headykey.ErrNotSignedIn},
			{"another person", eve, all[0].Session, headykey.ErrNotFound},
			{"an operator", operator, all[0].Session, headykey.ErrNotFound},
			{"a key that may only read", narrow, all[0].Session, headykey.ErrInsufficientScope},
			{"an unknown one", owner, headykey.NewID(), headykey.ErrNotFound},
			{"her own", owner, all[2].Session, nil},
			{"her own, again", owner, all[2].Session, headykey.ErrNotFound},
			{"an administrator, anybody's", admin, all[1].Session, nil},
		}
		for _, tt := range tests {
			if _, err := h.EndSession(t.Context(), tt.by, tt.session); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
		}
		if told := h.bodies(t, "session.ended"); len(told) != 2 || told[1].Actor.Type != "operator" {
			t.Errorf("got %+v", told)
		}
		if _, err := h.ByToken(t.Context(), all[0].Access, home); err != nil {
			t.Errorf("the session that is left: %v", err)
		}
	})
}

// Whatever ends a session, who needs to know is told in the same transaction, once.
func TestEveryEndOfASessionIsTold(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	var told []headykey.ID
	h.Ended = func(_ context.Context, _ *store.Tx, who headykey.ID, sessions []headykey.ID) error {
		if who != user.ID {
			t.Errorf("told of %s", who)
		}
		told = append(told, sessions...)
		return nil
	}
	ways := []struct {
		name string
		end  func(g *auth.Grant, by headykey.Caller) error
	}{
		{"sign-out", func(_ *auth.Grant, by headykey.Caller) error {
			_, err := h.Logout(t.Context(), by, auth.Local)
			return err
		}},
		{"sign-out by refresh token", func(g *auth.Grant, _ headykey.Caller) error {
			_, err := h.LogoutByRefresh(t.Context(), g.Refresh, "", home)
			return err
		}},
		{"revoked", func(g *auth.Grant, _ headykey.Caller) error {
			_, err := h.EndSession(t.Context(), headykey.System, g.Session)
			return err
		}},
		{"all", func(_ *auth.Grant, by headykey.Caller) error {
			return h.db.Update(t.Context(), func(tx *store.Tx) error { return h.EndAll(t.Context(), tx, by, user.ID, "account_disabled") })
		}},
		{"replaced", func(g *auth.Grant, _ headykey.Caller) error {
			h.cheapPassword(t, user.ID)
			_, err := h.Login(t.Context(), auth.PasswordLogin{Email: ada, Password: password, From: home, Surface: "api", Replaces: g.Cookie})
			return err
		}},
	}
	for _, way := range ways {
		h.cheapPassword(t, user.ID)
		g := h.signIn(t, ada)
		by := caller(t)(h.ByToken(t.Context(), g.Access, home))
		told = nil
		check(t, way.end(g, by))
		if !slices.Equal(told, []headykey.ID{g.Session}) {
			t.Errorf("%s: told of %v, want %v", way.name, told, g.Session)
		}
		if _, err := h.Logout(t.Context(), by, auth.Local); err != nil || len(told) != 1 {
			t.Errorf("%s, again: told of %v, %v", way.name, told, err)
		}
	}
}

// A session does not end if whom it concerns cannot be told.
func TestWhatCannotBeToldDoesNotHappen(t *testing.T) {
	h := build(t)
	h.person(t, ada, headykey.RoleUser)
	g := h.signIn(t, ada)
	broken := errors.New("broken")
	h.Ended = func(context.Context, *store.Tx, headykey.ID, []headykey.ID) error { return broken }
	if _, err := h.Logout(t.Context(), caller(t)(h.ByToken(t.Context(), g.Access, home)), auth.Local); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	caller(t)(h.ByCookie(t.Context(), g.Cookie, home))
}
