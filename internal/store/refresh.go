package store

import (
	"context"
	"time"

	"headykey.com/headykey"
)

// A RefreshFamily is the refresh tokens of one session: one row, however often
// they rotate. All tokens of a family share a handle, by which the row is found;
// only the current one can be spent, and the one before it explains itself.
type RefreshFamily struct {
	User      headykey.ID
	Session   headykey.ID
	Handle    []byte // SHA-256 of what the family's tokens share
	Current   []byte // SHA-256 of the token that can be spent
	Previous  []byte // SHA-256 of the one before; nil: none was spent yet
	Successor []byte // the current token, masked with the previous one; nil with it
	Rotated   time.Time
	Created   time.Time
	Expires   time.Time // of the current token
}

// InsertRefreshFamily adds a family whose first token was not used yet.
func (tx *Tx) InsertRefreshFamily(f RefreshFamily) error {
	return tx.do("insert refresh family", `
		INSERT INTO refresh_families (user_id, handle, session_id, current, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		f.User, f.Handle, f.Session, f.Current, at(f.Created), at(f.Expires))
}

// RefreshFamily returns the family under its handle, or headykey.ErrNotFound.
func (tx *Tx) RefreshFamily(handle []byte) (RefreshFamily, error) {
	f := RefreshFamily{Handle: handle}
	return f, tx.one("select refresh family",
		[]any{&f.User, &f.Session, &f.Current, &f.Previous, &f.Successor, when{&f.Rotated}, when{&f.Created}, when{&f.Expires}}, `
		SELECT user_id, session_id, current, previous, successor, rotated_at, created_at, expires_at
		FROM refresh_families WHERE handle = $1`, handle)
}

// A Rotation asks for the current token of a family to be spent for its successor.
type Rotation struct {
	Handle    []byte
	Current   []byte        // hash of the token that was shown
	Next      []byte        // hash of its successor
	Successor []byte        // the successor, masked with the token
	Life      time.Duration // of the successor
	App       bool          // it is shown at the door of apps, whose tokens are good there alone
}

const (
	holderColumns = `u.id, u.email, u.role, s.id, s.ways, s.amr, s.aal, s.last_used_at`

	liveFamily = `f.handle = $1 AND f.current = $2 AND f.expires_at > $3
		AND s.ended_at IS NULL AND s.ends_at > $3 AND u.disabled_at IS NULL
		AND (s.surface = '` + headykey.AppSurface + `') = $4`

	selectHolder = `SELECT ` + holderColumns + `
		FROM refresh_families f JOIN sessions s ON s.user_id = f.user_id AND s.id = f.session_id
		JOIN users u ON u.id = f.user_id WHERE ` + liveFamily

	// One statement, one round trip, one commit, one row: its own predicate
	// decides who wins, and the losers find no row.
	rotateInOne = `UPDATE refresh_families f
		SET previous = f.current, current = $5, successor = $6, rotated_at = $3, expires_at = $7
		FROM sessions s, users u
		WHERE s.user_id = f.user_id AND s.id = f.session_id AND u.id = f.user_id AND ` + liveFamily + `
		RETURNING ` + holderColumns
)

func holderFields(h *headykey.Holder) []any {
	return []any{&h.User, &h.Email, &h.Role, &h.Session, wayList{&h.Ways}, list{&h.AMR}, &h.AAL, when{&h.LastUsed}}
}

// Rotate spends the current token of a family and puts its successor in its place,
// durably, and returns whose it is. It fails with headykey.ErrNotFound, having
// changed nothing, if the token is not the current one, has expired, or its
// session or user is at an end: look at the family then.
func (db *DB) Rotate(ctx context.Context, r Rotation) (*headykey.Holder, error) {
	if db.engine.dialect() == postgres {
		return db.rotateInOne(ctx, r)
	}
	h := &headykey.Holder{}
	err := db.Update(ctx, func(tx *Tx) error {
		err := tx.one("select refresh family", holderFields(h), selectHolder, r.Handle, r.Current, at(tx.Now), r.App)
		if err != nil {
			return err
		}
		return tx.do("rotate refresh token", `
			UPDATE refresh_families SET previous = current, current = $3, successor = $4, rotated_at = $5, expires_at = $6
			WHERE user_id = $1 AND handle = $2`,
			h.User, r.Handle, r.Next, r.Successor, at(tx.Now), at(tx.Now.Add(r.Life)))
	})
	return h, err
}

// rotateInOne retries a lost connection once only: if the first try did commit,
// the second finds another token current and the caller gets the stored successor.
func (db *DB) rotateInOne(ctx context.Context, r Rotation) (*headykey.Holder, error) {
	ctx, cancel := context.WithTimeout(ctx, updateDeadline)
	defer cancel()
	h := &headykey.Holder{}
	err := db.View(ctx, func(tx *Tx) error {
		return tx.one("rotate refresh token", holderFields(h),
			rotateInOne, r.Handle, r.Current, at(tx.Now), r.App, r.Next, r.Successor, at(tx.Now.Add(r.Life)))
	})
	return h, err
}
