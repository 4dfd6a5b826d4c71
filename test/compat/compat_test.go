// Package compat_test lets clients that others wrote and certified speak to the
// real headykey binary over TLS: the JavaScript ones by the scripts beside it, with
// Chromium as the person's browser, and the one in Go by tests of its own. It needs
// Node.js 18 or later, Chromium, and the npm packages of package-lock.json (npm ci);
// where one is missing the test is skipped, or fails if CI is true.
//
// HEADYKEY_TEST_BINARY names a built headykey, HEADYKEY_TEST_CHROMIUM and
// HEADYKEY_TEST_NODE the programs.
package compat_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const patience = 55 * time.Second // for one process to start or stop on a busy machine

func TestScripts(t *testing.T) {
	node := find(t, "HEADYKEY_TEST_NODE", "node")
	chromium := find(t, "HEADYKEY_TEST_CHROMIUM", "chromium", "chromium-browser", "google-chrome")
	if _, err := os.Stat(filepath.Join("node_modules", "openid-client")); err != nil {
		lack(t, "the npm packages of test/compat are not installed: run npm ci there")
	}
	scripts, err := filepath.Glob("*.test.mjs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	s := start(t)
	env := append(os.Environ(), "CHROMIUM="+chromium, "NODE_EXTRA_CA_CERTS="+s.trust.ca, "NODE_NO_WARNINGS=1",
		"HEADYKEY_BINARY="+s.binary, "HEADYKEY_URL="+s.url, "HEADYKEY_DATA="+s.data,
		"HEADYKEY_CERT="+s.trust.cert, "HEADYKEY_KEY="+s.trust.key, "HEADYKEY_PIN="+s.trust.pin)
	for _, script := range scripts {
		t.Run(script, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), node, "--test", "--test-reporter=./reporter.mjs", script)
			cmd.Env = env
			runScript(t, cmd, s)
		})
	}
}

// runScript runs one script: each test of it becomes one here.
func runScript(t *testing.T, cmd *exec.Cmd, s *server) {
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	tests := 0
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		if report(t, line, &said) {
			tests++
		}
	}
	if err := cmd.Wait(); err != nil || tests == 0 || t.Failed() {
		t.Errorf("%d tests, %v\n%s\nlog of the server:\n%s", tests, err, said.Bytes(), s.log())
	}
}

// report makes a test of one line of reporter.mjs, unless it is but something said.
func report(t *testing.T, line []byte, said *bytes.Buffer) bool {
	var one struct {
		Name    string
		Seconds float64
		Skipped bool
		Failure string
		Said    string
	}
	if err := json.Unmarshal(line, &one); err != nil {
		t.Fatalf("not a line of the reporter: %q", line)
	}
	if one.Name == "" {
		said.WriteString(one.Said)
		return false
	}
	t.Run(one.Name, func(t *testing.T) {
		switch {
		case one.Failure != "":
			t.Error(one.Failure)
		case one.Skipped:
			t.Error("no test here may be left out")
		}
		t.Logf("%.2f s", one.Seconds)
	})
	return true
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
