package store

import (
	"database/sql"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

const consentColumns = `user_id, client_id, scopes, resources, details, created_at, updated_at, expires_at`

func consentFields(c *headykey.Consent) []any {
	return []any{&c.User, &c.Client, list{&c.Scopes}, list{&c.Resources}, from{&c.Details},
		when{&c.Created}, when{&c.Updated}, when{&c.Expires}}
}

func scanConsent(rows *sql.Rows) (*headykey.Consent, error) {
	c := &headykey.Consent{}
	return c, rows.Scan(consentFields(c)...)
}

// PutConsent keeps c in the place of what its person allowed the client before.
func (tx *Tx) PutConsent(c *headykey.Consent) error {
	details := c.Details
	if len(details) == 0 {
		details = jsontext.Value("[]")
	}
	return tx.do("put consent", `
		INSERT INTO consents (`+consentColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = excluded.scopes, resources = excluded.resources,
			details = excluded.details, updated_at = excluded.updated_at, expires_at = excluded.expires_at`,
		c.User, c.Client, words(c.Scopes), words(c.Resources), string(details), at(c.Created), at(c.Updated), at(c.Expires))
}

// Consent returns what user allowed client, run out or not, or
// headykey.ErrNotFound.
func (tx *Tx) Consent(user, client headykey.ID) (*headykey.Consent, error) {
	c := &headykey.Consent{}
	return c, tx.one("select consent", consentFields(c), `
		SELECT `+consentColumns+` FROM consents WHERE user_id = $1 AND client_id = $2`, user, client)
}

// Consents yields what user allowed to clients, the newest first.
func (tx *Tx) Consents(user headykey.ID) iter.Seq2[*headykey.Consent, error] {
	return query(tx, "select consents", scanConsent, `
		SELECT `+consentColumns+` FROM consents WHERE user_id = $1 ORDER BY created_at DESC, client_id`, user)
}

// DeleteConsent withdraws what user allowed client. It reports whether there was
// anything.
func (tx *Tx) DeleteConsent(user, client headykey.ID) (bool, error) {
	n, err := tx.exec("delete consent", `DELETE FROM consents WHERE user_id = $1 AND client_id = $2`, user, client)
	return n > 0, err
}
