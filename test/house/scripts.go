package house

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed reporter.mjs
var reporter []byte

// A Node runs scripts of node:test in the folder of the test.
type Node struct {
	path     string
	reporter string // file
}

// NewNode finds Node.js, and in the test's folder the npm package of this name, as
// one of all that npm ci installs. Where one is missing it ends the test: a skip at
// home, a failure if CI is true.
func NewNode(t *testing.T, npm string) Node {
	t.Helper()
	n := Node{program(t, "HEADYKEY_TEST_NODE", "node"), filepath.Join(t.TempDir(), "reporter.mjs")}
	if _, err := os.Stat(filepath.Join("node_modules", npm)); err != nil {
		lack(t, "the npm packages of this folder are not installed: run npm ci in it")
	}
	if err := os.WriteFile(n.reporter, reporter, 0o600); err != nil {
		t.Fatal(err)
	}
	return n
}

// Scripts returns the scripts of the test's folder: *.test.mjs.
func Scripts(t *testing.T) []string {
	t.Helper()
	scripts, err := filepath.Glob("*.test.mjs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return scripts
}

// ForScripts is how a script finds the server: HEADYKEY_BINARY, HEADYKEY_URL and
// HEADYKEY_DATA.
func (s *Server) ForScripts() []string {
	return []string{"HEADYKEY_BINARY=" + s.Binary, "HEADYKEY_URL=" + s.URL, "HEADYKEY_DATA=" + s.Data}
}

// Run runs one script, which sees the tester's environment and env. Each test of it
// becomes one of t's, and none may be left out.
func (n Node) Run(t *testing.T, script string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), n.path, "--test", "--test-reporter="+n.reporter, script)
	cmd.Env = append(os.Environ(), env...)
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
		t.Errorf("%d tests, %v\n%s", tests, err, said.Bytes())
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

// program returns the program that the variable names, or else the first of names
// that is installed; without one it ends the test.
func program(t *testing.T, variable string, names ...string) string {
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

// Chromium returns the path of the browser, or ends the test.
func Chromium(t *testing.T) string {
	t.Helper()
	return program(t, "HEADYKEY_TEST_CHROMIUM", "chromium", "chromium-browser", "google-chrome")
}

// lack ends the test for want of something: a skip at home, a failure in CI.
func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
