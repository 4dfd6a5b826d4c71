//go:build linux

package main

import (
	"reflect"
	"strings"
	"testing"
)

const module = "headykey.com/headykey/"

// tell feeds the tally one JSON line per event, as go test -json would.
func tell(lines ...string) (*tally, string) {
	var out strings.Builder
	t := newTally(&out)
	t.read(strings.NewReader(strings.ReplaceAll(strings.Join(lines, "\n"), "M/", module)))
	return t, out.String()
}

type numbers struct{ passed, failed, skipped int }

func TestTallyCountsLeaves(t *testing.T) {
	tests := []struct {
		name     string
		events   []string
		want     numbers
		failures []string
		skips    []string
	}{
		{"one test", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
			`{"Action":"pass","Package":"M/a","Test":"TestA"}`,
			`{"Action":"pass","Package":"M/a"}`,
		}, numbers{passed: 1}, nil, nil},
		{"a parent counts through its subtests, slashes in a name or not", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
			`{"Action":"run","Package":"M/a","Test":"TestA/x/y"}`,
			`{"Action":"pass","Package":"M/a","Test":"TestA/x/y"}`,
			`{"Action":"pass","Package":"M/a","Test":"TestA"}`,
			`{"Action":"pass","Package":"M/a"}`,
		}, numbers{passed: 1}, nil, nil},
		{"a parent that fails with its subtest counts once", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
			`{"Action":"run","Package":"M/a","Test":"TestA/x"}`,
			`{"Action":"fail","Package":"M/a","Test":"TestA/x"}`,
			`{"Action":"fail","Package":"M/a","Test":"TestA"}`,
			`{"Action":"fail","Package":"M/a"}`,
		}, numbers{failed: 1}, []string{"a TestA/x"}, nil},
		{"a parent that fails by itself counts", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
			`{"Action":"run","Package":"M/a","Test":"TestA/x"}`,
			`{"Action":"pass","Package":"M/a","Test":"TestA/x"}`,
			`{"Action":"fail","Package":"M/a","Test":"TestA"}`,
			`{"Action":"fail","Package":"M/a"}`,
		}, numbers{passed: 1, failed: 1}, []string{"a TestA"}, nil},
		{"a skip gives its reason", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
			`{"Action":"output","Package":"M/a","Test":"TestA","Output":"=== RUN   TestA\n"}`,
			`{"Action":"output","Package":"M/a","Test":"TestA","Output":"    a_test.go:12: no server\n"}`,
			`{"Action":"output","Package":"M/a","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}`,
			`{"Action":"skip","Package":"M/a","Test":"TestA"}`,
			`{"Action":"pass","Package":"M/a"}`,
		}, numbers{skipped: 1}, nil, []string{"a TestA: no server"}},
		{"a package without tests counts nothing", []string{
			`{"Action":"output","Package":"M/a","Output":"?   a [no test files]\n"}`,
			`{"Action":"skip","Package":"M/a"}`,
		}, numbers{}, nil, nil},
		{"a package that does not build is one failure", []string{
			`{"ImportPath":"M/a [M/a.test]","Action":"build-output","Output":"a.go:1: undefined: y\n"}`,
			`{"ImportPath":"M/a [M/a.test]","Action":"build-fail"}`,
			`{"Action":"fail","Package":"M/a","FailedBuild":"M/a [M/a.test]"}`,
		}, numbers{failed: 1}, []string{"a does not build"}, nil},
		{"a package that fails although its tests pass is one failure", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
			`{"Action":"pass","Package":"M/a","Test":"TestA"}`,
			`{"Action":"fail","Package":"M/a"}`,
		}, numbers{passed: 1, failed: 1}, []string{"a"}, nil},
		{"a panic leaves its test unfinished: one failure", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
			`{"Action":"output","Package":"M/a","Test":"TestA","Output":"panic: boom\n"}`,
			`{"Action":"fail","Package":"M/a"}`,
		}, numbers{failed: 1}, []string{"a"}, nil},
		{"a run that stops in the middle is a failure", []string{
			`{"Action":"run","Package":"M/a","Test":"TestA"}`,
		}, numbers{failed: 1}, []string{"a"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, out := tell(tt.events...)
			if n := (numbers{got.passed, got.failed, got.skipped}); n != tt.want {
				t.Errorf("got %+v, want %+v; printed:\n%s", n, tt.want, out)
			}
			if !reflect.DeepEqual(got.failures, tt.failures) {
				t.Errorf("failures: got %q, want %q", got.failures, tt.failures)
			}
			if !reflect.DeepEqual(got.skips, tt.skips) {
				t.Errorf("skips: got %q, want %q", got.skips, tt.skips)
			}
		})
	}
}

func TestFailurePrintsAllThatWasSaid(t *testing.T) {
	_, out := tell(
		`{"Action":"run","Package":"M/a","Test":"TestA"}`,
		`{"Action":"output","Package":"M/a","Test":"TestA","Output":"first\n"}`,
		`{"Action":"output","Package":"M/a","Test":"TestA","Output":"second\n"}`,
		`{"Action":"fail","Package":"M/a","Test":"TestA"}`,
		`{"Action":"fail","Package":"M/a"}`,
		`go: words without JSON`,
	)
	for _, want := range []string{"FAIL  a TestA\n    first\n    second\n", "go: words without JSON"} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s\nwant in it %q", out, want)
		}
	}
}

func TestSummaryEndsWithTheClosingLine(t *testing.T) {
	var out strings.Builder
	sum := newTally(&out)
	sum.passed = 610
	sum.skip("browser", "Chromium is not installed")
	sum.fail("stray process", "1597 sleep")
	sum.summary()
	if want := "\n610 passed, 1 failed, 1 skipped\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwant at its end %q", out.String(), want)
	}
	if want := "browser: Chromium is not installed"; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s\nwant in it %q", out.String(), want)
	}
}

func TestParseStat(t *testing.T) {
	type stat struct {
		pid         int
		name, state string
		parent      int
	}
	tests := []struct {
		name, text string
		want       stat
	}{
		{"plain", "233 (postgres) S 144 233 233 0", stat{233, "postgres", "S", 144}},
		{"a name with blanks and brackets", "89 (a) Z (b) R 55 89", stat{89, "a) Z (b", "R", 55}},
		{"empty", "", stat{}},
		{"cut off", "89 (a)", stat{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got stat
			got.pid, got.name, got.state, got.parent = parseStat(tt.text)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
