package secret

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ErrBusy reports that no slot of a Pool could be had in time: later, please.
var ErrBusy = errors.New("too many passwords wait to be hashed")

// ErrClosed reports a Pool that was closed.
var ErrClosed = errors.New("hash pool is closed")

// What NewPool takes where it is given nothing. With one worker a full queue
// takes some two seconds.
const (
	defaultQueue    = 233
	defaultDeadline = 8 * time.Second
)

// A Pool hashes passwords in a few goroutines of its own, first come, first
// served, so that a storm of sign-ins slows sign-ins and nothing else. Each worker
// costs 19 MiB in use and about twice that until the collector has been round; the
// collector keeps pace by itself. It may be used by many goroutines.
type Pool struct {
	jobs     chan *job
	deadline time.Duration
	closed   chan struct{}
	close    func()
	workers  sync.WaitGroup
}

// A job is one password to hash. Who waits for it and who works on it race for
// taken: the first decides whether it is done or dropped.
type job struct {
	work  func()
	taken atomic.Bool
	done  chan struct{}
}

// take reports whether the caller is the first to ask.
func (j *job) take() bool { return j.taken.CompareAndSwap(false, true) }

// NewPool starts a pool: of workers goroutines (0: one less than the processors,
// at least one), before which queue passwords may wait (0: 233), each for no longer
// than deadline (0: 8 s) until its turn. Close it to end the goroutines.
func NewPool(workers, queue int, deadline time.Duration) *Pool {
	if workers <= 0 {
		workers = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if queue <= 0 {
		queue = defaultQueue
	}
	if deadline <= 0 {
		deadline = defaultDeadline
	}
	p := &Pool{jobs: make(chan *job, queue), deadline: deadline, closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	for range workers {
		p.workers.Go(p.work)
	}
	return p
}

// Hash is [HashPassword] in the pool. It fails with ErrBusy if the queue is full
// or the deadline passes first, with ErrClosed, and with the error of ctx.
func (p *Pool) Hash(ctx context.Context, password string) (string, error) {
	return run(ctx, p, func() (string, error) { return HashPassword(password), nil })
}

// Verify is [VerifyPassword] in the pool, and fails as Hash does, too. An empty or
// unusable hash costs as much as any other.
func (p *Pool) Verify(ctx context.Context, hash, password string) (bool, error) {
	return run(ctx, p, func() (bool, error) {
		if CheckHash(hash) != nil {
			_, _ = VerifyPassword(dummyHash, password)
		}
		return VerifyPassword(hash, password)
	})
}

// VerifyDummy does for an unknown person what Verify does for a known one with a
// hash of ours: the same wait, the same work, the same errors, and always false.
func (p *Pool) VerifyDummy(ctx context.Context, password string) (bool, error) {
	return p.Verify(ctx, "", password)
}

// Depth returns how many passwords wait for a worker.
func (p *Pool) Depth() int { return len(p.jobs) }

// Close ends the pool. Hashes in work are finished; those that wait, and all later
// ones, get ErrClosed.
func (p *Pool) Close() {
	p.close()
	p.workers.Wait()
}

// work takes jobs until the pool is closed. One whose caller has gone is skipped.
func (p *Pool) work() {
	for {
		select {
		case <-p.closed:
			return
		case j := <-p.jobs:
			if j.take() {
				j.work()
				close(j.done)
			}
		}
	}
}

// run has a worker call work, and returns what it returns.
func run[T any](ctx context.Context, p *Pool, work func() (T, error)) (T, error) {
	var out, none T
	var failure error
	j := &job{work: func() { out, failure = work() }, done: make(chan struct{})}
	if err := p.wait(ctx, j); err != nil {
		return none, err
	}
	return out, failure
}

// wait queues j and returns nil when it is done. After an error j is never begun,
// or its outcome is nobody's business any more.
func (p *Pool) wait(ctx context.Context, j *job) error {
	select {
	case <-p.closed:
		return ErrClosed
	default:
	}
	select {
	case p.jobs <- j:
	default:
		return ErrBusy
	}
	late := time.NewTimer(p.deadline)
	defer late.Stop()
	var reason error
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		reason = ctx.Err()
	case <-late.C:
		reason = ErrBusy
	case <-p.closed:
		reason = ErrClosed
	}
	if j.take() {
		return reason
	}
	select { // a worker is at it
	case <-j.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
