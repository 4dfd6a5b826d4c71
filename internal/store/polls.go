package store

import (
	"database/sql"
	"iter"
	"time"

	"headykey.com/headykey"
)

// The states of a poll.
const (
	PollPending = "pending"
	PollAllowed = "allowed"
	PollDenied  = "denied"
	PollSpent   = "spent"
)

// A Poll is a request that a person answers elsewhere, while its client asks again
// and again.
type Poll struct {
	Hash     []byte // SHA-256 of its kind and code
	Kind     string // device, ciba
	Client   headykey.ID
	UserCode []byte      // keyed hash of what the person types; nil: nothing
	User     headykey.ID // who is asked, or who answered; zero: nobody yet
	Request  []byte      // JSON
	State    string
	Grant    headykey.ID   // the authorization, once allowed
	Pause    time.Duration // that the client must leave between two questions
	Polled   time.Time     // the last question; zero: none
	Created  time.Time
	Expires  time.Time
}

const pollColumns = `hash, kind, client_id, user_code, user_id, request, state, grant_id, pause, polled_at, created_at, expires_at`

func pollFields(p *Poll, pause *int64) []any {
	return []any{&p.Hash, &p.Kind, &p.Client, &p.UserCode, maybe{&p.User}, &p.Request, &p.State, maybe{&p.Grant}, pause,
		when{&p.Polled}, when{&p.Created}, when{&p.Expires}}
}

func (tx *Tx) poll(condition string, args ...any) (*Poll, error) {
	p := &Poll{}
	var pause int64
	err := tx.one("select poll", pollFields(p, &pause), `SELECT `+pollColumns+` FROM polls WHERE `+condition, args...)
	p.Pause = time.Duration(pause) * time.Second
	return p, err
}

// InsertPoll adds p.
func (tx *Tx) InsertPoll(p *Poll) error {
	return tx.do("insert poll", `
		INSERT INTO polls (hash, kind, client_id, user_code, user_id, request, state, pause, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		p.Hash, p.Kind, p.Client, p.UserCode, id(p.User), string(p.Request), p.State, int64(p.Pause/time.Second),
		at(p.Created), at(p.Expires))
}

// Poll returns the poll of kind under hash, run out or not, or
// headykey.ErrNotFound.
func (tx *Tx) Poll(kind string, hash []byte) (*Poll, error) {
	return tx.poll(`hash = $1 AND kind = $2`, hash, kind)
}

// PollByUserCode returns the poll whose user code has this hash, or
// headykey.ErrNotFound.
func (tx *Tx) PollByUserCode(hash []byte) (*Poll, error) {
	return tx.poll(`user_code = $1`, hash)
}

// PendingPolls yields what user is asked at this moment, the newest first.
func (tx *Tx) PendingPolls(kind string, user headykey.ID) iter.Seq2[*Poll, error] {
	scan := func(rows *sql.Rows) (*Poll, error) {
		p := &Poll{}
		var pause int64
		err := rows.Scan(pollFields(p, &pause)...)
		p.Pause = time.Duration(pause) * time.Second
		return p, err
	}
	return query(tx, "select polls", scan, `
		SELECT `+pollColumns+` FROM polls
		WHERE user_id = $1 AND kind = $2 AND state = 'pending' AND expires_at > $3 ORDER BY created_at DESC LIMIT 34`,
		user, kind, at(tx.Now))
}

// NotePoll records that the client asked, and the pause that it must leave now.
func (tx *Tx) NotePoll(p *Poll) error {
	return tx.do("note poll", `UPDATE polls SET polled_at = $2, pause = $3 WHERE hash = $1`,
		p.Hash, at(tx.Now), int64(p.Pause/time.Second))
}

// AnswerPoll moves a poll from one state to another, with who answered and the
// authorization that was given. It reports whether it was in the first state: that
// is the gate.
func (tx *Tx) AnswerPoll(p *Poll, state, next string) (bool, error) {
	n, err := tx.exec("answer poll", `
		UPDATE polls SET state = $3, user_id = $4, grant_id = $5 WHERE hash = $1 AND state = $2`,
		p.Hash, state, next, id(p.User), id(p.Grant))
	return n > 0, err
}
