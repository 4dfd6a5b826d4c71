package store

import (
	"database/sql"
	"iter"
	"time"

	"headykey.com/headykey"
)

const clientColumns = `id, name, secret_hash, auth_method, grants, scopes, redirect_uris, resources, created_at, disabled_at`

func clientFields(c *headykey.Client) []any {
	return []any{&c.ID, &c.Name, &c.Secret, &c.AuthMethod, list{&c.Grants}, list{&c.Scopes}, list{&c.Redirects},
		list{&c.Resources}, when{&c.Created}, when{&c.Disabled}}
}

func scanClient(rows *sql.Rows) (*headykey.Client, error) {
	c := &headykey.Client{}
	return c, rows.Scan(clientFields(c)...)
}

// InsertClient adds a client.
func (tx *Tx) InsertClient(c *headykey.Client) error {
	return tx.do("insert client", `
		INSERT INTO clients (`+clientColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.ID, c.Name, c.Secret, c.AuthMethod, words(c.Grants), words(c.Scopes), words(c.Redirects),
		words(c.Resources), at(c.Created), at(c.Disabled))
}

// Client returns the client under id, disabled or not, or headykey.ErrNotFound.
func (tx *Tx) Client(id headykey.ID) (*headykey.Client, error) {
	c := &headykey.Client{}
	return c, tx.one("select client", clientFields(c), `SELECT `+clientColumns+` FROM clients WHERE id = $1`, id)
}

// Clients yields clients, newest first.
func (tx *Tx) Clients(before headykey.Mark, limit int) iter.Seq2[*headykey.Client, error] {
	w := where{}
	w.before("created_at", "id", before)
	return query(tx, "select clients", scanClient, `
		SELECT `+clientColumns+` FROM clients`+w.text()+`
		ORDER BY created_at DESC, id DESC LIMIT `+w.arg(limit), w.args...)
}

// UpdateClient keeps all of c but its id and age, or returns headykey.ErrNotFound.
func (tx *Tx) UpdateClient(c *headykey.Client) error {
	tx.Touch(ChangedClient, c.ID)
	return found(tx.exec("update client", `
		UPDATE clients SET name = $2, secret_hash = $3, auth_method = $4, grants = $5, scopes = $6,
			redirect_uris = $7, resources = $8, disabled_at = $9
		WHERE id = $1`,
		c.ID, c.Name, c.Secret, c.AuthMethod, words(c.Grants), words(c.Scopes), words(c.Redirects),
		words(c.Resources), at(c.Disabled)))
}

// DeleteClient removes a client, or returns headykey.ErrNotFound.
func (tx *Tx) DeleteClient(id headykey.ID) error {
	tx.Touch(ChangedClient, id)
	if err := tx.do("delete revoked tokens", `DELETE FROM revoked_tokens WHERE client_id = $1`, id); err != nil {
		return err
	}
	return found(tx.exec("delete client", `DELETE FROM clients WHERE id = $1`, id))
}

// RevokeToken ends the access token of client under id, which would have run out
// at expires. It reports whether it had not been revoked before.
func (tx *Tx) RevokeToken(client, id headykey.ID, expires time.Time) (bool, error) {
	n, err := tx.exec("revoke token", `
		INSERT INTO revoked_tokens (client_id, id, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (client_id, id) DO NOTHING`, client, id, at(expires))
	if n > 0 {
		tx.Touch(ChangedToken, id)
	}
	return n > 0, err
}

// IsTokenRevoked reports whether the access token of client under id was revoked.
func (tx *Tx) IsTokenRevoked(client, id headykey.ID) (bool, error) {
	var n int
	err := tx.one("select revoked token", []any{&n},
		`SELECT count(*) FROM revoked_tokens WHERE client_id = $1 AND id = $2`, client, id)
	return n > 0, err
}

// PruneRevokedTokens deletes up to limit revocations of tokens that ran out before
// t.
func (tx *Tx) PruneRevokedTokens(t time.Time, limit int) (int64, error) {
	return tx.exec("prune revoked tokens", `
		DELETE FROM revoked_tokens WHERE (client_id, id) IN (
			SELECT client_id, id FROM revoked_tokens WHERE expires_at < $1 LIMIT $2)`, at(t), limit)
}
