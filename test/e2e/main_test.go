// Package e2e tests the real headykey binary from outside: it speaks HTTP to a
// running server, runs the command line, and imports nothing of ours.
//
// HEADYKEY_TEST_POSTGRES names a superuser's DSN (postgres://…); with it every
// test runs on a fresh PostgreSQL database, too. HEADYKEY_TEST_RACE=1 builds the
// binary with the race detector, whose findings fail the test.
package e2e

import (
	"os"
	"testing"

	"headykey.com/headykey/test/house"
)

// bench is made once by TestMain and only read afterwards.
var bench struct {
	binary   string // the headykey under test
	contract *contract
}

func TestMain(m *testing.M) {
	os.Exit(house.Main(m, prepare))
}

func prepare(dir string) (err error) {
	var flags []string
	if os.Getenv("HEADYKEY_TEST_RACE") == "1" {
		flags = append(flags, "-race")
	}
	if bench.binary, err = house.Build(dir, flags...); err != nil {
		return err
	}
	bench.contract, err = loadContract()
	return err
}
