package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLiteFile is the database's name inside the data directory.
const SQLiteFile = "headykey.db"

// checkSize is the size in bytes up to which the whole file is checked at every
// start; a larger one is checked by `headykey doctor`.
const checkSize = 34 << 20

// sqliteDB is one SQLite file: one connection that writes, a few that read.
type sqliteDB struct {
	pool    *sql.DB // all connections come from here
	readers chan *sqliteConn
	writer  *writer
	broken  atomic.Bool // an fsync failed: the file is in doubt until a restart
	log     *slog.Logger
}

// sqliteConn is one connection with its prepared statements.
type sqliteConn struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func openSQLite(ctx context.Context, o Options) (engine, error) {
	path := filepath.Join(o.Dir, SQLiteFile)
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db := &sqliteDB{pool: pool, log: o.Log}
	if err := db.prepare(ctx, path); err != nil {
		_ = pool.Close()
		return nil, err
	}
	return db, nil
}

// createPrivate makes sure that the file exists, can be written and is readable
// by its owner alone, before SQLite would make it with the process's umask.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("the database %s cannot be written: %w", path, err)
	}
	return f.Close()
}

func sqliteDSN(path string) string {
	q := url.Values{
		"_time_integer_format": {"unix_micro"},
		"_pragma": {
			"busy_timeout(4000)", "journal_mode(WAL)", "synchronous(FULL)",
			"foreign_keys(1)", "cell_size_check(1)", "trusted_schema(0)",
			"wal_autocheckpoint(4000)", "temp_store(MEMORY)",
		},
	}
	return sqliteURL(path, q)
}

func sqliteURL(path string, q url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// prepare checks the file, migrates it and opens its connections.
func (db *sqliteDB) prepare(ctx context.Context, path string) error {
	if err := check(ctx, path); err != nil {
		return err
	}
	if err := migrate(ctx, db.pool, sqlite); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	// A fresh log: what a power cut left behind its end could later be taken for
	// damage. It is no matter if this cannot be done now: beside a running server,
	// or on a full disk.
	_, _ = db.pool.ExecContext(ctx, "PRAGMA wal_checkpoint(RESTART)")
	w, err := db.connect(ctx)
	if err != nil {
		return err
	}
	n := max(4, runtime.NumCPU())
	db.readers = make(chan *sqliteConn, n)
	for range n {
		r, err := db.connect(ctx)
		if err != nil {
			return err
		}
		if _, err := r.exec("PRAGMA query_only = 1"); err != nil {
			return err
		}
		db.readers <- r
	}
	db.writer = newWriter(w, &db.broken, db.log)
	return nil
}

// check refuses a damaged file before anything writes to it. It looks through a
// connection that cannot write: closing any other would move what a dead process
// left in the log into the file.
func check(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the database cannot be read: %w", err)
	}
	if err := checkLog(path + "-wal"); err != nil {
		return fmt.Errorf("the database %s is damaged and was left as it is; restore a backup: %w", path, err)
	}
	pool, err := sql.Open("sqlite", sqliteURL(path, url.Values{
		"mode": {"ro"}, "_pragma": {"busy_timeout(4000)", "cell_size_check(1)", "trusted_schema(0)"},
	}))
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = pool.Close() }()
	probe := "PRAGMA schema_version"
	if info.Size() <= checkSize {
		probe = "PRAGMA quick_check(1)"
	}
	var result string
	err = pool.QueryRowContext(ctx, probe).Scan(&result)
	if err == nil && probe == "PRAGMA quick_check(1)" && result != "ok" {
		err = errors.New(result)
	}
	switch {
	case err == nil:
		return nil
	case sqliteCode(err) == sqlite3.SQLITE_READONLY || sqliteCode(err) == sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("the database %s cannot be written; give its folder back its write permission: %w", path, err)
	case sqliteCode(err) == sqlite3.SQLITE_BUSY:
		return fmt.Errorf("the database %s is held by another process: %w", path, err)
	}
	return fmt.Errorf("the database %s is damaged and was left as it is; restore a backup: %w", path, oneLine{err})
}

func (db *sqliteDB) connect(ctx context.Context) (*sqliteConn, error) {
	c, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return &sqliteConn{conn: c, stmts: map[string]*sql.Stmt{}}, nil
}

func (db *sqliteDB) dialect() dialect { return sqlite }

func (db *sqliteDB) view(ctx context.Context, fn func(*Tx) error) error {
	select {
	case c := <-db.readers:
		defer func() { db.readers <- c }()
		return fn(&Tx{Now: now(), run: c, dialect: sqlite})
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (db *sqliteDB) update(ctx context.Context, fn func(*Tx) error) error {
	if db.broken.Load() {
		return errBroken
	}
	return db.writer.submit(ctx, fn)
}

func (db *sqliteDB) ping(ctx context.Context) error {
	if db.broken.Load() {
		return errBroken
	}
	return db.view(ctx, func(tx *Tx) error {
		var n int
		return tx.one("ping", []any{&n}, "SELECT 1")
	})
}

// listen has nothing to wait for: the poll finds what other processes commit.
func (db *sqliteDB) listen(ctx context.Context, _ func()) { <-ctx.Done() }

func (db *sqliteDB) close() error {
	db.writer.stop()
	for range cap(db.readers) {
		(<-db.readers).close()
	}
	if err := db.pool.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// stmt returns the prepared statement of query, which lives as long as c. The
// texts are constants, so there are not many.
func (c *sqliteConn) stmt(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *sqliteConn) exec(query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (c *sqliteConn) rows(query string, args ...any) (*sql.Rows, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (c *sqliteConn) close() {
	for _, s := range c.stmts {
		_ = s.Close()
	}
	_ = c.conn.Close()
}

// sqliteCode returns the primary result code in err's chain, or 0. That the index
// of the log cannot grow is a full disk like any other: the file is not in doubt.
func sqliteCode(err error) int {
	e, ok := errors.AsType[*moderncsqlite.Error](err)
	switch {
	case !ok:
		return 0
	case e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE:
		return sqlite3.SQLITE_FULL
	}
	return e.Code() & 0xff
}
