package headykey

import (
	"errors"
	"time"
)

// A Kind is the family of a failure. Each door chooses an HTTP status by Kind;
// the core never names a status.
type Kind uint8

// The kinds, from the one that is our fault to those that the caller can mend.
const (
	Internal    Kind = iota // a bug or a broken machine: its text stays in the log
	Invalid                 // the caller can mend the request
	Unproven                // nobody, or not proven well enough
	Forbidden               // proven, and not allowed
	Missing                 // no such thing, or not for this caller's eyes
	Conflict                // the state of the thing forbids it
	TooMany                 // later: see Error.After
	Unavailable             // the server cannot now: see Error.After
)

// An Error is a failure that its caller may see. It is immutable: compare with
// [errors.Is], which looks at Code alone, and derive with [Error.About],
// [Error.Saying] and [Error.Later].
type Error struct {
	Kind   Kind
	Code   string        // stable, snake_case: part of the public API
	Text   string        // one sentence for a human; no secret, nobody else's data
	Fields []FieldError  // the inputs at fault; may be empty
	After  time.Duration // earliest useful retry; zero if unknown
}

// A FieldError says what is wrong with one input.
type FieldError struct {
	Name    string // in its wire spelling
	Code    string // stable, snake_case
	Message string // one sentence for a human
}

// Error returns the code and the text.
func (e *Error) Error() string { return e.Code + ": " + e.Text }

// Is reports whether target is an *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// About returns a copy of e that blames the input called name.
func (e *Error) About(name string) *Error {
	c := *e
	c.Fields = append(append([]FieldError(nil), e.Fields...), FieldError{Name: name, Code: e.Code, Message: e.Text})
	return &c
}

// Saying returns a copy of e with another text.
func (e *Error) Saying(text string) *Error {
	c := *e
	c.Text = text
	return &c
}

// Later returns a copy of e that asks the caller to wait.
func (e *Error) Later(after time.Duration) *Error {
	c := *e
	c.After = after
	return &c
}

// Explain returns the *Error in err's chain, or ErrInternal if there is none:
// what is not meant for the caller never reaches the wire.
func Explain(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return ErrInternal
}
