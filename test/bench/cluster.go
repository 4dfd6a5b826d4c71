//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A cluster is a throw-away PostgreSQL that loses nothing: fsync is on.
type cluster struct {
	dsn  string
	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the server is gone
}

// findPostgres returns the programs of the newest PostgreSQL from 15 on, where
// Debian keeps them, or "".
func findPostgres() string {
	for major := 30; major >= 15; major-- {
		bin := fmt.Sprintf("/usr/lib/postgresql/%d/bin", major)
		if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
			return bin
		}
	}
	return ""
}

// startCluster makes a cluster in a folder of its own and returns when it answers.
func startCluster(ctx context.Context, bin string) (*cluster, error) {
	as, uid, gid, err := owner()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hk-bench-pg-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, done: make(chan struct{})}
	if err := c.start(ctx, bin, as, uid, gid); err != nil {
		c.stop()
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	return c, nil
}

// owner returns whom the server runs as: PostgreSQL refuses root. If we are killed
// it ends with us.
func owner() (as *syscall.SysProcAttr, uid, gid int, err error) {
	as = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	if os.Geteuid() != 0 {
		return as, os.Geteuid(), os.Getegid(), nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, 0, 0, err
	}
	uid, errU := strconv.Atoi(u.Uid)
	gid, errG := strconv.Atoi(u.Gid)
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // ids are no larger
	return as, uid, gid, errors.Join(errU, errG)
}

func (c *cluster) start(ctx context.Context, bin string, as *syscall.SysProcAttr, uid, gid int) error {
	password, file, data := rand.Text(), filepath.Join(c.dir, "password"), filepath.Join(c.dir, "data")
	err := errors.Join(os.Chown(c.dir, uid, gid), os.WriteFile(file, []byte(password), 0o600), os.Chown(file, uid, gid))
	if err != nil {
		return err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata="+data, "--username=postgres",
		"--auth=scram-sha-256", "--pwfile="+file, "--encoding=UTF8", "--locale=C.UTF-8")
	initdb.Dir, initdb.SysProcAttr = c.dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.dsn = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
	c.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, //nolint:gosec // a path of the system's
		"-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprintf("port=%d", port), "-c", "unix_socket_directories="+c.dir,
		"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "shared_buffers=512MB",
		"-c", "maintenance_work_mem=1GB", "-c", "max_wal_size=8GB")
	c.cmd.Dir, c.cmd.SysProcAttr, c.cmd.Stdout, c.cmd.Stderr = c.dir, as, log, log
	if err := c.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.done)
	}()
	return c.await(ctx)
}

// await asks the server until it answers; 34 s are long enough for a slow disk.
func (c *cluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 34*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-c.done:
			text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("it ended at once\n%s", text)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the server (connections are cut; at last by force) and removes it.
func (c *cluster) stop() {
	if c == nil {
		return
	}
	if c.cmd != nil && c.cmd.Process != nil {
		signalUntilGone(c.cmd.Process, c.done, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL)
	}
	_ = os.RemoveAll(c.dir)
}

// signalUntilGone sends each signal in turn until the process is gone.
func signalUntilGone(p *os.Process, gone <-chan struct{}, signals ...syscall.Signal) {
	for _, signal := range signals {
		_ = p.Signal(signal)
		select {
		case <-gone:
			return
		case <-time.After(21 * time.Second):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
