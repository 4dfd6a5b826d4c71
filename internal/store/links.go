package store

import (
	"database/sql"
	"time"

	"headykey.com/headykey"
)

// A Link is something that works once: a set-up link, the link and the code of a
// letter, the code that an app exchanges.
type Link struct {
	Hash      []byte // SHA-256 of the token
	Purpose   string
	User      headykey.ID // zero: nobody's
	Expires   time.Time
	Code      []byte // keyed hash of what can be typed instead; nil: nothing can
	Tries     int    // wrong codes so far
	Challenge string // METHOD:CHALLENGE of the app that asked for it (RFC 7636 §4.2); "": none
	Method    string // how whoever uses it is proven, as headykey.Way has it
	Data      string // what else the purpose needs
}

const linkColumns = `hash, purpose, user_id, expires_at, code, tries, challenge, method, data`

func linkFields(l *Link) []any {
	return []any{&l.Hash, &l.Purpose, maybe{&l.User}, when{&l.Expires}, &l.Code, &l.Tries, &l.Challenge, &l.Method, &l.Data}
}

func scanLink(rows *sql.Rows) (Link, error) {
	var l Link
	return l, rows.Scan(linkFields(&l)...)
}

// InsertLink adds l.
func (tx *Tx) InsertLink(l Link) error {
	return tx.do("insert link", `
		INSERT INTO links (hash, purpose, user_id, expires_at, code, challenge, method, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		l.Hash, l.Purpose, id(l.User), at(l.Expires), l.Code, l.Challenge, l.Method, l.Data)
}

// Link returns the live link under hash made for purpose, or headykey.ErrNotFound.
func (tx *Tx) Link(hash []byte, purpose string) (Link, error) {
	l, err := tx.AnyLink(hash, purpose)
	if err == nil && !tx.Now.Before(l.Expires) {
		return Link{}, headykey.ErrNotFound
	}
	return l, err
}

// AnyLink is Link, run out or not: for a while it is known what it was.
func (tx *Tx) AnyLink(hash []byte, purpose string) (Link, error) {
	var l Link
	return l, tx.one("select link", linkFields(&l), `
		SELECT `+linkColumns+` FROM links WHERE hash = $1 AND purpose = $2`, hash, purpose)
}

// Links returns user's live links made for purpose.
func (tx *Tx) Links(user headykey.ID, purpose string) ([]Link, error) {
	return Collect(query(tx, "select links", scanLink, `
		SELECT `+linkColumns+` FROM links WHERE user_id = $1 AND purpose = $2 AND expires_at > $3`, user, purpose, at(tx.Now)))
}

// TakeLink removes and returns the live link under hash made for purpose, or
// headykey.ErrNotFound. Removal is the gate: of two who use it at once, one gets
// no row.
func (tx *Tx) TakeLink(hash []byte, purpose string) (Link, error) {
	var l Link
	return l, tx.one("take link", linkFields(&l), `
		DELETE FROM links WHERE hash = $1 AND purpose = $2 AND expires_at > $3
		RETURNING `+linkColumns, hash, purpose, at(tx.Now))
}

// MissLinks counts a wrong code typed for user's links made for the purposes.
func (tx *Tx) MissLinks(user headykey.ID, purposes ...string) error {
	w := where{}
	w.add(`user_id = ?`, user)
	w.in("purpose", purposes)
	return tx.do("count wrong code", `UPDATE links SET tries = tries + 1`+w.text(), w.args...)
}

// MarkLink changes what the purpose of a link needs.
func (tx *Tx) MarkLink(hash []byte, data string) error {
	return tx.do("mark link", `UPDATE links SET data = $2 WHERE hash = $1`, hash, data)
}

// DropLinks removes user's links made for the purposes (none: for any).
func (tx *Tx) DropLinks(user headykey.ID, purposes ...string) error {
	w := where{}
	w.add(`user_id = ?`, user)
	w.in("purpose", purposes)
	return tx.do("drop links", `DELETE FROM links`+w.text(), w.args...)
}

// PruneLinks deletes links that ran out before t.
func (tx *Tx) PruneLinks(t time.Time) error {
	return tx.do("prune links", `DELETE FROM links WHERE expires_at < $1`, at(t))
}
