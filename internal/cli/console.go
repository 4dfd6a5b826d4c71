package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/server"
)

// The exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2 // the command line or a setting is wrong: nothing was tried
	exitProblems = 3 // a check found problems
)

// errProblems ends a check that has already told what it found.
var errProblems = errors.New("a check found problems")

// A usageError is a command line that cannot be obeyed.
type usageError struct{ error }

// A console is what a command talks to: its operator, and the settings.
type console struct {
	in   io.Reader
	out  io.Writer
	err  io.Writer
	json bool                           // reply with one JSON object
	load func() (loaded, server.Faults) // reads the settings from all their places
}

// settings returns the settings with their sources, or [server.Faults] if a
// server cannot run by them.
func (c *console) settings() (loaded, error) {
	in, faults := c.load()
	if len(faults) > 0 {
		return loaded{}, faults
	}
	return in, nil
}

// reply prints v: as one line of JSON if so asked, otherwise as its String, which
// ends in a newline and keeps to 80 columns.
func (c *console) reply(v fmt.Stringer) error {
	if !c.json {
		_, err := io.WriteString(c.out, v.String())
		return err
	}
	return c.encode(v)
}

// wrap returns text as lines of at most 80 columns, unless a word is longer; all
// but the first are indented.
func wrap(text string) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		width := utf8.RuneCountInString(word) + 1
		switch {
		case column == 0:
			column = width - 1
		case column+width > 80:
			b.WriteString("\n  ")
			column = 2 + width - 1
		default:
			b.WriteByte(' ')
			column += width
		}
		b.WriteString(word)
	}
	return b.String() + "\n"
}

func (c *console) encode(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// A failure is what a failed command says in JSON.
type failure struct {
	Error  string        `json:"error"` // a sentence for a person
	Code   string        `json:"code"`  // stable, snake_case
	Faults server.Faults `json:"faults,omitempty"`
}

// exit tells the operator of err, if there is anything to tell, and returns the
// exit code. In JSON it speaks on standard output, otherwise on standard error.
func (c *console) exit(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errProblems) {
		return exitProblems
	}
	f, code := explain(err)
	switch {
	case c.json:
		_ = c.encode(f) // a broken pipe has nobody behind it to tell
	case len(f.Faults) > 0:
		for _, one := range f.Faults {
			fmt.Fprintln(c.err, "headykey:", one)
		}
	default:
		fmt.Fprintln(c.err, "headykey:", f.Error)
	}
	return code
}

// explain returns how a command that ended with err says so, and its exit code.
func explain(err error) (failure, int) {
	f := failure{Error: err.Error(), Code: "failed"}
	if faults, ok := errors.AsType[server.Faults](err); ok {
		f.Code, f.Faults = "invalid_settings", faults
		return f, exitUsage
	}
	if _, ok := errors.AsType[usageError](err); ok {
		f.Code = "usage"
		return f, exitUsage
	}
	if e, ok := errors.AsType[*headykey.Error](err); ok && e.Kind != headykey.Internal {
		f.Error, f.Code = e.Text, e.Code
	}
	return f, exitFailed
}
