package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey/test/house"
)

const (
	patience = 34 * time.Second // for what a busy machine does late
	// base is the public address of every server: tokens are good at one address
	// only, and each start listens on another port.
	base = "http://127.0.0.1:1618"
)

// A config is how a server is started, beside the home it lives in.
type config struct {
	limits bool // keep the rate limits on
	more   []string
	env    []string
}

func (c config) flags() []string {
	flags := []string{"--url", base, "--no-confirm-email"}
	if !c.limits {
		flags = append(flags, "--rate-limit", "off")
	}
	return append(flags, c.more...)
}

// A server is one running headykey process and the home it runs in.
type server struct {
	*house.Server
	home home
}

// launch starts a server in h and returns at once. It is killed, if it still runs,
// when the test ends.
func launch(t *testing.T, h home, c config) *server {
	t.Helper()
	h.Env = c.env
	return &server{h.Launch(t, c.flags()...), h}
}

// start is launch, and waits for the ready line.
func start(t *testing.T, h home, c config) *server {
	t.Helper()
	s := launch(t, h, c)
	s.Await(t)
	return s
}

// alive reports whether the process still runs.
func (s *server) alive() bool {
	select {
	case <-s.Ended:
		return false
	default:
		return true
	}
}

// attempt starts a server in h, which must end by itself within 10 s.
func attempt(t *testing.T, h home, more ...string) house.Result {
	t.Helper()
	cmd := h.Command(t, h.Serve(config{limits: true, more: more}.flags()...)...)
	return house.Finish(t, cmd, "", 10*time.Second)
}

// inFlight returns how many requests the server is answering, if it was started
// with metrics.
func (s *server) inFlight(t *testing.T) int64 {
	t.Helper()
	c := s.nobody()
	for line := range strings.Lines(s.Log()) {
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "metrics" {
			c.url = "http://" + entry.Address
		}
	}
	_, rest, _ := strings.Cut(string(c.do(t, "GET", "/metrics", nil, 200).body), "\nheadykey_requests_in_flight ")
	var n int64
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatalf("no count of requests in flight: %v", err)
	}
	return n
}

// memory returns a line of /proc/PID/status in bytes: VmRSS now, VmHWM at its peak.
func (s *server) memory(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), name+":")
	var kib int64
	if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return kib << 10
}
