//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A server is one running headykey.
type server struct {
	target
	took time.Duration // from its start to its line "ready"
	cmd  *exec.Cmd
	log  strings.Builder // what it said before it was ready
	said map[string]int  // warnings and errors after that, and how often
	gone chan struct{}
}

// build makes the binary as it is released.
func build(ctx context.Context, path string) error {
	say("building the release")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "headykey.com/headykey/cmd/headykey")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// start runs the binary on d and returns when it is ready. The meters of c count
// as its own.
func start(ctx context.Context, binary string, d *database, c *cluster) (*server, error) {
	s := &server{gone: make(chan struct{}), said: map[string]int{}}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--rate-limit", "off", "--no-confirm-email"}, d.flags()...)
	s.cmd = exec.Command(binary, args...) //nolint:gosec // the binary under test
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	s.cmd.Dir = d.dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	go func() {
		s.listen(bufio.NewScanner(stderr), ready)
		_ = s.cmd.Wait()
		close(s.gone)
	}()
	select {
	case s.address = <-ready:
	case <-s.gone:
		return nil, fmt.Errorf("the server ended before it was ready:\n%s", s.log.String())
	case <-ctx.Done():
		s.stop()
		return nil, ctx.Err()
	case <-time.After(patience):
		s.stop()
		return nil, errors.New("the server is not ready")
	}
	s.took = time.Since(began)
	s.meters = []meter{{pid: s.cmd.Process.Pid}}
	if c != nil {
		s.meters = append(s.meters, meter{pid: c.cmd.Process.Pid, family: true})
	}
	return s, nil
}

// listen reads the log to its end and tells the address once.
func (s *server) listen(log *bufio.Scanner, ready chan<- string) {
	told := false
	for log.Scan() {
		var entry struct{ Level, Msg, Address string }
		err := json.Unmarshal(log.Bytes(), &entry)
		switch {
		case err == nil && entry.Msg == "ready" && !told:
			told = true
			ready <- entry.Address
		case !told:
			s.log.WriteString(log.Text() + "\n")
		case entry.Level != "INFO":
			s.said[entry.Level+" "+entry.Msg]++
			if s.said[entry.Level+" "+entry.Msg] == 1 {
				say("the server says: %s", log.Text())
			}
		}
	}
}

// stop ends the server as an operator does, at last by force.
func (s *server) stop() {
	signalUntilGone(s.cmd.Process, s.gone, syscall.SIGTERM, syscall.SIGKILL)
	<-s.gone
	for words, times := range s.said {
		if times > 1 {
			say("the server said %d times: %s", times, words)
		}
	}
}

// memory returns what the server's process holds, in MB.
func (s *server) memory() (float64, error) {
	n, err := resident(s.cmd.Process.Pid)
	return float64(n) / 1e6, err
}
