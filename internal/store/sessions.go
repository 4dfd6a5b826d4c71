package store

import (
	"database/sql"
	"encoding/json"
	"iter"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

const sessionColumns = `s.id, s.user_id, s.surface, s.ways, s.amr, s.aal, s.address, s.agent, s.cookie_expires_at,
	s.created_at, s.proven_at, s.last_used_at, s.ends_at, s.ended_at`

func sessionFields(s *headykey.Session) []any {
	return []any{&s.ID, &s.User, &s.Surface, wayList{&s.Ways}, list{&s.AMR}, &s.AAL, &s.Address, &s.Agent, when{&s.CookieExpires},
		when{&s.Created}, when{&s.Proven}, when{&s.LastUsed}, when{&s.Ends}, when{&s.Ended}}
}

func scanSession(rows *sql.Rows) (*headykey.Session, error) {
	s := &headykey.Session{}
	return s, rows.Scan(sessionFields(s)...)
}

// InsertSession adds s with the SHA-256 of its cookie (nil: none was given).
func (tx *Tx) InsertSession(s *headykey.Session, cookie []byte) error {
	return tx.do("insert session", `
		INSERT INTO sessions (user_id, id, surface, amr, aal, address, agent, cookie_hash, cookie_expires_at,
			created_at, proven_at, last_used_at, ends_at, ways)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		s.User, s.ID, s.Surface, words(s.AMR), s.AAL, s.Address, s.Agent, cookie, at(s.CookieExpires),
		at(s.Created), at(s.Proven), at(s.LastUsed), at(s.Ends), ways(s.Ways))
}

// ways is the parameter for how a session was proven.
func ways(w []headykey.Way) string {
	if len(w) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(w) // strings and numbers always marshal
	return string(text)
}

// wayList scans how a session was proven; none is nil.
type wayList struct{ ways *[]headykey.Way }

// Scan implements sql.Scanner.
func (l wayList) Scan(src any) error {
	*l.ways = nil
	var text string
	if err := (maybeText{&text}).Scan(src); err != nil || text == "" || text == "[]" {
		return err
	}
	return jsonv2.Unmarshal([]byte(text), l.ways)
}

// ProofBySession returns the session id of user with its user, ended or not, or
// headykey.ErrNotFound.
func (tx *Tx) ProofBySession(user, session headykey.ID) (*headykey.Proof, error) {
	p := &headykey.Proof{}
	return p, tx.one("select session", append(sessionFields(&p.Session), userFields(&p.User)...), `
		SELECT `+sessionColumns+`, `+userColumns+` FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.user_id = $1 AND s.id = $2`, user, session)
}

// ProofByCookie returns the session whose cookie has this SHA-256, with its user,
// or headykey.ErrNotFound.
func (tx *Tx) ProofByCookie(hash []byte) (*headykey.Proof, error) {
	p := &headykey.Proof{}
	return p, tx.one("select session", append(sessionFields(&p.Session), userFields(&p.User)...), `
		SELECT `+sessionColumns+`, `+userColumns+` FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.cookie_hash = $1`, hash)
}

// Session returns the session under id, whoever's it is, or headykey.ErrNotFound.
func (tx *Tx) Session(id headykey.ID) (*headykey.Session, error) {
	s := &headykey.Session{}
	return s, tx.one("select session", sessionFields(s), `SELECT `+sessionColumns+` FROM sessions s WHERE s.id = $1`, id)
}

// LiveSessions yields user's sessions that have not ended, newest first.
func (tx *Tx) LiveSessions(user headykey.ID) iter.Seq2[*headykey.Session, error] {
	return query(tx, "select sessions", scanSession, `
		SELECT `+sessionColumns+` FROM sessions s
		WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.ends_at > $2
		ORDER BY s.created_at DESC, s.id DESC`, user, at(tx.Now))
}

// SessionsPage yields live sessions of everybody (or of user), newest first.
func (tx *Tx) SessionsPage(user headykey.ID, before headykey.Mark, limit int) iter.Seq2[*headykey.Proof, error] {
	w := where{}
	w.add(`s.ended_at IS NULL AND s.ends_at > ?`, at(tx.Now))
	if user != "" {
		w.add(`s.user_id = ?`, user)
	}
	w.before("s.created_at", "s.id", before)
	scan := func(rows *sql.Rows) (*headykey.Proof, error) {
		p := &headykey.Proof{}
		return p, rows.Scan(append(sessionFields(&p.Session), userFields(&p.User)...)...)
	}
	return query(tx, "select sessions", scan, `
		SELECT `+sessionColumns+`, `+userColumns+` FROM sessions s JOIN users u ON u.id = s.user_id`+w.text()+`
		ORDER BY s.created_at DESC, s.id DESC LIMIT `+w.arg(limit), w.args...)
}

// EndSession ends one session of user. It reports whether it was live.
func (tx *Tx) EndSession(user, session headykey.ID) (bool, error) {
	n, err := tx.exec("end session", `
		UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id = $2 AND ended_at IS NULL`,
		user, session, at(tx.Now))
	if n > 0 {
		tx.Touch(ChangedUser, user)
	}
	return n > 0, err
}

// RenewSession writes what a new sign-in changes of s, which is live: its times, how
// it was proven and from where, and the SHA-256 of its new cookie. It fails with
// headykey.ErrNotFound if s has ended.
func (tx *Tx) RenewSession(s *headykey.Session, cookie []byte) error {
	err := found(tx.exec("renew session", `
		UPDATE sessions SET amr = $3, aal = $4, address = $5, agent = $6, cookie_hash = $7, cookie_expires_at = $8,
			proven_at = $9, last_used_at = $10, ends_at = $11, ways = $12
		WHERE user_id = $1 AND id = $2 AND ended_at IS NULL`,
		s.User, s.ID, words(s.AMR), s.AAL, s.Address, s.Agent, cookie, at(s.CookieExpires),
		at(s.Proven), at(s.LastUsed), at(s.Ends), ways(s.Ways)))
	if err == nil {
		tx.Touch(ChangedUser, s.User)
	}
	return err
}

// A Use is the last use of a session or key, gathered in memory.
type Use struct {
	User    headykey.ID
	ID      headykey.ID
	At      time.Time
	Address string
	Agent   string
	Count   int64
}

// NoteSessionUse records the last use of a session.
func (tx *Tx) NoteSessionUse(u Use) error {
	return tx.do("note session use", `
		UPDATE sessions SET last_used_at = $3 WHERE user_id = $1 AND id = $2 AND last_used_at < $3`,
		u.User, u.ID, at(u.At))
}

// PruneSessions deletes up to limit sessions, with their refresh tokens, that would
// have run out before t, ended before or not. It returns how many.
func (tx *Tx) PruneSessions(t time.Time, limit int) (int64, error) {
	type key struct{ user, id headykey.ID }
	old, err := Collect(query(tx, "select old sessions", func(rows *sql.Rows) (key, error) {
		var k key
		return k, rows.Scan(&k.user, &k.id)
	}, `SELECT user_id, id FROM sessions WHERE ends_at < $1 LIMIT $2`, at(t), limit))
	if err != nil {
		return 0, err
	}
	for _, k := range old {
		if err := tx.do("prune tokens", `DELETE FROM refresh_families WHERE user_id = $1 AND session_id = $2`, k.user, k.id); err != nil {
			return 0, err
		}
		if err := tx.do("prune session", `DELETE FROM sessions WHERE user_id = $1 AND id = $2`, k.user, k.id); err != nil {
			return 0, err
		}
	}
	return int64(len(old)), nil
}
