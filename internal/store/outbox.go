package store

import (
	"database/sql"
	"strings"
	"time"

	"headykey.com/headykey"
)

// A Parcel is something to deliver after its transaction.
type Parcel struct {
	ID       headykey.ID
	Kind     string // mail, ping
	Payload  []byte // sealed
	Created  time.Time
	Attempts int
	Error    string    // of the last attempt
	Dead     time.Time // zero: still tried
}

// Post adds a parcel to be delivered from now on.
func (tx *Tx) Post(p Parcel) error {
	return tx.do("insert parcel", `
		INSERT INTO outbox (id, kind, payload, created_at, next_at) VALUES ($1, $2, $3, $4, $4)`,
		p.ID, p.Kind, p.Payload, at(tx.Now))
}

// TakeParcels returns up to limit parcels that are due, of kinds (none: of any), and puts their next
// attempt off by lease: until then no other worker takes them, and a worker that
// dies loses none.
func (tx *Tx) TakeParcels(limit int, lease time.Duration, kinds ...string) ([]Parcel, error) {
	w := ofKinds(kinds)
	w.add(`next_at <= ?`, at(tx.Now))
	lock := ""
	if tx.dialect == postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	scan := func(rows *sql.Rows) (Parcel, error) {
		var p Parcel
		return p, rows.Scan(&p.ID, &p.Kind, &p.Payload, when{&p.Created}, &p.Attempts)
	}
	due, err := Collect(query(tx, "select parcels", scan, `
		SELECT id, kind, payload, created_at, attempts FROM outbox`+w.text()+`
		ORDER BY next_at LIMIT `+w.arg(limit)+lock, w.args...))
	if err != nil {
		return nil, err
	}
	for _, p := range due {
		err := tx.do("lease parcel", `UPDATE outbox SET next_at = $2 WHERE id = $1`, p.ID, at(tx.Now.Add(lease)))
		if err != nil {
			return nil, err
		}
	}
	return due, nil
}

// Delivered removes a parcel that arrived.
func (tx *Tx) Delivered(id headykey.ID) error {
	return tx.do("delete parcel", `DELETE FROM outbox WHERE id = $1`, id)
}

// Undelivered records a failed attempt: the next is at next, or there is none if
// dead.
func (tx *Tx) Undelivered(id headykey.ID, reason string, next time.Time, dead bool) error {
	var died any
	if dead {
		died = at(tx.Now)
	}
	return tx.do("defer parcel", `
		UPDATE outbox SET attempts = attempts + 1, last_error = $2, next_at = $3, dead_at = $4 WHERE id = $1`,
		id, reason, at(next), died)
}

// NextParcel returns when the next parcel of kinds (none: of any) is due, or the
// zero time if none waits.
func (tx *Tx) NextParcel(kinds ...string) (time.Time, error) {
	var t time.Time
	w := ofKinds(kinds)
	return t, tx.one("select next parcel", []any{when{&t}}, `SELECT min(next_at) FROM outbox`+w.text(), w.args...)
}

// ofKinds chooses the parcels of kinds that are still tried.
func ofKinds(kinds []string) where {
	w := where{}
	w.add(`dead_at IS NULL`)
	if len(kinds) > 0 {
		var list []string
		for _, kind := range kinds {
			list = append(list, w.arg(kind))
		}
		w.add(`kind IN (` + strings.Join(list, ", ") + `)`)
	}
	return w
}

// DeadParcels returns the newest parcels that are no longer tried.
func (tx *Tx) DeadParcels(limit int) ([]Parcel, error) {
	scan := func(rows *sql.Rows) (Parcel, error) {
		var p Parcel
		return p, rows.Scan(&p.ID, &p.Kind, when{&p.Created}, &p.Attempts, &p.Error, when{&p.Dead})
	}
	return Collect(query(tx, "select dead parcels", scan, `
		SELECT id, kind, created_at, attempts, last_error, dead_at FROM outbox
		WHERE dead_at IS NOT NULL ORDER BY id DESC LIMIT $1`, limit))
}
