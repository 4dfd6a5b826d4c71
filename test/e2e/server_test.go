package e2e

import (
	"testing"

	"headykey.com/headykey/test/house"
)

const (
	patience  = house.Patience
	jwtSecret = "a secret of the tests that signs HeadyKey access tokens 0123456789"
)

// A config is how a server is started. The zero config is a development server
// without rate limits.
type config struct {
	production bool // not --dev
	limits     bool // keep the rate limits on
	ownSecret  bool // let the server make its HS256 secret
	more       []string
	env        []string
}

func (c config) flags() []string {
	var flags []string
	if !c.production {
		flags = append(flags, "--dev")
	}
	if !c.limits {
		flags = append(flags, "--rate-limit", "off")
	}
	return append(flags, c.more...)
}

func (c config) environment() []string {
	if c.ownSecret {
		return c.env
	}
	return append([]string{"HEADYKEY_JWT_SECRET=" + jwtSecret}, c.env...)
}

// A server is one running headykey process and the home it runs in.
type server struct {
	*house.Server
	home home
}

// start runs a server in h until the test ends.
func start(t *testing.T, h home, c config) *server {
	t.Helper()
	h.Env = c.environment()
	return &server{h.Start(t, c.flags()...), h}
}
