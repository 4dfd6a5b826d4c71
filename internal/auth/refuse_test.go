package auth_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// A visitor holds every credential there is of one person.
type visitor struct {
	h       *house
	user    headykey.User
	session headykey.ID
	ways    []way
}

// A way is one path by which a credential is shown.
type way struct {
	name string
	show func(t *testing.T) (headykey.Caller, error)
}

// arrive signs a person in and gathers all ways in. Where a credential may be
// remembered, one that was shown before stands beside one that never was.
func arrive(t *testing.T, h *house, role headykey.Role) *visitor {
	t.Helper()
	v := &visitor{h: h, user: h.person(t, ada, role)}
	g := h.signIn(t, ada)
	h.cheapPassword(t, v.user.ID)
	v.session = g.Session
	second, err := h.Refresh(t.Context(), g.Refresh, home)
	check(t, err)
	key, _ := h.key(t, v.user.ID, headykey.RoleAdmin, time.Time{})
	fresh, _ := h.key(t, v.user.ID, headykey.RoleAdmin, time.Time{})
	by := func(f func(string) (headykey.Caller, error), credential string) func(*testing.T) (headykey.Caller, error) {
		return func(*testing.T) (headykey.Caller, error) { return f(credential) }
	}
	token := func(s string) (headykey.Caller, error) { return h.ByToken(t.Context(), s, home) }
	cookie := func(s string) (headykey.Caller, error) { return h.ByCookie(t.Context(), s, home) }
	apiKey := func(s string) (headykey.Caller, error) { return h.ByAPIKey(t.Context(), s, home) }
	v.ways = []way{
		{"token seen before", by(token, g.Access)},
		{"token", by(token, second.Access)},
		{"cookie", by(cookie, g.Cookie)},
		{"key seen before", by(apiKey, key)},
		{"key", by(apiKey, fresh)},
		{"refresh", func(t *testing.T) (headykey.Caller, error) {
			_, err := h.Refresh(t.Context(), second.Refresh, home)
			return headykey.Caller{}, err
		}},
		{"login", func(t *testing.T) (headykey.Caller, error) {
			_, err := h.try(t, ada, password)
			return headykey.Caller{}, err
		}},
	}
	for _, w := range []int{0, 3} {
		_, err := v.ways[w].show(t)
		check(t, err)
	}
	return v
}

