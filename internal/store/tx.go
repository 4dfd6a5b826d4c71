package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

type dialect string

const (
	sqlite   dialect = "sqlite"
	postgres dialect = "postgres"
)

// A Tx is one transaction (or, in a View, one reader). It carries its context,
// because statements on SQLite run under the writer's and not their caller's: a
// caller that hangs up must not tear the commit of its neighbours.
type Tx struct {
	// Now is the time of the transaction, the same throughout: UTC, microseconds.
	Now time.Time

	run     runner
	dialect dialect
	touched []change
	after   []func()
}

// AfterCommit has f called once the transaction is durable, before Update
// returns. f is not called if the transaction fails.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// A runner sends statements to one connection.
type runner interface {
	exec(query string, args ...any) (sql.Result, error)
	rows(query string, args ...any) (*sql.Rows, error)
}

// now returns the present as the databases keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// exec runs a statement and returns how many rows it touched.
func (tx *Tx) exec(what, query string, args ...any) (int64, error) {
	r, err := tx.run.exec(query, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return n, nil
}

// do runs a statement whose row count does not matter.
func (tx *Tx) do(what, query string, args ...any) error {
	_, err := tx.exec(what, query, args...)
	return err
}

// one runs a query and scans its first row, or returns headykey.ErrNotFound.
func (tx *Tx) one(what string, dest []any, query string, args ...any) error {
	rows, err := tx.run.rows(query, args...)
	if err != nil {
		return explainOne(what, err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return explainOne(what, err)
		}
		return headykey.ErrNotFound
	}
	if err := rows.Scan(dest...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// query yields the rows of a query, each read by scan. It stops at the first
// error. No other statement may run before it ends.
func query[T any](tx *Tx, what string, scan func(*sql.Rows) (T, error), text string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, err := tx.run.rows(text, args...)
		if err != nil {
			yield(zero, fmt.Errorf("%s: %w", what, err))
			return
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				err = fmt.Errorf("%s: %w", what, err)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(zero, fmt.Errorf("%s: %w", what, err))
		}
	}
}

// Collect gathers the rows of seq.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// found turns a row count of none into headykey.ErrNotFound.
func found(n int64, err error) error {
	if err == nil && n == 0 {
		return headykey.ErrNotFound
	}
	return err
}

// at is the parameter for a time: NULL for the zero time.
func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Microsecond)
}

// when scans a time from either engine; NULL gives the zero time.
type when struct{ t *time.Time }

// Scan implements sql.Scanner.
func (w when) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*w.t = time.Time{}
	case int64:
		*w.t = time.UnixMicro(v).UTC()
	case time.Time:
		*w.t = v.UTC()
	default:
		return fmt.Errorf("a time, not %T", src)
	}
	return nil
}

// id is the parameter for an id that may be absent: NULL for the zero ID.
func id(v headykey.ID) any {
	if v == "" {
		return nil
	}
	return string(v)
}

// maybe scans an id that may be NULL.
type maybe struct{ id *headykey.ID }

// Scan implements sql.Scanner.
func (m maybe) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m.id = ""
	case string:
		*m.id = headykey.ID(v)
	case []byte:
		*m.id = headykey.ID(v)
	default:
		return fmt.Errorf("an id, not %T", src)
	}
	return nil
}

// list is a list of words kept as JSON.
type list struct{ words *[]string }

// words is the parameter for a list of words.
func words(w []string) string {
	if len(w) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(w) // strings always marshal
	return string(b)
}

// Scan implements sql.Scanner.
func (l list) Scan(src any) error {
	var text []byte
	switch v := src.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("a list, not %T", src)
	}
	*l.words = nil
	if string(text) == "[]" {
		return nil
	}
	return json.Unmarshal(text, l.words)
}

// maybeList scans a list of words that may be NULL.
type maybeList struct{ words *[]string }

// Scan implements sql.Scanner.
func (l maybeList) Scan(src any) error {
	if src == nil {
		return nil
	}
	return list(l).Scan(src)
}

// maybeText scans text that may be NULL.
type maybeText struct{ text *string }

// Scan implements sql.Scanner.
func (m maybeText) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m.text = ""
	case string:
		*m.text = v
	case []byte:
		*m.text = string(v)
	default:
		return fmt.Errorf("text, not %T", src)
	}
	return nil
}

// object is the parameter for a value kept as a JSON object.
func object(v any) (string, error) {
	text, err := jsonv2.Marshal(v, jsonv2.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	return string(text), nil
}

// from scans a value that is kept as JSON.
type from struct{ value any }

// Scan implements sql.Scanner.
func (f from) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return jsonv2.Unmarshal([]byte(v), f.value)
	case []byte:
		return jsonv2.Unmarshal(v, f.value)
	}
	return fmt.Errorf("JSON, not %T", src)
}

// isMissing reports whether err says that there was no such row.
func isMissing(err error) bool { return errors.Is(err, headykey.ErrNotFound) }

// plain sends statements straight to a pool or transaction of database/sql.
type plain struct {
	ctx context.Context
	db  interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
}

func (p plain) exec(query string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(p.ctx, query, args...)
}

func (p plain) rows(query string, args ...any) (*sql.Rows, error) {
	return p.db.QueryContext(p.ctx, query, args...)
}

// explainOne tells text that is no id, which PostgreSQL refuses and SQLite does
// not find, from other failures.
func explainOne(what string, err error) error {
	if pgState(err) == "22P02" {
		return headykey.ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}
