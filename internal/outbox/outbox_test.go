package outbox_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A letter is what these tests post.
type letter struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

// each runs a story on both engines.
func each(t *testing.T, f func(t *testing.T, o store.Options)) {
	t.Run("sqlite", func(t *testing.T) { f(t, store.Options{Dir: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { f(t, store.Options{DSN: freshPostgres(t)}) })
}

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

func sealer(t *testing.T) *secret.Sealer {
	t.Helper()
	s, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// newOutbox returns an outbox on db whose letters send carries.
func newOutbox(t *testing.T, db *store.DB, send outbox.Sender) *outbox.Outbox {
	t.Helper()
	return outbox.New(db, sealer(t), quiet, map[string]outbox.Sender{"mail": send})
}

func post(t *testing.T, db *store.DB, o *outbox.Outbox, l letter) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error { return o.Post(tx, "mail", l) })
	if err != nil {
		t.Fatal(err)
	}
}

// run lets o work until the function it returns is called.
func run(t *testing.T, o *outbox.Outbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { o.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

// A postbox counts what arrives.
type postbox struct {
	mu    sync.Mutex
	count map[letter]int
	some  chan struct{} // one for each arrival
}

func newPostbox() *postbox {
	return &postbox{count: map[letter]int{}, some: make(chan struct{}, 1000)}
}

func (b *postbox) send(_ context.Context, payload []byte) error {
	var l letter
	if err := json.Unmarshal(payload, &l); err != nil {
		return err
	}
	b.mu.Lock()
	b.count[l]++
	b.mu.Unlock()
	b.some <- struct{}{}
	return nil
}

// await returns when n letters have arrived.
func (b *postbox) await(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		select {
		case <-b.some:
		case <-time.After(30 * time.Second):
			t.Fatalf("%d letters arrived, want %d", i, n)
		}
	}
}

func waiting(t *testing.T, db *store.DB) (n int64) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		s, err := tx.Stats()
		n = s.MailWaiting
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Two nodes, one database, no crash: every letter arrives, and none twice.
func TestTwoWorkersDeliverEachParcelOnce(t *testing.T) {
	each(t, func(t *testing.T, o store.Options) {
		const letters = 60
		box, dbs := newPostbox(), []*store.DB{open(t, o), open(t, o)}
		nodes := []*outbox.Outbox{newOutbox(t, dbs[0], box.send), newOutbox(t, dbs[1], box.send)}
		stops := []func(){run(t, nodes[0]), run(t, nodes[1])}
		want := map[letter]int{}
		var wg sync.WaitGroup
		for i := range letters {
			l := letter{To: fmt.Sprintf("u%d@example.com", i), Text: "hello"}
			want[l] = 1
			wg.Go(func() {
				err := dbs[i%2].Update(t.Context(), func(tx *store.Tx) error { return nodes[i%2].Post(tx, "mail", l) })
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		box.await(t, letters)
		stops[0]()
		stops[1]()
		if n := waiting(t, dbs[0]); n != 0 {
			t.Errorf("%d parcels are left", n)
		}
		if fmt.Sprint(box.count) != fmt.Sprint(want) {
			t.Errorf("arrived %v, want %v", box.count, want)
		}
	})
}

func TestParcelOfAFailedTransactionIsNotDelivered(t *testing.T) {
	each(t, func(t *testing.T, o store.Options) {
		box, db := newPostbox(), open(t, o)
		out, boom := newOutbox(t, db, box.send), errors.New("boom")
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(out.Post(tx, "mail", letter{Text: "never"}), boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		stop := run(t, out)
		post(t, db, out, letter{Text: "yes"})
		box.await(t, 1)
		stop()
		if want := map[letter]int{{Text: "yes"}: 1}; fmt.Sprint(box.count) != fmt.Sprint(want) {
			t.Errorf("arrived %v, want %v", box.count, want)
		}
	})
}

// A worker takes a parcel and is never heard of again: another delivers it, once
// the lease has run out.
func TestParcelOfADeadWorkerIsDelivered(t *testing.T) {
	each(t, func(t *testing.T, o store.Options) {
		box, db := newPostbox(), open(t, o)
		out := newOutbox(t, db, box.send)
		post(t, db, out, letter{Text: "hello"})
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			taken, err := tx.TakeParcels(3, 300*time.Millisecond)
			if len(taken) != 1 {
				t.Errorf("the first worker took %d parcels", len(taken))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, out)
		box.await(t, 1)
		stop()
		if n := waiting(t, db); n != 0 {
			t.Errorf("%d parcels are left", n)
		}
	})
}

// Letters hold links that open accounts: nobody reads them in the database.
func TestPayloadIsSealed(t *testing.T) {
	each(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		out := newOutbox(t, db, newPostbox().send)
		post(t, db, out, letter{To: "jane@example.com", Text: "https://example.com/s/secret"})
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			taken, err := tx.TakeParcels(1, time.Second)
			if err != nil {
				return err
			}
			if bytes.Contains(taken[0].Payload, []byte("jane")) || bytes.Contains(taken[0].Payload, []byte("secret")) {
				t.Errorf("the payload can be read: %q", taken[0].Payload)
			}
			plain, err := sealer(t).Open("outbox", taken[0].Payload)
			if want := `{"to":"jane@example.com","text":"https://example.com/s/secret"}`; string(plain) != want {
				t.Errorf("sealed is %s, want %s", plain, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatIsNoJSONIsNotPosted(t *testing.T) {
	db := open(t, store.Options{Dir: t.TempDir()})
	out := newOutbox(t, db, newPostbox().send)
	err := db.Update(t.Context(), func(tx *store.Tx) error { return out.Post(tx, "mail", func() {}) })
	if err == nil || waiting(t, db) != 0 {
		t.Errorf("a function was posted: %v", err)
	}
}

// A server without a sender for letters leaves them to one that has it, as new as
// they were: what else it delivers does not wear them out.
func TestParcelsOfOtherKindsAreLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, o store.Options) {
		box, db := newPostbox(), open(t, o)
		pings := outbox.New(db, sealer(t), quiet, map[string]outbox.Sender{"ping": box.send})
		post(t, db, pings, letter{Text: "letter"})
		stop := run(t, pings)
		err := db.Update(t.Context(), func(tx *store.Tx) error { return pings.Post(tx, "ping", letter{Text: "ping"}) })
		if err != nil {
			t.Fatal(err)
		}
		box.await(t, 1)
		stop()
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			left, err := tx.TakeParcels(5, time.Second)
			if len(left) != 1 || left[0].Kind != "mail" || left[0].Attempts != 0 {
				t.Errorf("left: %+v", left)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
