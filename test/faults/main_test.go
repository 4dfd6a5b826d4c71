// Package faults breaks what the real headykey binary stands on (its process,
// disk, database, data, connections) and checks that its promises hold. It speaks
// HTTP and SQL from outside and imports nothing of ours.
//
// HEADYKEY_TEST_BINARY names the binary; without it one is built.
// HEADYKEY_TEST_POSTGRES names a superuser's DSN (postgres://…), with which the
// tests run on PostgreSQL, too. HEADYKEY_TEST_PGBIN names the folder of
// PostgreSQL's own programs, of which some tests make clusters to break.
// HEADYKEY_TEST_SEED repeats the random choices of an earlier run.
package faults

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"headykey.com/headykey/test/house"
)

// bench is made once by TestMain and only read afterwards.
var bench struct{ binary string }

func TestMain(m *testing.M) {
	os.Exit(house.Main(m, func(dir string) (err error) {
		bench.binary, err = house.Find(dir)
		return err
	}))
}

// chance returns the random choices of a test, which HEADYKEY_TEST_SEED repeats.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("HEADYKEY_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("HEADYKEY_TEST_SEED: %v", err)
		}
	}
	t.Logf("HEADYKEY_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// eventually asks until ok, at most for within, and returns how long it took.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}