// The matrix: each rule that must refuse, on each path that leads in.
func TestEveryRuleHoldsOnEveryPath(t *testing.T) {
	bad, badKey, fine := headykey.ErrInvalidToken, headykey.ErrInvalidAPIKey, (*headykey.Error)(nil)
	tests := []struct {
		rule  string
		apply func(t *testing.T, v *visitor)
		// what the token, cookie, key, refresh and login meet
		token, cookie, key, refresh, login *headykey.Error
	}{
		{"nothing happened", func(*testing.T, *visitor) {}, fine, fine, fine, fine, fine},
		{"the user was disabled", func(t *testing.T, v *visitor) {
			v.h.change(t, v.user.ID, func(u *headykey.User, now time.Time) { u.Disabled = now })
		}, bad, bad, badKey, headykey.ErrAccountDisabled, headykey.ErrAccountDisabled},
		{"the user was disabled by the house's rule", func(t *testing.T, v *visitor) {
			v.h.change(t, v.user.ID, func(u *headykey.User, now time.Time) { u.Disabled = now })
			v.h.update(t, func(tx *store.Tx) error {
				return v.h.EndAll(t.Context(), tx, headykey.System, v.user.ID, "account_disabled")
			})
		}, bad, bad, badKey, bad, headykey.ErrAccountDisabled},
		{"the user was erased", func(t *testing.T, v *visitor) {
			v.h.update(t, func(tx *store.Tx) error { return tx.DeleteUser(v.user.ID) })
		}, bad, bad, badKey, bad, headykey.ErrBadCredentials},
		{"the session was ended", func(t *testing.T, v *visitor) {
			_, err := v.h.EndSession(t.Context(), headykey.Caller{User: v.user.ID, Role: headykey.RoleUser, Method: headykey.ByToken}, v.session)
			check(t, err)
		}, bad, bad, fine, bad, fine},
		{"the person signed out", func(t *testing.T, v *visitor) {
			_, err := v.h.Logout(t.Context(), headykey.Caller{User: v.user.ID, Session: v.session, Role: headykey.RoleUser, Method: headykey.ByToken}, "")
			check(t, err)
		}, bad, bad, fine, bad, fine},
		{"the keys were revoked", func(t *testing.T, v *visitor) {
			v.h.update(t, func(tx *store.Tx) error {
				keys, err := store.Collect(tx.APIKeys(v.user.ID, headykey.Mark{}, 10))
				for _, k := range keys {
					_, failed := tx.RevokeAPIKey(v.user.ID, k.ID)
					err = errors.Join(err, failed)
				}
				return err
			})
		}, fine, fine, badKey, fine, fine},
		{"an hour passed", func(*testing.T, *visitor) { time.Sleep(time.Hour) }, headykey.ErrTokenExpired, fine, fine, fine, fine},
		{"eight hours passed", func(*testing.T, *visitor) { time.Sleep(8 * time.Hour) },
			headykey.ErrTokenExpired, headykey.ErrTokenExpired, fine, fine, fine},
		{"thirty days passed", func(*testing.T, *visitor) { time.Sleep(30 * 24 * time.Hour) },
			headykey.ErrTokenExpired, headykey.ErrTokenExpired, fine, headykey.ErrTokenExpired, fine},
		{"the session ran out", func(*testing.T, *visitor) { time.Sleep(89 * 24 * time.Hour) },
			headykey.ErrTokenExpired, bad, fine, bad, fine},
		{"the stored password is damaged", func(t *testing.T, v *visitor) {
			v.h.update(t, func(tx *store.Tx) error { return tx.SetPassword(v.user.ID, "$2a$04$damaged") })
		}, fine, fine, fine, fine, headykey.ErrInternal},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := arrive(t, build(t), headykey.RoleUser)
				tt.apply(t, v)
				want := map[string]*headykey.Error{
					"token seen before": tt.token, "token": tt.token, "cookie": tt.cookie,
					"key seen before": tt.key, "key": tt.key, "refresh": tt.refresh, "login": tt.login,
				}
				for _, w := range v.ways {
					by, err := w.show(t)
					if (err == nil) != (want[w.name] == nil) || err != nil && !headykey.Explain(err).Is(want[w.name]) {
						t.Errorf("%s: got %v, want %v", w.name, err, want[w.name])
					}
					if err != nil && by.User != "" {
						t.Errorf("%s: refused, and told %+v", w.name, by)
					}
				}
			})
		})
	}
}

// What counts is the role of this moment, whatever a token or a key was made with.
func TestAChangedRoleCountsAtOnceForAllCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		v := arrive(t, h, headykey.RoleUser)
		for _, role := range []headykey.Role{headykey.RoleOperator, headykey.RoleAdmin, headykey.RoleGuest, headykey.RoleUser} {
			h.change(t, v.user.ID, func(u *headykey.User, _ time.Time) { u.Role = role })
			for _, w := range v.ways[:5] {
				if by, err := w.show(t); err != nil || by.Role != role || by.User != v.user.ID {
					t.Errorf("%s, once the owner is %s: got %s, %v", w.name, role, by.Role, err)
				}
			}
		}
	})
}

func TestAKeyHasTheLowerOfItsRoleAndItsOwners(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleOperator)
	for own, want := range map[headykey.Role]headykey.Role{
		headykey.RoleGuest: headykey.RoleGuest, headykey.RoleUser: headykey.RoleUser,
		headykey.RoleOperator: headykey.RoleOperator, headykey.RoleAdmin: headykey.RoleOperator,
	} {
		key, id := h.key(t, user.ID, own, time.Time{})
		by, err := h.ByAPIKey(t.Context(), key, home)
		if err != nil || by.Role != want || by.Key != id || by.Method != headykey.ByAPIKey || by.Session != "" || by.From != home {
			t.Errorf("%s: got %+v, %v, want %s", own, by, err, want)
		}
	}
}

func TestARefusedKeyIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		revoked, first := h.key(t, user.ID, headykey.RoleUser, time.Time{})
		h.update(t, func(tx *store.Tx) error { _, err := tx.RevokeAPIKey(user.ID, first); return err })
		expiring, second := h.key(t, user.ID, headykey.RoleUser, time.Now().Add(time.Hour))
		if _, err := h.ByAPIKey(t.Context(), expiring, home); err != nil {
			t.Errorf("in time: %v", err)
		}
		time.Sleep(time.Hour)
		for range 3 {
			if _, err := h.ByAPIKey(t.Context(), revoked, home); !errors.Is(err, headykey.ErrInvalidAPIKey) {
				t.Errorf("revoked: got %v", err)
			}
			if _, err := h.ByAPIKey(t.Context(), expiring, home); !errors.Is(err, headykey.ErrAPIKeyExpired) {
				t.Errorf("expired: got %v", err)
			}
			if _, err := h.ByAPIKey(t.Context(), headykey.NewAPIKey(), home); !errors.Is(err, headykey.ErrInvalidAPIKey) {
				t.Errorf("never made: got %v", err)
			}
		}
		told := h.bodies(t, "api_key.refused")
		if len(told) != 2 || told[0].Object.ID != "key_"+string(first) || *told[0].Reason != "invalid_api_key" ||
			told[1].Object.ID != "key_"+string(second) || *told[1].Reason != "api_key_expired" {
			t.Errorf("got %+v", told)
		}
	})
}

