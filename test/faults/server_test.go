package faults

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	patience = 34 * time.Second // for one process to start on a busy machine
	// base is the public address of every server: tokens are good at one address
	// only, and each start listens on another port.
	base = "http://127.0.0.1:1618"
)

// A config is how a server is started, beside the house it lives in.
type config struct {
	limits  bool     // keep the rate limits on
	wrapper []string // a command that runs another
	more    []string
	env     []string
}

func (c config) command(h house) *exec.Cmd {
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--url", base, "--no-confirm-email"}, h.flags()...)
	if !c.limits {
		args = append(args, "--rate-limit", "off")
	}
	return c.run(append(args, c.more...)...)
}

func (c config) run(args ...string) *exec.Cmd {
	line := append(append(append([]string{}, c.wrapper...), bench.binary), args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = "/" // no headykey.toml of the tester's
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}, c.env...)
	return cmd
}

// A server is one running headykey process.
type server struct {
	house house
	url   string // where it listens
	cmd   *exec.Cmd
	log   *logbook
	ended chan struct{} // closed once the process has been waited for
}

// A logbook keeps what a process writes and tells when it is ready.
type logbook struct {
	mu      sync.Mutex
	text    bytes.Buffer
	metrics string      // where they are served
	ready   chan string // gets the address, once
}

// launch starts a process in h and returns at once. It is killed, if it still
// runs, when the test ends.
func launch(t *testing.T, h house, c config) *server {
	t.Helper()
	s := &server{house: h, log: &logbook{ready: make(chan string, 1)}, ended: make(chan struct{})}
	s.cmd = c.command(h)
	out, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.watch(out)
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("log of the server at %s:\n%s", s.url, s.log)
		}
	})
	return s
}

// start is launch, and waits for the ready line.
func start(t *testing.T, h house, c config) *server {
	t.Helper()
	s := launch(t, h, c)
	select {
	case address := <-s.log.ready:
		s.url = "http://" + address
	case <-s.ended:
		t.Fatalf("the server ended before it was ready:\n%s", s.log)
	case <-time.After(patience):
		t.Fatalf("the server is not ready:\n%s", s.log)
	}
	return s
}

// watch reads the log to its end and then waits for the process.
func (s *server) watch(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		s.log.add(line)
		if err != nil {
			break
		}
	}
	_ = s.cmd.Wait() // the exit code is read from ProcessState
	close(s.ended)
}

func (l *logbook) add(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(line)
	var entry struct{ Msg, Address string }
	_ = json.Unmarshal(line, &entry) // a last word is no JSON
	switch entry.Msg {
	case "metrics":
		l.metrics = entry.Address
	case "ready":
		l.ready <- entry.Address
	}
}

// String returns the end of what was logged so far.
func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	return text[max(0, len(text)-8000):]
}

// kill ends the process as a power cut does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may be gone already
	<-s.ended
}

// alive reports whether the process still runs.
func (s *server) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// terminate asks the process to end and returns how long that took. It must end
// with exit code 0.
func (s *server) terminate(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
	select {
	case <-s.ended:
	case <-time.After(within):
		t.Fatalf("the server did not end within %v of SIGTERM", within)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with exit code %d, want 0", code)
	}
	return time.Since(began)
}

// A result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// finish runs cmd to its end, which must come within 10 s.
func finish(t *testing.T, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() < 0) {
		t.Fatalf("%s did not end by itself within 10 s: %v\n%s", strings.Join(cmd.Args, " "), err, errs.String())
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)}
}

// command runs headykey with args in h and returns its JSON reply.
func (h house) command(t *testing.T, stdin string, args ...string) obj {
	t.Helper()
	r := finish(t, config{}.run(append(append(args, "--json"), h.flags()...)...), stdin)
	var reply obj
	if err := json.Unmarshal([]byte(r.stdout), &reply); err != nil || r.code != 0 {
		t.Fatalf("headykey %s: exit code %d (%v)\n%s%s", strings.Join(args, " "), r.code, err, r.stdout, r.stderr)
	}
	return reply
}

// inFlight returns how many requests the server is answering, if it was started
// with metrics.
func (s *server) inFlight(t *testing.T) int64 {
	t.Helper()
	c := s.nobody()
	s.log.mu.Lock()
	c.url = "http://" + s.log.metrics
	s.log.mu.Unlock()
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
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
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
