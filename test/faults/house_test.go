package faults

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

// A house is where one server keeps its things. It outlives the server.
type house struct {
	data string // data directory
	dsn  string // "": SQLite in the data directory
}

// flags returns the settings that find this house, for any command.
func (h house) flags() []string {
	f := []string{"--data", h.data}
	if h.dsn != "" {
		f = append(f, "--database", h.dsn)
	}
	return f
}

// each runs test in a fresh house on every engine at hand, one after the other:
// faults want the machine for themselves.
func each(t *testing.T, test func(t *testing.T, h house)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, house{data: t.TempDir()}) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, house{data: t.TempDir(), dsn: freshDatabase(t)}) })
}

// freshDatabase returns the DSN of an empty database that is dropped when the
// test ends; without a PostgreSQL at hand it skips the test.
func freshDatabase(t *testing.T) string {
	t.Helper()
	super := os.Getenv("HEADYKEY_TEST_POSTGRES")
	if super == "" {
		t.Skip("HEADYKEY_TEST_POSTGRES is not set: nothing was tried on PostgreSQL")
	}
	name := "headykey_faults_" + strings.ToLower(rand.Text())
	execute(t, super, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, super, "DROP DATABASE "+name+" WITH (FORCE)") })
	return inDatabase(t, super, name)
}

// inDatabase returns dsn with another database's name.
func inDatabase(t *testing.T, dsn, name string) string {
	t.Helper()
	at, err := url.Parse(dsn)
	if err != nil || !strings.HasPrefix(at.Scheme, "postgres") {
		t.Fatal("the address of PostgreSQL must be a postgres:// URL")
	}
	at.Path = "/" + name
	return at.String()
}

func execute(t *testing.T, dsn, sql string) {
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
