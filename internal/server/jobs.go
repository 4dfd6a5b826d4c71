package server

import (
	"context"
	"log/slog"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"headykey.com/headykey/internal/store"
)

// A job is something that is done again and again in the background. Each is safe
// to run on many nodes at once.
type job struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

func (core *Core) jobs() []job {
	return []job{
		{"write down uses", 500 * time.Millisecond, core.Auth.FlushUses},
		{"tell tokens", 500 * time.Millisecond, core.OAuth.FlushIssued},
		{"make session keys", 500 * time.Millisecond, core.Ring.Prepare}, // soon after the start; later it finds them there
		{"lift bans", time.Second, core.Directory.LiftBans},
		{"tell refusals", 5 * time.Second, core.Auth.TellRefusals},
		{"prune", time.Minute, core.prune},
		{"give memory back", 8 * time.Second, giveBack},
		{"rotate keys", time.Hour, core.Directory.RotateDueKeys},
	}
}

// run starts everything that works beside the requests and returns what stops it:
// the outbox first finishes the letters in hand, and what was gathered in memory
// is written down.
func (core *Core) run(ctx context.Context, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { core.DB.Follow(ctx) })
	wg.Go(func() { core.Outbox.Run(ctx) })
	for _, j := range core.jobs() {
		wg.Go(func() { j.repeat(ctx, log) })
	}
	return func() {
		cancel()
		wg.Wait()
		if err := core.Auth.FlushUses(context.Background()); err != nil {
			log.Warn("the last uses could not be written down", "error", err)
		}
		if err := core.OAuth.FlushIssued(context.Background()); err != nil {
			log.Warn("the last tokens could not be told of", "error", err)
		}
	}
}

// repeat does the job until ctx ends. One that fails is logged once and tried on.
func (j job) repeat(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := j.do(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("a background job fails; it goes on trying", "job", j.name, "error", err)
		}
		failing = err != nil
	}
}

// spareMemory is how much memory beyond what is in use the process keeps for what
// comes next, in bytes.
const spareMemory = 34 << 20

// giveBack returns the memory of a burst to the system once it is over: each
// password that is hashed leaves 19 MiB of garbage.
func giveBack(context.Context) error {
	heap := []metrics.Sample{
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, // with garbage that no collection has met
		{Name: "/gc/heap/live:bytes"},                // after the last collection
	}
	metrics.Read(heap)
	free, objects, live := heap[0].Value.Uint64(), heap[1].Value.Uint64(), heap[2].Value.Uint64()
	if free+objects > live+spareMemory {
		debug.FreeOSMemory()
	}
	return nil
}

// How much is pruned in one transaction, and in how many at once: a busy server makes
// more than one batch in a minute, and nobody must wait long for the writer.
const (
	pruneBatch  = 233
	pruneRounds = 89
)

// prune deletes what has run out and can no longer matter to anybody.
func (core *Core) prune(ctx context.Context) error {
	err := core.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PruneChanges(); err != nil {
			return err
		}
		return tx.PruneLinks(tx.Now.Add(-time.Hour)) // so long it is known what one was
	})
	if err != nil {
		return err
	}
	for _, one := range []struct {
		prune func(tx *store.Tx, t time.Time, limit int) (int64, error)
		after time.Duration
	}{
		{(*store.Tx).PruneThrottles, 34 * time.Hour}, {(*store.Tx).PruneRevokedTokens, time.Hour},
		{(*store.Tx).PruneRequests, time.Hour}, {(*store.Tx).PruneSessions, 24 * time.Hour},
	} {
		err := core.inRounds(ctx, func(tx *store.Tx) (more bool, err error) {
			n, err := one.prune(tx, tx.Now.Add(-one.after), pruneBatch)
			return n >= pruneBatch, err
		})
		if err != nil {
			return err
		}
	}
	return core.inRounds(ctx, func(tx *store.Tx) (more bool, err error) {
		core.swept, _, err = tx.SweepAuthorizations(core.swept, tx.Now.Add(-24*time.Hour), pruneBatch)
		return core.swept != "", err
	})
}

// inRounds does one transaction after the other while there is more.
func (core *Core) inRounds(ctx context.Context, do func(tx *store.Tx) (more bool, err error)) error {
	more := true
	for round := 0; more && round < pruneRounds; round++ {
		err := core.DB.Update(ctx, func(tx *store.Tx) (err error) {
			more, err = do(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
