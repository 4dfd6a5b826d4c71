// Package e2e tests the real headykey binary from outside: it speaks HTTP to a
// running server, runs the command line, and imports nothing of ours.
//
// HEADYKEY_TEST_POSTGRES names a superuser's DSN (postgres://…); with it every
// test runs on a fresh PostgreSQL database, too. HEADYKEY_TEST_RACE=1 builds the
// binary with the race detector, whose findings fail the test.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bench is made once by TestMain and only read afterwards.
var bench struct {
	binary   string // the headykey under test
	contract *contract
}

func TestMain(m *testing.M) {
	os.Exit(prepareAndRun(m))
}

func prepareAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "headykey-e2e-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // another user runs the binary, too
		return complain(err)
	}
	bench.binary = filepath.Join(dir, "headykey")
	if err := build(bench.binary); err != nil {
		return complain(err)
	}
	if bench.contract, err = loadContract(); err != nil {
		return complain(err)
	}
	return m.Run()
}

func build(to string) error {
	args := []string{"build", "-o", to}
	if os.Getenv("HEADYKEY_TEST_RACE") == "1" {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/headykey")...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build headykey: %w\n%s", err, out)
	}
	return nil
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
