package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/store"
)

// inBubble runs a story with a SQLite database where hours pass at once.
func inBubble(t *testing.T, f func(t *testing.T, db *store.DB)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { f(t, open(t, store.Options{Dir: dir})) })
}

func dead(t *testing.T, o *outbox.Outbox) []store.Parcel {
	t.Helper()
	list, err := o.Dead(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPausesGrow(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		var tries []time.Time
		o := newOutbox(t, db, func(context.Context, []byte) error {
			tries = append(tries, time.Now())
			return errors.New("421 4.3.0 try later, jane@example.com")
		})
		post(t, db, o, letter{To: "jane@example.com"})
		stop := run(t, o)
		time.Sleep(time.Hour)
		stop()

		var pauses []time.Duration
		for i := range len(tries) - 1 {
			pauses = append(pauses, tries[i+1].Sub(tries[i])/time.Second)
		}
		want := []time.Duration{1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987}
		if !slices.Equal(pauses, want) {
			t.Errorf("pauses\n got %d\nwant %d", pauses, want)
		}
	})
}

func TestParcelIsDeadAfterItsLastAttempt(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		tries := 0
		o := newOutbox(t, db, func(context.Context, []byte) error {
			tries++
			return errors.New("421 4.3.0 try later, jane@example.com")
		})
		post(t, db, o, letter{To: "jane@example.com"})
		err := db.Update(t.Context(), func(tx *store.Tx) error { // a day of failures has passed
			taken, err := tx.TakeParcels(1, time.Minute)
			for range 23 {
				err = errors.Join(err, tx.Undelivered(taken[0].ID, "failed", tx.Now, false))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, o)
		time.Sleep(time.Minute)
		stop()
		list := dead(t, o)
		if tries != 1 || len(list) != 1 {
			t.Fatalf("%d tries, dead letters %+v", tries, list)
		}
		got := list[0]
		if got.Kind != "mail" || got.Attempts != 24 || got.Error != "the server answered 421 4.3.0" || got.Dead.IsZero() || got.Payload != nil {
			t.Errorf("dead letter %+v", got)
		}
	})
}

func TestPermanentFailureIsNotTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		tries := 0
		o := newOutbox(t, db, func(context.Context, []byte) error {
			tries++
			return fmt.Errorf("%w: 550 5.1.1 <jane@example.com> unknown", outbox.ErrPermanent)
		})
		post(t, db, o, letter{To: "jane@example.com"})
		stop := run(t, o)
		time.Sleep(time.Hour)
		stop()
		list := dead(t, o)
		if tries != 1 || len(list) != 1 || list[0].Error != "refused for good, the server answered 550 5.1.1" {
			t.Errorf("%d tries, dead letters %+v", tries, list)
		}
	})
}

func TestKickedParcelLeavesAtOnceAndOthersWithinASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		box := newPostbox()
		o := newOutbox(t, db, box.send)
		stop := run(t, o)
		defer stop()
		synctest.Wait()
		start := time.Now()
		post(t, db, o, letter{Text: "kicked"})
		box.await(t, 1)
		if took := time.Since(start); took != 0 {
			t.Errorf("kicked, but took %v", took)
		}
		start = time.Now()
		err := db.Update(t.Context(), func(tx *store.Tx) error { return o.Post(tx, "mail", letter{Text: "from another node"}) })
		if err != nil {
			t.Fatal(err)
		}
		box.await(t, 1)
		if took := time.Since(start); took > time.Second {
			t.Errorf("not kicked, took %v", took)
		}
	})
}

func TestAtMostThreeAreCarriedAtOnceAndEachForALimitedTime(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		var now, most atomic.Int64
		var mu sync.Mutex
		var ends []time.Duration
		start := time.Now()
		o := newOutbox(t, db, func(ctx context.Context, _ []byte) error {
			most.Store(max(most.Load(), now.Add(1)))
			<-ctx.Done()
			now.Add(-1)
			mu.Lock()
			ends = append(ends, time.Since(start).Round(time.Second))
			mu.Unlock()
			return outbox.ErrPermanent
		})
		for range 7 {
			post(t, db, o, letter{})
		}
		stop := run(t, o)
		time.Sleep(5 * time.Minute)
		stop()
		const d = 21 * time.Second
		if want := []time.Duration{d, d, d, 2 * d, 2 * d, 2 * d, 3 * d}; most.Load() != 3 || !slices.Equal(ends, want) {
			t.Errorf("at most %d at once, want 3; ended at %v, want %v", most.Load(), ends, want)
		}
	})
}

