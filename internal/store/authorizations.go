package store

import (
	"database/sql"
	"iter"
	"time"

	"headykey.com/headykey"
)

const authorizationColumns = `a.user_id, a.id, a.client_id, a.session_id, a.parent_id, a.offline, a.terms, a.code,
	a.code_expires_at, a.redeemed_at, a.current, a.previous, a.successor, a.rotated_at, a.created_at, a.expires_at,
	a.ends_at, a.ended_at`

func authorizationFields(a *headykey.Authorization) []any {
	return []any{&a.User, &a.ID, &a.Client, maybe{&a.Session}, maybe{&a.Parent}, &a.Offline, from{&a.Terms}, &a.Code,
		when{&a.CodeExpires}, when{&a.Redeemed}, &a.Current, &a.Previous, &a.Successor, when{&a.Rotated},
		when{&a.Created}, when{&a.Expires}, when{&a.Ends}, when{&a.Ended}}
}

// InsertAuthorization adds a.
func (tx *Tx) InsertAuthorization(a *headykey.Authorization) error {
	terms, err := object(a.Terms)
	if err != nil {
		return err
	}
	return tx.do("insert authorization", `
		INSERT INTO authorizations (user_id, id, client_id, session_id, parent_id, offline, terms, code, code_expires_at,
			redeemed_at, current, created_at, expires_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		a.User, a.ID, a.Client, id(a.Session), id(a.Parent), a.Offline, terms, a.Code, at(a.CodeExpires),
		at(a.Redeemed), a.Current, at(a.Created), at(a.Expires), at(a.Ends))
}

// AuthorizationProof returns the authorization under id with its person and, if it
// still exists, its sign-in, ended or not; or headykey.ErrNotFound.
func (tx *Tx) AuthorizationProof(id headykey.ID) (*headykey.AuthorizationProof, error) {
	p := &headykey.AuthorizationProof{}
	a, s := &p.Authorization, &p.Session
	fields := append(authorizationFields(a), userFields(&p.User)...)
	fields = append(fields, maybe{&s.ID}, maybeList{&s.AMR}, maybeText{&s.AAL}, when{&s.Created}, when{&s.Proven},
		when{&s.Ends}, when{&s.Ended})
	err := tx.one("select authorization", fields, `
		SELECT `+authorizationColumns+`, `+userColumns+`, s.id, s.amr, s.aal, s.created_at, s.proven_at, s.ends_at, s.ended_at
		FROM authorizations a JOIN users u ON u.id = a.user_id
		LEFT JOIN sessions s ON s.user_id = a.user_id AND s.id = a.session_id
		WHERE a.id = $1`, id)
	s.User = p.User.ID
	return p, err
}

// RedeemAuthorization marks the code of a as redeemed and keeps its first refresh
// token (nil: none). It reports whether the code had not been redeemed before: that
// is the gate. The terms stay as they are kept, unless the keys that the client showed
// have changed them. When the row runs out stays as it was: no index is rewritten.
func (tx *Tx) RedeemAuthorization(a *headykey.Authorization, changed bool) (bool, error) {
	var terms any
	if changed {
		text, err := object(a.Terms)
		if err != nil {
			return false, err
		}
		terms = text
	}
	n, err := tx.exec("redeem code", `
		UPDATE authorizations SET redeemed_at = $3, current = $4, terms = COALESCE($5, terms)
		WHERE user_id = $1 AND id = $2 AND redeemed_at IS NULL AND ended_at IS NULL`,
		a.User, a.ID, at(tx.Now), a.Current, terms)
	return n > 0, err
}

// RotateAuthorization puts next in the place of the refresh token whose hash is
// current, with its successor masked. It reports whether that was the current one.
func (tx *Tx) RotateAuthorization(a *headykey.Authorization, current, next, successor []byte, expires time.Time) (bool, error) {
	n, err := tx.exec("rotate refresh token", `
		UPDATE authorizations SET previous = current, current = $4, successor = $5, rotated_at = $6, expires_at = $7
		WHERE user_id = $1 AND id = $2 AND current = $3 AND ended_at IS NULL`,
		a.User, a.ID, current, next, successor, at(tx.Now), at(expires))
	return n > 0, err
}

// ProlongAuthorization lets a's refresh token, which is not rotated, live on.
func (tx *Tx) ProlongAuthorization(a *headykey.Authorization, expires time.Time) error {
	return tx.do("prolong authorization", `
		UPDATE authorizations SET expires_at = $3 WHERE user_id = $1 AND id = $2 AND expires_at < $3`, a.User, a.ID, at(expires))
}

// EndAuthorization ends one authorization of user and what was derived from it. It
// reports whether it was live.
func (tx *Tx) EndAuthorization(user, authorization headykey.ID) (bool, error) {
	n, err := tx.exec("end authorization", `
		WITH RECURSIVE dead (id) AS (
			SELECT id FROM authorizations WHERE user_id = $1 AND id = $2
			UNION SELECT a.id FROM authorizations a JOIN dead d ON a.parent_id = d.id WHERE a.user_id = $1)
		UPDATE authorizations SET ended_at = $3
		WHERE user_id = $1 AND id IN (SELECT id FROM dead) AND ended_at IS NULL`,
		user, authorization, at(tx.Now))
	if n > 0 {
		tx.Touch(ChangedUser, user)
	}
	return n > 0, err
}

// EndAuthorizations ends all that user allowed client, and what was derived from
// it. It returns how many there were.
func (tx *Tx) EndAuthorizations(user, client headykey.ID) (int64, error) {
	tx.Touch(ChangedUser, user)
	return tx.exec("end authorizations", `
		WITH RECURSIVE dead (id) AS (
			SELECT id FROM authorizations WHERE user_id = $1 AND client_id = $2
			UNION SELECT a.id FROM authorizations a JOIN dead d ON a.parent_id = d.id WHERE a.user_id = $1)
		UPDATE authorizations SET ended_at = $3
		WHERE user_id = $1 AND id IN (SELECT id FROM dead) AND ended_at IS NULL`, user, client, at(tx.Now))
}

// EndDerived ends what others derived from authorizations of client (RFC 8693), which
// is worth nothing any more itself.
func (tx *Tx) EndDerived(client headykey.ID) error {
	type key struct{ user, id headykey.ID }
	all, err := Collect(query(tx, "select derived authorizations", func(rows *sql.Rows) (key, error) {
		var k key
		return k, rows.Scan(&k.user, &k.id)
	}, `SELECT a.user_id, a.id FROM authorizations a JOIN authorizations p ON p.user_id = a.user_id AND p.id = a.parent_id
		WHERE a.parent_id IS NOT NULL AND a.ended_at IS NULL AND p.client_id = $1`, client))
	if err != nil {
		return err
	}
	for _, k := range all {
		if _, err := tx.EndAuthorization(k.user, k.id); err != nil {
			return err
		}
	}
	return nil
}

// SessionClients yields the clients that user allowed something in session, each
// once. What has ended counts, too: the client may have a session of its own that
// began with it.
func (tx *Tx) SessionClients(user, session headykey.ID) iter.Seq2[headykey.ID, error] {
	scan := func(rows *sql.Rows) (client headykey.ID, err error) {
		return client, rows.Scan(&client)
	}
	return query(tx, "select clients of session", scan, `
		SELECT DISTINCT client_id FROM authorizations
		WHERE user_id = $1 AND session_id = $2 ORDER BY client_id`, user, session)
}

// The ids before and behind all others.
const (
	firstID = headykey.ID("00000000-0000-0000-0000-000000000000")
	lastID  = headykey.ID("ffffffff-ffff-ffff-ffff-ffffffffffff")
)

// SweepAuthorizations looks at the next limit authorizations behind after ("": from
// the oldest on) and deletes those that ran out before t and whose sign-in is over:
// until then their client must be told when it ends. It returns where the next sweep
// goes on ("": at the beginning) and how many it deleted. No index on their end is
// needed, which every rotation would have to rewrite.
func (tx *Tx) SweepAuthorizations(after headykey.ID, t time.Time, limit int) (next headykey.ID, deleted int64, err error) {
	if after == "" {
		after = firstID
	}
	err = tx.one("look at authorizations", []any{&next}, `
		SELECT id FROM authorizations WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`, after, limit-1)
	if err != nil && !isMissing(err) {
		return "", 0, err
	}
	last := next
	if isMissing(err) {
		next, last = "", lastID
	}
	deleted, err = tx.exec("sweep authorizations", `
		DELETE FROM authorizations WHERE id > $1 AND id <= $2 AND expires_at < $3 AND NOT EXISTS (
			SELECT 1 FROM sessions s WHERE s.user_id = authorizations.user_id AND s.id = authorizations.session_id
				AND s.ended_at IS NULL AND s.ends_at > $4)`, after, last, at(t), at(tx.Now))
	return next, deleted, err
}
