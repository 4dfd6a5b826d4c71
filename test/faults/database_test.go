package faults

import (
	"encoding/json"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	answerBound = 10 * time.Second // for any answer while the database is gone
	healBound   = 20 * time.Second // for serving again once it is back
)

// A node that cannot know of revocations refuses rather than trusts what it
// remembers, says that it is not ready, answers in bounded time, and heals by
// itself.
func TestLostDatabaseIsNotTrustedFromMemory(t *testing.T) {
	tests := []struct {
		name       string
		lose, mend func(t *testing.T, c *cluster)
	}{
		{"stopped", func(t *testing.T, c *cluster) { c.stop(t) }, func(t *testing.T, c *cluster) { c.start(t) }},
		{"hanging", // as behind a cut cable: it holds its connections and answers nothing
			func(_ *testing.T, c *cluster) { c.signal(syscall.SIGSTOP) },
			func(_ *testing.T, c *cluster) { c.signal(syscall.SIGCONT) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t)
			s := start(t, homeIn(t.TempDir(), c.dsn()), config{})
			jane := s.register(t, "jane")
			k := s.as(jane).createKey(t)
			s.as(jane).do(t, "GET", verifyPath, nil, 200)
			issued := refreshing(s, s.register(t, "john"))
			busy(s, jane)

			w := watching(t, s.as(jane), func(a answer) bool { return a.status == 200 })
			tt.lose(t, c)
			lost := time.Now()
			checkLost(t, s, jane, k)
			if took := w.end(lost); took > bound+bound/4 {
				t.Errorf("a token was admitted from memory %v after the database was lost", took)
			} else {
				t.Logf("last admitted %v after the database was lost", took.Round(time.Millisecond))
			}

			tt.mend(t, c)
			took := eventually(t, healBound, "serving after the database came back", func() bool {
				return s.nobody().try("GET", "/health/ready", nil).status == 200 &&
					s.as(jane).try("GET", verifyPath, nil).status == 200
			})
			t.Logf("served again after %v", took.Round(time.Millisecond))
			s.as(jane).do(t, "POST", refreshPath, obj{"refreshToken": jane.refresh}, 200)
			s.nobody().apiKey(k.secret).do(t, "GET", verifyPath, nil, 200)
			s.login(t, jane.email)
			checkIssued(t, s, <-issued)
		})
	}
}

// A chain is a session that was renewed a number of times.
type chain struct {
	person
	renewed int
}

// refreshing renews the session of p until that fails.
func refreshing(s *server, p person) <-chan chain {
	done := make(chan chain, 1)
	go func() {
		c, out := s.nobody(), chain{person: p}
		c.http.Timeout = answerBound
		for {
			a := c.try("POST", refreshPath, obj{"refreshToken": out.refresh})
			if a.status != 200 {
				done <- out
				return
			}
			out.access, out.refresh, out.renewed = a.text("accessToken"), a.text("refreshToken"), out.renewed+1
		}
	}()
	return done
}

// checkIssued marks the test failed unless receipts tell of every renewal: they are
// written a moment later, and an outage in that moment must not swallow them.
func checkIssued(t *testing.T, s *server, c chain) {
	t.Helper()
	told := 0
	for end := time.Now().Add(3 * time.Second); told < c.renewed && time.Now().Before(end); {
		told = 0
		for _, raw := range s.as(c.person).pages(t, "/api/receipts?type=token.issued", "receipts") {
			var e struct {
				Receipt struct{ Details struct{ Count int } }
			}
			must(t, json.Unmarshal(raw, &e))
			told += e.Receipt.Details.Count
		}
		time.Sleep(200 * time.Millisecond)
	}
	if told != c.renewed {
		t.Errorf("receipts tell of %d renewals of a session, %d were acknowledged", told, c.renewed)
	}
}

// busy asks much at once, so that the server holds many connections to its database.
func busy(s *server, p person) {
	var wg sync.WaitGroup
	for range 34 {
		wg.Go(func() {
			for range 8 {
				s.as(p).try("GET", "/api/receipts", nil)
			}
		})
	}
	wg.Wait()
}

// checkLost asks everything at once while the database is gone.
func checkLost(t *testing.T, s *server, p person, k key) {
	t.Helper()
	time.Sleep(bound + bound/4)
	c := s.nobody()
	c.http.Timeout = answerBound
	mine := c.bearer(p.access)
	asked := map[string]func() answer{
		"token":    func() answer { return mine.try("GET", verifyPath, nil) },
		"cookie":   func() answer { return c.cookie(p.cookie).try("GET", verifyPath, nil) },
		"API key":  func() answer { return c.apiKey(k.secret).try("GET", verifyPath, nil) },
		"profile":  func() answer { return mine.try("GET", "/api/auth/me", nil) },
		"sign-in":  func() answer { return c.try("POST", loginPath, credentials(p.email)) },
		"refresh":  func() answer { return c.try("POST", refreshPath, obj{"refreshToken": p.refresh}) },
		"new key":  func() answer { return mine.try("POST", keysPath, obj{}) },
		"register": func() answer { return c.try("POST", registerPath, credentials(address("john"))) },
		"ready":    func() answer { return c.try("GET", "/health/ready", nil) },
	}
	var wg sync.WaitGroup
	for what, ask := range asked {
		wg.Go(func() {
			if a := ask(); a.status != 503 || a.took > answerBound {
				t.Errorf("%s without a database: %s after %v, want 503 within %v", what, a, a.took.Round(time.Millisecond), answerBound)
			}
		})
	}
	wg.Wait()
	if a := c.try("GET", "/health/live", nil); a.status != 200 || !s.alive() {
		t.Errorf("the process does not live on: %s", a)
	}
}

// The primary dies under load and its synchronous standby takes its place: no
// acknowledged write is lost, none is done twice, and the server heals by itself.
func TestFailoverOfPostgresLosesNothing(t *testing.T) {
	rng := chance(t)
	primary := newCluster(t)
	standby := primary.newStandby(t)
	h := homeIn(t.TempDir(), multiHost(primary, standby))
	s := start(t, h, config{})
	admin := s.admin(t)
	all := trails(t, s, rng, 6)
	for _, tr := range all {
		tr.outages = true
	}
	stop := make(chan struct{})
	wait := walk(all, s, stop)
	time.Sleep(time.Duration(1000+rng.IntN(1000)) * time.Millisecond)
	primary.kill()
	died := time.Now()
	standby.must(t, "pg_ctl", "promote", "-w", "-D", standby.data())
	took := eventually(t, 30*time.Second, "serving after the fail-over", func() bool {
		return s.nobody().try("GET", "/health/ready", nil).status == 200 &&
			s.nobody().try("POST", loginPath, credentials(admin.email)).status == 200
	})
	t.Logf("served again %v after the promotion, %v after the crash", took.Round(time.Millisecond), time.Since(died).Round(time.Millisecond))
	time.Sleep(2 * time.Second) // the load goes on over the new primary
	close(stop)
	wait()
	if !s.alive() {
		t.Fatal("the server did not survive")
	}
	checkRound(t, s, all, true)
	s.haveReceipts(t, admin, all, time.Time{})
	checkAccounts(t, s, all)
	s.ledgersAgree(t, admin)
	report(t, all)
}

func multiHost(a, b *cluster) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d,127.0.0.1:%d/postgres?sslmode=disable&target_session_attrs=read-write", a.port, b.port)
}
