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
	"unsafe"
)

// A meter tells the CPU time that one process has used so far or, as a family,
// with all its children, those that have ended included.
type meter struct {
	pid    int
	family bool
}

// used returns the CPU time, user and system.
func (m meter) used() (time.Duration, error) {
	total, err := processTime(m.pid)
	if err != nil || !m.family {
		return total, err
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		s := parseStat(string(text))
		switch {
		case s.pid == m.pid:
			total += s.buried
		case s.parent == m.pid:
			t, err := processTime(s.pid)
			if err != nil {
				continue // it ended, and is among the buried next time
			}
			total += t
		}
	}
	return total, nil
}

// processTime reads the CPU clock of a process, in nanoseconds, all its threads
// included (clock_getcpuclockid(3)).
func processTime(pid int) (time.Duration, error) {
	const allThreads = 2
	clock := uint32(^pid)<<3 | allThreads
	var t syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0)
	if errno != 0 {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, errno)
	}
	return time.Duration(t.Nano()), nil
}

// A stat is what we read of /proc/PID/stat.
type stat struct {
	pid    int
	parent int
	buried time.Duration // CPU time of children that ended and were waited for
}

// parseStat reads the fields of proc_pid_stat(5). The name is in brackets and may
// itself hold blanks and brackets. A tick is 10 ms (USER_HZ) on Linux.
func parseStat(text string) stat {
	open, shut := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 1 || shut < open {
		return stat{}
	}
	fields := strings.Fields(text[shut+1:])
	if len(fields) < 15 {
		return stat{}
	}
	var s stat
	s.pid, _ = strconv.Atoi(strings.TrimSpace(text[:open]))
	s.parent, _ = strconv.Atoi(fields[1])
	for _, ticks := range fields[13:15] {
		n, _ := strconv.Atoi(ticks)
		s.buried += time.Duration(n) * 10 * time.Millisecond
	}
	return s
}

// resident returns the memory that a process holds, in bytes.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("memory of process %d: %q", pid, text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
