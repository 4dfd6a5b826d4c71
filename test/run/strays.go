//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// adoptOrphans makes us the parent of every process that a test leaves behind
// (PR_SET_CHILD_SUBREAPER, prctl(2)), so that strays can find it.
func adoptOrphans() error {
	const setChildSubreaper = 36
	if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		return errno
	}
	return nil
}

// strays fails the run for each process that outlived the tests by 3 seconds,
// and kills it. The children of a killed process become ours, hence the rounds.
func (s *session) strays() {
	deadline := time.Now().Add(3 * time.Second)
	for time.Now().Before(deadline) && len(s.orphans()) > 0 {
		time.Sleep(100 * time.Millisecond)
	}
	for range 50 {
		left := s.orphans()
		if len(left) == 0 {
			return
		}
		for pid, command := range left {
			s.fail("stray process", fmt.Sprintf("still running after the tests: %d %s", pid, command))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// orphans returns the running processes that we adopted, with their command
// lines, and buries the dead among them. Helpers of the go command are its own
// business.
func (s *session) orphans() map[int]string {
	found := map[int]string{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		pid, name, state, parent := parseStat(string(text))
		if parent != os.Getpid() || name == "go" || s.server != nil && pid == s.server.cmd.Process.Pid {
			continue
		}
		if state == "Z" {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		found[pid] = strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
	}
	return found
}

// parseStat reads the first fields of /proc/PID/stat (proc(5)): the name is in
// brackets and may itself hold blanks and brackets.
func parseStat(stat string) (pid int, name, state string, parent int) {
	open, shut := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 1 || shut < open {
		return 0, "", "", 0
	}
	rest := strings.Fields(stat[shut+1:])
	if len(rest) < 2 {
		return 0, "", "", 0
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(stat[:open]))
	parent, _ = strconv.Atoi(rest[1])
	return pid, stat[open+1 : shut], rest[0], parent
}
