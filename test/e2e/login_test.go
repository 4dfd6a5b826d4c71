package e2e

import (
	"crypto/hmac"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const loginPath = "/api/auth/login"

func TestLogin(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for _, email := range []string{"jane@example.com", "JANE@Example.Com"} {
			a := s.nobody().post(t, loginPath, obj{"email": email, "password": goodPassword}).want(t, http.StatusOK)
			if got := a.text(t, "user.id"); got != jane.id {
				t.Errorf("%s signed in as %s, want %s", email, got, jane.id)
			}
		}
	})
}

// Whoever asks must not learn which addresses have an account.
func TestLoginDoesNotTellWhichWasWrong(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		s.register(t, "jane")
		wrong := s.nobody().post(t, loginPath, obj{"email": address("jane"), "password": "not-her-password"})
		unknown := s.nobody().post(t, loginPath, obj{"email": address("john"), "password": "not-her-password"})
		wrong.refused(t, http.StatusUnauthorized, "invalid_credentials")
		unknown.refused(t, http.StatusUnauthorized, "invalid_credentials")

		a, b := wrong.failure(t), unknown.failure(t)
		a.RequestID, b.RequestID = "", ""
		sameJSON(t, "body", a, b)
		names := func(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
		sameJSON(t, "headers", names(wrong.header), names(unknown.header))
	})
}

func TestLoginDemandsBoth(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		s.nobody().post(t, loginPath, obj{"password": goodPassword}).refused(t, http.StatusBadRequest, "missing_field").blames(t, "email")
		s.nobody().post(t, loginPath, obj{"email": address("jane")}).refused(t, http.StatusBadRequest, "missing_field").blames(t, "password")
	})
}

func TestLoginOfADisabledAccount(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, jane := s.member(t, "admin", "admin"), s.register(t, "jane")
		s.as(admin).patch(t, "/api/admin/users/"+jane.id, obj{"disabled": true}).want(t, http.StatusOK)
		body := obj{"email": jane.email, "password": jane.password}
		s.nobody().post(t, loginPath, body).refused(t, http.StatusForbidden, "account_disabled")
		body["password"] = "not-her-password"
		s.nobody().post(t, loginPath, body).refused(t, http.StatusUnauthorized, "invalid_credentials")
	})
}

func TestAccessTokenClaims(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		before := time.Now().Truncate(time.Second)
		jane := s.register(t, "jane")
		tok := parseToken(t, jane.access)

		if tok.header["alg"] != "HS256" || tok.header["typ"] != "at+jwt" {
			t.Errorf("header %v, want HS256 and at+jwt", tok.header)
		}
		if !hmac.Equal(tok.mac, hmacOf(jwtSecret, tok.signed)) {
			t.Error("the signature is not HMAC-SHA-256 under the configured secret")
		}
		names := []string{"aal", "amr", "aud", "email", "exp", "iat", "iss", "jti", "role", "sid", "sub", "userId"}
		sameJSON(t, "claims", slices.Sorted(maps.Keys(tok.claims)), names)
		want := obj{"userId": jane.id, "sub": jane.id, "email": jane.email, "role": "user", "aal": "aal1", "amr": []string{"pwd"}}
		for name, value := range want {
			sameJSON(t, "claim "+name, tok.claims[name], value)
		}
		checkTimes(t, tok.claims, before, time.Hour)
		if iss, _ := tok.claims["iss"].(string); !strings.HasPrefix(iss, s.URL) {
			t.Errorf("iss = %q, want our own address %s", iss, s.URL)
		}
	})
}

func checkTimes(t *testing.T, claims obj, before time.Time, life time.Duration) {
	t.Helper()
	iat, _ := claims["iat"].(float64)
	exp, _ := claims["exp"].(float64)
	if at := time.Unix(int64(iat), 0); at.Before(before) || at.After(time.Now()) {
		t.Errorf("iat = %v, want between %v and now", at, before)
	}
	if exp-iat != life.Seconds() {
		t.Errorf("exp - iat = %v s, want %v", exp-iat, life)
	}
}

func TestEveryTokenIsAnother(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		again := s.login(t, jane)
		one, two := parseToken(t, jane.access).claims, parseToken(t, again.access).claims
		if one["jti"] == two["jti"] || one["sid"] == two["sid"] {
			t.Errorf("two sign-ins share jti or sid: %v and %v", one, two)
		}
		if jane.refresh == again.refresh || jane.cookie == again.cookie {
			t.Error("two sign-ins share a refresh token or a cookie")
		}
	})
}

func TestSessionCookie(t *testing.T) {
	login := func(t *testing.T, s *server) *http.Cookie {
		t.Helper()
		p := s.home.create(t, "jane", "user")
		c := s.nobody().post(t, loginPath, obj{"email": p.email, "password": p.password}).want(t, http.StatusOK).setCookie()
		if c == nil {
			t.Fatal("no cookie")
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 8*60*60 {
			t.Errorf("cookie %+v, want HttpOnly, SameSite=Strict, Path=/, no Domain, Max-Age of 8 h", c)
		}
		return c
	}
	t.Run("on plain loopback", func(t *testing.T) {
		serving(t, config{}, func(t *testing.T, s *server) {
			if login(t, s).Secure {
				t.Error("Secure on http://127.0.0.1: browsers would drop it")
			}
		})
	})
	t.Run("behind https", func(t *testing.T) {
		c := config{production: true, more: []string{"--url", "https://id.example.com", "--no-confirm-email"}}
		serving(t, c, func(t *testing.T, s *server) {
			if !login(t, s).Secure {
				t.Error("no Secure although our address is https")
			}
		})
	})
}

// sameJSON compares two values by what they look like in JSON.
func sameJSON(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := canonical(t, got), canonical(t, want); g != w {
		t.Errorf("%s:\ngot  %s\nwant %s", what, g, w)
	}
}
