package faults

import (
	"testing"

	"headykey.com/headykey/test/house"
)

// A home is a house, and the people and programs that an operator makes in it.
type home struct{ house.House }

// homeIn is the home in this data directory; dsn "" is SQLite there.
func homeIn(data, dsn string) home {
	return home{house.House{Binary: bench.binary, Data: data, DSN: dsn}}
}

// each runs test in a fresh home on every engine at hand, one after the other:
// faults want the machine for themselves.
func each(t *testing.T, test func(t *testing.T, h home)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, homeIn(t.TempDir(), "")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, homeIn(t.TempDir(), house.Database(t))) })
}
