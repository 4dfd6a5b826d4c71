package e2e

import (
	"net/http"
	"testing"
)

// guess tries wrong passwords until the server asks to wait, and returns how
// many it took; 0 if it never asked.
func guess(t *testing.T, c client, email string, most int) int {
	t.Helper()
	for n := 1; n <= most; n++ {
		a := c.post(t, loginPath, obj{"email": email, "password": "not-the-password"})
		if a.status == http.StatusTooManyRequests {
			a.refused(t, http.StatusTooManyRequests, "rate_limited")
			return n
		}
		a.refused(t, http.StatusUnauthorized, "invalid_credentials")
	}
	return 0
}

// Whoever guesses is slowed down; the owner, from another address, is not.
func TestGuessingIsSlowedDown(t *testing.T) {
	serving(t, config{limits: true}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		thief := s.nobody().from("127.0.0.2")
		if guess(t, thief, jane.email, 13) == 0 {
			t.Fatal("13 wrong passwords in a row and no word of waiting")
		}
		s.login(t, jane)
	})
}

// An address without an account is slowed down alike, or the wait would tell.
func TestGuessingAtNobodyIsSlowedDownAlike(t *testing.T) {
	serving(t, config{limits: true}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		someone := guess(t, s.nobody().from("127.0.0.3"), jane.email, 13)
		nobody := guess(t, s.nobody().from("127.0.0.4"), address("nobody"), 13)
		if someone == 0 || nobody == 0 {
			t.Errorf("told to wait at try %d of an account and %d of none (0: never)", someone, nobody)
		}
	})
}

func TestCredentialRoutesHaveABudget(t *testing.T) {
	serving(t, config{limits: true}, func(t *testing.T, s *server) {
		c := s.nobody().from("127.0.0.5")
		last := answer{}
		for range 144 {
			if last = c.post(t, confirmPath, obj{"token": "x"}); last.status == http.StatusTooManyRequests {
				break
			}
		}
		last.refused(t, http.StatusTooManyRequests, "rate_limited")
		s.nobody().post(t, confirmPath, obj{"token": "x"}).refused(t, http.StatusUnauthorized)
		c.get(t, "/health/live").want(t, http.StatusOK)
	})
}

// Who stands in front is told by the connection, unless we trust that peer.
func TestForwardedAddressesAreNotTrusted(t *testing.T) {
	serving(t, config{limits: true}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		thief := s.nobody().from("127.0.0.6")
		asked := false
		for i := 0; i < 13 && !asked; i++ {
			c := thief.with("X-Forwarded-For", "192.0.2."+string(rune('0'+i%10))).with("Forwarded", "for=198.51.100.7")
			asked = guess(t, c, jane.email, 1) > 0
		}
		if !asked {
			t.Error("a header of the caller's own buys new tries")
		}
	})
}
