package web

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"headykey.com/headykey"
)

const (
	budget       = 89                   // requests per minute and address: fib 11
	refill       = time.Minute / budget // until one more is allowed
	maxAddresses = 89_000               // addresses that we remember
	forgetAfter  = 2 * time.Minute      // idle: by then the budget has long been full again
)

// A Limiter holds the budget of credential routes: 89 requests per minute for each
// client address (see [Prefix]), all at once if they like. It remembers a bounded
// number of addresses. A nil *Limiter allows everything.
type Limiter struct {
	budgets *otter.Cache[netip.Prefix, *rate.Limiter]
}

// NewLimiter returns a Limiter with all budgets full. Close it.
func NewLimiter() *Limiter {
	return &Limiter{otter.Must(&otter.Options[netip.Prefix, *rate.Limiter]{
		MaximumSize:      maxAddresses,
		ExpiryCalculator: otter.ExpiryAccessing[netip.Prefix, *rate.Limiter](forgetAfter),
	})}
}

// Close ends the Limiter's housekeeping.
func (l *Limiter) Close() {
	if l != nil {
		l.budgets.StopAllGoroutines()
	}
}

// Allow takes one request out of addr's budget. If none is left, it takes nothing
// and returns how long it is until one will be.
func (l *Limiter) Allow(addr netip.Addr) (retryAfter time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	b, _ := l.budgets.ComputeIfAbsent(Prefix(addr), func() (*rate.Limiter, bool) {
		return rate.NewLimiter(rate.Every(refill), budget), false
	})
	now := time.Now()
	if b.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - b.TokensAt(now)
	return max(time.Duration(missing*float64(refill)), time.Millisecond), false
}

// Spent returns how long it is until addr may try again, and whether its budget is
// spent. It takes nothing: see Allow.
func (l *Limiter) Spent(addr netip.Addr) (retryAfter time.Duration, spent bool) {
	if l == nil {
		return 0, false
	}
	b, ok := l.budgets.GetIfPresent(Prefix(addr))
	if !ok {
		return 0, false
	}
	missing := 1 - b.TokensAt(time.Now())
	if missing <= 0 {
		return 0, false
	}
	return max(time.Duration(missing*float64(refill)), time.Millisecond), true
}

// Guard returns next behind the budget: a request too many gets ErrRateLimited in
// the door's spelling, with the time to wait.
func (l *Limiter) Guard(d Door, p Proxies, next http.Handler) http.Handler {
	if l == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := l.Allow(p.Address(r)); !ok {
			d.Fail(w, r, headykey.ErrRateLimited.Later(wait))
			return
		}
		next.ServeHTTP(w, r)
	})
}
