//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A tally counts, prints as it counts, and remembers what the summary repeats.
//
// It counts leaves: a test with subtests counts only through them, unless it
// failed, or skipped, on its own account. Beside tests it counts what went wrong
// around them (a package that does not build, a tool that is missing).
type tally struct {
	out                     io.Writer
	began                   time.Time
	passed, failed, skipped int
	failures, skips         []string

	packages map[string]*pkg   // by import path, while they run
	builds   map[string]string // the compiler's words, by import path
}

func newTally(out io.Writer) *tally {
	return &tally{out: out, began: time.Now(), packages: map[string]*pkg{}, builds: map[string]string{}}
}

// note prints a line of progress.
func (t *tally) note(text string) {
	fmt.Fprintf(t.out, "%7.1fs  %s\n", time.Since(t.began).Seconds(), text)
}

// fail counts a failure and prints it, with all that is known of it.
func (t *tally) fail(what, why string) {
	t.failed++
	t.failures = append(t.failures, what)
	t.note("FAIL  " + what)
	t.detail(why)
}

// detail prints text under the line before it.
func (t *tally) detail(text string) {
	if text = strings.TrimRight(text, "\n"); text != "" {
		fmt.Fprintln(t.out, "    "+strings.ReplaceAll(text, "\n", "\n    "))
	}
}

// skip counts a test, or a thing, that was left out.
func (t *tally) skip(what, why string) {
	t.skipped++
	t.skips = append(t.skips, what+": "+why)
}

// summary prints what was skipped, what failed, and the closing line.
func (t *tally) summary() {
	t.list("Skipped:", t.skips)
	t.list("Failed:", t.failures)
	fmt.Fprintf(t.out, "\nTook %s.\n", time.Since(t.began).Round(time.Second))
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}

func (t *tally) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(t.out, "\n%s\n", title)
	for _, line := range lines {
		fmt.Fprintln(t.out, "  "+line)
	}
}
