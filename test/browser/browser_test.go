// Package browser_test drives the pages of the real headykey binary in Chromium,
// by the scripts beside it. It needs Node.js 18 or later, Chromium, and the npm
// packages of package-lock.json (npm ci); where one is missing the test is
// skipped, or fails if CI is true. Package house says how they are found.
//
// HEADYKEY_TEST_SCREENSHOTS names a folder that gets a picture of every page.
package browser_test

import (
	"testing"

	"headykey.com/headykey/test/house"
)

func TestPages(t *testing.T) {
	node, chromium := house.NewNode(t, "playwright-core"), house.Chromium(t)
	h := house.New(t)
	for _, script := range house.Scripts(t) {
		t.Run(script, func(t *testing.T) {
			h.Data = t.TempDir()
			s := h.Start(t, "--dev", "--confirm-email", "--rate-limit", "off")
			node.Run(t, script, append(s.ForScripts(), "CHROMIUM="+chromium)...)
		})
	}
}
