// Package phi holds the measures of HeadyKey: lifetimes, sizes and pauses are
// Fibonacci numbers of a plain unit, so that few numbers serve everywhere and
// each is about 1.6 times the one before.
package phi

import (
	"math"
	"time"
)

// last is the greatest n whose Fibonacci number fits in 63 bits.
const last = 92

// backoffCap is the step at which a pause stops growing: Fib(16) = 987 seconds.
const backoffCap = 16

// Fib returns the nth Fibonacci number: 1, 1, 2, 3, 5, 8 for n from 1 to 6. It
// is 0 for n below 1, and stays at Fib(92), the last that fits, above that.
func Fib(n int) int {
	a, b := 0, 1
	for range min(n, last) {
		a, b = b, a+b
	}
	return a
}

// Backoff returns the pause after so many failures in a row: none, then 1, 1, 2,
// 3, 5, 8 seconds and on, up to 987 seconds (16 failures and more).
func Backoff(failures int) time.Duration { return Seconds(min(failures, backoffCap)) }

// Seconds returns Fib(n) seconds, or the longest duration there is (292 years).
func Seconds(n int) time.Duration {
	f := time.Duration(Fib(n))
	if f > math.MaxInt64/time.Second {
		return math.MaxInt64
	}
	return f * time.Second
}
