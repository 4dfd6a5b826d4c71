package store

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"headykey.com/headykey"
)

const (
	pollEvery = 400 * time.Millisecond
	// trustFor is how long after the start of a good poll caches may be believed:
	// the bound of a revocation between nodes.
	trustFor = time.Second
	// changeWindow is how far a poll looks back behind the newest change it saw. A
	// change becomes visible at its commit, not at its time, so it must be longer
	// than any transaction lives.
	changeWindow = 8 * time.Second
	stripes      = 1 << 16
)

// The kinds of change.
const (
	ChangedUser = "user" // a user, or anything that proves to be them; subject: its id
	ChangedKeys = "keys" // signing keys
	// ChangedClient and ChangedToken are of an OAuth client, and of one of its
	// access tokens; subject: its id.
	ChangedClient = "client"
	ChangedToken  = "token"
	// ChangedOrigins is of the origins of all clients together; subject: OriginsEpoch.
	ChangedOrigins = "origins"
)

// OriginsEpoch is the subject of ChangedOrigins.
const OriginsEpoch = headykey.ID("client origins")

// A change says that caches must look at something again.
type change struct {
	id      headykey.ID
	kind    string
	subject string
}

// Touch notes that what kind and subject name has changed: once the transaction
// is durable, every node looks again before it believes what it remembers. It is
// noted once, however often it is said.
func (tx *Tx) Touch(kind string, subject headykey.ID) {
	if slices.ContainsFunc(tx.touched, func(c change) bool { return c.kind == kind && c.subject == string(subject) }) {
		return
	}
	tx.touched = append(tx.touched, change{headykey.NewOrderedID(), kind, string(subject)})
}

func (tx *Tx) insertChanges() error {
	for _, c := range tx.touched {
		var err error
		if tx.dialect == sqlite {
			err = tx.do("insert change", `INSERT INTO changes (id, kind, subject, at) VALUES ($1, $2, $3, $4)`,
				c.id, c.kind, c.subject, at(tx.Now))
		} else {
			err = tx.do("insert change", `INSERT INTO changes (id, kind, subject) VALUES ($1, $2, $3)`,
				c.id, c.kind, c.subject)
		}
		if err != nil {
			return err
		}
	}
	if tx.dialect == postgres {
		return tx.do("notify", `SELECT pg_notify($1, '')`, changeChannel)
	}
	return nil
}

// news is what this process knows of changes, its own and others'. Epochs are
// striped: a fixed array of counters, so that memory does not grow with users,
// and two users on one counter merely cost a look at the store too many.
type news struct {
	seed   maphash.Seed
	epochs [stripes]atomic.Uint64
	start  time.Time
	good   atomic.Int64 // start of the last good poll, nanoseconds after start
	follow atomic.Bool

	mu       sync.Mutex
	watchers map[string][]func(context.Context)
	seen     map[headykey.ID]time.Time // changes that were spread already
	newest   time.Time                 // of the database's clock
}

func newNews() *news {
	return &news{
		seed: maphash.MakeSeed(), start: time.Now(),
		watchers: map[string][]func(context.Context){}, seen: map[headykey.ID]time.Time{},
	}
}

// An Epoch is a moment of what was known about one user, client or token.
type Epoch struct {
	counter *atomic.Uint64
	value   uint64
}

// Epoch returns the present moment of the user, client or token under id. Take it
// before reading what is to be remembered.
func (db *DB) Epoch(id headykey.ID) Epoch {
	c := &db.news.epochs[maphash.String(db.news.seed, string(id))%stripes]
	return Epoch{c, c.Load()}
}

// Current reports whether nothing was heard since.
func (e Epoch) Current() bool { return e.counter.Load() == e.value }

// Fresh reports whether what is remembered may be believed: the last good look
// for changes began less than a second ago. A node that lost its database does
// not trust its cache; one that does not follow changes (a command) has none.
func (db *DB) Fresh() bool {
	if !db.news.follow.Load() {
		return true
	}
	return time.Since(db.news.start)-time.Duration(db.news.good.Load()) < trustFor
}

