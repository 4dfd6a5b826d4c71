//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"time"
)

// password is everybody's. Its hash is made by the server itself: who signs in
// with it has registered.
const password = "four quiet otters near the weir 1618"

// A person has one of each credential.
type person struct {
	id, session, email string
	refresh            string
	cookie             string
	key                string
	access             string // from the first refresh on
	newcomers          int    // signed up in this person's name

	anon       string // key of an app
	appSession string
	renew      string // refresh token that the app has
	token      string // session token that it has

	code    string // of the code flow that is under way
	granted string // access token of the swift app
	renewal string // refresh token of that app
}

func newPerson(i int) person {
	return person{
		id: newUUID(), session: newUUID(), email: fmt.Sprintf("person-%d@example.com", i),
		refresh: hex.EncodeToString(random(34)), cookie: hex.EncodeToString(random(34)), key: newKey(),
		appSession: newUUID(), renew: hex.EncodeToString(random(34)),
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

// newUUID returns a random UUID (RFC 9562 §5.4).
func newUUID() string {
	b := random(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newKey returns an API key: 30 random bytes and their CRC-32, in hex.
func newKey() string {
	b := random(30)
	return "hdy_" + hex.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// settle puts a crowd into the database, each with a session, a refresh token and
// an API key.
func settle(ctx context.Context, d *database) ([]person, error) {
	people := make([]person, crowd)
	for i := range people {
		people[i] = newPerson(i)
	}
	db, err := d.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	for _, p := range people {
		if err := d.insert(ctx, tx, p); err != nil {
			return nil, fmt.Errorf("settle %s: %w", p.email, err)
		}
	}
	for _, a := range []app{swift, usual} {
		if err := a.register(ctx, d, tx); err != nil {
			return nil, fmt.Errorf("register an app: %w", err)
		}
	}
	if err := tx.Commit(); err != nil || d.dsn == "" {
		return people, err
	}
	_, err = db.ExecContext(ctx, "ANALYZE") // PostgreSQL does so itself within a minute
	return people, err
}

func (d *database) insert(ctx context.Context, tx *sql.Tx, p person) error {
	now := time.Now().UTC().Truncate(time.Second)
	born, later := d.at(now), d.at(now.Add(30*24*time.Hour))
	hash := func(s string) []byte {
		sum := sha256.Sum256([]byte(s))
		return sum[:]
	}
	for _, row := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO users (id, email, email_key, name, name_key, role, type, created_at, updated_at)
			VALUES ($1, $2, $2, '', '', 2, 'human', $3, $3)`, []any{p.id, p.email, born}},
		{`INSERT INTO addresses (email_key, user_id) VALUES ($1, $2)`, []any{p.email, p.id}},
		{`INSERT INTO sessions (user_id, id, surface, amr, aal, address, agent, cookie_hash, cookie_expires_at,
			created_at, proven_at, last_used_at, ends_at)
			VALUES ($1, $2, 'api', '["pwd"]', 'aal1', '127.0.0.1', '', $3, $5, $4, $4, $4, $5)`,
			[]any{p.id, p.session, hash(p.cookie), born, later}},
		{`INSERT INTO refresh_families (user_id, handle, session_id, current, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, []any{p.id, hash(p.refresh[:32]), p.session, hash(p.refresh), born, later}},
		{`INSERT INTO sessions (user_id, id, surface, amr, aal, address, agent, created_at, proven_at, last_used_at, ends_at)
			VALUES ($1, $2, 'supabase', '["pwd"]', 'aal1', '127.0.0.1', '', $3, $3, $3, $4)`,
			[]any{p.id, p.appSession, born, later}},
		{`INSERT INTO refresh_families (user_id, handle, session_id, current, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, []any{p.id, hash(p.renew[:32]), p.appSession, hash(p.renew), born, later}},
		{`INSERT INTO api_keys (user_id, id, role, description, prefix, hash, scopes, created_at)
			VALUES ($1, $2, 2, '', $3, $4, '[]', $5)`, []any{p.id, newUUID(), p.key[:12], hash(p.key), born}},
	} {
		if _, err := tx.ExecContext(ctx, row.text, row.args...); err != nil {
			return err
		}
	}
	return nil
}
