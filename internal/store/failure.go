package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"
)

// pgState returns the SQLSTATE in err's chain, or "".
func pgState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// isFull reports a full disk.
func isFull(err error) bool {
	return sqliteCode(err) == sqlite3.SQLITE_FULL || pgState(err) == "53100" || errors.Is(err, syscall.ENOSPC)
}

// isConflict reports that another transaction came between: running the whole
// transaction again helps.
func isConflict(err error) bool {
	s := pgState(err)
	return s == "40001" || s == "40P01"
}

// isLost reports that the server went away, or is not (or no longer) the one
// that takes writes: after a fail-over the same call may succeed.
func isLost(err error) bool {
	switch s := pgState(err); {
	case strings.HasPrefix(s, "08"), strings.HasPrefix(s, "57P"), s == "25006", s == "53300":
		return true
	case s != "":
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || pgconn.SafeToRetry(err)
}

// isUnavailable reports that the database cannot serve now.
func isUnavailable(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errBroken) || errors.Is(err, errUnknownFate) || errors.Is(err, errClosed) ||
		isConflict(err) || isLost(err) || pgState(err) == "57014"
}
