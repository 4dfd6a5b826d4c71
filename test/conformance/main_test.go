// Package conformance drives the real headykey binary the way the certification
// suite of the OpenID Foundation drives a provider: dynamic and static clients, a
// browser without scripts, and strict eyes on every token. The table of each plan
// names its modules as the suite does.
//
// HEADYKEY_TEST_BINARY names the binary; without it, it is built. With
// HEADYKEY_TEST_POSTGRES, a superuser's DSN (postgres://…), all plans run on a fresh
// PostgreSQL database, too.
package conformance

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bench is made once by TestMain and only read afterwards.
var bench struct {
	binary string // the headykey under test
	pki    *authority
}

func TestMain(m *testing.M) {
	os.Exit(prepareAndRun(m))
}

func prepareAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "headykey-conformance-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	if bench.binary = os.Getenv("HEADYKEY_TEST_BINARY"); bench.binary == "" {
		bench.binary = filepath.Join(dir, "headykey")
		if err := build(bench.binary); err != nil {
			return complain(err)
		}
	}
	if bench.pki, err = newAuthority(dir); err != nil {
		return complain(err)
	}
	// Some modules wait for a second or more: the others need not wait with them.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		return complain(err)
	}
	return m.Run()
}

func build(to string) error {
	cmd := exec.Command("go", "build", "-o", to, "./cmd/headykey")
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
