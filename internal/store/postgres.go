package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	statementTimeout = 3 * time.Second // bound of one statement on the server
	retryPause       = 13 * time.Millisecond
	changeChannel    = "headykey_changes"
)

// postgresDB is a PostgreSQL database, or the primary of several.
type postgresDB struct {
	pool   *sql.DB
	config *pgx.ConnConfig
	log    *slog.Logger
}

func openPostgres(ctx context.Context, o Options) (engine, error) {
	config, err := pgx.ParseConfig(o.DSN)
	if err != nil {
		// The parser's words may hold the password: an @ or / in it moves the fault there.
		return nil, errors.New("the database address is not usable; write postgres://user:password@host:port/name, special characters as %40")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = statementTimeout
	}
	params := config.RuntimeParams
	setDefault(params, "application_name", "headykey")
	setDefault(params, "statement_timeout", millis(statementTimeout))
	setDefault(params, "idle_in_transaction_session_timeout", millis(updateDeadline))
	setDefault(params, "TimeZone", "UTC")

	pool := stdlib.OpenDB(*config)
	// As many idle as open: closing and opening connections costs more than any query.
	cores := runtime.NumCPU()
	pool.SetMaxOpenConns(13 * cores)
	pool.SetMaxIdleConns(13 * cores)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db := &postgresDB{pool: pool, config: config, log: o.Log}
	if err := db.prepare(ctx); err != nil {
		_ = pool.Close()
		return nil, err
	}
	return db, nil
}

func setDefault(m map[string]string, key, value string) {
	if m[key] == "" {
		m[key] = value
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// where names the server without user or password.
func (db *postgresDB) where() string {
	return fmt.Sprintf("%s:%d/%s", db.config.Host, db.config.Port, db.config.Database)
}

// oneLine is an error whose text has no line breaks: pgx gives each try its own.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLine) Unwrap() error { return e.error }

func (db *postgresDB) prepare(ctx context.Context) error {
	var version int
	err := db.pool.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version)
	if err != nil {
		if pgState(err) != "" {
			return fmt.Errorf("PostgreSQL at %s answers, but refuses: %w", db.where(), oneLine{err})
		}
		return fmt.Errorf("no PostgreSQL answers at %s; start it or correct the setting: %w", db.where(), oneLine{err})
	}
	if version < 150000 {
		return fmt.Errorf("PostgreSQL at %s is version %d; HeadyKey needs 15 or later", db.where(), version/10000)
	}
	if err := migrate(ctx, db.pool, postgres); err != nil {
		return fmt.Errorf("the database at %s: %w", db.where(), err)
	}
	return nil
}

func (db *postgresDB) dialect() dialect { return postgres }

// view runs fn on the pool; a reader whose server went away is run once more.
func (db *postgresDB) view(ctx context.Context, fn func(*Tx) error) error {
	read := func() error {
		return fn(&Tx{Now: now(), run: plain{ctx, db.pool}, dialect: postgres})
	}
	err := read()
	if err != nil && isLost(err) && ctx.Err() == nil {
		err = read()
	}
	return err
}

// update runs fn serializably, again after each conflict or lost connection,
// until ctx ends.
func (db *postgresDB) update(ctx context.Context, fn func(*Tx) error) error {
	for try := 1; ; try++ {
		committed, err := db.attempt(ctx, fn)
		if committed || err == nil {
			return nil
		}
		if !isConflict(err) && !isLost(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(min(try, 21)) * retryPause):
		}
	}
}

// attempt runs fn once. A connection that is lost while committing leaves it open
// whether the commit happened: the transaction's own status tells, so that a
// write is neither lost nor done twice.
func (db *postgresDB) attempt(ctx context.Context, fn func(*Tx) error) (committed bool, err error) {
	tx, err := db.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(&Tx{Now: now(), run: plain{ctx, tx}, dialect: postgres}); err != nil {
		return false, err
	}
	var id xact
	err = tx.QueryRowContext(ctx, "SELECT pg_current_xact_id_if_assigned()::text, "+timeline).Scan(&id.xid, &id.timeline)
	if err != nil {
		return false, fmt.Errorf("transaction id: %w", err)
	}
	err = tx.Commit()
	if err == nil || !id.xid.Valid || !isLost(err) {
		return false, err
	}
	return db.happened(ctx, id, err)
}

// timeline names the history of a primary: each fail-over begins a new one.
const timeline = "left(pg_walfile_name(pg_current_wal_lsn()), 8)"

// A xact is one transaction in the history of one primary. xid is NULL for one
// that wrote nothing.
type xact struct {
	xid      sql.NullString
	timeline string
}

// errUnknownFate reports a commit that was under way when the primary failed: its
// number may since have been given to another transaction, so nobody can tell.
var errUnknownFate = errors.New("the database failed over during a commit; whether it happened is not known")

// happened asks for the fate of a transaction after its commit failed with cause.
// After a fail-over there is no answer: the caller is told that it failed, and a
// write reported as failed may have happened.
func (db *postgresDB) happened(ctx context.Context, id xact, cause error) (bool, error) {
	for {
		var status sql.NullString
		var now string
		err := db.pool.QueryRowContext(ctx, "SELECT pg_xact_status($1::text::xid8), "+timeline, id.xid.String).Scan(&status, &now)
		switch {
		case err == nil && now != id.timeline:
			return false, errors.Join(errUnknownFate, errors.New(cause.Error()))
		case err == nil && status.String == "committed":
			return true, nil
		case err == nil && status.String != "in progress":
			return false, cause
		case err != nil && !isLost(err):
			return false, cause
		}
		select {
		case <-ctx.Done():
			return false, errors.Join(cause, ctx.Err())
		case <-time.After(8 * retryPause):
		}
	}
}

func (db *postgresDB) ping(ctx context.Context) error {
	var readOnly bool
	err := db.pool.QueryRowContext(ctx, "SELECT pg_is_in_recovery()").Scan(&readOnly)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if readOnly {
		return errors.New("the database takes no writes now")
	}
	return nil
}

// listen holds one connection for notifications and makes a new one when it is
// lost. After each loss it wakes its caller, who may have missed some.
func (db *postgresDB) listen(ctx context.Context, wake func()) {
	for ctx.Err() == nil {
		err := db.hear(ctx, wake)
		if ctx.Err() == nil {
			db.log.Debug("not listening for changes; the poll goes on", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (db *postgresDB) hear(ctx context.Context, wake func()) error {
	conn, err := pgx.ConnectConfig(ctx, db.config.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+changeChannel); err != nil {
		return err
	}
	for {
		wake()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

func (db *postgresDB) close() error {
	if err := db.pool.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}
