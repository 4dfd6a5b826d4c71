package store

import (
	"context"
	"time"

	"headykey.com/headykey"
)

// A RefreshToken is the record of one token of a session's family.
type RefreshToken struct {
	User      headykey.ID
	Session   headykey.ID
	Hash      []byte // SHA-256
	Created   time.Time
	Expires   time.Time
	Used      time.Time // zero: not yet
	Successor []byte    // masked with the token itself; nil: not yet used
}

// InsertRefreshToken adds an unused token.
func (tx *Tx) InsertRefreshToken(t RefreshToken) error {
	return tx.do("insert refresh token", `
		INSERT INTO refresh_tokens (user_id, hash, session_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		t.User, t.Hash, t.Session, at(t.Created), at(t.Expires))
}

// RefreshToken returns the token under its SHA-256, or headykey.ErrNotFound.
func (tx *Tx) RefreshToken(hash []byte) (RefreshToken, error) {
	t := RefreshToken{Hash: hash}
	return t, tx.one("select refresh token",
		[]any{&t.User, &t.Session, when{&t.Created}, when{&t.Expires}, when{&t.Used}, &t.Successor},
		`SELECT user_id, session_id, created_at, expires_at, used_at, successor FROM refresh_tokens WHERE hash = $1`, hash)
}

// A Rotation asks for a refresh token to be spent for its successor.
type Rotation struct {
	Hash      []byte        // of the token that was shown
	Next      []byte        // hash of its successor
	Successor []byte        // the successor, masked with the token
	Life      time.Duration // of the successor
}

const (
	liveToken = `t.hash = $1 AND t.used_at IS NULL AND t.expires_at > $2
		AND s.ended_at IS NULL AND s.ends_at > $2 AND u.disabled_at IS NULL`

	selectLive = `SELECT ` + sessionColumns + `, ` + userColumns + `
		FROM refresh_tokens t JOIN sessions s ON s.user_id = t.user_id AND s.id = t.session_id
		JOIN users u ON u.id = t.user_id WHERE ` + liveToken

	// One statement, one round trip, one commit: the row's own predicate decides
	// who wins, and the losers find no row.
	rotateInOne = `
		WITH spent AS (
			UPDATE refresh_tokens t SET used_at = $2, successor = $3
			FROM sessions s, users u
			WHERE s.user_id = t.user_id AND s.id = t.session_id AND u.id = t.user_id AND ` + liveToken + `
			RETURNING t.user_id, t.session_id
		), born AS (
			INSERT INTO refresh_tokens (user_id, hash, session_id, created_at, expires_at)
			SELECT user_id, $4, session_id, $2, $5 FROM spent
		)
		SELECT ` + sessionColumns + `, ` + userColumns + `
		FROM spent JOIN sessions s ON s.user_id = spent.user_id AND s.id = spent.session_id
		JOIN users u ON u.id = spent.user_id`
)

// Rotate spends a live refresh token and stores its successor, durably, and
// returns whose it is. It fails with headykey.ErrNotFound, having changed
// nothing, if the token is unknown, used, expired, or its session or user is at
// an end: look at it then with RefreshToken.
func (db *DB) Rotate(ctx context.Context, r Rotation) (*headykey.Proof, error) {
	if db.engine.dialect() == postgres {
		return db.rotateInOne(ctx, r)
	}
	p := &headykey.Proof{}
	err := db.Update(ctx, func(tx *Tx) error {
		err := tx.one("select refresh token", append(sessionFields(&p.Session), userFields(&p.User)...),
			selectLive, r.Hash, at(tx.Now))
		if err != nil {
			return err
		}
		err = tx.do("spend refresh token", `
			UPDATE refresh_tokens SET used_at = $3, successor = $4 WHERE user_id = $1 AND hash = $2`,
			p.User.ID, r.Hash, at(tx.Now), r.Successor)
		if err != nil {
			return err
		}
		return tx.InsertRefreshToken(RefreshToken{
			User: p.User.ID, Session: p.Session.ID, Hash: r.Next, Created: tx.Now, Expires: tx.Now.Add(r.Life),
		})
	})
	return p, err
}

// rotateInOne retries a lost connection once only: if the first try did commit,
// the second finds the token used and the caller gets the stored successor.
func (db *DB) rotateInOne(ctx context.Context, r Rotation) (*headykey.Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, updateDeadline)
	defer cancel()
	p := &headykey.Proof{}
	err := db.View(ctx, func(tx *Tx) error {
		return tx.one("rotate refresh token", append(sessionFields(&p.Session), userFields(&p.User)...),
			rotateInOne, r.Hash, at(tx.Now), r.Successor, r.Next, at(tx.Now.Add(r.Life)))
	})
	return p, err
}

// HasUnusedToken reports whether the token under hash exists and was never used.
func (tx *Tx) HasUnusedToken(user headykey.ID, hash []byte) (bool, error) {
	var n int
	err := tx.one("select refresh token", []any{&n},
		`SELECT count(*) FROM refresh_tokens WHERE user_id = $1 AND hash = $2 AND used_at IS NULL`, user, hash)
	return n > 0, err
}
