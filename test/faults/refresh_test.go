package faults

import (
	"sync"
	"testing"
)

// spendAtOnce shows one refresh token n times at the same moment.
func (s *server) spendAtOnce(token string, n int) []answer {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	answers := make([]answer, n)
	for i := range answers {
		wg.Go(func() {
			c := s.nobody()
			c.try("GET", "/health/live", nil) // the connection is there already
			<-begin
			answers[i] = c.try("POST", refreshPath, obj{"refreshToken": token})
		})
	}
	close(begin)
	wg.Wait()
	return answers
}

func TestFiftyRefreshesAtOnceHaveOneSuccessor(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		s := start(t, h, config{})
		admin, jane := s.admin(t), s.register(t, "jane")
		token := jane.refresh
		for range 3 {
			successor := ""
			for _, a := range s.spendAtOnce(token, 50) {
				next := a.text("refreshToken")
				if a.status != 200 || successor != "" && next != successor {
					t.Fatalf("%s\nwant 200 with the successor %.8s", a, successor)
				}
				successor = next
			}
			token = successor
		}
		s.nobody().do(t, "POST", refreshPath, obj{"refreshToken": token}, 200)
		if n := len(s.as(admin).pages(t, "/api/admin/sessions?user="+jane.id, "sessions")); n != 1 {
			t.Errorf("%d live sessions of Jane, want 1", n)
		}
	})
}

// A token that is shown once its child was used can only come from a thief, or
// from its owner after a thief: the session ends, however it is proven.
func TestLateReuseEndsTheSessionAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		s := start(t, h, config{})
		c := s.nobody()
		jane := s.register(t, "jane")
		child := c.do(t, "POST", refreshPath, obj{"refreshToken": jane.refresh}, 200).text("refreshToken")
		a := c.do(t, "POST", refreshPath, obj{"refreshToken": child}, 200)
		latest := person{email: jane.email, access: a.text("accessToken"), refresh: a.text("refreshToken")}
		for _, proof := range []client{s.as(jane), s.as(latest), c.cookie(jane.cookie)} {
			proof.do(t, "GET", verifyPath, nil, 200) // remembered as good
		}

		for _, a := range s.spendAtOnce(jane.refresh, 8) {
			if a.status != 401 || a.code() != "refresh_token_reused" && a.code() != "invalid_token" {
				t.Errorf("the reuse was answered with %s", a)
			}
		}
		refused(t, c, jane)
		refused(t, c, latest)
	})
}
