package faults

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headykey.com/headykey/test/house"
)

// prompt is how soon a server ends whom no begun request holds; its time for
// stopping is longer.
const prompt = 10 * time.Second

// Requests that have begun get their answer, and what was answered is kept.
func TestTerminatedServerFinishesWhatHasBegun(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		with := config{more: []string{"--metrics-listen", "127.0.0.1:0"}}
		s := start(t, h, with)
		jane := s.register(t, "jane")
		for round := range 4 {
			var wg sync.WaitGroup
			var answered atomic.Int64
			answers := make([]answer, 21)
			for i := range answers {
				wg.Go(func() {
					answers[i] = s.nobody().try("POST", loginPath, credentials(jane.email))
					answered.Add(1)
				})
			}
			eventually(t, patience, "all sign-ins have begun", func() bool {
				return answered.Load()+s.inFlight(t) >= int64(len(answers))
			})
			took := s.Stop(t, prompt)
			wg.Wait()
			t.Logf("stopped within %v", took.Round(time.Millisecond))
			if _, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), time.Second); err == nil {
				t.Error("the address still takes connections")
			}
			s = start(t, h, with)
			for i, a := range answers {
				if a.status != 200 {
					t.Errorf("round %d: sign-in %d had begun and got %s", round+1, i+1, a)
					continue
				}
				p := signedIn(jane.email, a)
				s.as(p).do(t, "GET", verifyPath, nil, 200)
				s.nobody().do(t, "POST", refreshPath, obj{"refreshToken": p.refresh}, 200)
			}
		}
	})
}

// halves are requests that stop in the middle.
var halves = map[string]string{
	"nothing sent":        "",
	"half a request line": "POST /api/au",
	"half the headers":    "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Ty",
	"half a body":         "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{\"email\":",
	"no body at all":      "POST /api/auth/refresh HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 89\r\n\r\n",
}

// Connections that are idle, or stopped half-way, hold nothing up.
func TestTerminatedServerWaitsForNobodyWhoIsSilent(t *testing.T) {
	s := start(t, homeIn(t.TempDir(), ""), config{})
	address := strings.TrimPrefix(s.URL, "http://")
	for range 21 { // idle: one request answered, no other yet
		speak(t, address, "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	}
	for _, text := range halves {
		speak(t, address, text)
	}
	time.Sleep(200 * time.Millisecond) // the server has read all that there is
	t.Logf("stopped within %v", s.Stop(t, prompt).Round(time.Millisecond))
}

// speak opens a connection, which stays open until the test ends, and sends text.
func speak(t *testing.T, address, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// While it drains, a server tells its load balancer so and takes the writes that
// have begun; those that it acknowledges under load are all there afterwards.
func TestTerminatedUnderLoadKeepsWhatItAcknowledged(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		rng := chance(t)
		s := start(t, h, config{})
		admin := s.admin(t)
		all := trails(t, s, rng, 4)
		for round := range 5 {
			began := time.Now()
			wait := walk(all, s, nil)
			time.Sleep(time.Duration(50+rng.IntN(150)) * time.Millisecond)
			s.Stop(t, prompt)
			wait()
			s = start(t, h, config{})
			checkRound(t, s, all, true)
			s.haveReceipts(t, admin, all, began.Add(-2*time.Second))
			if t.Failed() {
				t.Fatalf("after stop %d", round+1)
			}
		}
		s.ledgersAgree(t, admin)
	})
}

func TestOneDataDirectoryHasOneServer(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		first := start(t, h, config{})
		r := attempt(t, h)
		r.Refusal(t, h.Data, fmt.Sprint(first.Cmd.Process.Pid), strings.TrimPrefix(first.URL, "http://"))
		if a := first.nobody().try("GET", "/health/ready", nil); a.status != http.StatusOK {
			t.Errorf("the first server suffered: %s", a)
		}
		first.Kill()
		began := time.Now()
		start(t, h, config{})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the lock outlived its process: the next start took %v", took)
		}
	})
}

// Killed at any moment of its first start, a server leaves nothing that the next
// start could stumble over.
func TestKilledWhileStartingStartsAgain(t *testing.T) {
	const kills = 30
	each(t, func(t *testing.T, h home) {
		rng := chance(t)
		for i := 0; i < kills; {
			if h.DSN != "" {
				house.Execute(t, h.DSN, "DROP SCHEMA public CASCADE")
				house.Execute(t, h.DSN, "CREATE SCHEMA public")
			}
			h.Data = t.TempDir()
			for range 1 + rng.IntN(4) {
				s := launch(t, h, config{})
				time.Sleep(time.Duration(5+rng.IntN(145)) * time.Millisecond)
				s.Kill()
				i++
			}
			s := start(t, h, config{})
			jane := s.register(t, "jane")
			s.as(jane).do(t, "GET", verifyPath, nil, 200)
			s.Kill()
			if t.Failed() {
				t.Fatalf("after %d kills", i)
			}
		}
	})
}
