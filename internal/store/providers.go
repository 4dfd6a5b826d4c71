package store

import (
	"database/sql"
	"fmt"
	"iter"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

// PutCustomProvider adds p, or keeps it in place of the one with its name.
func (tx *Tx) PutCustomProvider(p *headykey.CustomProvider) error {
	settings, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("marshal custom provider: %w", err)
	}
	return tx.do("put custom provider", `
		INSERT INTO custom_providers (name, settings, secret, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, secret = excluded.secret, updated_at = excluded.updated_at`,
		p.Name, string(settings), p.Secret, at(p.Created), at(p.Updated))
}

// CustomProvider returns the provider called name, or headykey.ErrNotFound.
func (tx *Tx) CustomProvider(name string) (*headykey.CustomProvider, error) {
	p := &headykey.CustomProvider{}
	var settings []byte
	err := tx.one("select custom provider", []any{&settings, &p.Secret, when{&p.Created}, when{&p.Updated}}, `
		SELECT settings, secret, created_at, updated_at FROM custom_providers WHERE name = $1`, name)
	if err != nil {
		return nil, err
	}
	return p, readProvider(settings, p)
}

// CustomProviders yields all of them, the newest first.
func (tx *Tx) CustomProviders() iter.Seq2[*headykey.CustomProvider, error] {
	scan := func(rows *sql.Rows) (*headykey.CustomProvider, error) {
		p := &headykey.CustomProvider{}
		var settings []byte
		if err := rows.Scan(&settings, &p.Secret, when{&p.Created}, when{&p.Updated}); err != nil {
			return nil, err
		}
		return p, readProvider(settings, p)
	}
	return query(tx, "select custom providers", scan, `
		SELECT settings, secret, created_at, updated_at FROM custom_providers ORDER BY created_at DESC, name`)
}

func readProvider(settings []byte, p *headykey.CustomProvider) error {
	if err := json.Unmarshal(settings, p); err != nil {
		return fmt.Errorf("unmarshal custom provider: %w", err)
	}
	return nil
}

// DeleteCustomProvider deletes the provider called name, or returns
// headykey.ErrNotFound.
func (tx *Tx) DeleteCustomProvider(name string) error {
	return found(tx.exec("delete custom provider", `DELETE FROM custom_providers WHERE name = $1`, name))
}
