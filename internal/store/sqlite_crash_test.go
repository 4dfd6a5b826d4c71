package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"headykey.com/headykey/internal/store"
)

// writerDir names, in the environment of a child process, the database that it
// writes to until it is killed.
const writerDir = "HEADYKEY_TEST_WRITER_DIR"

// TestWriterChild is no test but the child of the next one: it writes with four
// hands and says each name on its standard output once it is acknowledged.
func TestWriterChild(t *testing.T) {
	dir := os.Getenv(writerDir)
	if dir == "" {
		t.Skip("runs as a child alone")
	}
	db, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for hand := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), hand, i)
				err := db.Update(context.Background(), func(tx *store.Tx) error { return tx.PutSetting(name, []byte(name)) })
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				fmt.Println("ok", name) // fails for good once nobody reads: the child ends
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// killedWriter lets a child write to dir, kills it after n acknowledgements and
// returns all that it gave.
func killedWriter(t *testing.T, dir string, n int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWriterChild$")
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var names []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, ok := strings.CutPrefix(lines.Text(), "ok ")
		if !ok {
			t.Fatalf("the child says %q", lines.Text())
		}
		names = append(names, name)
		if len(names) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(names) < n {
		t.Fatalf("the child ended after %d writes", len(names))
	}
	return names
}

func TestWhatWasAcknowledgedSurvivesTheKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for round := range 10 {
		acknowledged = append(acknowledged, killedWriter(t, dir, 10+7*round)...)
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatalf("after kill %d: %v", round+1, err)
		}
		view(t, db, func(tx *store.Tx) error {
			for _, name := range acknowledged {
				got, err := tx.Setting(name)
				wantError(t, name, err, nil)
				wantSame(t, name, string(got), name)
			}
			return nil
		})
		if round%2 == 0 { // let the next child find a log, too
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Cleanup(func() { _ = db.Close() })
	}
}
