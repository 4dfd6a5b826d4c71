package web_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey/internal/web"
)

var (
	jane  = netip.MustParseAddr("192.0.2.7")
	joe   = netip.MustParseAddr("192.0.2.8")
	house = netip.MustParseAddr("2001:db8:1:2::1")
)

// spend takes n requests and reports how many were allowed.
func spend(l *web.Limiter, addr netip.Addr, n int) (allowed int) {
	for range n {
		if _, ok := l.Allow(addr); ok {
			allowed++
		}
	}
	return allowed
}

func TestBudgetOf89PerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := web.NewLimiter()
		defer l.Close()
		if got := spend(l, jane, 100); got != 89 {
			t.Errorf("at once: %d allowed, want 89", got)
		}
		if got := spend(l, joe, 1); got != 1 {
			t.Error("a neighbour pays for it")
		}
		wait, ok := l.Allow(jane)
		if ok || wait < 670*time.Millisecond || wait > 675*time.Millisecond {
			t.Fatalf("then: wait %v, %t", wait, ok)
		}
		time.Sleep(wait - 10*time.Millisecond)
		if _, ok := l.Allow(jane); ok {
			t.Error("allowed too early")
		}
		time.Sleep(11 * time.Millisecond)
		if got := spend(l, jane, 2); got != 1 {
			t.Errorf("after the wait: %d allowed, want 1", got)
		}
		time.Sleep(time.Minute)
		if got := spend(l, jane, 100); got != 89 {
			t.Errorf("a minute later: %d allowed, want 89", got)
		}
	})
}

func TestAHouseholdSharesItsIPv6Budget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := web.NewLimiter()
		defer l.Close()
		spend(l, house, 89)
		if got := spend(l, netip.MustParseAddr("2001:db8:1:2:ffff::9"), 1); got != 0 {
			t.Error("another address of the same /64 has a budget of its own")
		}
		if got := spend(l, netip.MustParseAddr("2001:db8:1:3::1"), 1); got != 1 {
			t.Error("the next /64 pays for it")
		}
		spend(l, netip.MustParseAddr("::ffff:192.0.2.7"), 89)
		if got := spend(l, jane, 1); got != 0 {
			t.Error("IPv4 in IPv6 dress has a budget of its own")
		}
	})
}

func TestGuardAnswers429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := web.NewLimiter()
		defer l.Close()
		h := l.Guard(stranger, nil, say("in"))
		for range 89 {
			expect(t, ask(h, "POST", "/", ""), 200, "in")
		}
		w := ask(h, "POST", "/", "")
		expect(t, w, 429, `{"error":"Too many tries. Wait a little and try again.","code":"rate_limited","requestId":""}`)
		if got := w.Header().Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After: got %q, want 1", got)
		}
	})
}

func TestNoLimiterAllowsEverything(t *testing.T) {
	var l *web.Limiter
	defer l.Close()
	if got := spend(l, jane, 1000); got != 1000 {
		t.Errorf("%d of 1000 allowed", got)
	}
	expect(t, ask(l.Guard(stranger, nil, say("in")), "POST", "/", ""), 200, "in")
}

func BenchmarkAllow(b *testing.B) {
	l := web.NewLimiter()
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		l.Allow(jane)
	}
}
