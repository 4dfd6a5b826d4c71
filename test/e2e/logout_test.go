package e2e

import (
	"net/http"
	"testing"
)

const (
	logoutPath   = "/api/auth/logout"
	sessionsPath = "/api/auth/sessions"
)

// unwound is what one password sign-in leaves, last in first out.
var unwound = []string{"access", "refresh", "session", "cookie"}

// kinds returns the types of what was revoked, in order.
func kinds(t *testing.T, a answer) []string {
	t.Helper()
	out := []string{}
	for _, r := range a.list(t, "revoked") {
		out = append(out, r["type"].(string))
	}
	return out
}

// sessionsIn returns the ids of the revoked entries of type session, in order.
func sessionsIn(t *testing.T, a answer) []string {
	t.Helper()
	out := []string{}
	for _, r := range a.list(t, "revoked") {
		if r["type"] == "session" {
			out = append(out, r["id"].(string))
		}
	}
	return out
}

func sid(t *testing.T, p person) string {
	t.Helper()
	id, _ := parseToken(t, p.access).claims["sid"].(string)
	return id
}

// signedOut marks the test failed if any proof of p is still good.
func (s *server) signedOut(t *testing.T, p person) {
	t.Helper()
	s.as(p).get(t, "/api/auth/me").refused(t, http.StatusUnauthorized, "invalid_token")
	s.withCookie(p).get(t, "/api/auth/me").refused(t, http.StatusUnauthorized)
	s.nobody().refresh(t, p.refresh).refused(t, http.StatusUnauthorized)
}

func TestLogoutTakesDownLastInFirstOut(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		ways := map[string]func(person) answer{
			"bearer":        func(p person) answer { return s.as(p).post(t, logoutPath, nil) },
			"cookie":        func(p person) answer { return s.withCookie(p).post(t, logoutPath, obj{}) },
			"refresh token": func(p person) answer { return s.nobody().post(t, logoutPath, obj{"refreshToken": p.refresh}) },
			"local":         func(p person) answer { return s.as(p).post(t, logoutPath, obj{"scope": "local"}) },
		}
		for name, logout := range ways {
			t.Run(name, func(t *testing.T) {
				p := s.login(t, jane)
				a := logout(p).want(t, http.StatusOK)
				sameJSON(t, "revoked", kinds(t, a), unwound)
				sameJSON(t, "sessions", sessionsIn(t, a), []string{sid(t, p)})
				if c := a.setCookie(); c == nil || c.MaxAge >= 0 {
					t.Errorf("the cookie is not taken back: %v", c)
				}
				s.signedOut(t, p)
			})
		}
		s.as(jane).get(t, "/api/auth/me").want(t, http.StatusOK)
	})
}

func TestLogoutGlobalUnwindsNewestFirst(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		one := s.register(t, "jane")
		two, three := s.login(t, one), s.login(t, one)
		john := s.register(t, "john")
		a := s.as(two).post(t, logoutPath, obj{"scope": "global"}).want(t, http.StatusOK)
		sameJSON(t, "revoked", kinds(t, a), append(append(append([]string{}, unwound...), unwound...), unwound...))
		sameJSON(t, "sessions", sessionsIn(t, a), []string{sid(t, three), sid(t, two), sid(t, one)})
		for _, p := range []person{one, two, three} {
			s.signedOut(t, p)
		}
		s.as(john).get(t, "/api/auth/me").want(t, http.StatusOK)
	})
}

func TestLogoutOthersKeepsThisOne(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		one := s.register(t, "jane")
		two, three := s.login(t, one), s.login(t, one)
		a := s.as(two).post(t, logoutPath, obj{"scope": "others"}).want(t, http.StatusOK)
		sameJSON(t, "sessions", sessionsIn(t, a), []string{sid(t, three), sid(t, one)})
		s.signedOut(t, one)
		s.signedOut(t, three)
		s.as(two).get(t, "/api/auth/me").want(t, http.StatusOK)
	})
}

func TestLogoutIsIdempotent(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		s.as(jane).post(t, logoutPath, nil).want(t, http.StatusOK)
		again := []answer{
			s.as(jane).post(t, logoutPath, nil),
			s.withCookie(jane).post(t, logoutPath, nil),
			s.nobody().post(t, logoutPath, obj{"refreshToken": jane.refresh}),
		}
		for _, a := range again {
			sameJSON(t, "answer", a.want(t, http.StatusOK).object(t), obj{"status": "logged_out", "revoked": []string{}})
		}
	})
}

func TestLogoutRefusesAnUnknownScope(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		s.as(jane).post(t, logoutPath, obj{"scope": "everything"}).refused(t, http.StatusBadRequest)
		s.as(jane).get(t, "/api/auth/me").want(t, http.StatusOK)
	})
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		one := s.register(t, "jane")
		two := s.login(t, one)
		john := s.register(t, "john")

		list := s.as(two).get(t, sessionsPath).want(t, http.StatusOK).list(t, "sessions")
		if len(list) != 2 {
			t.Fatalf("%d sessions, want 2: %v", len(list), list)
		}
		for i, want := range []struct {
			id      string
			current bool
		}{{sid(t, two), true}, {sid(t, one), false}} {
			if list[i]["id"] != want.id || list[i]["current"] != want.current {
				t.Errorf("session %d is %v, want %+v", i, list[i], want)
			}
		}

		s.as(john).delete(t, sessionsPath+"/"+sid(t, one)).refused(t, http.StatusNotFound, "not_found")
		s.as(two).delete(t, sessionsPath+"/"+nowhere).refused(t, http.StatusNotFound, "not_found")
		a := s.as(two).delete(t, sessionsPath+"/"+sid(t, one)).want(t, http.StatusOK)
		sameJSON(t, "answer", a.object(t), obj{"status": "revoked", "id": sid(t, one)})
		s.signedOut(t, one)
		s.as(two).get(t, "/api/auth/me").want(t, http.StatusOK)
	})
}
