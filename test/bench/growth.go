//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const growth = 1.2 // what an operation may cost among a million users, over without

// grow fills the database with a million users, each with ten sessions, and
// measures again what must not have become dearer.
func (b *bench) grow(ctx context.Context) error {
	before := slices.Clone(b.report.Figures)
	began := time.Now()
	if err := b.fill(ctx); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	b.report.tell("filling a million users and ten million sessions", time.Since(began).Seconds(), "s", 0)
	var took []float64
	for range starts {
		var err error
		if took, err = b.startOnce(ctx, took); err != nil {
			return err
		}
	}
	b.report.tell("start to ready, million", median(took), "ms", 100)
	return b.serve(ctx, func(ctx context.Context) error {
		for _, op := range operations {
			if !b.wants(op.name) || !strings.HasPrefix(op.name, "verify") && !strings.HasPrefix(op.name, "refresh") {
				continue
			}
			then := slices.IndexFunc(before, func(f figure) bool { return f.Name == op.name })
			op.name += ", million"
			if err := b.firstSight(ctx, op); err != nil {
				return err
			}
			now, err := b.compare(ctx, op)
			if err != nil {
				return err
			}
			b.report.add(now)
			b.report.tell(op.name+": over without", now.Ratio/before[then].Ratio, "times", growth)
		}
		mb, err := b.server.memory()
		b.report.tell("memory, million", mb, "MB", 100)
		return err
	})
}

// An index is dropped while its table is filled, and made again.
type index struct{ name, text string }

// fill writes the rows inside the database. Ids are evenly spread over all ids, so
// that those of the crowd lie among them.
func (b *bench) fill(ctx context.Context) error {
	db, err := b.db.open()
	if err != nil {
		return err
	}
	defer db.Close()
	indexes, err := b.indexes(ctx, db)
	if err != nil {
		return err
	}
	var steps []string
	for _, x := range indexes {
		steps = append(steps, "DROP INDEX "+x.name)
	}
	steps = append(steps, b.rows()...)
	for _, x := range indexes {
		steps = append(steps, x.text)
	}
	if b.cluster != nil {
		steps = append(steps, "VACUUM ANALYZE", "CHECKPOINT") // as time would
	}
	for _, text := range steps {
		began := time.Now()
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%.60s: %w", text, err)
		}
		say("%s: %.0f s: %.60s", b.report.Engine, time.Since(began).Seconds(), strings.Join(strings.Fields(text), " "))
	}
	return errors.Join(db.Close(), b.db.sync())
}

// indexes lists those of the tables to fill that no constraint needs.
func (b *bench) indexes(ctx context.Context, db *sql.DB) ([]index, error) {
	text := `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
		AND tbl_name IN ('users', 'sessions', 'refresh_families')`
	if b.cluster != nil {
		text = `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
			AND tablename IN ('users', 'sessions', 'refresh_families') AND indexname NOT LIKE '%\_pkey'`
	}
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []index
	for rows.Next() {
		var x index
		if err := rows.Scan(&x.name, &x.text); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// rows returns the statements that fill the tables, in the dialect of the engine.
// User i has the id that begins with 4294 * i; session j of a user says so.
func (b *bench) rows() []string {
	r := strings.NewReplacer(
		"{users}", `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)`,
		"{sessions}", `WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 10000009)`,
		"{user}", `printf('%08x-0000-4000-8000-000000000000', i * 4294)`,
		"{owner}", `printf('%08x-0000-4000-8000-000000000000', i / 10 * 4294)`,
		"{session}", `printf('%08x-0000-4000-9000-%012x', i * 214748364 % 4294967296, i)`,
		"{random}", `randomblob(32)`,
		"{now}", fmt.Sprint(time.Now().UnixMicro()), "{end}", fmt.Sprint(time.Now().Add(30*24*time.Hour).UnixMicro()),
	)
	if b.cluster != nil {
		r = strings.NewReplacer(
			"{users}", `WITH n(i) AS (SELECT generate_series(1, 1000000)::bigint)`,
			"{sessions}", `WITH n(i) AS (SELECT generate_series(10, 10000009)::bigint)`,
			"{user}", `(lpad(to_hex(i * 4294), 8, '0') || '-0000-4000-8000-000000000000')::uuid`,
			"{owner}", `(lpad(to_hex(i / 10 * 4294), 8, '0') || '-0000-4000-8000-000000000000')::uuid`,
			"{session}", `(lpad(to_hex(i * 214748364 % 4294967296), 8, '0') || '-0000-4000-9000-' || lpad(to_hex(i), 12, '0'))::uuid`,
			"{random}", `sha256(i::text::bytea)`,
			"{now}", `now()`, "{end}", `now() + interval '30 days'`,
		)
	}
	texts := []string{
		`INSERT INTO users (id, email, email_key, name, name_key, role, type, created_at)
			{users} SELECT {user}, 'p' || i || '@example.org', 'p' || i || '@example.org', 'P ' || i, 'p ' || i, 2, 'human', {now} FROM n`,
		`INSERT INTO sessions (user_id, id, surface, amr, aal, address, agent, cookie_hash, cookie_expires_at,
				created_at, proven_at, last_used_at, ends_at)
			{sessions} SELECT {owner}, {session}, 'api', '["pwd"]', 'aal1', '127.0.0.1', 'somebody', {random}, {end},
				{now}, {now}, {now}, {end} FROM n`,
		`INSERT INTO refresh_families (user_id, handle, session_id, current, created_at, expires_at)
			{sessions} SELECT {owner}, {random}, {session}, {random}, {now}, {end} FROM n`,
	}
	for i := range texts {
		texts[i] = r.Replace(texts[i])
	}
	return texts
}
