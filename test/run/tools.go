//go:build linux

package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// findCompiler reports whether the race detector can be built.
func (s *session) findCompiler() bool {
	for _, cc := range []string{os.Getenv("CC"), "gcc", "clang"} {
		if _, err := exec.LookPath(cc); err == nil {
			return true
		}
	}
	s.missing("race detector", "there is no C compiler")
	return false
}

// findChromium names the browser in HEADYKEY_TEST_CHROMIUM.
func (s *session) findChromium() {
	if os.Getenv("HEADYKEY_TEST_CHROMIUM") != "" {
		return
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			s.set("HEADYKEY_TEST_CHROMIUM", path)
			return
		}
	}
	s.missing("browser", "Chromium is not installed")
}

// findNode names Node.js in HEADYKEY_TEST_NODE, and the test folders whose npm
// packages were not installed.
func (s *session) findNode() {
	if path, err := exec.LookPath("node"); err == nil {
		s.set("HEADYKEY_TEST_NODE", path)
	} else {
		s.missing("real clients", "Node.js is not installed")
	}
	_ = filepath.WalkDir("test", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if d.Name() != "package-lock.json" {
			return nil
		}
		folder := filepath.Dir(path)
		if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
			s.missing(folder, "its npm packages are not installed")
		}
		return nil
	})
}
