//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An event is one line of go test -json (go doc test2json).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	Elapsed     float64 // seconds
	ImportPath  string  // of build events
	FailedBuild string  // whose build made this package fail
}

// A pkg is what we know of a package while its tests run.
type pkg struct {
	running map[string]bool     // tests that began and have not ended
	parents map[string]bool     // tests with subtests
	broken  map[string]bool     // tests that failed, and those above them
	output  map[string][]string // by test; "" is the package's own

	passed, failed, skipped int
}

// quiet is how long we stay silent before saying what is still running.
const quiet = 34 * time.Second

// read counts the events of one go test until it ends.
func (t *tally) read(r io.Reader) {
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		in := bufio.NewReader(r)
		for {
			line, err := in.ReadBytes('\n')
			if len(line) > 0 {
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	silence := time.NewTicker(quiet)
	defer silence.Stop()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.abandon()
				return
			}
			t.line(line)
		case <-silence.C:
			t.note("...   " + strings.Join(slices.Sorted(maps.Keys(t.packages)), " "))
		}
	}
}

func (t *tally) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintf(t.out, "%s", line) // go itself has something to say
		return
	}
	t.event(e)
}

func (t *tally) event(e event) {
	switch e.Action {
	case "build-output":
		t.builds[e.ImportPath] += e.Output
		return
	case "build-fail":
		return // the package that needed it says so
	}
	p := t.packages[e.Package]
	if p == nil {
		p = &pkg{running: map[string]bool{}, parents: map[string]bool{}, broken: map[string]bool{}, output: map[string][]string{}}
		t.packages[e.Package] = p
	}
	switch e.Action {
	case "run":
		p.running[e.Test] = true
		for above := range ancestors(e.Test) {
			p.parents[above] = true
		}
	case "output":
		p.output[e.Test] = append(p.output[e.Test], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e, p)
			return
		}
		t.endTest(e, p)
	}
}

// endTest counts a leaf, and a parent that failed or skipped by itself.
func (t *tally) endTest(e event, p *pkg) {
	delete(p.running, e.Test)
	name := short(e.Package) + " " + e.Test
	switch {
	case e.Action == "fail" && !p.broken[e.Test]:
		p.failed++
		t.fail(name, p.text(e.Test))
		for above := range ancestors(e.Test) {
			p.broken[above] = true
		}
	case e.Action == "fail": // a subtest has told
		if p.words(e.Test) != "" {
			t.detail(p.text(e.Test))
		}
	case e.Action == "skip":
		p.skipped++
		t.skip(name, p.words(e.Test))
	case !p.parents[e.Test]:
		p.passed++
		t.passed++
	}
	delete(p.output, e.Test)
}

// endPackage prints the package's line. A package that fails although no test
// of it did counts as one failure: it did not build, it panicked or took too
// long (then its unfinished tests are named), or its TestMain failed.
func (t *tally) endPackage(e event, p *pkg) {
	delete(t.packages, e.Package)
	name := short(e.Package)
	switch {
	case e.Action == "fail" && e.FailedBuild != "":
		t.fail(name+" does not build", t.builds[e.FailedBuild])
		t.builds[e.FailedBuild] = "(see above)"
		return
	case e.Action == "fail" && (p.failed == 0 || len(p.running) > 0):
		t.fail(name, p.unfinished())
		p.failed++
	case e.Action == "skip" || p.passed+p.failed+p.skipped == 0:
		return // no tests
	}
	word := "ok  "
	if e.Action == "fail" {
		word = "FAIL"
	}
	t.note(fmt.Sprintf("%s  %-32s %6.1fs  %4d passed%s%s", word, name, e.Elapsed, p.passed,
		count(p.failed, "failed"), count(p.skipped, "skipped")))
}

// abandon counts the packages that go test never finished with: it was stopped.
func (t *tally) abandon() {
	for _, path := range slices.Sorted(maps.Keys(t.packages)) {
		t.fail(short(path), t.packages[path].unfinished())
		delete(t.packages, path)
	}
}

// unfinished is the package's own output and that of the tests that never ended.
func (p *pkg) unfinished() string {
	var b strings.Builder
	for _, test := range slices.Sorted(maps.Keys(p.running)) {
		fmt.Fprintf(&b, "unfinished: %s\n%s", test, p.text(test))
	}
	return b.String() + p.text("")
}

func (p *pkg) text(test string) string { return strings.Join(p.output[test], "") }

var place = regexp.MustCompile(`^\S+\.go:\d+: `)

// words is what a test said, without the machinery around it: the reason of a
// skip, mostly.
func (p *pkg) words(test string) string {
	var said []string
	for _, line := range p.output[test] {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, place.ReplaceAllString(line, ""))
		}
	}
	return strings.Join(said, " ")
}

// ancestors yields the tests above a subtest: of A/b/c, A/b and A.
func ancestors(test string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := strings.LastIndexByte(test, '/'); i > 0; i = strings.LastIndexByte(test, '/') {
			test = test[:i]
			if !yield(test) {
				return
			}
		}
	}
}

// short is an import path without the module.
func short(path string) string {
	_, rest, ok := strings.Cut(path, "headykey.com/headykey/")
	if !ok {
		return path
	}
	return rest
}

func count(n int, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("  %d %s", n, what)
}
