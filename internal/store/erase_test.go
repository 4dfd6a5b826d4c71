package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// A back is the way to a database beside the store, for tests alone.
type back struct {
	driver, dsn, columns, text string
}

// backs returns for each engine its options and the way behind it. columns lists
// every table with its columns; text makes the words of any value.
func backs(t *testing.T) map[string]func(t *testing.T) (store.Options, back) {
	return map[string]func(t *testing.T) (store.Options, back){
		"sqlite": func(t *testing.T) (store.Options, back) {
			dir := t.TempDir()
			return store.Options{Dir: dir}, back{
				"sqlite", filepath.Join(dir, store.SQLiteFile),
				`SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`, "TEXT",
			}
		},
		"postgres": func(t *testing.T) (store.Options, back) {
			dsn := freshPostgres(t)
			return store.Options{DSN: dsn}, back{
				"pgx", dsn,
				`SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'`, "text",
			}
		},
	}
}

func (b back) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(b.driver, b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// mentions returns how many rows of each table hold word in some column. It asks
// the catalogue, so that no new table is forgotten.
func (b back) mentions(t *testing.T, word string) map[string]int {
	t.Helper()
	db := b.open(t)
	rows, err := db.Query(b.columns)
	if err != nil {
		t.Fatal(err)
	}
	conditions := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		conditions[table] = append(conditions[table], fmt.Sprintf(`CAST("%s" AS %s) LIKE '%%%s%%'`, column, b.text, word))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for table, c := range conditions {
		var n int
		query := fmt.Sprintf(`SELECT count(*) FROM "%s" WHERE %s`, table, strings.Join(c, " OR "))
		if err := db.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(query, err)
		}
		if n > 0 {
			found[table] = n
		}
	}
	return found
}

// furnish gives u something of everything.
func furnish(t *testing.T, db *store.DB, u *headykey.User) {
	t.Helper()
	now := micro()
	s := signIn(t, db, u, now, "cookie of "+u.Email)
	giveFamily(t, db, s, "family of "+u.Email, "token", s.Ends)
	k := giveKey(t, db, u, "key of "+u.Email, now, time.Time{})
	writeReceipt(t, db, "user.created", u.ID, now)
	client := headykey.NewID()
	permit(t, db, u, client, func(a *headykey.Authorization) { a.Session = s.ID })
	consent(t, db, u.ID, client, now)
	ask(t, db, client, "poll of "+u.Email, u.ID)
	hash := hashOf(u.Email)
	profile := headykey.NewProfile()
	profile.NewEmail, profile.UserData = "new."+u.Email, jsontext.Value(`{"email":"`+u.Email+`"}`)
	update(t, db, func(tx *store.Tx) error {
		_, saltErr := tx.Salt(u.ID, []byte("salt"))
		return errors.Join(
			saltErr,
			tx.PutProfile(u.ID, &profile),
			tx.PutIdentity(&headykey.Identity{ID: headykey.NewID(), User: u.ID, Provider: "google", Subject: "of " + u.Email, Email: u.Email, Data: profile.UserData, Created: now}),
			tx.ClaimKey(headykey.PhoneKey("4930 "+u.Email), u.ID),
			tx.SetPassword(u.ID, "$argon2id$"),
			tx.InsertKeyEvent(u.ID, k.ID, headykey.KeyEvent{At: now, Type: "created", Receipt: headykey.NewOrderedID()}),
			tx.PutThrottle(store.Throttle{Key: hash, Failures: 1, Next: now, Window: now, User: u.ID}),
			tx.LearnAddress(u.ID, hash),
			tx.InsertLink(store.Link{Hash: hash, Purpose: "confirm", User: u.ID, Expires: now.Add(time.Hour)}),
		)
	})
}

