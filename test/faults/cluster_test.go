package faults

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headykey.com/headykey/test/house"
)

// A cluster is a PostgreSQL server of a test's own, to be broken. It keeps its
// promises (fsync is on), runs as the user postgres and trusts everybody on
// loopback.
type cluster struct {
	bin, dir string
	port     int
	as       *syscall.SysProcAttr
}

// clusterAt prepares a folder for a cluster, or skips the test.
func clusterAt(t *testing.T) *cluster {
	t.Helper()
	bin := os.Getenv("HEADYKEY_TEST_PGBIN")
	if bin == "" {
		t.Skip("HEADYKEY_TEST_PGBIN is not set: there is no PostgreSQL to break")
	}
	dir, err := os.MkdirTemp("", "headykey-pg-") // not below the test's own, which nobody else may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cluster{bin: bin, dir: dir, as: &syscall.SysProcAttr{}}
	if os.Getuid() != 0 {
		return c
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("PostgreSQL refuses root, and there is no user postgres")
	}
	uid, _ := strconv.Atoi(owner.Uid) // numbers, on every system that has PostgreSQL
	gid, _ := strconv.Atoi(owner.Gid)
	c.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return c
}

// newCluster makes a cluster and starts it.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := clusterAt(t)
	c.must(t, "initdb", "--pgdata="+c.data(), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	c.start(t)
	return c
}

// newStandby makes a streaming copy of c and starts it; from then on c answers no
// commit that the copy has not applied.
func (c *cluster) newStandby(t *testing.T) *cluster {
	t.Helper()
	s := clusterAt(t)
	s.must(t, "pg_basebackup", "--pgdata="+s.data(), "--dbname="+c.dsn(), "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync")
	s.start(t)
	house.Execute(t, c.dsn(), "ALTER SYSTEM SET synchronous_standby_names = '*'") // after the copy, which must not have it
	house.Execute(t, c.dsn(), "ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
	house.Execute(t, c.dsn(), "SELECT pg_reload_conf()")
	eventually(t, patience, "synchronous standby", func() bool {
		var n int
		return c.ask(&n, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == nil && n == 1
	})
	return s
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// dsn names the cluster's first database.
func (c *cluster) dsn() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

func (c *cluster) ask(into any, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	db, err := pgx.Connect(ctx, c.dsn())
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	return db.QueryRow(ctx, sql).Scan(into)
}

// must runs a program of PostgreSQL.
func (c *cluster) must(t *testing.T, program string, args ...string) {
	t.Helper()
	if err := c.run(program, args...); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, c.as
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	// A file, not a pipe: what the program leaves running must not keep us waiting.
	said, err := os.CreateTemp("", "headykey-pg-said-")
	if err != nil {
		return err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		words, _ := os.ReadFile(said.Name())
		log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("%s: %w\n%s\n%s", program, err, words, log[max(0, len(log)-3000):])
	}
	return nil
}

// start starts the server: on a free port the first time, and on the same one
// after that.
func (c *cluster) start(t *testing.T) {
	t.Helper()
	first := c.port == 0
	var err error
	for range 3 { // somebody else may take a port that was free
		if first {
			c.port = freePort(t)
		}
		err = c.run("pg_ctl", "start", "-w", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-o",
			fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories= -c max_connections=89", c.port))
		if err == nil || !first {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if first {
		t.Cleanup(func() { c.kill() })
	}
}

// stop ends the server without a farewell, as a crash of the machine would.
func (c *cluster) stop(t *testing.T) {
	t.Helper()
	c.must(t, "pg_ctl", "stop", "-w", "-D", c.data(), "-m", "immediate")
}

// processes returns the postmaster and its children, or nothing.
func (c *cluster) processes() []int {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		return nil
	}
	if command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", postmaster)); !strings.Contains(string(command), c.data()) {
		return nil // long gone, and its number is another's
	}
	all := []int{postmaster}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		stat, _ := os.ReadFile(file) // it may have ended
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		var state string
		var parent int
		if n, _ := fmt.Sscan(string(rest), &state, &parent); n == 2 && parent == postmaster {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			all = append(all, pid)
		}
	}
	return all
}

// signal sends sig to every process of the server.
func (c *cluster) signal(sig syscall.Signal) {
	for _, pid := range c.processes() {
		_ = syscall.Kill(pid, sig) // a child may have ended
	}
}

// kill ends every process of the server at once.
func (c *cluster) kill() {
	c.signal(syscall.SIGKILL)
	for end := time.Now().Add(patience); len(c.processes()) > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
