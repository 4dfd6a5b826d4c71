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

func TestUnits(t *testing.T) {
	for name, c := range map[string]struct{ got, want time.Duration }{
		"seconds":                   {Seconds(11), 89 * time.Second},
		"minutes":                   {Minutes(7), 13 * time.Minute},
		"hours":                     {Hours(8), 21 * time.Hour},
		"days":                      {Days(9), 34 * 24 * time.Hour},
		"more days than can be":     {Days(90), math.MaxInt64},
		"the last days that can":    {Days(25), 75025 * 24 * time.Hour},
		"the first days that can't": {Days(26), math.MaxInt64},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
}
