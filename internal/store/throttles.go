package store

import (
	"database/sql"
	"time"

	"headykey.com/headykey"
)

// A Throttle counts the failures in a row of one account from one address, or of
// one account altogether.
type Throttle struct {
	Key      []byte // keyed hash: says nothing by itself
	Failures int
	Next     time.Time // no try before
	Window   time.Time // beginning of the refusals that no receipt tells yet
	Untold   int
	User     headykey.ID // zero: no such account
}

const throttleColumns = `key, failures, next_at, window_at, untold, user_id`

func throttleFields(t *Throttle) []any {
	return []any{&t.Key, &t.Failures, when{&t.Next}, when{&t.Window}, &t.Untold, maybe{&t.User}}
}

// Throttle returns the count under key; none yet is a zero count.
func (tx *Tx) Throttle(key []byte) (Throttle, error) {
	t := Throttle{}
	err := tx.one("select throttle", throttleFields(&t), `SELECT `+throttleColumns+` FROM throttles WHERE key = $1`, key)
	if isMissing(err) {
		return Throttle{Key: key}, nil
	}
	return t, err
}

// PutThrottle keeps t in place of the count under its key.
func (tx *Tx) PutThrottle(t Throttle) error {
	return tx.do("put throttle", `
		INSERT INTO throttles (key, failures, next_at, window_at, untold, user_id) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, next_at = excluded.next_at,
			window_at = excluded.window_at, untold = excluded.untold, user_id = excluded.user_id`,
		t.Key, t.Failures, at(t.Next), at(t.Window), t.Untold, id(t.User))
}

// ClearThrottle forgets the failures under key but not the refusals that no
// receipt tells yet.
func (tx *Tx) ClearThrottle(key []byte) error {
	return tx.do("clear throttle", `UPDATE throttles SET failures = 0, next_at = $2 WHERE key = $1`, key, at(tx.Now))
}

// UntoldThrottles returns up to limit counts with refusals from before t that no
// receipt tells yet.
func (tx *Tx) UntoldThrottles(t time.Time, limit int) ([]Throttle, error) {
	scan := func(rows *sql.Rows) (Throttle, error) {
		var t Throttle
		return t, rows.Scan(throttleFields(&t)...)
	}
	return Collect(query(tx, "select throttles", scan, `
		SELECT `+throttleColumns+` FROM throttles WHERE untold > 0 AND window_at < $1 LIMIT $2`, at(t), limit))
}

// PruneThrottles deletes up to limit counts that were not touched since t.
func (tx *Tx) PruneThrottles(t time.Time, limit int) (int64, error) {
	return tx.exec("prune throttles", `
		DELETE FROM throttles WHERE key IN (SELECT key FROM throttles WHERE next_at < $1 AND untold = 0 LIMIT $2)`, at(t), limit)
}

// KnowsAddress reports whether user has signed in from address (a keyed hash)
// before.
func (tx *Tx) KnowsAddress(user headykey.ID, address []byte) (bool, error) {
	var n int
	err := tx.one("select known address", []any{&n},
		`SELECT count(*) FROM known_addresses WHERE user_id = $1 AND address = $2`, user, address)
	return n > 0, err
}

// LearnAddress records that user signed in from address.
func (tx *Tx) LearnAddress(user headykey.ID, address []byte) error {
	return tx.do("learn address", `
		INSERT INTO known_addresses (user_id, address, at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, address) DO UPDATE SET at = excluded.at`, user, address, at(tx.Now))
}
