package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// What has run out is refused by name.
func TestExpiry(t *testing.T) {
	short := config{env: []string{"HEADYKEY_LIFETIMES__ACCESS=2s", "HEADYKEY_LIFETIMES__SESSION=2s", "HEADYKEY_LIFETIMES__REFRESH=3s"}}
	serving(t, short, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		k := readKey(t, s.as(jane).post(t, keysPath, obj{"ttl": 1}).want(t, http.StatusCreated))
		until401(t, func() answer { return s.nobody().apiKey(k.secret).get(t, mePath) }).refused(t, 401, "api_key_expired")
		until401(t, func() answer { return s.as(jane).get(t, mePath) }).refused(t, 401, "token_expired")
		until401(t, func() answer { return s.withCookie(jane).get(t, mePath) })
		time.Sleep(3 * time.Second) // asking would show nothing: each answer is a new token
		s.nobody().refresh(t, jane.refresh).refused(t, 401, "invalid_token", "token_expired")
	})
}

func TestARotatedAPIKeyDiesAfterItsGrace(t *testing.T) {
	serving(t, config{env: []string{"HEADYKEY_LIFETIMES__KEY_GRACE=2s"}}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		old := s.createKey(t, jane, obj{})
		fresh := readKey(t, s.as(jane).post(t, keysPath+"/"+old.id+"/rotate", nil).want(t, http.StatusOK, http.StatusCreated))
		until401(t, func() answer { return s.nobody().apiKey(old.secret).get(t, mePath) })
		s.nobody().apiKey(fresh.secret).get(t, mePath).want(t, http.StatusOK)
	})
}

// A client may ask again for ten seconds; whoever comes later is a thief.
func TestALateRetryOfARefreshIsReuse(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the ten seconds that it is about")
	}
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		next := s.nobody().refresh(t, jane.refresh).want(t, http.StatusOK).text(t, "refreshToken")
		answered := time.Now()
		for time.Since(answered) < 9*time.Second {
			a := s.nobody().refresh(t, jane.refresh).want(t, http.StatusOK)
			if got := a.text(t, "refreshToken"); got != next {
				t.Fatalf("another successor, %.8s after %.8s", got, next)
			}
			time.Sleep(time.Second)
		}
		until401(t, func() answer { return s.nobody().refresh(t, jane.refresh) }).refused(t, 401, "refresh_token_reused")
		s.nobody().refresh(t, next).refused(t, 401)
	})
}

func TestAnAddressIsTakenOnce(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		var wg sync.WaitGroup
		answers := make([]answer, 8)
		for i := range answers {
			wg.Go(func() {
				answers[i] = s.nobody().post(t, registerPath, obj{"email": address("jane"), "password": goodPassword})
			})
		}
		wg.Wait()
		made := 0
		for _, a := range answers {
			switch a.status {
			case http.StatusCreated:
				made++
			case http.StatusConflict, http.StatusServiceUnavailable: // taken, or too many at once
			default:
				t.Errorf("%d\n%s", a.status, a.body)
			}
		}
		if made != 1 {
			t.Errorf("%d accounts of one address, want 1", made)
		}
	})
}

// until401 repeats ask until it is refused.
func until401(t *testing.T, ask func() answer) answer {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if a := ask(); a.status == http.StatusUnauthorized {
			return a
		}
	}
	t.Fatal("what has run out still opens")
	return answer{}
}
