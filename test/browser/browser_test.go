// Package browser_test drives the pages of the real headykey binary in Chromium,
// by the scripts beside it. It needs Node.js 18 or later, Chromium, and the npm
// packages of package-lock.json (npm ci); where one is missing the test is
// skipped, or fails if CI is true.
//
// HEADYKEY_TEST_BINARY names a built headykey, HEADYKEY_TEST_CHROMIUM and
// HEADYKEY_TEST_NODE the programs. HEADYKEY_TEST_SCREENSHOTS names a folder that
// gets a picture of every page.
package browser_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 55 * time.Second // for one process to start or stop on a busy machine

func TestPages(t *testing.T) {
	node := find(t, "HEADYKEY_TEST_NODE", "node")
	chromium := find(t, "HEADYKEY_TEST_CHROMIUM", "chromium", "chromium-browser", "google-chrome")
	if _, err := os.Stat(filepath.Join("node_modules", "playwright-core")); err != nil {
		lack(t, "the npm packages of test/browser are not installed: run npm ci there")
	}
	scripts, err := filepath.Glob("*.test.mjs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	binary := binary(t)
	for _, script := range scripts {
		t.Run(script, func(t *testing.T) {
			s := start(t, binary)
			cmd := exec.CommandContext(t.Context(), node, "--test", script)
			cmd.Env = append(os.Environ(),
				"HEADYKEY_BINARY="+binary, "HEADYKEY_URL="+s.url, "HEADYKEY_DATA="+s.data, "CHROMIUM="+chromium)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s\nlog of the server:\n%s", err, out, s.log())
			}
			t.Logf("%s", out)
		})
	}
}

// find returns the program that the variable names, or else the first of names
// there is.
func find(t *testing.T, variable string, names ...string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lack(t, names[0]+" is not installed")
	return ""
}

// lack ends the test for want of something: a skip at home, a failure in CI.
func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// binary returns the path of the headykey under test.
func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("HEADYKEY_TEST_BINARY"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "headykey")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/headykey")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build headykey: %v\n%s", err, out)
	}
	return path
}

// A server is one running headykey.
type server struct {
	url, data string
	cmd       *exec.Cmd
	ready     chan string // gets the address, once
	ended     chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
}

// start runs a development server in an empty house until the test ends.
func start(t *testing.T, binary string) *server {
	t.Helper()
	s := &server{data: t.TempDir(), ready: make(chan string, 1), ended: make(chan struct{})}
	s.cmd = exec.Command(binary, "serve", "--dev", "--confirm-email", "--rate-limit", "off",
		"--listen", "127.0.0.1:0", "--data", s.data)
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	errors, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.watch(errors)
	t.Cleanup(func() { s.stop(t) })
	select {
	case address := <-s.ready:
		s.url = "http://" + address
	case <-s.ended:
		t.Fatalf("the server ended before it was ready:\n%s", s.log())
	case <-time.After(patience):
		t.Fatalf("the server is not ready:\n%s", s.log())
	}
	return s
}

// watch reads the log to its end and then waits for the process.
func (s *server) watch(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		s.note(line)
		if err != nil {
			break
		}
	}
	_ = s.cmd.Wait() // the exit code is read from ProcessState
	close(s.ended)
}

func (s *server) note(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(line)
	var entry struct{ Msg, Address string }
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready" {
		select {
		case s.ready <- entry.Address:
		default:
		}
	}
}

func (s *server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *server) stop(t *testing.T) {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Error("the server does not stop on SIGTERM")
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with exit code %d, want 0:\n%s", code, s.log())
	}
}
