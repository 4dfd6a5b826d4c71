package e2e

import (
	"testing"
	"time"
)

// within waits until ok says yes, as long as the tests have patience.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Errorf("%s: nothing came of it", what)
}
