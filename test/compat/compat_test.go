// Package compat_test lets clients that others wrote and certified speak to the
// real headykey binary over TLS: the JavaScript ones by the scripts beside it, with
// Chromium as the person's browser, and the one in Go by tests of its own. It needs
// Node.js 18 or later, Chromium, and the npm packages of package-lock.json (npm ci);
// where one is missing the test is skipped, or fails if CI is true. Package house
// says how they are found.
package compat_test

import (
	"testing"

	"headykey.com/headykey/test/house"
)

func TestScripts(t *testing.T) {
	node, chromium := house.NewNode(t, "openid-client"), house.Chromium(t)
	s := start(t)
	env := append(s.ForScripts(), "CHROMIUM="+chromium, "NODE_EXTRA_CA_CERTS="+s.authority.File, "NODE_NO_WARNINGS=1",
		"HEADYKEY_CERT="+s.apps.CertFile, "HEADYKEY_KEY="+s.apps.KeyFile, "HEADYKEY_PIN="+s.apps.Pin,
		"HEADYKEY_CLIENT_CERT="+s.weather.CertFile, "HEADYKEY_CLIENT_KEY="+s.weather.KeyFile)
	for _, script := range house.Scripts(t) {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			node.Run(t, script, env...)
		})
	}
}
