package auth_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// again signs somebody in where a browser still holds a cookie.
func (h *house) again(t *testing.T, email, cookie string) *auth.Grant {
	t.Helper()
	g, err := h.Login(t.Context(), auth.PasswordLogin{
		Email: email, Password: password, From: from("198.51.100.9"), Surface: "pages", Replaces: cookie, Renew: true,
	})
	check(t, err)
	return g
}

func TestTheSamePersonGoesOnWithTheirSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		old := h.signIn(t, ada)
		if _, err := h.ByCookie(t.Context(), old.Cookie, home); err != nil {
			t.Fatal(err) // and it is remembered
		}
		time.Sleep(7 * time.Hour)

		g := h.again(t, ada, old.Cookie)
		if g.Session != old.Session || g.Cookie == old.Cookie || g.Refresh != "" || g.CookieLife != 8*time.Hour {
			t.Errorf("got %+v after %+v", g, old)
		}
		if _, err := h.ByCookie(t.Context(), old.Cookie, home); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("the old cookie: got %v", err)
		}
		by := caller(t)(h.ByCookie(t.Context(), g.Cookie, home))
		if !by.Proven.Equal(time.Now()) || !by.Expires.Equal(time.Now().Add(8*time.Hour)) || by.Session != old.Session {
			t.Errorf("got %+v", by)
		}
		for name, err := range map[string]error{
			"refresh": second(h.Refresh(t.Context(), old.Refresh, home)), "token": second(h.ByToken(t.Context(), g.Access, home)),
		} {
			if err != nil {
				t.Errorf("%s of the session: %v", name, err)
			}
		}
		told := h.bodies(t, "session.renewed")
		if len(told) != 1 || told[0].Object.ID != "ses_"+string(g.Session) || len(h.bodies(t, "session.ended")) != 0 || len(h.bodies(t, "session.started")) != 1 {
			t.Errorf("got %+v", told)
		}
	})
}

func TestNobodyElseGoesOnWithASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, ada, headykey.RoleUser)
		h.person(t, "eve@example.com", headykey.RoleUser)
		tests := []struct {
			name, who string
			before    func(g *auth.Grant)
		}{
			{"another person", "eve@example.com", func(*auth.Grant) {}},
			{"the session has ended", ada, func(g *auth.Grant) {
				_, err := h.Logout(t.Context(), caller(t)(h.ByCookie(t.Context(), g.Cookie, home)), auth.Local)
				check(t, err)
			}},
			{"the cookie has run out", ada, func(*auth.Grant) { time.Sleep(8 * time.Hour) }},
		}
		for _, tt := range tests {
			old := h.signIn(t, ada)
			tt.before(old)
			g := h.again(t, tt.who, old.Cookie)
			if g.Session == old.Session || g.Refresh == "" {
				t.Errorf("%s: got %+v", tt.name, g)
			}
			if _, err := h.Refresh(t.Context(), old.Refresh, home); err == nil {
				t.Errorf("%s: the old session lives on", tt.name)
			}
		}
		if g := h.again(t, ada, ""); g.Session == "" || g.Refresh == "" {
			t.Errorf("without a cookie: got %+v", g)
		}
		if g := h.again(t, ada, "no cookie of ours"); g.Session == "" {
			t.Errorf("in place of a stray cookie: got %+v", g)
		}
		if told := h.bodies(t, "session.renewed"); len(told) != 0 {
			t.Errorf("got %+v", told)
		}
	})
}
