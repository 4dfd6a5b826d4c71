package store_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"headykey.com/headykey/internal/store"
)

// commits counts the commits in the write-ahead log of dir: frames that carry the
// database's size (SQLite file format §4.1). A closed or fresh log has none.
func commits(t *testing.T, dir string) int {
	t.Helper()
	const head, frameHead = 32, 24
	b, err := os.ReadFile(filepath.Join(dir, store.SQLiteFile+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if len(b) < head {
		return 0
	}
	frame := frameHead + int(binary.BigEndian.Uint32(b[8:]))
	for b := b[head:]; len(b) >= frame; b = b[frame:] {
		if binary.BigEndian.Uint32(b[4:]) != 0 {
			n++
		}
	}
	return n
}

// Whoever waits while a transaction runs is committed together with all others
// who wait: one commit, one fsync.
func TestWhoWaitsTogetherIsCommittedTogether(t *testing.T) {
	t.Parallel()
	const crowd = 100
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, store.Options{Dir: dir})
		before := commits(t, dir)
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			update(t, db, func(tx *store.Tx) error { <-release; return tx.PutSetting("first", []byte{1}) })
		})
		synctest.Wait() // the first holds the writer
		for i := range crowd {
			wg.Go(func() {
				update(t, db, func(tx *store.Tx) error { return tx.PutSetting(fmt.Sprint(i), []byte{1}) })
			})
		}
		synctest.Wait() // all others queue behind it
		close(release)
		wg.Wait()
		if got := commits(t, dir) - before; got != 2 {
			t.Errorf("%d transactions took %d commits, want 2", crowd+1, got)
		}
	})
}
