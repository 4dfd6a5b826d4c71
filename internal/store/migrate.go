package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

const versionTable = "schema_versions"

// migrate brings the schema up to date. Two processes that start at once take
// turns: PostgreSQL by a lock of its own, SQLite by the file's.
func migrate(ctx context.Context, pool *sql.DB, d dialect) error {
	files, err := fs.Sub(migrations, "migrations/"+string(d))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := newProvider(pool, d, files)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := p.ListSources()
	latest := sources[len(sources)-1].Version
	var have int64
	err = pool.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable).Scan(&have)
	switch {
	case err == nil && have == latest:
		return nil
	case err == nil && have > latest:
		return fmt.Errorf("it was made by a later version of HeadyKey (schema %d, this one knows %d); run that version", have, latest)
	}
	if _, err := p.Up(ctx); err != nil {
		if partial, ok := errors.AsType[*goose.PartialError](err); ok {
			err = partial.Err
		}
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

func newProvider(pool *sql.DB, d dialect, files fs.FS) (*goose.Provider, error) {
	options := []goose.ProviderOption{goose.WithTableName(versionTable)}
	if d == sqlite {
		return goose.NewProvider(goose.DialectSQLite3, pool, files, options...)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, pool, files, append(options, goose.WithSessionLocker(locker))...)
}