func TestStopFinishesWhatIsUnderWayAndBeginsNoMore(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		begun := make(chan struct{}, 10)
		o := newOutbox(t, db, func(context.Context, []byte) error {
			begun <- struct{}{}
			time.Sleep(5 * time.Second)
			return nil
		})
		for range 5 {
			post(t, db, o, letter{})
		}
		stop := run(t, o)
		for range 3 {
			<-begun
		}
		start := time.Now()
		stop()
		if took, left := time.Since(start), waiting(t, db); took != 5*time.Second || left != 2 || len(begun) != 0 {
			t.Errorf("stopping took %v with %d left and %d begun, want 5s, 2 and 0", took, left, len(begun))
		}
	})
}

// A node that was told to stop hangs in a delivery: the lease runs out, and the
// parcel is there for the others.
func TestLeaseOfAHangingWorkerRunsOut(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		release := make(chan struct{})
		stuck := newOutbox(t, db, func(context.Context, []byte) error { <-release; return nil })
		post(t, db, stuck, letter{Text: "hello"})
		stopStuck := run(t, stuck)
		synctest.Wait() // it has taken the parcel
		go stopStuck()
		synctest.Wait() // it takes no more
		box, start := newPostbox(), time.Now()
		stop := run(t, newOutbox(t, db, box.send))
		defer stop()
		time.Sleep(33 * time.Second)
		if n := len(box.some); n != 0 {
			t.Errorf("%d letters within the lease", n)
		}
		box.await(t, 1)
		if took := time.Since(start); took < 34*time.Second || took > 36*time.Second {
			t.Errorf("delivered after %v, want 34 to 36 s", took)
		}
		close(release)
		stopStuck()
	})
}

func TestPanicOfASenderIsAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		box, first := newPostbox(), true
		o := newOutbox(t, db, func(ctx context.Context, payload []byte) error {
			if first {
				first = false
				panic("jane@example.com")
			}
			return box.send(ctx, payload)
		})
		post(t, db, o, letter{Text: "hello"})
		defer run(t, o)()
		box.await(t, 1)
	})
}

func TestWithoutSendersParcelsWait(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		o := outbox.New(db, sealer(t), quiet, nil)
		post(t, db, o, letter{Text: "hello"})
		stop := run(t, o)
		time.Sleep(72 * time.Hour)
		stop()
		box := newPostbox()
		defer run(t, newOutbox(t, db, box.send))()
		box.await(t, 1)
	})
}

// A node of the next release posts a kind that this one does not know.
func TestUnknownKindIsLeftForAnotherNode(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		box := newPostbox()
		newer := outbox.New(db, sealer(t), quiet, map[string]outbox.Sender{"webhook": box.send})
		err := db.Update(t.Context(), func(tx *store.Tx) error { return newer.Post(tx, "webhook", letter{Text: "hello"}) })
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, newOutbox(t, db, newPostbox().send))
		time.Sleep(10 * time.Second)
		stop()
		defer run(t, newer)()
		box.await(t, 1)
	})
}

func TestLogTellsNeitherAddressNorPayload(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		var text bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		failures := []error{errors.New("450 4.2.1 jane's box at https://example.com/s/secret"), outbox.ErrPermanent}
		o := outbox.New(db, sealer(t), log, map[string]outbox.Sender{"mail": func(context.Context, []byte) error {
			failure := failures[0]
			failures = failures[1:]
			return failure
		}})
		post(t, db, o, letter{To: "jane@example.com", Text: "https://example.com/s/secret"})
		stop := run(t, o)
		time.Sleep(time.Minute)
		stop()
		got := text.String()
		if strings.Contains(got, "jane") || strings.Contains(got, "example.com") || strings.Contains(got, "secret") {
			t.Errorf("the log says too much:\n%s", got)
		}
		if !strings.Contains(got, `"reason":"the server answered 450 4.2.1","after":"1s"`) || !strings.Contains(got, "given up") {
			t.Errorf("the log says too little:\n%s", got)
		}
	})
}
