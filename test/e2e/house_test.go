package e2e

import (
	"testing"

	"headykey.com/headykey/test/house"
)

// A home is a house, and the people and programs that an operator makes in it.
type home struct{ house.House }

// homeIn is the home in this data directory.
func homeIn(data string) home {
	return home{house.House{Binary: bench.binary, Data: data, Env: config{}.environment()}}
}

// each runs test in a fresh home on every engine at hand.
func each(t *testing.T, test func(t *testing.T, h home)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, homeIn(t.TempDir()))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		h := homeIn(t.TempDir())
		h.DSN = house.Database(t)
		test(t, h)
	})
}

// serving is each with a server running in the home.
func serving(t *testing.T, c config, test func(t *testing.T, s *server)) {
	t.Helper()
	each(t, func(t *testing.T, h home) { test(t, start(t, h, c)) })
}
