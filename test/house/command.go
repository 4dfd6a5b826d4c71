package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A Result is what a command left behind.
type Result struct {
	Code           int // exit code
	Stdout, Stderr string
}

// Finish runs cmd to its end, which it must come to by itself within that time.
func Finish(t *testing.T, cmd *exec.Cmd, stdin string, within time.Duration) Result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(within, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() < 0) {
		t.Fatalf("%s did not end by itself within %v: %v\n%s", strings.Join(cmd.Args, " "), within, err, errs.String())
	}
	return Result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// Must fails the test unless the command ended with code.
func (r Result) Must(t *testing.T, code int) Result {
	t.Helper()
	if r.Code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.Code, code, r.Stdout, r.Stderr)
	}
	return r
}

// Refusal marks the test failed unless the command failed and said why in one
// sentence that holds each of the words.
func (r Result) Refusal(t *testing.T, words ...string) {
	t.Helper()
	if r.Code == 0 {
		t.Errorf("exit code 0, want a failure\nstderr: %s", r.Stderr)
	}
	said := strings.TrimSpace(r.Stderr)
	if said == "" || strings.Contains(said, "\n") || strings.Contains(said, "goroutine ") || strings.Contains(said, ".go:") {
		t.Errorf("want one sentence on standard error, got %q", r.Stderr)
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("the sentence %q does not name %q", said, w)
		}
	}
	t.Logf("%s", said)
}

// Operate runs a command of headykey in h, which must succeed, and reads its reply
// (--json) into reply.
func (h House) Operate(t *testing.T, stdin string, reply any, args ...string) {
	t.Helper()
	r := Finish(t, h.Command(t, append(append(args, "--json"), h.Flags()...)...), stdin, Patience)
	if err := json.Unmarshal([]byte(r.Stdout), reply); err != nil || r.Code != 0 {
		t.Fatalf("headykey %s: exit code %d (%v)\n%s%s", strings.Join(args, " "), r.Code, err, r.Stdout, r.Stderr)
	}
}

// AsNobody returns cmd without the rights of root, whom nothing is forbidden; where we
// are not root it returns cmd itself.
func AsNobody(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		return cmd
	}
	path, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("root may write everywhere, and there is no setpriv")
	}
	poor := exec.Command(path, append([]string{"--reuid=65534", "--regid=65534", "--clear-groups"}, cmd.Args...)...)
	poor.Dir, poor.Env = "/", cmd.Env // a folder of the test's own is closed to others
	return poor
}
