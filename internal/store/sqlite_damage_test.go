package store_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// filled makes a SQLite database with some hundred settings of a kilobyte and
// returns its folder. With a log, one of them was changed by a process that died:
// the change lies in the write-ahead log.
func filled(t *testing.T, withLog bool) string {
	t.Helper()
	dir := t.TempDir()
	put := func(n int, value byte) *store.DB {
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		update(t, db, func(tx *store.Tx) error {
			for i := range n {
				if err := tx.PutSetting(fmt.Sprintf("name%03d", i), bytes.Repeat([]byte{value}, 1000)); err != nil {
					return err
				}
			}
			return nil
		})
		return db
	}
	if err := put(300, 'x').Close(); err != nil {
		t.Fatal(err)
	}
	if !withLog {
		return dir
	}
	db := put(1, 'y')
	died := t.TempDir()
	for name, content := range contents(t, dir) {
		if err := os.WriteFile(filepath.Join(died, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return died
}

// contents returns every file of dir that holds anything.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 0 && !strings.HasSuffix(f.Name(), "-shm") { // an index that SQLite makes anew
			all[f.Name()] = string(b)
		}
	}
	return all
}

func TestDamagedFileIsRefusedAndLeftAsItIs(t *testing.T) {
	t.Parallel()
	overwrite := func(from, n int) func([]byte) []byte {
		return func(b []byte) []byte {
			copy(b[from:from+n], bytes.Repeat([]byte{0xa5}, n))
			return b
		}
	}
	tests := []struct {
		name    string
		withLog bool
		damage  func([]byte) []byte
	}{
		{"header", false, overwrite(0, 100)},
		{"magic", false, overwrite(0, 1)},
		{"first page behind the header", false, overwrite(100, 3000)},
		{"middle page", false, overwrite(20*4096, 4096)},
		{"half", false, func(b []byte) []byte { return b[:len(b)/2] }},
		{"not quite whole", false, func(b []byte) []byte { return b[:len(b)-4096] }},
		{"first page alone", false, func(b []byte) []byte { return b[:4096] }},
		{"some bytes", false, func(b []byte) []byte { return b[:50] }},
		{"text", false, func([]byte) []byte { return []byte("this is a letter to my aunt\n") }},
		{"header, with a log", true, overwrite(0, 100)},
		{"a page, with a log", true, overwrite(20*4096, 4096)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filled(t, tt.withLog)
			path := filepath.Join(dir, store.SQLiteFile)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.damage(b), 0o600); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			db, err := store.Open(t.Context(), store.Options{Dir: dir})
			if err == nil {
				_ = db.Close()
				t.Fatal("the file was opened")
			}
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("the refusal does not name the file and its fault: %v", err)
			}
			after := contents(t, dir)
			if !maps.Equal(before, after) {
				t.Errorf("the files changed: %v", changed(before, after))
			}
		})
	}
}

// changed names the files that differ.
func changed(before, after map[string]string) []string {
	var names []string
	for _, all := range []map[string]string{before, after} {
		for name := range all {
			if before[name] != after[name] {
				names = append(names, fmt.Sprintf("%s (%d to %d bytes)", name, len(before[name]), len(after[name])))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestChangeThatADeadProcessLeftInTheLogIsThere(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{Dir: filled(t, true)})
	view(t, db, func(tx *store.Tx) error {
		for i, want := range map[int]byte{0: 'y', 1: 'x', 299: 'x'} {
			got, err := tx.Setting(fmt.Sprintf("name%03d", i))
			wantError(t, fmt.Sprint("setting ", i), err, nil)
			wantSame(t, fmt.Sprint("setting ", i), string(got), strings.Repeat(string(want), 1000))
		}
		return nil
	})
}

func TestDatabaseOfALaterVersionIsRefused(t *testing.T) {
	t.Parallel()
	for name, behind := range backs(t) {
		t.Run(name, func(t *testing.T) {
			options, b := behind(t)
			db, err := store.Open(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			raw := b.open(t)
			if _, err := raw.Exec(`INSERT INTO schema_versions (version_id, is_applied) VALUES (99999, ` + map[string]string{"sqlite": "1", "postgres": "true"}[name] + `)`); err != nil {
				t.Fatal(err)
			}
			if err := raw.Close(); err != nil {
				t.Fatal(err)
			}
			var before map[string]string
			if options.Dir != "" {
				before = contents(t, options.Dir)
			}
			_, err = store.Open(t.Context(), options)
			if err == nil || !strings.Contains(err.Error(), "later version of HeadyKey") {
				t.Errorf("got %v", err)
			}
			if options.Dir == "" {
				return
			}
			if !strings.Contains(err.Error(), filepath.Join(options.Dir, store.SQLiteFile)) {
				t.Errorf("the refusal does not name the file: %v", err)
			}
			if after := contents(t, options.Dir); !maps.Equal(before, after) {
				t.Errorf("the files changed: %v", changed(before, after))
			}
		})
	}
}

// A server and a command on one file: both write, and nothing is lost.
func TestTwoProcessesWriteOneFile(t *testing.T) {
	t.Parallel()
	o := store.Options{Dir: t.TempDir()}
	dbs := []*store.DB{open(t, o), open(t, o)}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			err := dbs[i%2].Update(t.Context(), func(tx *store.Tx) error {
				return tx.PutSetting(fmt.Sprint(i), []byte{1})
			})
			if err != nil {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for _, db := range dbs {
		view(t, db, func(tx *store.Tx) error {
			for i := range 100 {
				_, err := tx.Setting(fmt.Sprint(i))
				wantError(t, fmt.Sprint("setting ", i), err, nil)
			}
			return nil
		})
	}
}

func TestOnlyItsOwnerReadsTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, store.Options{Dir: dir})
	someone(t, db, "jane@example.com")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(filepath.Join(dir, store.SQLiteFile+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", info.Name(), mode)
		}
	}
}

func TestClosedDatabaseAnswersUnavailable(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	err = db.Update(context.Background(), func(*store.Tx) error { return nil })
	wantError(t, "update", err, headykey.ErrUnavailable)
}
