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
	"os"
	"testing"

	"headykey.com/headykey/test/house"
)

// bench is made once by TestMain and only read afterwards.
var bench struct {
	binary string            // the headykey under test
	pki    *house.Authority  // whom the provider and the servers of its clients trust
	leaf   house.Certificate // of all of them
}

func TestMain(m *testing.M) {
	os.Exit(house.Main(m, prepare))
}

func prepare(dir string) (err error) {
	if bench.binary, err = house.Find(dir); err != nil {
		return err
	}
	if bench.pki, err = house.NewAuthority(dir); err != nil {
		return err
	}
	if bench.leaf, err = bench.pki.Serve("localhost"); err != nil {
		return err
	}
	// Some modules wait for a second or more: the others need not wait with them.
	flag.Parse()
	return flag.Set("test.parallel", "8")
}
