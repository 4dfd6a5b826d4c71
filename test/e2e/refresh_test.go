package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

const refreshPath = "/api/auth/refresh"

func (c client) refresh(t *testing.T, token string) answer {
	t.Helper()
	return c.post(t, refreshPath, obj{"refreshToken": token})
}

func TestRefreshRotates(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		token := jane.refresh
		for range 5 {
			a := s.nobody().refresh(t, token).want(t, http.StatusOK)
			next := a.text(t, "refreshToken")
			if next == "" || next == token {
				t.Fatalf("the refresh token did not rotate: %.8s then %.8s", token, next)
			}
			s.nobody().bearer(a.text(t, "accessToken")).get(t, "/api/auth/me").want(t, http.StatusOK)
			token = next
		}
		if sid := parseToken(t, s.nobody().refresh(t, token).text(t, "accessToken")).claims["sid"]; sid != parseToken(t, jane.access).claims["sid"] {
			t.Errorf("the session changed its id by renewal: %v", sid)
		}
	})
}

// A client that lost the answer asks again and gets the same successor.
func TestRefreshRepeatsALostAnswer(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		first := s.nobody().refresh(t, jane.refresh).want(t, http.StatusOK).text(t, "refreshToken")
		again := s.nobody().refresh(t, jane.refresh).want(t, http.StatusOK).text(t, "refreshToken")
		if first != again {
			t.Errorf("two successors of one token: %.8s and %.8s", first, again)
		}
		s.nobody().refresh(t, first).want(t, http.StatusOK)
	})
}

func TestRefreshAtOnceHasOneSuccessor(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		var wg sync.WaitGroup
		answers := make([]answer, 8)
		for i := range answers {
			wg.Go(func() { answers[i] = s.nobody().refresh(t, jane.refresh) })
		}
		wg.Wait()
		for _, a := range answers {
			if got, want := a.text(t, "refreshToken"), answers[0].text(t, "refreshToken"); a.status != http.StatusOK || got != want {
				t.Errorf("%d with %.8s, want 200 with %.8s", a.status, got, want)
			}
		}
	})
}

// The grandparent of a token in use can only come from a thief, or its owner
// after a thief: the whole family dies.
func TestRefreshReuseKillsTheFamily(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		other := s.login(t, jane)
		second := s.nobody().refresh(t, jane.refresh).text(t, "refreshToken")
		third := s.nobody().refresh(t, second).want(t, http.StatusOK)

		s.nobody().refresh(t, jane.refresh).refused(t, http.StatusUnauthorized, "refresh_token_reused")
		s.nobody().refresh(t, third.text(t, "refreshToken")).refused(t, http.StatusUnauthorized, "refresh_token_reused", "invalid_token")
		s.nobody().bearer(third.text(t, "accessToken")).get(t, "/api/auth/me").refused(t, http.StatusUnauthorized, "invalid_token")
		s.withCookie(jane).get(t, "/api/auth/me").refused(t, http.StatusUnauthorized)
		s.as(other).get(t, "/api/auth/me").want(t, http.StatusOK)
	})
}

func TestRefreshByCookie(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for _, body := range []any{nil, obj{}} {
			a := s.withCookie(jane).do(t, "POST", refreshPath, body).want(t, http.StatusOK)
			if _, ok := a.object(t)["refreshToken"]; ok {
				t.Error("a cookie must not become a refresh token")
			}
			s.nobody().bearer(a.text(t, "accessToken")).get(t, "/api/auth/me").want(t, http.StatusOK)
		}
	})
}

func TestRefreshRefusesWhatIsNoRefreshToken(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		s.as(jane).post(t, refreshPath, obj{}).refused(t, http.StatusBadRequest, "missing_field")
		s.as(jane).post(t, refreshPath, nil).refused(t, http.StatusBadRequest, "missing_field")
		s.nobody().post(t, refreshPath, obj{}).refused(t, http.StatusBadRequest, "missing_field")
		bad := map[string]string{
			"an access token": jane.access, "nonsense": "x", "another's": strings.Repeat("0", 68),
			"truncated": jane.refresh[:66], "longer": jane.refresh + "00", "in upper case": strings.ToUpper(jane.refresh) + " ",
		}
		for name, token := range bad {
			t.Run(name, func(t *testing.T) { s.nobody().refresh(t, token).refused(t, http.StatusUnauthorized, "invalid_token") })
		}
		s.nobody().refresh(t, jane.refresh).want(t, http.StatusOK)
	})
}

func TestRefreshSurvivesARestart(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		s := start(t, h, config{})
		jane := s.register(t, "jane")
		spent := jane.refresh
		second := s.nobody().refresh(t, spent).text(t, "refreshToken")
		third := s.nobody().refresh(t, second).text(t, "refreshToken")
		gone := s.login(t, jane)
		s.as(gone).post(t, logoutPath, nil).want(t, http.StatusOK)
		s.Stop(t, patience)

		s = start(t, h, config{})
		fourth := s.nobody().refresh(t, third).want(t, http.StatusOK).text(t, "refreshToken")
		s.nobody().refresh(t, gone.refresh).refused(t, http.StatusUnauthorized)
		s.nobody().refresh(t, spent).refused(t, http.StatusUnauthorized, "refresh_token_reused")
		s.nobody().refresh(t, fourth).refused(t, http.StatusUnauthorized)
	})
}