// OnChange calls f whenever something of kind has changed, here or elsewhere. In
// this process it runs after the commit and before Update returns.
func (db *DB) OnChange(kind string, f func(context.Context)) {
	db.news.mu.Lock()
	defer db.news.mu.Unlock()
	db.news.watchers[kind] = append(db.news.watchers[kind], f)
}

// spread makes changes known in this process, each once.
func (n *news) spread(ctx context.Context, changes []change) {
	n.mu.Lock()
	var calls []func(context.Context)
	for _, c := range changes {
		if _, ok := n.seen[c.id]; ok {
			continue
		}
		n.seen[c.id] = time.Now()
		if c.kind != ChangedKeys {
			n.epochs[maphash.String(n.seed, c.subject)%stripes].Add(1)
		}
		calls = append(calls, n.watchers[c.kind]...)
	}
	n.mu.Unlock()
	for _, f := range calls {
		f(ctx)
	}
}

// forget makes everything that is remembered anywhere be looked up anew.
func (n *news) forget() {
	for i := range n.epochs {
		n.epochs[i].Add(1)
	}
}

// prune drops the memory of changes that no poll can meet again.
func (n *news) prune() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, at := range n.seen {
		if time.Since(at) > 4*changeWindow {
			delete(n.seen, id)
		}
	}
}

// Follow keeps this process's memory true to what others commit, until ctx ends.
// PostgreSQL's notifications only make it quicker; the poll alone is correct.
func (db *DB) Follow(ctx context.Context) {
	wake := make(chan struct{}, 1)
	go db.engine.listen(ctx, func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	db.news.follow.Store(true)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		err := db.poll(ctx)
		switch {
		case err != nil && !failing && ctx.Err() == nil:
			db.log.Warn("cannot look for changes; nothing is believed from memory until it works again", "error", err)
			failing = true
		case err == nil && failing:
			db.news.forget()
			failing = false
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
		}
	}
}

// poll reads the changes of the last seconds and spreads those that are new.
func (db *DB) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, trustFor)
	defer cancel()
	began := time.Since(db.news.start)
	db.news.mu.Lock()
	newest := db.news.newest
	db.news.mu.Unlock()
	if newest.IsZero() {
		newest = time.Now().Add(-changeWindow)
	}
	var found []change
	err := db.engine.view(ctx, func(tx *Tx) error {
		found = found[:0]
		return tx.changes(newest, func(c change, at time.Time) {
			found = append(found, c)
			if at.After(newest) {
				newest = at
			}
		})
	})
	if err != nil {
		return fmt.Errorf("poll for changes: %w", err)
	}
	db.news.spread(ctx, found)
	db.news.prune()
	db.news.mu.Lock()
	db.news.newest = newest
	db.news.mu.Unlock()
	db.news.good.Store(int64(began))
	return nil
}

// changes yields what changed since a little before newest, or before the
// database's present if its clock was set back.
func (tx *Tx) changes(newest time.Time, f func(change, time.Time)) error {
	query, args := `SELECT id, kind, subject, at FROM changes WHERE at > $1`,
		[]any{at(earlier(newest, tx.Now).Add(-changeWindow))}
	if tx.dialect == postgres {
		query = `SELECT id, kind, subject, at FROM changes
			WHERE at > least($1::timestamptz, clock_timestamp()) - interval '8 seconds'`
		args = []any{at(newest)}
	}
	rows, err := tx.run.rows(query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c change
		var t time.Time
		if err := rows.Scan(&c.id, &c.kind, &c.subject, when{&t}); err != nil {
			return err
		}
		f(c, t)
	}
	return rows.Err()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// PruneChanges deletes news that every node has read.
func (tx *Tx) PruneChanges() error {
	return tx.do("prune changes", `DELETE FROM changes WHERE at < $1`, at(tx.Now.Add(-10*time.Minute)))
}
