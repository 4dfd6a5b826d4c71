package store

import (
	"database/sql"
	"iter"
	"time"

	"headykey.com/headykey"
)

const clientColumns = `id, name, secret_hash, sealed_secret, auth_method, profile, origin, trusted, grants, scopes,
	redirect_uris, resources, registration_hash, details, created_at, updated_at, verified_at, disabled_at`

func clientFields(c *headykey.Client) []any {
	return []any{&c.ID, &c.Name, &c.Secret, &c.SealedSecret, &c.AuthMethod, &c.Profile, &c.Origin, &c.Trusted,
		list{&c.Grants}, list{&c.Scopes}, list{&c.Redirects}, list{&c.Resources}, &c.Registration, from{&c.Details},
		when{&c.Created}, when{&c.Updated}, when{&c.Verified}, when{&c.Disabled}}
}

func scanClient(rows *sql.Rows) (*headykey.Client, error) {
	c := &headykey.Client{}
	return c, rows.Scan(clientFields(c)...)
}

// InsertClient adds a client, whose pages come from origins.
func (tx *Tx) InsertClient(c *headykey.Client, origins []string) error {
	details, err := object(c.Details)
	if err != nil {
		return err
	}
	err = tx.do("insert client", `
		INSERT INTO clients (`+clientColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		c.ID, c.Name, c.Secret, c.SealedSecret, c.AuthMethod, c.Profile, c.Origin, c.Trusted,
		words(c.Grants), words(c.Scopes), words(c.Redirects), words(c.Resources), c.Registration, details,
		at(c.Created), at(c.Updated), at(c.Verified), at(c.Disabled))
	if err != nil {
		return err
	}
	return tx.setClientOrigins(c.ID, origins)
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

// UpdateClient keeps all of c but its id, origin and age, as of now, or returns
// headykey.ErrNotFound. Its pages come from origins from then on.
func (tx *Tx) UpdateClient(c *headykey.Client, origins []string) error {
	tx.Touch(ChangedClient, c.ID)
	c.Updated = tx.Now
	details, err := object(c.Details)
	if err != nil {
		return err
	}
	err = found(tx.exec("update client", `
		UPDATE clients SET name = $2, secret_hash = $3, sealed_secret = $4, auth_method = $5, profile = $6, trusted = $7,
			grants = $8, scopes = $9, redirect_uris = $10, resources = $11, registration_hash = $12, details = $13,
			verified_at = $14, disabled_at = $15, updated_at = $16
		WHERE id = $1`,
		c.ID, c.Name, c.Secret, c.SealedSecret, c.AuthMethod, c.Profile, c.Trusted,
		words(c.Grants), words(c.Scopes), words(c.Redirects), words(c.Resources), c.Registration, details,
		at(c.Verified), at(c.Disabled), at(c.Updated)))
	if err != nil {
		return err
	}
	return tx.setClientOrigins(c.ID, origins)
}

// setClientOrigins makes origins the only ones that client's pages come from.
func (tx *Tx) setClientOrigins(client headykey.ID, origins []string) error {
	tx.Touch(ChangedOrigins, OriginsEpoch)
	if err := tx.do("delete client origins", `DELETE FROM client_origins WHERE client_id = $1`, client); err != nil {
		return err
	}
	for _, o := range origins {
		err := tx.do("insert client origin", `
			INSERT INTO client_origins (client_id, origin) VALUES ($1, $2)
			ON CONFLICT (client_id, origin) DO NOTHING`, client, o)
		if err != nil {
			return err
		}
	}
	return nil
}

// HasClientOrigin reports whether the pages of a client that is not disabled come
// from origin.
func (tx *Tx) HasClientOrigin(origin string) (bool, error) {
	var n int
	err := tx.one("select client origin", []any{&n}, `
		SELECT count(*) FROM client_origins o JOIN clients c ON c.id = o.client_id
		WHERE o.origin = $1 AND c.disabled_at IS NULL`, origin)
	return n > 0, err
}

// DeleteClient removes a client and what people allowed it, or returns
// headykey.ErrNotFound. Its authorizations stay until they run out: without their
// client they are worth nothing.
func (tx *Tx) DeleteClient(id headykey.ID) error {
	tx.Touch(ChangedClient, id)
	for _, table := range []string{"revoked_tokens", "client_origins", "consents", "authorization_requests", "polls"} {
		if err := tx.do("delete of client", `DELETE FROM `+table+` WHERE client_id = $1`, id); err != nil {
			return err
		}
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
