package fetch

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const page = "http://id.test/jwks"

func TestADocumentIsKept(t *testing.T) {
	tests := []struct {
		control string
		want    time.Duration
	}{
		{"", 5 * time.Minute},
		{"public", 5 * time.Minute},
		{"max-age=600", 10 * time.Minute},
		{`Public, Max-Age="600"`, 10 * time.Minute},
		{"max-age=1", 55 * time.Second},
		{"max-age=0, must-revalidate", 55 * time.Second},
		{"max-age=soon", 55 * time.Second},
		{"max-age=-1", 55 * time.Second},
		{"max-age", 55 * time.Second},
		{"max-age=600, no-cache", 55 * time.Second},
		{"no-store", 55 * time.Second},
		{"max-age=31536000", time.Hour},
		{"max-age=" + strings.Repeat("9", 40), time.Hour},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			c := within(t, (&counter{control: tt.control}).ServeHTTP)
			get := func() string { return text(c.Get(t.Context(), page, enough, "")) }
			first := get()
			time.Sleep(tt.want - time.Millisecond)
			early := get()
			time.Sleep(time.Millisecond)
			if onTime := get(); first != "1" || early != "1" || onTime != "2" {
				t.Errorf("%q: got %s, a millisecond early %s, on time %s", tt.control, first, early, onTime)
			}
		})
	}
}

func TestAFailureIsKeptForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counter{}
		s.broken.Store(true)
		c := within(t, s.ServeHTTP)
		get := func() string { return text(c.Get(t.Context(), page, enough, "")) }
		refetch := func() string { return text(c.Refetch(t.Context(), page, enough, "")) }
		if got := get(); got != "status" {
			t.Errorf("got %s", got)
		}
		s.broken.Store(false)
		time.Sleep(pause - time.Millisecond)
		if early, again := get(), refetch(); early != "status" || again != "status" {
			t.Errorf("a millisecond early: %s, %s", early, again)
		}
		time.Sleep(time.Millisecond)
		if got := get(); got != "2" {
			t.Errorf("on time: got %s", got)
		}
	})
}

func TestRefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counter{}
		c := within(t, s.ServeHTTP)
		get := func() string { return text(c.Get(t.Context(), page, enough, "")) }
		refetch := func() string { return text(c.Refetch(t.Context(), page, enough, "")) }
		expect := func(when, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: got %s, want %s", when, got, want)
			}
		}
		expect("first", refetch(), "1")
		expect("at once", refetch(), "1")
		time.Sleep(pause - time.Millisecond)
		expect("a millisecond early", refetch(), "1")
		time.Sleep(time.Millisecond)
		expect("on time", refetch(), "2")
		expect("the others", get(), "2")

		time.Sleep(pause)
		s.broken.Store(true)
		expect("of a broken server", refetch(), "status")
		expect("again", refetch(), "2")
		expect("the others still", get(), "2")
		time.Sleep(keepOther)
		expect("once that is stale", get(), "status")
		if n := s.asked.Load(); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
	})
}

// A document for one purpose is no document for another.
func TestPurposesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := within(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(r.Header.Get("Accept") + strings.Repeat(".", 10)))
		})
		_, err := c.Get(t.Context(), page, 5, "a")
		want(t, err, ErrTooLarge)
		if got := text(c.Get(t.Context(), page, enough, "a")); got != "a.........." {
			t.Errorf("with room: got %s", got)
		}
		if got := text(c.Get(t.Context(), page, enough, "b")); got != "b.........." {
			t.Errorf("of another kind: got %s", got)
		}
	})
}

// All who want one document wait for one request; one that goes away takes
// nothing from the others.
func TestOneRequestForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counter{}
		open := make(chan struct{})
		c := within(t, func(w http.ResponseWriter, r *http.Request) { <-open; s.ServeHTTP(w, r) })
		impatient, leave := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { _, err := c.Get(impatient, page, enough, ""); gone <- err }()
		synctest.Wait()
		all := make(chan string, 8)
		for i := range cap(all) {
			ask := c.Get
			if i%2 == 1 {
				ask = c.Refetch
			}
			go func() { all <- text(ask(t.Context(), page, enough, "")) }()
		}
		synctest.Wait()
		leave()
		want(t, <-gone, ErrUnreachable, context.Canceled)
		close(open)
		for range cap(all) {
			if got := <-all; got != "1" {
				t.Errorf("got %s", got)
			}
		}
	})
}

