package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

func number(t *testing.T, tx *store.Tx, name string) (int, error) {
	t.Helper()
	b, err := tx.Setting(name)
	if errors.Is(err, headykey.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(b))
}

func TestEightCountersLoseNoStep(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		const hands, steps = 8, 13
		var wg sync.WaitGroup
		for range hands {
			wg.Go(func() {
				for range steps {
					err := db.Update(t.Context(), func(tx *store.Tx) error {
						n, err := number(t, tx, "count")
						if err != nil {
							return err
						}
						return tx.PutSetting("count", []byte(strconv.Itoa(n+1)))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		view(t, db, func(tx *store.Tx) error {
			n, err := number(t, tx, "count")
			wantSame(t, "count", n, hands*steps)
			return err
		})
	})
}

// Two doctors are on call, and each may leave if the other stays. Both read
// before either writes: one of them must be made to look again.
func TestTwoWhoReadCrosswiseDoNotBothLeave(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{DSN: freshPostgres(t)})
	for _, doctor := range []string{"jane", "joe"} {
		update(t, db, func(tx *store.Tx) error { return tx.PutSetting(doctor, []byte("1")) })
	}
	var read, tries sync.WaitGroup
	read.Add(2)
	var runs atomic.Int64
	leave := func(who, other string) {
		first := true
		update(t, db, func(tx *store.Tx) error {
			runs.Add(1)
			stays, err := number(t, tx, other)
			if first {
				first = false
				read.Done()
				read.Wait()
			}
			if err != nil || stays == 0 {
				return err
			}
			return tx.PutSetting(who, []byte("0"))
		})
	}
	tries.Go(func() { leave("jane", "joe") })
	tries.Go(func() { leave("joe", "jane") })
	tries.Wait()
	view(t, db, func(tx *store.Tx) error {
		jane, err := number(t, tx, "jane")
		if err != nil {
			return err
		}
		joe, err := number(t, tx, "joe")
		if jane+joe != 1 || runs.Load() < 3 {
			t.Errorf("%d on call after %d runs, want 1 after 3 or more", jane+joe, runs.Load())
		}
		return err
	})
}

// The server ends every connection again and again, also in the middle of a
// commit. What was acknowledged is there; nothing is there twice.
func TestKilledConnectionsNeitherLoseNorDouble(t *testing.T) {
	t.Parallel()
	const hands, steps, kills = 6, 40, 8
	dsn := freshPostgres(t)
	db := open(t, store.Options{DSN: dsn})
	admin := back{driver: "pgx", dsn: dsn}.open(t)
	var acknowledged sync.Map
	var done atomic.Int64
	var wg sync.WaitGroup
	for hand := range hands {
		wg.Go(func() {
			for i := range steps {
				name := fmt.Sprintf("%d-%d", hand, i)
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					// The id is made inside: a write that happened twice shows as two rows.
					return tx.Post(store.Parcel{ID: headykey.NewOrderedID(), Kind: name, Payload: []byte{1}})
				})
				if err == nil {
					acknowledged.Store(name, true)
				} else {
					wantError(t, name, err, headykey.ErrUnavailable)
				}
				done.Add(1)
			}
		})
	}
	for kill := range kills {
		for done.Load() < int64(kill*hands*steps/(kills+1)) {
			time.Sleep(time.Millisecond) // the load goes on by itself; only the place of the kill depends on it
		}
		_, err := admin.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	taken, _ := takeParcels(t, db, 10*hands*steps, time.Hour) // and Update has healed
	count := map[string]int{}
	for _, p := range taken {
		count[p.Kind]++
	}
	for hand := range hands {
		for i := range steps {
			name := fmt.Sprintf("%d-%d", hand, i)
			_, ok := acknowledged.Load(name)
			if n := count[name]; n > 1 || ok && n == 0 {
				t.Errorf("%s: acknowledged %v, there %d times", name, ok, n)
			}
		}
	}
}

// testServer returns the parts of the test server's address.
func testServer(t *testing.T) *url.URL {
	t.Helper()
	dsn := os.Getenv("HEADYKEY_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("HEADYKEY_TEST_POSTGRES names no server")
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// deadPort returns an address at which nobody listens.
func deadPort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Whatever is wrong with the address, one line says what and where, and the
// password is nowhere.
func TestUnreachableDatabaseIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	const password = "s3cr3t"
	nobody := deadPort(t)
	host, port, _ := net.SplitHostPort(nobody)
	tests := []struct {
		name, dsn string
		want      []string
	}{
		{"nobody listens", "postgres://jane:" + password + "@" + nobody + "/db", []string{nobody}},
		{"two hosts", "postgres://jane:" + password + "@" + nobody + "," + nobody + "/db", []string{nobody}},
		{"key and value", fmt.Sprintf("host=%s port=%s user=jane password=%s dbname=db", host, port, password), []string{nobody}},
		{"bad port", "postgres://jane:" + password + "@127.0.0.1:port/db", []string{"address"}},
		{"bad escape", "postgres://jane:" + password + "%ZZ@127.0.0.1/db", []string{"address"}},
		{"bad setting", "postgres://jane:" + password + "@127.0.0.1/db?sslmode=perhaps", []string{"address"}},
		{"password as a parameter", "postgres://127.0.0.1/db?sslmode=perhaps&password=" + password, []string{"address"}},
		{"password with an at sign", "postgres://jane:x@" + password + "@[::1/db", []string{"address"}},
		{"password with a blank", "postgres://jane:x " + password + "@127.0.0.1/db", []string{"address"}},
		{"password with a slash", "postgres://jane:" + password + "/x@127.0.0.1/db", []string{"address"}},
		{"key and value, bad port", "host=127.0.0.1 port=x password='x " + password + "'", []string{"address"}},
		{"no address", "postgres://jane:" + password + "@[::1/db", []string{"address"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantPlainRefusal(t, tt.dsn, password, tt.want...) })
	}
	t.Run("no such database", func(t *testing.T) {
		u := testServer(t)
		u.User, u.Path = url.UserPassword(u.User.Username(), password), "/there_is_none"
		wantPlainRefusal(t, u.String(), password, u.Host, "there_is_none")
	})
}

func wantPlainRefusal(t *testing.T, dsn, password string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	db, err := store.Open(ctx, store.Options{DSN: dsn})
	if err == nil {
		_ = db.Close()
		t.Fatal("it was opened")
	}
	text := err.Error()
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
	if strings.Contains(text, password) {
		t.Errorf("the password is in %q", text)
	}
	if strings.ContainsAny(text, "\n\t") {
		t.Errorf("more than one line: %q", text)
	}
}
