//go:build linux

// Command bench measures the released binary, on an empty SQLite file and on a
// throw-away PostgreSQL with fsync on, and stops and removes all that it made.
//
// The unit is CPU time per operation of the server and of all processes of the
// database; the generator's own is not counted. "cap/s" is what two cores could
// do: 2,000,000 µs over that. Raw requests per second on a shared machine are a
// lower bound only. Every figure is the median of its rounds, and in each round
// a hello-world server of net/http is measured just before, so that the ratio
// to it compares like with like. There is no verdict: the exit status is not 0
// only if something could not be measured.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options is how one run differs from another.
type options struct {
	engine  string        // sqlite, postgres, both
	only    string        // part of an operation's name; "": all
	rounds  int           // of each operation
	window  time.Duration // of one round
	json    bool
	million bool
	binary  string // "": build it
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == helloWord {
		serveHello()
		return
	}
	var o options
	var seconds float64
	flag.StringVar(&o.engine, "engine", "both", "measure on `sqlite`, postgres or both")
	flag.StringVar(&o.only, "only", "", "measure only what has one of these `texts` in its name, with commas between them")
	flag.IntVar(&o.rounds, "rounds", 5, "take the median of this `number` of rounds")
	flag.Float64Var(&seconds, "seconds", 1, "length of one round in `seconds`")
	flag.BoolVar(&o.json, "json", false, "print JSON in place of tables")
	flag.BoolVar(&o.million, "million", false, "measure again among a million users and ten million sessions (SQLite: some 20 minutes, 20 GB)")
	flag.StringVar(&o.binary, "binary", "", "measure this `file` instead of building the release")
	flag.Parse()
	o.window = time.Duration(seconds * float64(time.Second))
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithTimeout(ctx, o.limit())
	out, err := run(ctx, o)
	cancel()
	stop()
	if o.json {
		_ = json.NewEncoder(os.Stdout).Encode(out) // standard output is gone: nobody is left to tell
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) check() error {
	switch {
	case o.engine != "sqlite" && o.engine != "postgres" && o.engine != "both":
		return fmt.Errorf("-engine is sqlite, postgres or both, not %q", o.engine)
	case o.rounds < 1 || o.window < 100*time.Millisecond:
		return fmt.Errorf("-rounds is 1 or more and -seconds 0.1 or more")
	}
	return nil
}

// limit bounds the whole run: a few times what it takes on a quiet machine.
func (o options) limit() time.Duration {
	measured := time.Duration(o.rounds) * o.window * time.Duration(2*len(operations)) * 2
	if o.million {
		return 90*time.Minute + 2*measured
	}
	return 5*time.Minute + measured
}

// wants reports whether what has this name is to be measured.
func (o options) wants(name string) bool {
	for text := range strings.SplitSeq(o.only, ",") {
		if strings.Contains(name, text) {
			return true
		}
	}
	return false
}

// say tells the person who waits what is going on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
