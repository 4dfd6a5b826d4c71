package e2e

import (
	"testing"

	"headykey.com/headykey/test/house"
)

// run runs headykey with args and stdin to its end.
func run(t *testing.T, stdin string, args ...string) house.Result {
	t.Helper()
	return house.Finish(t, homeIn("").Command(t, args...), stdin, patience)
}