// A truncated, lengthened or otherwise near credential is none.
func TestNearCredentialsAreNone(t *testing.T) {
	h := build(t)
	h.person(t, ada, headykey.RoleUser)
	g := h.signIn(t, ada)
	for name, credential := range map[string]string{
		"empty": "", "short": g.Cookie[:67], "half": g.Cookie[:34], "long": g.Cookie + "0", "the refresh token": g.Refresh, "NUL": g.Cookie[:67] + "\x00",
	} {
		if by, err := h.ByCookie(t.Context(), credential, home); !errors.Is(err, headykey.ErrInvalidToken) || by.User != "" {
			t.Errorf("cookie, %s: got %+v, %v", name, by, err)
		}
	}
	for name, f := range map[string]func() error{
		"cookie as token":   func() error { _, err := h.ByToken(t.Context(), g.Cookie, home); return err },
		"refresh as token":  func() error { _, err := h.ByToken(t.Context(), g.Refresh, home); return err },
		"token as key":      func() error { _, err := h.ByAPIKey(t.Context(), g.Access, home); return err },
		"cookie to refresh": func() error { _, err := h.Refresh(t.Context(), g.Cookie, home); return err },
	} {
		if err := f(); headykey.Explain(err).Kind != headykey.Unproven {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAReusedRefreshTokenEndsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		g, other := h.signIn(t, ada), h.signIn(t, ada)
		second, err := h.Refresh(t.Context(), g.Refresh, home)
		check(t, err)
		again, err := h.Refresh(t.Context(), g.Refresh, home)
		if err != nil || again.Refresh != second.Refresh {
			t.Errorf("a lost answer: got %v, %v", again, err)
		}
		time.Sleep(11 * time.Second)
		if _, err := h.Refresh(t.Context(), g.Refresh, home); !errors.Is(err, headykey.ErrRefreshTokenReused) {
			t.Errorf("reused: got %v", err)
		}
		for range 2 {
			if _, err := h.Refresh(t.Context(), g.Refresh, home); !errors.Is(err, headykey.ErrInvalidToken) {
				t.Errorf("after that: got %v", err)
			}
		}
		for name, f := range map[string]func() error{
			"successor": func() error { _, err := h.Refresh(t.Context(), second.Refresh, home); return err },
			"token":     func() error { _, err := h.ByToken(t.Context(), second.Access, home); return err },
			"cookie":    func() error { _, err := h.ByCookie(t.Context(), g.Cookie, home); return err },
		} {
			if err := f(); !errors.Is(err, headykey.ErrInvalidToken) {
				t.Errorf("%s of its family: got %v", name, err)
			}
		}
		if _, err := h.Refresh(t.Context(), other.Refresh, home); err != nil {
			t.Errorf("another session: %v", err)
		}
		told, ended := h.bodies(t, "refresh_token.reused"), h.bodies(t, "session.ended")
		if len(told) != 1 || told[0].Object.ID != "ses_"+string(g.Session) || told[0].Outcome != "refused" ||
			len(ended) != 1 || ended[0].Details["reason"] != "refresh_token_reused" {
			t.Errorf("got %+v and %+v", told, ended)
		}
	})
}

func TestTheCookieMakesAnAccessToken(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	g := h.signIn(t, ada)
	by, err := h.ByCookie(t.Context(), g.Cookie, home)
	check(t, err)
	fresh, err := h.RefreshByCookie(t.Context(), by)
	if err != nil || fresh.Refresh != "" || fresh.Session != g.Session {
		t.Fatalf("got %+v, %v", fresh, err)
	}
	if by, err := h.ByToken(t.Context(), fresh.Access, home); err != nil || by.User != user.ID || by.Method != headykey.ByToken {
		t.Errorf("got %+v, %v", by, err)
	}
}
