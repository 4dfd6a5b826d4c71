package phi

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestFibIsTheSumOfTheTwoBefore(t *testing.T) {
	want := []int{0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144}
	var got []int
	for n := range want {
		got = append(got, Fib(n))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFibNeverOverflows(t *testing.T) {
	for n, want := range map[int]int{math.MinInt: 0, -1: 0, 92: 7540113804746346429, 93: 7540113804746346429, math.MaxInt: 7540113804746346429} {
		if got := Fib(n); got != want {
			t.Errorf("Fib(%d): got %d, want %d", n, got, want)
		}
	}
}

func TestBackoffGrowsFromNothingToItsCap(t *testing.T) {
	want := []time.Duration{0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 987, 987}
	for failures, seconds := range want {
		if got := Backoff(failures); got != seconds*time.Second {
			t.Errorf("%d failures: got %v, want %v", failures, got, seconds*time.Second)
		}
	}
	if got := Backoff(-1); got != 0 {
		t.Errorf("no failures at all: got %v, want 0", got)
	}
}

func TestSecondsNeverOverflow(t *testing.T) {
	for n, want := range map[int]time.Duration{
		-1: 0, 11: 89 * time.Second, 49: 7778742049 * time.Second, 50: math.MaxInt64, 92: math.MaxInt64, math.MaxInt: math.MaxInt64,
	} {
		if got := Seconds(n); got != want {
			t.Errorf("Seconds(%d): got %v, want %v", n, got, want)
		}
	}
}
