package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite/lib"
)

// maxBatch bounds how many transactions share one commit.
const maxBatch = 256

var (
	errBroken = errors.New("a write to the disk failed earlier; restart the server once the disk is sound")
	errClosed = errors.New("the database is closed")
)

// A writer commits in groups: it takes every transaction that waits, runs each
// in a savepoint of its own, commits once and answers all. One fsync serves them
// all, and one that fails leaves no trace in the others.
type writer struct {
	conn   *sqliteConn
	queue  chan *write
	done   chan struct{}
	once   sync.Once
	closed chan struct{}
	broken *atomic.Bool
	log    *slog.Logger
}

// A write is one transaction that waits for its commit.
type write struct {
	ctx   context.Context
	fn    func(*Tx) error
	err   error
	panic any
	done  chan struct{}
}

func newWriter(c *sqliteConn, broken *atomic.Bool, log *slog.Logger) *writer {
	w := &writer{
		conn: c, queue: make(chan *write, maxBatch), broken: broken, log: log,
		done: make(chan struct{}), closed: make(chan struct{}),
	}
	go w.loop()
	return w
}

// submit runs fn in the next group and returns once that is on the disk.
func (w *writer) submit(ctx context.Context, fn func(*Tx) error) error {
	job := &write{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case w.queue <- job:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closed:
		return errClosed
	}
	select {
	case <-job.done:
	case <-w.done:
		// The writer has ended: it answered before, or never will.
		select {
		case <-job.done:
		default:
			return errClosed
		}
	}
	if job.panic != nil {
		panic(job.panic)
	}
	return job.err
}

// stop lets the transactions that wait finish and ends the writer.
func (w *writer) stop() {
	w.once.Do(func() { close(w.closed) })
	<-w.done
	w.conn.close()
}

func (w *writer) loop() {
	defer close(w.done)
	for {
		select {
		case job := <-w.queue:
			w.commit(w.gather(job))
		case <-w.closed:
			for len(w.queue) > 0 {
				w.commit(w.gather(<-w.queue))
			}
			return
		}
	}
}

// gather returns first and all that wait behind it.
func (w *writer) gather(first *write) []*write {
	batch := []*write{first}
	for len(batch) < maxBatch {
		select {
		case job := <-w.queue:
			batch = append(batch, job)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction and answers everyone in it.
func (w *writer) commit(batch []*write) {
	err := w.try(batch)
	if err != nil {
		_, _ = w.conn.exec("ROLLBACK")
		w.note(err)
	}
	for _, job := range batch {
		if err != nil && job.err == nil && job.panic == nil {
			job.err = err
		}
		close(job.done)
	}
}

// try returns an error if nothing of the batch became durable.
func (w *writer) try(batch []*write) error {
	if _, err := w.conn.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	kept := 0
	for _, job := range batch {
		ok, err := w.savepoint(job)
		if err != nil {
			return err
		}
		if ok {
			kept++
		}
	}
	if kept == 0 {
		_, err := w.conn.exec("ROLLBACK")
		return err
	}
	if _, err := w.conn.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// savepoint runs one job so that its failure undoes only itself. An error means
// that the whole transaction is lost (SQLite undoes it on a full disk).
func (w *writer) savepoint(job *write) (ok bool, err error) {
	if job.err = job.ctx.Err(); job.err != nil {
		return false, nil
	}
	if _, err := w.conn.exec("SAVEPOINT job"); err != nil {
		return false, fmt.Errorf("savepoint: %w", err)
	}
	w.call(job)
	if job.err != nil || job.panic != nil {
		if _, err := w.conn.exec("ROLLBACK TO job"); err != nil {
			return false, errors.Join(fmt.Errorf("roll back: %w", err), job.err)
		}
	}
	if _, err := w.conn.exec("RELEASE job"); err != nil {
		return false, fmt.Errorf("release: %w", err)
	}
	return job.err == nil && job.panic == nil, nil
}

func (w *writer) call(job *write) {
	defer func() { job.panic = recover() }()
	job.err = job.fn(&Tx{Now: now(), run: w.conn, dialect: sqlite})
}

// note remembers a failed fsync: what the file then holds is unknown, and asking
// again would be answered "fine" for data that never reached the disk.
func (w *writer) note(err error) {
	if sqliteCode(err) == sqlite3.SQLITE_IOERR {
		w.broken.Store(true)
		w.log.Error("the disk failed under the database; writing stops until a restart", "error", err)
	}
}
