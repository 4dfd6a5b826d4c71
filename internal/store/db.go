// Package store is all the SQL of HeadyKey: one SQLite file by default, or
// PostgreSQL. It owns transactions, migrations and the news of changes between
// processes; it knows no rule. Both engines answer alike (one suite runs over
// both), and nearly all statements are the same text.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"headykey.com/headykey"
)

// viewDeadline bounds one View: a database that hangs, behind a cut cable maybe,
// holds its connections and answers nothing.
const viewDeadline = 5 * time.Second

// updateDeadline bounds one Update with all its retries. It must stay well below
// changeWindow: a transaction older than that could hide its news.
const updateDeadline = 5 * time.Second

// Options say which database to open.
type Options struct {
	DSN  string // postgres://…; "" means SQLite in Dir
	Dir  string // data directory, for SQLite
	Slow time.Duration
	Log  *slog.Logger // nil: slog.Default()
}

// A DB is an open database. It is safe for concurrent use.
type DB struct {
	engine engine
	news   *news
	log    *slog.Logger
}

// An engine is one of the two databases.
type engine interface {
	dialect() dialect
	// view runs fn for reading. Each statement sees its own snapshot.
	view(ctx context.Context, fn func(*Tx) error) error
	// update runs fn in a transaction and returns when it is durable.
	update(ctx context.Context, fn func(*Tx) error) error
	ping(ctx context.Context) error
	// listen calls wake whenever another process may have committed a change; it
	// returns when ctx ends. It may miss some: a poll stands behind it.
	listen(ctx context.Context, wake func())
	close() error
}

// Open opens the database that o names and brings its schema up to date. It
// changes nothing if the database is damaged or was made by a later version.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	open := openSQLite
	if o.DSN != "" {
		open = openPostgres
	}
	e, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &DB{engine: e, news: newNews(), log: o.Log}, nil
}

// Close ends the database's use. Transactions that run are finished first.
func (db *DB) Close() error { return db.engine.close() }

// Name is "sqlite" or "postgres".
func (db *DB) Name() string { return string(db.engine.dialect()) }

// Ping reports whether the database answers and takes writes.
func (db *DB) Ping(ctx context.Context) error { return db.engine.ping(ctx) }

// View runs fn for reading. Each statement in it sees its own snapshot. Failures
// of the database come back as headykey.ErrUnavailable, wrapped with their cause.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, viewDeadline)
	defer cancel()
	return explain(db.engine.view(ctx, fn))
}

// Update runs fn in one transaction and returns once it is durable, so that an
// answer never runs ahead of its commit. If fn fails nothing is changed, and its
// error is returned. fn may be called again after a conflict or a lost
// connection: it must do no slow work and no harm when run twice, and ids that it
// inserts must be made outside it.
//
// It fails with headykey.ErrStorageFull when the disk is full and with
// headykey.ErrUnavailable when the database cannot be reached or written.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, updateDeadline)
	defer cancel()
	var touched []change
	var after []func()
	err := db.engine.update(ctx, func(tx *Tx) error {
		err := fn(tx)
		if err == nil && len(tx.touched) > 0 {
			err = tx.insertChanges()
		}
		touched, after = tx.touched, tx.after
		return err
	})
	if err != nil {
		return explain(err)
	}
	if len(touched) > 0 {
		db.news.spread(context.WithoutCancel(ctx), touched)
	}
	for _, f := range after {
		f()
	}
	return nil
}

// explain leaves failures of rules alone and turns those of the database into
// what a caller may know.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*headykey.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	switch {
	case isFull(err):
		return fmt.Errorf("%w: %w", headykey.ErrStorageFull, err)
	case isUnavailable(err):
		return fmt.Errorf("%w: %w", headykey.ErrUnavailable, err)
	}
	return err
}

// Check looks at the whole database for damage, which takes a while for a large
// one. PostgreSQL keeps watch over its own.
func (db *DB) Check(ctx context.Context) error {
	if db.engine.dialect() == postgres {
		return db.Ping(ctx)
	}
	return db.View(ctx, func(tx *Tx) error {
		var result string
		if err := tx.one("integrity check", []any{&result}, "PRAGMA integrity_check(1)"); err != nil {
			return err
		}
		if result != "ok" {
			return errors.New(result)
		}
		return nil
	})
}
