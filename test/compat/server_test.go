package compat_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A server is one running headykey behind TLS.
type server struct {
	binary, url, data string
	trust             trust
	cmd               *exec.Cmd
	ready             chan string // gets the address, once
	ended             chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
}

// start runs a server in an empty house until the test ends. It trusts the apps of
// this machine, and lets every program register.
func start(t *testing.T) *server {
	t.Helper()
	s := &server{binary: binary(t), data: t.TempDir(), trust: newTrust(t), ready: make(chan string, 1), ended: make(chan struct{})}
	s.cmd = exec.Command(s.binary, "serve", "--listen", "127.0.0.1:0", "--data", s.data, "--rate-limit", "off",
		"--no-confirm-email", "--registration", "open", "--tls-cert", s.trust.cert, "--tls-key", s.trust.key,
		"--extra-ca", s.trust.ca, "--fetch-allow", "127.0.0.1")
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
		s.url = "https://" + address
	case <-s.ended:
		t.Fatalf("the server ended before it was ready:\n%s", s.log())
	case <-time.After(patience):
		t.Fatalf("the server is not ready:\n%s", s.log())
	}
	return s
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

// command runs headykey beside the server and reads its answer into out.
func (s *server) command(t *testing.T, stdin string, out any, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.binary, append(args, "--json", "--data", s.data)...)
	cmd.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("headykey %v: %v\n%s", args, err, said.Bytes())
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("headykey %v: %v: %s", args, err, text)
	}
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
