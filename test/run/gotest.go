//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// packages returns the packages to test: those beside the code, and those below
// test/ that drive the real binary.
func (s *session) packages(ctx context.Context) (beside, outside []string, err error) {
	var said bytes.Buffer
	args := append([]string{"list", "-e", "-f", "{{with .Module}}{{.Path}}{{end}} {{.ImportPath}}"}, strings.Fields(s.only)...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w\n%s", err, said.Bytes())
	}
	for line := range strings.Lines(string(out)) {
		module, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case strings.Contains(path, "/node_modules/"):
		case module != "" && strings.HasPrefix(path, module+"/test/"):
			outside = append(outside, path)
		default:
			beside = append(beside, path)
		}
	}
	if len(beside)+len(outside) == 0 {
		return nil, nil, fmt.Errorf("no package matches %s", s.only)
	}
	return beside, outside, nil
}

// testBeside tests the packages of the product, under the race detector.
func (s *session) testBeside(ctx context.Context, packages []string) {
	if len(packages) == 0 || ctx.Err() != nil {
		return
	}
	args := []string{"-timeout=10m"}
	if s.race {
		args = append(args, "-race")
	}
	s.note(fmt.Sprintf("testing %d packages beside the code", len(packages)))
	s.goTest(ctx, s.env, args, packages)
}

// testOutside tests what drives the real binary, one package at a time: some of
// these tests fill disks, kill servers or steer a browser. A data race inside a
// server under test is written to a file, which is a failure.
func (s *session) testOutside(ctx context.Context, packages []string) {
	if len(packages) == 0 || ctx.Err() != nil {
		return
	}
	races := filepath.Join(s.dir, "race")
	s.buildServer(ctx)
	s.note(fmt.Sprintf("testing %d packages from outside", len(packages)))
	env := append(s.env[:len(s.env):len(s.env)], "GORACE=log_path="+races)
	s.goTest(ctx, env, []string{"-timeout=14m", "-p=1"}, packages)

	reports, _ := filepath.Glob(races + ".*")
	for _, report := range reports {
		text, _ := os.ReadFile(report)
		s.fail("data race in the server", string(text))
	}
}

// buildServer builds the server as it is released, without C, and names it in
// HEADYKEY_TEST_BINARY. Tests that want the race detector inside build their
// own: HEADYKEY_TEST_RACE=1 says that they can.
func (s *session) buildServer(ctx context.Context) {
	if s.race {
		s.set("HEADYKEY_TEST_RACE", "1")
	}
	began, file := time.Now(), filepath.Join(s.dir, "headykey")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", file, "-trimpath", "-ldflags=-s -w", "./cmd/headykey")
	cmd.Env = append(s.env[:len(s.env):len(s.env)], "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.fail("build of headykey", fmt.Sprintf("%v\n%s", err, out))
		return
	}
	s.set("HEADYKEY_TEST_BINARY", file)
	s.note(fmt.Sprintf("built headykey (%.1fs)", time.Since(began).Seconds()))
}

// goTest runs go test and counts what it reports. When ctx ends, it and the
// tests in its process group are told to stop, and killed if they do not.
func (s *session) goTest(ctx context.Context, env, args, packages []string) {
	args = append([]string{"test", "-json", "-count=1"}, args...)
	if s.short {
		args = append(args, "-short")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.fail("go test", err.Error())
		return
	}
	before := s.failed
	s.read(out)
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever is left of the group
	if err != nil && s.failed == before && ctx.Err() == nil {
		s.fail("go test", fmt.Sprintf("%v\n%s", err, said.Bytes()))
	}
}
