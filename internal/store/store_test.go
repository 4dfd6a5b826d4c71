package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// each runs a behaviour on both engines: they must not be told apart.
func each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Run("sqlite", func(t *testing.T) { f(t, open(t, store.Options{Dir: t.TempDir()})) })
	t.Run("postgres", func(t *testing.T) { f(t, open(t, store.Options{DSN: freshPostgres(t)})) })
}

func open(t *testing.T, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// freshPostgres makes an empty database on the test server and drops it after.
func freshPostgres(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("HEADYKEY_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("HEADYKEY_TEST_POSTGRES names no server")
	}
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := "t_" + strings.ReplaceAll(string(headykey.NewID()), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func update(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// someone adds an account and returns it.
func someone(t *testing.T, db *store.DB, email string) *headykey.User {
	t.Helper()
	u := &headykey.User{
		ID: headykey.NewID(), Email: email, Name: "Jane", Role: headykey.RoleUser, Type: headykey.Human,
		Created: time.UnixMicro(1754000000123456).UTC(),
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertUser(u, email, "jane") })
	return u
}

func TestUserComesBackAsItWent(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		want := someone(t, db, "jane@example.com")
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.User(want.ID)
			if err != nil || *got != *want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			return nil
		})
	})
}

func TestOneAddressOneAccount(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				u := &headykey.User{ID: headykey.NewID(), Email: "Jane@example.com", Role: headykey.RoleUser, Type: headykey.Human, Created: time.Now()}
				errs[i] = db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(u, "jane@example.com", "") })
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, headykey.ErrEmailTaken):
				t.Errorf("a loser got %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d accounts with one address, want 1", won)
		}
	})
}

func TestFailedUpdateLeavesNothingAndHarmsNoNeighbour(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				name := fmt.Sprintf("s%02d", i)
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					if err := tx.PutSetting(name, []byte{1}); err != nil {
						return err
					}
					if i%2 == 1 {
						return boom
					}
					return nil
				})
				if want := map[bool]error{true: boom}[i%2 == 1]; !errors.Is(err, want) {
					t.Errorf("update %d: got %v, want %v", i, err, want)
				}
			})
		}
		wg.Wait()
		view(t, db, func(tx *store.Tx) error {
			for i := range 40 {
				_, err := tx.Setting(fmt.Sprintf("s%02d", i))
				if kept := err == nil; kept != (i%2 == 0) {
					t.Errorf("setting %d: %v", i, err)
				}
			}
			return nil
		})
	})
}

func TestPanicInUpdateReachesItsCallerAlone(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		func() {
			defer func() {
				if got := recover(); got != "boom" {
					t.Errorf("recovered %v", got)
				}
			}()
			_ = db.Update(t.Context(), func(tx *store.Tx) error {
				_ = tx.PutSetting("x", []byte{1})
				panic("boom")
			})
		}()
		update(t, db, func(tx *store.Tx) error {
			if _, err := tx.Setting("x"); !errors.Is(err, headykey.ErrNotFound) {
				t.Errorf("the panicking update left a trace: %v", err)
			}
			return tx.PutSetting("y", []byte{2})
		})
	})
}

func TestChangesMakeWhatIsRememberedOld(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		u := someone(t, db, "jane@example.com")
		before := db.Epoch(u.ID)
		update(t, db, func(tx *store.Tx) error { return tx.UpdateUser(u, "jane") })
		if before.Current() {
			t.Error("an epoch survived a change of its user")
		}
		after := db.Epoch(u.ID)
		_ = db.Update(t.Context(), func(tx *store.Tx) error { _ = tx.UpdateUser(u, "jane"); return errors.New("boom") })
		if !after.Current() {
			t.Error("an update that failed was spread")
		}
	})
}

// Two processes on one database: what one commits, the other hears of.
func TestChangesReachTheOtherNode(t *testing.T) {
	pair := map[string]func(t *testing.T) store.Options{
		"sqlite":   func(t *testing.T) store.Options { return store.Options{Dir: t.TempDir()} },
		"postgres": func(t *testing.T) store.Options { return store.Options{DSN: freshPostgres(t)} },
	}
	for name, options := range pair {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			a, b := open(t, o), open(t, o)
			heard := make(chan struct{}, 100)
			b.OnChange(store.ChangedKeys, func(context.Context) { heard <- struct{}{} })
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { b.Follow(ctx) })
			defer func() { cancel(); wg.Wait() }()

			u := someone(t, a, "jane@example.com")
			epoch := b.Epoch(u.ID)
			update(t, a, func(tx *store.Tx) error {
				tx.Touch(store.ChangedUser, u.ID)
				tx.Touch(store.ChangedKeys, "")
				return nil
			})
			select {
			case <-heard:
			case <-time.After(10 * time.Second):
				t.Fatal("the other node never heard of the keys")
			}
			if epoch.Current() {
				t.Error("the other node still believes what it knew of the user")
			}
		})
	}
}

func TestPageMarksWalkAllUsers(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		want := map[headykey.ID]bool{}
		for i := range 7 { // all of one microsecond: the id must break the tie
			want[someone(t, db, fmt.Sprintf("u%d@example.com", i)).ID] = true
		}
		var mark headykey.Mark
		got := map[headykey.ID]bool{}
		for {
			var page []*headykey.User
			view(t, db, func(tx *store.Tx) (err error) {
				page, err = store.Collect(tx.Users(headykey.UserFilter{Before: mark, Limit: 3}))
				return err
			})
			for _, u := range page {
				got[u.ID] = true
				mark = headykey.Mark{At: u.Created, ID: u.ID}
			}
			if len(page) < 3 {
				break
			}
		}
		if len(got) != len(want) {
			t.Errorf("walked %d users, want %d", len(got), len(want))
		}
	})
}
