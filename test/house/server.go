package house

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Server is one running headykey.
type Server struct {
	House
	URL   string        // where it listens, without a slash at the end; "" until Ready
	Ready chan struct{} // closed once it serves
	Ended chan struct{} // closed once the process has been waited for: see Cmd.ProcessState
	Cmd   *exec.Cmd

	stopped, killed bool

	mu  sync.Mutex
	log bytes.Buffer
}

// Start runs a server in h and waits until it is ready. When the test ends the
// server is stopped, and must go in peace.
func (h House) Start(t *testing.T, flags ...string) *Server {
	t.Helper()
	s := h.Launch(t, flags...)
	s.Await(t)
	t.Cleanup(func() {
		if !s.killed {
			s.Stop(t, Patience)
		}
	})
	return s
}

// Launch starts a server in h and returns at once; with the flag --tls-cert its URL
// is https. When the test ends the server is killed, if it still runs, and its log is
// shown if the test failed.
func (h House) Launch(t *testing.T, flags ...string) *Server {
	t.Helper()
	s := &Server{House: h, Ready: make(chan struct{}), Ended: make(chan struct{})}
	scheme := "http://"
	if slices.Contains(flags, "--tls-cert") {
		scheme = "https://"
	}
	s.Cmd = h.Command(t, h.Serve(flags...)...)
	log, err := s.Cmd.StderrPipe()
	if err == nil {
		err = s.Cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go s.watch(log, scheme)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("log of the server at %s:\n%s", s.URL, short(s.Log()))
		}
	})
	return s
}

// watch reads the log to its end and then waits for the process.
func (s *Server) watch(log io.Reader, scheme string) {
	for lines := bufio.NewReader(log); ; {
		line, err := lines.ReadBytes('\n')
		s.mu.Lock()
		s.log.Write(line)
		s.mu.Unlock()
		var entry struct{ Msg, Address string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready" && s.URL == "" {
			s.URL = scheme + entry.Address
			close(s.Ready)
		}
		if err != nil {
			break
		}
	}
	_ = s.Cmd.Wait() // the exit code is read from ProcessState
	close(s.Ended)
}

// Await waits until the server is ready.
func (s *Server) Await(t *testing.T) {
	t.Helper()
	select {
	case <-s.Ready:
	case <-s.Ended:
		t.Fatal("the server ended before it was ready")
	case <-time.After(Patience):
		t.Fatal("the server is not ready")
	}
}

// Log returns what was logged so far: lines of JSON, and maybe a last word.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// short is log, or, if that is long, the end of what the server complained of.
func short(log string) string {
	const enough = 8000 // bytes
	if len(log) <= enough {
		return log
	}
	var out strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"level":"INFO"`) {
			out.WriteString(line)
		}
	}
	return out.String()[max(0, out.Len()-enough):]
}

// Kill ends the server as a power cut does. It may be called twice.
func (s *Server) Kill() {
	s.killed = true
	_ = s.Cmd.Process.Kill() // it may be gone already
	<-s.Ended
}

// Stop asks the server to end (SIGTERM), as an operator does, and returns how long
// that took. It must end within that time and with exit code 0. It may be called
// twice.
func (s *Server) Stop(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	if !s.stopped {
		s.stopped = true
		if err := s.Cmd.Process.Signal(syscall.SIGTERM); err != nil { // it ended by itself
			t.Errorf("SIGTERM: %v", err)
		}
	}
	select {
	case <-s.Ended:
	case <-time.After(within):
		s.Kill()
		t.Fatalf("the server did not end within %v of SIGTERM", within)
	}
	if code := s.Cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with exit code %d, want 0", code)
	}
	return time.Since(began)
}
