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
)

// A postgres is a throw-away server: a superuser, a random password, no fsync.
// Its files lie in one folder, its port was free a moment ago.
type postgres struct {
	dsn  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the server is gone
}

// findPostgres returns the programs of the newest PostgreSQL from 15 on that has
// pgvector, where Debian keeps them.
func findPostgres() (bin string, err error) {
	for major := 30; major >= 15; major-- {
		bin := fmt.Sprintf("/usr/lib/postgresql/%d/bin", major)
		if _, e := os.Stat(filepath.Join(bin, "initdb")); e != nil {
			continue
		}
		if _, e := os.Stat(fmt.Sprintf("/usr/share/postgresql/%d/extension/vector.control", major)); e == nil {
			return bin, nil
		}
		err = fmt.Errorf("PostgreSQL %d is installed without pgvector", major)
	}
	if err == nil {
		err = errors.New("PostgreSQL 15 or newer is not installed")
	}
	return "", err
}

// startPostgres makes a cluster in dir and returns when it answers. A port that
// somebody else took in between costs another try.
func startPostgres(ctx context.Context, dir, bin string) (*postgres, error) {
	as, uid, gid, err := owner()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, uid, gid)); err != nil {
		return nil, err
	}
	secret, password := filepath.Join(dir, "password"), rand.Text()
	if err := errors.Join(os.WriteFile(secret, []byte(password), 0o600), os.Chown(secret, uid, gid)); err != nil {
		return nil, err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata="+filepath.Join(dir, "data"),
		"--username=postgres", "--auth=scram-sha-256", "--pwfile="+secret,
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	for range 3 {
		var p *postgres
		if p, err = launch(ctx, dir, bin, password, as); err == nil {
			return p, nil
		}
	}
	return nil, err
}

// owner returns whom the server runs as: PostgreSQL refuses root. A runner that
// is killed takes the server with it.
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
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as, uid, gid, errors.Join(errU, errG)
}

// launch starts the server on a free port and waits until it answers.
func launch(ctx context.Context, dir, bin, password string, as *syscall.SysProcAttr) (*postgres, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	logFile := filepath.Join(dir, "log")
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &postgres{
		dsn:  fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port),
		done: make(chan struct{}),
		cmd: exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"),
			"-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprintf("port=%d", port),
			"-c", "unix_socket_directories="+dir, "-c", "max_connections=233",
			"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
	}
	p.cmd.Dir, p.cmd.SysProcAttr, p.cmd.Stdout, p.cmd.Stderr = dir, as, log, log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.await(ctx, filepath.Join(bin, "psql")); err != nil {
		p.stop()
		text, _ := os.ReadFile(logFile)
		return nil, fmt.Errorf("PostgreSQL did not start: %w\n%s", err, text)
	}
	return p, nil
}

// await asks the server, through the DSN that the tests will use, until it
// answers; 34 s are long enough for a very slow disk.
func (p *postgres) await(ctx context.Context, psql string) error {
	ctx, cancel := context.WithTimeout(ctx, 34*time.Second)
	defer cancel()
	for {
		out, err := exec.CommandContext(ctx, psql, "-X", "-q", "-c", "SELECT 1", p.dsn).CombinedOutput()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w\n%s", context.Cause(ctx), out)
		case <-p.done:
			return errors.New("it ended at once")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the server: kindly (connections are cut), then without a farewell,
// then by force.
func (p *postgres) stop() {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		_ = p.cmd.Process.Signal(sig)
		select {
		case <-p.done:
			return
		case <-time.After(8 * time.Second):
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
