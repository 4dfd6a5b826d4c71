//go:build linux

// Command run runs every test of this repository and ends with one line of
// numbers. It starts a throw-away PostgreSQL, builds the server once, runs the
// tests beside the code under the race detector and those that drive the real
// binary after them, and leaves no process and no file behind.
//
// What it finds missing on the machine (test/setup/install.sh installs it) it
// counts as skipped, or, where CI=true, as failed: there nothing may be missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var errTooLong = errors.New("the time for the whole run is over")

// options is how one run differs from another.
type options struct {
	only  string        // packages, as go test takes them
	short bool          // SQLite alone, no race detector, go test -short
	limit time.Duration // for the whole run
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "./...", "test these `packages` alone, such as ./internal/store")
	flag.BoolVar(&o.short, "short", false, "SQLite alone, no race detector, short tests")
	flag.DurationVar(&o.limit, "limit", 26*time.Minute, "stop and fail after this `time`")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, errTooLong)
	defer cancel()

	t := newTally(os.Stdout)
	runAll(ctx, o, t)
	t.summary()
	if t.failed > 0 {
		os.Exit(1)
	}
}

// runAll runs everything; what happens is in the tally.
func runAll(ctx context.Context, o options, t *tally) {
	dir, err := os.MkdirTemp("", "hk-")
	if err != nil {
		t.fail("temporary folder", err.Error())
		return
	}
	defer os.RemoveAll(dir)
	if err := adoptOrphans(); err != nil {
		t.note("stray processes cannot be found here: " + err.Error())
	}

	s := &session{options: o, tally: t, dir: dir}
	beside, outside, err := s.packages(ctx)
	if err != nil {
		t.fail("list of packages", err.Error())
		return
	}
	if err := s.prepare(); err != nil {
		t.fail("environment", err.Error())
		return
	}
	stopPostgres := s.postgres(ctx)
	defer stopPostgres()
	s.testBeside(ctx, beside)
	s.testOutside(ctx, outside)
	s.strays()
	if err := context.Cause(ctx); err != nil {
		t.fail("the run", "cut short: "+err.Error())
	}
}

// A session is what the steps of one run share.
type session struct {
	options
	*tally
	dir  string   // removed at the end; open to the user postgres
	env  []string // of go and of the tests
	race bool     // the race detector can be used

	server *postgres // nil: none of ours
}

// prepare makes the folders and the environment. Settings of the person who
// runs the tests must not change what is tested, so HEADYKEY_ variables stay
// outside, but for those of the tests, unless the run is short. Temporary files of killed tests lie in
// our folder and go with it.
func (s *session) prepare() error {
	tmp := filepath.Join(s.dir, "t")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(s.dir, 0o755), os.Chmod(tmp, 0o777|os.ModeSticky)); err != nil {
		return err
	}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "HEADYKEY_") || strings.HasPrefix(name, "HEADYKEY_TEST_") && !s.short {
			s.env = append(s.env, v)
		}
	}
	s.set("TMPDIR", tmp)
	if s.short {
		return nil
	}
	s.race = s.findCompiler()
	s.findChromium()
	s.findNode()
	return nil
}

func (s *session) set(name, value string) { s.env = append(s.env, name+"="+value) }

// missing counts a thing that the machine lacks.
func (s *session) missing(what, why string) {
	if os.Getenv("CI") == "true" {
		s.fail(what, why)
		return
	}
	s.skip(what, why)
}

// postgres starts the server that the tests share, unless the environment names
// one, and returns the function that stops it.
func (s *session) postgres(ctx context.Context) (stop func()) {
	if s.short || os.Getenv("HEADYKEY_TEST_POSTGRES") != "" {
		return func() {}
	}
	bin, err := findPostgres()
	if err != nil {
		s.missing("PostgreSQL", err.Error())
		return func() {}
	}
	s.set("HEADYKEY_TEST_PGBIN", bin)
	began := time.Now()
	s.server, err = startPostgres(ctx, filepath.Join(s.dir, "pg"), bin)
	if err != nil {
		s.fail("PostgreSQL", err.Error())
		return func() {}
	}
	s.set("HEADYKEY_TEST_POSTGRES", s.server.dsn)
	s.note(fmt.Sprintf("PostgreSQL from %s is up (%.1fs)", bin, time.Since(began).Seconds()))
	return s.server.stop
}
