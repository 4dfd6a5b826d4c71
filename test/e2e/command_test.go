package e2e

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// A result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// run runs headykey with args and stdin to its end.
func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return runAs(t, nil, stdin, args...)
}

// runAs is run behind the wrapper, a command that runs another.
func runAs(t *testing.T, wrapper []string, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	line := append(append(append([]string{}, wrapper...), bench.binary), args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir, cmd.Env = t.TempDir(), config{}.environment()
	if wrapper != nil {
		cmd.Dir = "/"
	}
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() < 0) {
		t.Fatalf("headykey %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must fails the test unless the command ended with code.
func (r result) must(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// refusal fails the test unless the command failed and said why in one sentence
// that holds each of the words.
func (r result) refusal(t *testing.T, words ...string) {
	t.Helper()
	if r.code == 0 {
		t.Errorf("exit code 0, want a failure\nstderr: %s", r.stderr)
	}
	said := strings.TrimSpace(r.stderr)
	if said == "" || strings.Contains(said, "\n") || strings.Contains(said, "goroutine ") {
		t.Errorf("want one sentence on standard error, got %q", r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("the sentence %q does not name %q", said, w)
		}
	}
}
