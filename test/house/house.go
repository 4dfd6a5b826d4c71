// Package house is what the tests from outside share: it builds the real headykey
// binary, starts it where it keeps its things, runs its commands, makes databases
// and certificates, and has Node.js run scripts. It imports nothing of ours.
//
// HEADYKEY_TEST_BINARY names a built headykey, HEADYKEY_TEST_POSTGRES a superuser's
// DSN (postgres://…), HEADYKEY_TEST_NODE and HEADYKEY_TEST_CHROMIUM the programs.
package house

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// Patience is how long one process may take to start or stop on a busy machine.
const Patience = 55 * time.Second

// A House is where one server keeps its things. It outlives the server.
type House struct {
	Binary string   // the headykey under test
	Data   string   // data directory
	DSN    string   // "": SQLite in the data directory
	Env    []string // of its processes, beside PATH and HOME: name=value
}

// Flags returns the settings that find this house, for any command.
func (h House) Flags() []string {
	f := []string{"--data", h.Data}
	if h.DSN != "" {
		f = append(f, "--database", h.DSN)
	}
	return f
}

// Environment is what a process of this house sees: nothing of the tester's own
// settings but where the race detector reports to.
func (h House) Environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	if races, ok := os.LookupEnv("GORACE"); ok {
		env = append(env, "GORACE="+races)
	}
	return append(env, h.Env...)
}

// Command is one call of headykey in an empty folder, where no settings file lies.
func (h House) Command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(h.Binary, args...)
	cmd.Dir, cmd.Env = t.TempDir(), h.Environment()
	return cmd
}

// Serve returns the arguments that start a server in this house: on a free port of
// 127.0.0.1, unless the flags name another.
func (h House) Serve(flags ...string) []string {
	args := append([]string{"serve", "--listen", "127.0.0.1:0"}, h.Flags()...)
	return append(args, flags...)
}
