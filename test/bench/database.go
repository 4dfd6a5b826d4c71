//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// A database is where one server keeps its rows: SQLite in its data directory, or
// one database of our own cluster.
type database struct {
	dir string // data directory
	dsn string // "": SQLite
}

// flags returns the settings that find this database.
func (d *database) flags() []string {
	if d.dsn == "" {
		return []string{"--data", d.dir}
	}
	return []string{"--data", d.dir, "--database", d.dsn}
}

// open opens the database to fill it. On SQLite no server may run meanwhile, and
// what is filled in would not survive a power cut.
func (d *database) open() (*sql.DB, error) {
	if d.dsn != "" {
		return sql.Open("pgx", d.dsn)
	}
	q := url.Values{"_pragma": {"journal_mode(OFF)", "synchronous(OFF)", "cache_size(-2000000)", "temp_store(FILE)"}}
	db, err := sql.Open("sqlite", "file:"+d.file()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// sync has what was filled in written to the disk: whoever first waits for the
// disk would wait for all of it.
func (d *database) sync() error {
	if d.dsn != "" {
		return nil // PostgreSQL was told CHECKPOINT
	}
	f, err := os.OpenFile(d.file(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d *database) file() string { return filepath.Join(d.dir, "headykey.db") }

// at is t as the engine keeps times: SQLite has microseconds since 1970.
func (d *database) at(t time.Time) any {
	if d.dsn == "" {
		return t.UnixMicro()
	}
	return t
}

// fresh makes an empty database of the cluster; a nil cluster means SQLite.
func fresh(ctx context.Context, c *cluster, dir, name string) (*database, error) {
	if c == nil {
		return &database{dir: dir}, nil
	}
	conn, err := pgx.Connect(ctx, c.dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return nil, fmt.Errorf("create database %s: %w", name, err)
	}
	u, err := url.Parse(c.dsn)
	if err != nil {
		return nil, err
	}
	u.Path = "/" + name
	return &database{dir: dir, dsn: u.String()}, nil
}
