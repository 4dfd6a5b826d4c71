package house

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Database returns the DSN of an empty PostgreSQL database that is dropped when the
// test ends; without a PostgreSQL at hand it skips the test.
func Database(t *testing.T) string {
	t.Helper()
	super := os.Getenv("HEADYKEY_TEST_POSTGRES")
	if super == "" {
		t.Skip("HEADYKEY_TEST_POSTGRES is not set: nothing was tried on PostgreSQL")
	}
	name := "headykey_" + strings.ToLower(rand.Text())
	dsn := InDatabase(t, super, name)
	Execute(t, super, "CREATE DATABASE "+name)
	t.Cleanup(func() { Execute(t, super, "DROP DATABASE "+name+" WITH (FORCE)") })
	return dsn
}

// InDatabase returns dsn with another database's name.
func InDatabase(t *testing.T, dsn, name string) string {
	t.Helper()
	at, err := url.Parse(dsn)
	if err != nil || !strings.HasPrefix(at.Scheme, "postgres") {
		t.Fatal("the address of PostgreSQL must be a postgres:// URL")
	}
	at.Path = "/" + name
	return at.String()
}

// Execute runs one statement at dsn.
func Execute(t *testing.T, dsn, sql string) {
	t.Helper()
	ctx := context.Background() // clean-up runs after the test's own context has ended
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(fmt.Errorf("connect to PostgreSQL: %w", err))
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, sql); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", sql, err))
	}
}