func TestFewAtOnce(t *testing.T) {
	tests := []struct {
		name        string
		host        func(i int) string
		atOnce, all int64 // under way; served in the end of 55 that ask
	}{
		{"of one host", func(int) string { return "id.test" }, 5, 55},
		{"of many hosts", func(i int) string { return "h" + strconv.Itoa(i+1) + ".test" }, 34, 55},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var inside, most, served atomic.Int64
			c := within(t, func(http.ResponseWriter, *http.Request) {
				most.Store(max(most.Load(), inside.Add(1)))
				time.Sleep(100 * time.Millisecond)
				inside.Add(-1)
				served.Add(1)
			})
			done := make(chan error, 55)
			for i := range cap(done) {
				go func() {
					_, err := c.Post(t.Context(), "http://"+tt.host(i)+"/"+strconv.Itoa(i), "text/plain", nil, nil)
					done <- err
				}()
			}
			for range cap(done) {
				want(t, <-done)
			}
			if most.Load() != tt.atOnce || served.Load() != tt.all {
				t.Errorf("%s: %d at once, %d in all; want %d, %d", tt.name, most.Load(), served.Load(), tt.atOnce, tt.all)
			}
			if len(c.gate.hosts) != 0 || c.gate.in != 0 {
				t.Errorf("%s: the gate remembers %d in, %d hosts", tt.name, c.gate.in, len(c.gate.hosts))
			}
		})
	}
}

// Whoever waits in vain is not told that the server is at fault, and nobody
// remembers it as one.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := within(t, (&counter{}).ServeHTTP)
		var leave []func()
		for range maxOpenHost {
			out, err := c.gate.enter(t.Context(), "id.test")
			want(t, err)
			leave = append(leave, out)
		}
		start := time.Now()
		_, err := c.Get(t.Context(), page, enough, "")
		want(t, err, ErrUnreachable, context.DeadlineExceeded)
		if took := time.Since(start); took != patience {
			t.Errorf("waited %v, want %v", took, patience)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Post(ctx, page, "text/plain", nil, nil)
		want(t, err, ErrUnreachable, context.DeadlineExceeded)
		for _, out := range leave {
			out()
		}
		if got := text(c.Get(t.Context(), page, enough, "")); got != "1" {
			t.Errorf("with a place free: got %s", got)
		}
	})
}

func TestNotEverybodyMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := within(t, silent)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ask := func(host string) error {
			_, err := c.Post(ctx, "http://"+host+"/", "text/plain", nil, nil)
			return err
		}
		for range maxInHost {
			go func() { _ = ask("id.test") }()
		}
		synctest.Wait()
		want(t, ask("id.test"), ErrUnreachable)
		for i := range maxIn - maxInHost {
			go func() { _ = ask("h" + strconv.Itoa(i+1) + ".test") }()
		}
		synctest.Wait()
		want(t, ask("h233.test"), ErrUnreachable)
		cancel()
		synctest.Wait()
	})
}

// Documents are bounded by their bytes, and the small ones by their number.
func TestMemoryIsBounded(t *testing.T) {
	c := newClient(t, nil)
	for i := range 4 * maxKnown / leastWeight {
		size := 1 << (i % 16)
		c.known.Set(strconv.Itoa(i), &memory{doc: &Document{Body: make([]byte, size)}})
	}
	c.known.CleanUp()
	bytes, n := 0, 0
	for m := range c.known.Values() {
		bytes += len(m.doc.Body)
		n++
	}
	if bytes > maxKnown || n > maxKnown/leastWeight || n == 0 {
		t.Errorf("%d documents of %d bytes are kept", n, bytes)
	}
}

// What is another each time is asked for each time, and leaves what is kept alone.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := within(t, (&counter{}).ServeHTTP)
		kept := text(c.Get(t.Context(), page, enough, ""))
		one, two := text(c.Once(t.Context(), page, enough, "")), text(c.Once(t.Context(), page, enough, ""))
		if again := text(c.Get(t.Context(), page, enough, "")); kept != "1" || one != "2" || two != "3" || again != "1" {
			t.Errorf("got %s, %s, %s, %s", kept, one, two, again)
		}
	})
}
