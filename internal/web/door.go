package web

import (
	"cmp"
	"net/http"

	"headykey.com/headykey"
)

// A FailFunc spells a failure on the wire.
type FailFunc func(http.ResponseWriter, *http.Request, *headykey.Error)

// A Door is all that differs between HTTP surfaces: how a caller proves itself,
// and how a failure is spelled.
type Door struct {
	// Identify returns who asks: the zero Caller (with its From) if the request
	// carries no credential, an error if it carries a bad one. A nil Identify
	// makes everybody a stranger.
	Identify func(*http.Request) (headykey.Caller, error)
	// Fail spells a failure; FailJSON, or a function around it.
	Fail FailFunc
	// MaxBody is the most bytes that a JSON body may have; zero: 64 KiB.
	MaxBody int64
}

// JSON returns the endpoint that identifies the caller, decodes the body to an
// In, asks h, and replies with status and the Out, or with the door's failure.
// An In of struct{} means that the body, if any, is not read. The body must be
// one JSON object of at most Door.MaxBody bytes: see [Decode].
//
// An Out with a method Headers(http.Header) sets headers and cookies of the
// answer, one with a method Status() int chooses its status (0: the usual one).
func JSON[In, Out any](d Door, status int, h func(r *http.Request, by headykey.Caller, in In) (Out, error)) http.Handler {
	return endpointOf(d, status, h, false)
}

// Optional is [JSON] where the body may be absent: h then gets the zero In.
func Optional[In, Out any](d Door, status int, h func(r *http.Request, by headykey.Caller, in In) (Out, error)) http.Handler {
	return endpointOf(d, status, h, true)
}

// Handle returns the endpoint that identifies the caller and lets h write the
// answer itself, for hot paths and for answers that are not JSON. If h returns
// an error it must not have written anything.
func Handle(d Door, h func(w http.ResponseWriter, r *http.Request, by headykey.Caller) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, err := d.identify(r)
		if err == nil {
			err = h(w, r, by)
		}
		if err != nil {
			d.Refuse(w, r, err)
		}
	})
}

// Refuse answers with err in the door's spelling; an internal error is logged.
func (d Door) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	d.Fail(w, r, Explain(r.Context(), err))
}

func (d Door) identify(r *http.Request) (headykey.Caller, error) {
	if d.Identify == nil {
		return headykey.Caller{}, nil
	}
	return d.Identify(r)
}

func endpointOf[In, Out any](d Door, status int, h func(*http.Request, headykey.Caller, In) (Out, error), optional bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := ask(d, w, r, h, optional)
		if err != nil {
			d.Refuse(w, r, err)
			return
		}
		send(w, status, out)
	})
}

func ask[In, Out any](d Door, w http.ResponseWriter, r *http.Request, h func(*http.Request, headykey.Caller, In) (Out, error), optional bool) (out Out, err error) {
	by, err := d.identify(r)
	if err != nil {
		return out, err
	}
	var in In
	if err := decode(w, r, &in, cmp.Or(d.MaxBody, usualBody), optional); err != nil {
		return out, err
	}
	return h(r, by, in)
}

// send lets out dress its own answer before it is written.
func send(w http.ResponseWriter, status int, out any) {
	if o, ok := out.(interface{ Headers(http.Header) }); ok {
		o.Headers(w.Header())
	}
	if o, ok := out.(interface{ Status() int }); ok && o.Status() != 0 {
		status = o.Status()
	}
	Reply(w, status, out)
}
