//go:build linux

package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// smallDisk mounts a file system of size bytes and unmounts it after.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no small disk can be mounted here (root may): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill puts settings of size bytes until the disk is full, and returns how many
// were acknowledged.
func fill(t *testing.T, db *store.DB, round string, size int) int {
	t.Helper()
	for i := range 10000 {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutSetting(fmt.Sprint(round, i), bytes.Repeat([]byte{'x'}, size))
		})
		if err != nil {
			wantError(t, fmt.Sprint("write ", i), err, headykey.ErrStorageFull)
			return i
		}
	}
	t.Fatal("the disk is never full")
	return 0
}

func wantSettings(t *testing.T, db *store.DB, round string, n int) {
	t.Helper()
	view(t, db, func(tx *store.Tx) error {
		for i := range n {
			_, err := tx.Setting(fmt.Sprint(round, i))
			wantError(t, fmt.Sprint("acknowledged setting ", round, i), err, nil)
		}
		_, err := tx.Setting(fmt.Sprint(round, n))
		wantError(t, "setting that was refused", err, headykey.ErrNotFound)
		return nil
	})
}

// A full disk refuses writes in words and serves reads; room heals it, without a
// restart, and nothing that was acknowledged is lost. Sizes differ, so that the
// disk fills up at different places.
func TestFullDiskHealsOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 5_000, 60_000, 300_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir := smallDisk(t, 3<<20)
			ballast := filepath.Join(dir, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), store.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			first := fill(t, db, "first", size)
			wantSettings(t, db, "first", first)
			if again := fill(t, db, "again", size); again != 0 {
				t.Errorf("%d writes on a full disk", again)
			}
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			update(t, db, func(tx *store.Tx) error { return tx.PutSetting("healed", []byte{1}) })
			second := fill(t, db, "second", size)
			if second == 0 {
				t.Error("room for two megabytes, and no write")
			}
			wantSettings(t, db, "first", first)
			wantSettings(t, db, "second", second)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}

			again, err := store.Open(t.Context(), store.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			wantSettings(t, again, "first", first)
			wantSettings(t, again, "second", second)
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The index of the log grows in steps. A disk that is full just then is full, and
// not broken: writing must not stop until a restart.
func TestDiskFullUnderTheIndexOfTheLogHealsToo(t *testing.T) {
	t.Parallel()
	const room = 1 << 20
	for kilobytes := 16_440; kilobytes <= 16_460; kilobytes += 20 {
		dir := smallDisk(t, kilobytes<<10+room)
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, room), 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		n := fill(t, db, "first", 380_000)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutSetting("healed", []byte{1}) })
		wantError(t, fmt.Sprint("with room again, at ", kilobytes, " kB"), err, nil)
		wantSettings(t, db, "first", n)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
