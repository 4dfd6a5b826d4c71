package faults

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	idleConnections = 10_000
	loginsAtOnce    = 200
	memoryBound     = 400 << 20 // bytes in use with all that
)

// Ten thousand idle connections and two hundred sign-ins at once: memory stays
// bounded, token checks stay quick, and who finds the queue full hears when to
// come again.
func TestCrowdIsBounded(t *testing.T) {
	allowFiles(t, idleConnections+1000)
	each(t, func(t *testing.T, h home) {
		s := start(t, h, config{more: []string{"--idle-timeout", "5m"}})
		jane := s.register(t, "jane")
		crowd(t, s, idleConnections)
		t.Logf("%d MiB with %d idle connections", s.memory(t, "VmRSS")>>20, idleConnections)

		stop := make(chan struct{})
		quick := make(chan []time.Duration, 1)
		go func() { quick <- checks(s.as(jane), stop) }()
		in, busy := 0, 0
		for n := loginsAtOnce; n <= 4*loginsAtOnce && busy == 0; n *= 2 { // a slow machine sends less at once
			in, busy = judgeStorm(t, loginStorm(s, jane.email, n))
		}
		close(stop)
		if in == 0 || busy == 0 {
			t.Errorf("%d signed in and %d were told to come again, want some of both", in, busy)
		}
		took := <-quick
		slices.Sort(took)
		p99 := took[len(took)*99/100]
		t.Logf("%d token checks, p99 %v; %d MiB at the peak", len(took), p99, s.memory(t, "VmHWM")>>20)
		if p99 > time.Second {
			t.Errorf("99 of 100 token checks took up to %v, want less than a second", p99)
		}
		if peak := s.memory(t, "VmHWM"); peak > memoryBound {
			t.Errorf("%d MiB in use, want at most %d", peak>>20, memoryBound>>20)
		}
	})
}

// allowFiles raises the number of open files for this process and those that it
// starts, or skips the test.
func allowFiles(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Max < n {
		t.Skipf("at most %d files may be open here, %d are needed", limit.Max, n)
	}
	limit.Cur = limit.Max
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
}

// crowd opens n connections that ask one thing each and then stay open.
func crowd(t *testing.T, s *server, n int) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range 34 {
		wg.Go(func() {
			for range n / 34 {
				conn, err := visit(strings.TrimPrefix(s.URL, "http://"))
				mu.Lock()
				if err != nil {
					failed = err
				} else {
					t.Cleanup(func() { _ = conn.Close() })
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	must(t, failed)
}

func visit(address string) (net.Conn, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), nil)
	if err != nil {
		return nil, err
	}
	return conn, res.Body.Close()
}

// checks checks a token, at most a thousand times a second, and returns how long
// each took. A check that fails counts as an hour.
func checks(c client, stop <-chan struct{}) []time.Duration {
	var took []time.Duration
	for {
		a := c.try("GET", verifyPath, nil)
		if a.status != 200 {
			a.took = time.Hour
		}
		took = append(took, a.took)
		select {
		case <-stop:
			return took
		case <-time.After(time.Millisecond):
		}
	}
}

func loginStorm(s *server, email string, n int) []answer {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	answers := make([]answer, n)
	for i := range answers {
		wg.Go(func() {
			c := s.nobody()
			c.try("GET", "/health/live", nil) // the connection is there already
			<-begin
			answers[i] = c.try("POST", loginPath, credentials(email))
		})
	}
	close(begin)
	wg.Wait()
	return answers
}

// judgeStorm returns how many were let in and how many were told to come again.
func judgeStorm(t *testing.T, answers []answer) (in, busy int) {
	t.Helper()
	for _, a := range answers {
		switch {
		case a.status == 200:
			in++
		case a.status == 503 && a.code() == "busy" && a.header.Get("Retry-After") != "":
			busy++
		default:
			t.Errorf("one of %d sign-ins at once: %s, want 200, or 503 busy with Retry-After", len(answers), a)
		}
	}
	t.Logf("%d signed in, %d were told to come again", in, busy)
	return in, busy
}
