package house

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Main runs the tests of a package after prepare, which gets a folder for what they
// share: other users may enter it, and it is removed at last. Main returns the exit
// code.
func Main(m *testing.M, prepare func(dir string) error) int {
	dir, err := os.MkdirTemp("", "headykey-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755) //nolint:gosec // another user runs the binary, too
	}
	if err == nil {
		err = prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Find returns the path of the headykey that HEADYKEY_TEST_BINARY names, or else
// builds it in dir.
func Find(dir string) (string, error) {
	if path := os.Getenv("HEADYKEY_TEST_BINARY"); path != "" {
		return path, nil
	}
	return Build(dir)
}

// Build builds headykey in dir, with these flags of go build, and returns its path.
func Build(dir string, flags ...string) (string, error) {
	path := filepath.Join(dir, "headykey")
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, "headykey.com/headykey/cmd/headykey")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build headykey: %w\n%s", err, out)
	}
	return path, nil
}

// New returns an empty house on SQLite, whose headykey is found or built for this
// test.
func New(t *testing.T) House {
	t.Helper()
	binary, err := Find(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return House{Binary: binary, Data: t.TempDir()}
}
