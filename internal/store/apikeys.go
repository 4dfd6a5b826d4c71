package store

import (
	"database/sql"
	"iter"
	"time"

	"headykey.com/headykey"
)

const keyColumns = `k.id, k.user_id, k.role, k.description, k.prefix, k.hash, k.scopes, k.created_at,
	k.expires_at, k.revoked_at, k.last_used_at, k.last_address`

func keyFields(k *headykey.APIKey) []any {
	return []any{&k.ID, &k.User, &k.Role, &k.Description, &k.Prefix, &k.Hash, list{&k.Scopes}, when{&k.Created},
		when{&k.Expires}, when{&k.Revoked}, when{&k.LastUsed}, &k.LastAddress}
}

func scanKey(rows *sql.Rows) (*headykey.APIKey, error) {
	k := &headykey.APIKey{}
	return k, rows.Scan(keyFields(k)...)
}

// InsertAPIKey adds the record of a key.
func (tx *Tx) InsertAPIKey(k *headykey.APIKey) error {
	return tx.do("insert API key", `
		INSERT INTO api_keys (user_id, id, role, description, prefix, hash, scopes, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.User, k.ID, k.Role, k.Description, k.Prefix, k.Hash, words(k.Scopes), at(k.Created), at(k.Expires))
}

// A KeyProof is an API key with its owner.
type KeyProof struct {
	Key   headykey.APIKey
	Owner headykey.User
}

// KeyByHash returns the key with this SHA-256 and its owner, revoked or not, or
// headykey.ErrNotFound.
func (tx *Tx) KeyByHash(hash []byte) (*KeyProof, error) {
	p := &KeyProof{}
	return p, tx.one("select API key", append(keyFields(&p.Key), userFields(&p.Owner)...), `
		SELECT `+keyColumns+`, `+userColumns+` FROM api_keys k JOIN users u ON u.id = k.user_id
		WHERE k.hash = $1`, hash)
}

// APIKey returns the key under id, whoever's it is, or headykey.ErrNotFound.
func (tx *Tx) APIKey(id headykey.ID) (*headykey.APIKey, error) {
	k := &headykey.APIKey{}
	return k, tx.one("select API key", keyFields(k), `SELECT `+keyColumns+` FROM api_keys k WHERE k.id = $1`, id)
}

// CountAPIKeys returns how many live keys user holds.
func (tx *Tx) CountAPIKeys(user headykey.ID) (int, error) {
	var n int
	return n, tx.one("count API keys", []any{&n}, `
		SELECT count(*) FROM api_keys
		WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`, user, at(tx.Now))
}

// APIKeys yields keys that are not revoked, newest first: user's, or everybody's
// for the zero ID.
func (tx *Tx) APIKeys(user headykey.ID, before headykey.Mark, limit int) iter.Seq2[*headykey.APIKey, error] {
	w := where{}
	w.add(`k.revoked_at IS NULL`)
	if user != "" {
		w.add(`k.user_id = ?`, user)
	}
	w.before("k.created_at", "k.id", before)
	return query(tx, "select API keys", scanKey, `
		SELECT `+keyColumns+` FROM api_keys k`+w.text()+`
		ORDER BY k.created_at DESC, k.id DESC LIMIT `+w.arg(limit), w.args...)
}

// RevokeAPIKey ends a key for good. It reports whether it was live.
func (tx *Tx) RevokeAPIKey(user, key headykey.ID) (bool, error) {
	n, err := tx.exec("revoke API key", `
		UPDATE api_keys SET revoked_at = $3 WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL`,
		user, key, at(tx.Now))
	if n > 0 {
		tx.Touch(ChangedUser, user)
	}
	return n > 0, err
}

// ExpireAPIKey lets a key run out at t, if it would live longer.
func (tx *Tx) ExpireAPIKey(user, key headykey.ID, t time.Time) error {
	tx.Touch(ChangedUser, user)
	return tx.do("expire API key", `
		UPDATE api_keys SET expires_at = $3
		WHERE user_id = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > $3)`, user, key, at(t))
}

// NoteKeyUse records the last use of a key.
func (tx *Tx) NoteKeyUse(u Use) error {
	return tx.do("note key use", `
		UPDATE api_keys SET last_used_at = $3, last_address = $4
		WHERE user_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)`,
		u.User, u.ID, at(u.At), u.Address)
}

// InsertKeyEvent adds a line to a key's history.
func (tx *Tx) InsertKeyEvent(user, key headykey.ID, e headykey.KeyEvent) error {
	return tx.do("insert key event", `
		INSERT INTO api_key_events (user_id, key_id, id, at, type, address, agent, receipt_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		user, key, headykey.NewOrderedID(), at(e.At), e.Type, e.Address, e.Agent, id(e.Receipt))
}

// HasKeyEvent reports whether a key's history has an event of this type.
func (tx *Tx) HasKeyEvent(user, key headykey.ID, kind string) (bool, error) {
	var n int
	err := tx.one("select key event", []any{&n},
		`SELECT count(*) FROM api_key_events WHERE user_id = $1 AND key_id = $2 AND type = $3`, user, key, kind)
	return n > 0, err
}

// KeyEvents yields a key's history, newest first.
func (tx *Tx) KeyEvents(user, key headykey.ID, limit int) iter.Seq2[headykey.KeyEvent, error] {
	scan := func(rows *sql.Rows) (headykey.KeyEvent, error) {
		var e headykey.KeyEvent
		return e, rows.Scan(when{&e.At}, &e.Type, &e.Address, &e.Agent, maybe{&e.Receipt})
	}
	return query(tx, "select key events", scan, `
		SELECT at, type, address, agent, receipt_id FROM api_key_events
		WHERE user_id = $1 AND key_id = $2 ORDER BY id DESC LIMIT $3`, user, key, limit)
}
