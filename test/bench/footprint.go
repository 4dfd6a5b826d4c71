//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	isolation = "isolation"
	memory    = "memory"
	starts    = 9
	idlers    = 10_000
	storm     = 200 // sign-ins in flight
)

// starts measures the size of the binary and the time from start to ready, on
// empty databases and on one that was used before, which becomes b.db.
func (b *bench) starts(ctx context.Context) error {
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	b.report.tell("size of the binary", float64(info.Size())/1e6, "MB", 40)
	say("%s: starts", b.report.Engine)
	var empty, used []float64
	for i := range starts {
		dir := filepath.Join(b.dir, fmt.Sprint("start-", i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if b.db, err = fresh(ctx, b.cluster, dir, fmt.Sprint("start_", i)); err != nil {
			return err
		}
		if empty, err = b.startOnce(ctx, empty); err != nil {
			return err
		}
	}
	for range starts {
		if used, err = b.startOnce(ctx, used); err != nil {
			return err
		}
	}
	b.report.tell("start to ready, empty", median(empty), "ms", 100)
	b.report.tell("start to ready, used before", median(used), "ms", 100)
	return b.idle(ctx)
}

func (b *bench) startOnce(ctx context.Context, took []float64) ([]float64, error) {
	s, err := start(ctx, b.binary, b.db, b.cluster)
	if err != nil {
		return nil, err
	}
	s.stop()
	return append(took, s.took.Seconds()*1e3), nil
}

// idle measures what a server holds that nobody has asked anything.
func (b *bench) idle(ctx context.Context) error {
	s, err := start(ctx, b.binary, b.db, b.cluster)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	mb, err := s.memory()
	b.report.tell("memory, idle", mb, "MB", 30)
	return err
}

// afterwards is how long the server may take to give back what a burst needed.
const afterwards = 21 * time.Second

// load measures what the server holds after all that was measured before, and
// with ten thousand connections that have asked once and now are idle.
func (b *bench) load(ctx context.Context) error {
	say("%s: memory", b.report.Engine)
	mb, err := b.server.memory()
	if err != nil {
		return err
	}
	b.report.tell("memory, in the moment after the load", mb, "MB", 100)
	select {
	case <-time.After(afterwards):
	case <-ctx.Done():
		return ctx.Err()
	}
	if mb, err = b.server.memory(); err != nil {
		return err
	}
	b.report.tell("memory, 21 s after the load", mb, "MB", 100)
	var lines []*line
	defer func() { hangUp(lines) }()
	for i := range idlers {
		one, err := dialAll(ctx, b.server.address, 1)
		if err != nil {
			return err
		}
		lines = append(lines, one...)
		if err := one[0].call(operation{ask: verifyToken}, &b.crowd[i%crowd], i); err != nil {
			return err
		}
	}
	mb, err = b.server.memory()
	b.report.tell("memory, with 10,000 idle connections", mb, "MB", 0)
	return err
}

// isolate compares how long a verification takes beside 200 sign-ins in flight
// with how long it takes without.
func (b *bench) isolate(ctx context.Context) error {
	say("%s: %s", b.report.Engine, isolation)
	verify := operation{name: "verify beside sign-ins", conns: few, people: few, ask: verifyToken}
	quiet, err := b.tail(ctx, verify)
	if err != nil {
		return err
	}
	stormy, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- b.storm(stormy)
	}()
	err = pause(ctx, 500*time.Millisecond)
	var loud float64
	if err == nil {
		loud, err = b.tail(ctx, verify)
	}
	cancel()
	if stormErr := <-ended; err == nil {
		err = stormErr
	}
	b.report.tell("p99 of verify, quiet", quiet, "ms", 0)
	b.report.tell("p99 of verify, 200 sign-ins in flight", loud, "ms", 0)
	b.report.tell(isolation+": the one over the other", loud/quiet, "times", 5)
	return err
}

// tail returns the median p99 of op in milliseconds.
func (b *bench) tail(ctx context.Context, op operation) (float64, error) {
	var p99 []float64
	for range b.rounds {
		r, err := drive(ctx, b.server.target, op, b.crowd, b.window)
		if err != nil {
			return 0, err
		}
		p99 = append(p99, r.quantile(.99))
	}
	return median(p99), nil
}

// storm keeps 200 sign-ins in flight until ctx ends. A server that is too busy
// may say so.
func (b *bench) storm(ctx context.Context) error {
	lines, err := dialAll(ctx, b.server.address, storm)
	if err != nil {
		return err
	}
	unhook := context.AfterFunc(ctx, func() { hangUp(lines) })
	defer unhook()
	failed := make(chan error, len(lines))
	for i, l := range lines {
		go func() { failed <- l.signIn(ctx, &b.crowd[i%few]) }()
	}
	for range lines {
		if e := <-failed; err == nil {
			err = e
		}
	}
	return err
}

func (l *line) signIn(ctx context.Context, p *person) error {
	for {
		status, err := l.exchange(login(l.out[:0], p, 0))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case status == http.StatusOK:
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return nil
			}
		default:
			return fmt.Errorf("sign-in: status %d: %.200s", status, l.body)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
