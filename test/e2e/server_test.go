package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
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
	patience  = 55 * time.Second // for one process to start or stop on a busy machine
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

func (c config) args(h house) []string {
	args := append([]string{"serve", "--listen", "127.0.0.1:0"}, h.flags()...)
	if !c.production {
		args = append(args, "--dev")
	}
	if !c.limits {
		args = append(args, "--rate-limit", "off")
	}
	return append(args, c.more...)
}

// A server is one running headykey process.
type server struct {
	house house
	url   string
	cmd   *exec.Cmd
	log   *logbook
	ended chan struct{} // closed once the process has been waited for
	fell  bool          // it was killed by the test itself
}

// A logbook keeps what a process writes and tells when it is ready.
type logbook struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan string // gets the address, once
}

// environment is what the process sees: nothing of the tester's own settings.
func (c config) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	if !c.ownSecret {
		env = append(env, "HEADYKEY_JWT_SECRET="+jwtSecret)
	}
	return append(env, c.env...)
}

// start runs a server in h until the test ends, and waits for its ready line.
func start(t *testing.T, h house, c config) *server {
	t.Helper()
	s := &server{house: h, log: &logbook{ready: make(chan string, 1)}, ended: make(chan struct{})}
	s.cmd = exec.Command(bench.binary, c.args(h)...)
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = c.environment()
	errors, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.watch(errors)
	t.Cleanup(func() { s.close(t) })

	select {
	case address := <-s.log.ready:
		s.url = "http://" + strings.TrimPrefix(address, "http://")
	case <-s.ended:
		t.Fatal("the server ended before it was ready")
	case <-time.After(patience):
		t.Fatal("the server is not ready")
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
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready" {
		select {
		case l.ready <- entry.Address:
		default:
		}
	}
}

// String returns what was logged so far.
func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// stop ends the server by SIGTERM, as an operator does, and checks that it goes
// in peace. It may be called twice.
func (s *server) stop(t *testing.T) {
	t.Helper()
	select {
	case <-s.ended:
	default:
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Error("the server does not stop on SIGTERM")
		s.kill()
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with exit code %d, want 0", code)
	}
}

// kill ends the server as a power cut does.
func (s *server) kill() {
	s.fell = true
	_ = s.cmd.Process.Kill() // it may be gone already
	<-s.ended
}

func (s *server) close(t *testing.T) {
	if s.url == "" { // it never was ready: the test has failed
		s.kill()
	}
	if !s.fell {
		s.stop(t)
	}
	if t.Failed() {
		t.Logf("log of the server:\n%s", s.log)
	}
}
