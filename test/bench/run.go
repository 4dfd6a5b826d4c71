//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A bench is what the steps of one run on one engine share.
type bench struct {
	options
	dir     string
	cluster *cluster // nil: SQLite
	hello   target
	db      *database
	server  *server
	crowd   []person
	report  *report
}

// run measures all that o asks for and returns what it found, even if it failed
// half-way.
func run(ctx context.Context, o options) (all []*report, err error) {
	dir, err := os.MkdirTemp("", "hk-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		o.binary = filepath.Join(dir, "headykey")
		if err := build(ctx, o.binary); err != nil {
			return nil, err
		}
	}
	hello, stopHello, err := startHello(ctx)
	if err != nil {
		return nil, err
	}
	defer stopHello()
	for _, engine := range []string{"sqlite", "postgres"} {
		if o.engine != "both" && o.engine != engine {
			continue
		}
		b := &bench{options: o, dir: filepath.Join(dir, engine), hello: hello, report: &report{Engine: engine}}
		all = append(all, b.report)
		err := b.run(ctx, engine)
		if !o.json {
			b.report.print(os.Stdout)
		}
		if err != nil {
			return all, fmt.Errorf("%s: %w", engine, err)
		}
	}
	return all, nil
}

// run measures one engine.
func (b *bench) run(ctx context.Context, engine string) (err error) {
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return err
	}
	if engine == "postgres" {
		bin := findPostgres()
		if bin == "" {
			b.report.Skipped = "PostgreSQL 15 or later is not installed"
			return nil
		}
		say("making a PostgreSQL cluster")
		if b.cluster, err = startCluster(ctx, bin); err != nil {
			return err
		}
		defer b.cluster.stop()
	}
	if err := b.starts(ctx); err != nil {
		return err
	}
	if b.crowd, err = settle(ctx, b.db); err != nil {
		return err
	}
	if err := b.serve(ctx, b.measure); err != nil {
		return err
	}
	if !b.million {
		return nil
	}
	return b.grow(ctx)
}

// serve runs steps against a server on b.db, in which everybody has a new access
// token.
func (b *bench) serve(ctx context.Context, steps func(context.Context) error) (err error) {
	if b.server, err = start(ctx, b.binary, b.db, b.cluster); err != nil {
		return err
	}
	defer b.server.stop()
	if err := b.meet(ctx); err != nil {
		return err
	}
	return steps(ctx)
}

// meet gives everybody an access token of ours and of an app, and a password to the few who sign in.
func (b *bench) meet(ctx context.Context) error {
	if _, err := drive(ctx, b.server.target, refreshAmong(crowd, many), b.crowd, 0); err != nil {
		return err
	}
	anon, err := anonKey(ctx, b.binary, b.db)
	if err != nil {
		return err
	}
	for i := range b.crowd {
		b.crowd[i].anon = anon
	}
	if _, err := drive(ctx, b.server.target, refreshAppAmong(crowd, many), b.crowd, 0); err != nil {
		return err
	}
	flow := operation{
		name: "code flow", conns: many, people: crowd, want: http.StatusSeeOther,
		ask: authorize(swift), hear: keepCode, then: &operation{ask: redeem(swift), hear: keepGrant},
	}
	if _, err := drive(ctx, b.server.target, flow, b.crowd, 0); err != nil {
		return err
	}
	if b.crowd[0].newcomers > 0 {
		return nil // they have registered before
	}
	signUp := operation{name: "register", conns: few, people: few, want: http.StatusCreated, ask: register}
	_, err = drive(ctx, b.server.target, signUp, b.crowd, 0)
	return err
}

// measure is everything that is measured on one running server.
func (b *bench) measure(ctx context.Context) error {
	for _, op := range operations {
		if !b.wants(op.name) {
			continue
		}
		if err := b.firstSight(ctx, op); err != nil {
			return err
		}
		f, err := b.compare(ctx, op)
		if err != nil {
			return err
		}
		b.report.add(f)
	}
	if b.wants(isolation) {
		if err := b.isolate(ctx); err != nil {
			return err
		}
	}
	if b.wants(memory) {
		return b.load(ctx)
	}
	return nil
}

// firstSight measures what it costs to read from the database what later comes
// from memory: one turn for each of a crowd.
func (b *bench) firstSight(ctx context.Context, op operation) error {
	if op.people != crowd || op.hear != nil {
		return nil
	}
	r, err := drive(ctx, b.server.target, op, b.crowd, 0)
	if err != nil {
		return err
	}
	b.report.tell(op.name+", first sight, CPU", r.perCall(), "µs", 0)
	return nil
}

// compare measures op in rounds, each after a short round of the hello world.
func (b *bench) compare(ctx context.Context, op operation) (figure, error) {
	say("%s: %s", b.report.Engine, op.name)
	var f figure
	var cpu, ratio, rate, p50, p99 []float64
	for range b.rounds {
		base, err := drive(ctx, b.hello, helloWorld, b.crowd, max(b.window/4, 100*time.Millisecond))
		if err != nil {
			return f, err
		}
		r, err := drive(ctx, b.server.target, op, b.crowd, b.window)
		if err != nil {
			return f, err
		}
		cpu = append(cpu, r.perCall())
		ratio = append(ratio, r.perCall()/base.perCall())
		rate = append(rate, r.rate())
		p50, p99 = append(p50, r.quantile(.5)), append(p99, r.quantile(.99))
		f.Hello = append(f.Hello, base.perCall())
	}
	bar := op.bars.sqlite
	if b.cluster != nil {
		bar = op.bars.postgres
	}
	return figure{
		Name: op.name, Bar: bar, CPU: median(cpu), Cap: 2e6 / median(cpu), Ratio: median(ratio),
		Rate: median(rate), P50: median(p50), P99: median(p99), Hello: f.Hello,
	}, nil
}

// median of an even number is the higher of the two in the middle.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
