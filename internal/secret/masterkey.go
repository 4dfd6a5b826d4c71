package secret

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// MasterKeySize is the length of a master key, in bytes.
const MasterKeySize = 32

// maxKeyFile bounds how much of a master key file is read, in bytes.
const maxKeyFile = 1 << 10

// ParseMasterKey reads a master key of 32 bytes from its text: 64 hex digits, or
// base64 in either alphabet, padded or not. White space around it is ignored.
// Anything else is ErrMasterKey; the text is never part of the error.
func ParseMasterKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	decode := base64.RawStdEncoding.Strict().DecodeString
	switch {
	case len(text) == hex.EncodedLen(MasterKeySize):
		decode = hex.DecodeString
	case strings.ContainsAny(text, "-_"):
		decode = base64.RawURLEncoding.Strict().DecodeString
	}
	key, err := decode(strings.TrimSuffix(text, "="))
	if err != nil || len(key) != MasterKeySize || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%w: want 64 hex digits or base64 of %d bytes", ErrMasterKey, MasterKeySize)
	}
	return key, nil
}

// LoadMasterKey returns the master key in the file at path. A missing file is
// made, with a new random key and mode 0600; of two processes that do so at once,
// both get the key of one. A file that others may read, or that holds no key, is
// ErrMasterKey and stays as it is: a new key could open nothing sealed before.
func LoadMasterKey(path string) ([]byte, error) {
	key, err := readMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := createMasterKey(path); err != nil {
		return nil, fmt.Errorf("create the master key: %w", err)
	}
	return readMasterKey(path)
}

// readMasterKey reads the file at path, which must be the owner's alone.
func readMasterKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("inspect the master key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%w: other users may use the file %s (mode %04o); run: chmod 600 %s", ErrMasterKey, path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	key, err := ParseMasterKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("the file %s is damaged, restore it from a backup: %w", path, err)
	}
	return key, nil
}

// createMasterKey puts a new key at path unless a file is there already. The key
// is complete and on disk before it has that name.
func createMasterKey(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".master-key-*") // exclusive, mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(Token(MasterKeySize) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in dir durable. Windows has no such call and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
