package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const lockFile = "server.lock"

// lockData claims a data directory for this process. The claim dies with the
// process, however that ends; the file itself only tells whose it is.
func lockData(dir, address string) (*flock.Flock, error) {
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path, flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("the data directory %s cannot be written; give it back its write permission: %w", dir, err)
	}
	if !held {
		owner, _ := os.ReadFile(path) //nolint:gosec // the operator's own path
		return nil, fmt.Errorf("the data directory %s is served already, by %s; stop that server or choose another --data",
			dir, strings.TrimSpace(string(owner)))
	}
	note := fmt.Sprintf("process %d at %s\n", os.Getpid(), address)
	if err := os.WriteFile(path, []byte(note), 0o600); err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("the data directory %s cannot be written: %w", dir, err)
	}
	return lock, nil
}