func TestErasedAccountIsNowhereButInItsReceipts(t *testing.T) {
	t.Parallel()
	for name, behind := range backs(t) {
		t.Run(name, func(t *testing.T) {
			options, b := behind(t)
			db := open(t, options)
			jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
			furnish(t, db, jane)
			furnish(t, db, joe)
			all := map[string]int{
				"users": 1, "addresses": 3, "profiles": 1, "identities": 1, "passwords": 1, "sessions": 1, "refresh_families": 1, "api_keys": 1,
				"api_key_events": 1, "receipts": 1, "receipt_salts": 1, "throttles": 1, "known_addresses": 1, "links": 1,
				"authorizations": 1, "consents": 1, "polls": 1, "changes": 1,
			}
			wantSame(t, "before", b.mentions(t, string(jane.ID)), all)

			update(t, db, func(tx *store.Tx) error { return tx.DeleteUser(jane.ID) })

			// News, of the erasure too, name the id for ten minutes more.
			wantSame(t, "after", b.mentions(t, string(jane.ID)), map[string]int{"receipts": 1, "changes": 2})
			wantSame(t, "address after", b.mentions(t, jane.Email), map[string]int{})
			wantSame(t, "the neighbour", b.mentions(t, string(joe.ID)), all)
			err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteUser(jane.ID) })
			wantError(t, "erased twice", err, headykey.ErrNotFound)
			someone(t, db, jane.Email) // the address is free again
		})
	}
}

func TestOldNewsIsPruned(t *testing.T) {
	t.Parallel()
	for name, behind := range backs(t) {
		t.Run(name, func(t *testing.T) {
			options, b := behind(t)
			db := open(t, options)
			jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
			update(t, db, func(tx *store.Tx) error {
				tx.Touch(store.ChangedUser, jane.ID)
				tx.Touch(store.ChangedUser, joe.ID)
				return nil
			})
			older := map[string]string{"sqlite": "at - 601 * 1000000", "postgres": "at - interval '601 seconds'"}[name]
			if _, err := b.open(t).Exec(`UPDATE changes SET at = `+older+` WHERE subject = $1`, string(jane.ID)); err != nil {
				t.Fatal(err)
			}
			update(t, db, func(tx *store.Tx) error { return tx.PruneChanges() })
			wantSame(t, "old news", b.mentions(t, string(jane.ID))["changes"], 0)
			wantSame(t, "young news", b.mentions(t, string(joe.ID))["changes"], 1)
		})
	}
}

func TestTimesAndAbsencesComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		zone := time.FixedZone("far", -11*3600)
		for i, at := range []time.Time{
			{},
			time.UnixMicro(1).UTC(),
			time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
			time.Date(2026, 2, 28, 23, 59, 59, 123_456_000, zone),
			time.Date(2026, 2, 28, 23, 59, 59, 123_456_999, time.UTC), // nanoseconds are cut
			time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		} {
			want := someone(t, db, fmt.Sprintf("jane%d@example.com", i))
			want.Verified, want.Disabled = at, at
			update(t, db, func(tx *store.Tx) error { return tx.UpdateUser(want, "jane") })
			if !at.IsZero() {
				want.Verified = at.UTC().Truncate(time.Microsecond)
				want.Disabled = want.Verified
			}
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.User(want.ID)
				wantSame(t, fmt.Sprint(at), got, want)
				return err
			})
		}
	})
}

func TestListsComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		for i, scopes := range [][]string{nil, {}, {""}, {"a", "a"}, {`"`, `\`, "<&>", "\t\n", "☃", "null", "[]"}} {
			k := &headykey.APIKey{ID: headykey.NewID(), User: jane.ID, Role: headykey.RoleUser, Hash: hashOf(fmt.Sprint(i)), Scopes: scopes, Created: now}
			update(t, db, func(tx *store.Tx) error { return tx.InsertAPIKey(k) })
			if len(scopes) == 0 {
				k.Scopes = nil // the empty list has one spelling
			}
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.APIKey(k.ID)
				wantSame(t, "key", got, k)
				return err
			})
		}
	})
}

// Nobody's id, as well as text that is no id at all, finds nothing on either engine.
func TestZeroIdFindsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		for _, id := range []headykey.ID{"", "nonsense"} {
			err := db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.User(id); return err })
			wantError(t, fmt.Sprintf("user %q", id), err, headykey.ErrNotFound)
		}
	})
}
