package store

import (
	"database/sql"
	"iter"
	"time"
)

// A SigningKey is the record of a key that signs; its private part is sealed.
type SigningKey struct {
	ID        string // kid
	Use       string // heady, session, receipt
	Algorithm string
	Public    []byte // nil for a shared secret
	Private   []byte // sealed
	Created   time.Time
	Active    time.Time // signs from then on; zero: published, not yet in use
	Retired   time.Time // signs no more from then on; zero: signs
	Expires   time.Time // verifies no more from then on; zero: for ever
}

// SigningKeys yields every key that ever was, newest first.
func (tx *Tx) SigningKeys() iter.Seq2[SigningKey, error] {
	scan := func(rows *sql.Rows) (SigningKey, error) {
		var k SigningKey
		return k, rows.Scan(&k.ID, &k.Use, &k.Algorithm, &k.Public, &k.Private,
			when{&k.Created}, when{&k.Active}, when{&k.Retired}, when{&k.Expires})
	}
	return query(tx, "select signing keys", scan, `
		SELECT id, use, algorithm, public, private, created_at, active_at, retired_at, expires_at
		FROM signing_keys ORDER BY created_at DESC, id`)
}

// InsertSigningKey adds a key.
func (tx *Tx) InsertSigningKey(k SigningKey) error {
	tx.Touch(ChangedKeys, "")
	return tx.do("insert signing key", `
		INSERT INTO signing_keys (id, use, algorithm, public, private, created_at, active_at, retired_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.ID, k.Use, k.Algorithm, k.Public, k.Private, at(k.Created), at(k.Active), at(k.Retired), at(k.Expires))
}

// RetireSigningKeys stops all keys of use and algorithm that still sign; they
// verify until expires (zero: for ever).
func (tx *Tx) RetireSigningKeys(use, algorithm string, expires time.Time) error {
	tx.Touch(ChangedKeys, "")
	return tx.do("retire signing keys", `
		UPDATE signing_keys SET retired_at = $3, expires_at = $4
		WHERE use = $1 AND algorithm = $2 AND active_at IS NOT NULL AND retired_at IS NULL`,
		use, algorithm, at(tx.Now), at(expires))
}

// ActivateSigningKeys lets the keys of use and algorithm that were only published
// sign.
func (tx *Tx) ActivateSigningKeys(use, algorithm string) error {
	tx.Touch(ChangedKeys, "")
	return tx.do("activate signing keys", `
		UPDATE signing_keys SET active_at = $3
		WHERE use = $1 AND algorithm = $2 AND active_at IS NULL`, use, algorithm, at(tx.Now))
}
