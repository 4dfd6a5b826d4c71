package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"headykey.com/headykey"
)

const slow = 1618 * time.Millisecond // what takes longer is logged

// A header is one that every answer begins with.
type header struct {
	name  string // in its canonical spelling
	value []string
}

// Front returns the outermost handler of a server at public: it names the request
// (X-Request-Id, never taken from outside), sets the security headers, answers 500
// for a panic, counts, and logs what failed or was slow. A handler may override
// any header but X-Request-Id; a page with a form needs Referrer-Policy:
// same-origin, or older browsers hide its Origin. A nil metrics counts nothing.
//
// The log names the route that matched, never the path, the query, the body or a
// person. At debug level it has a line for every request.
func Front(public *url.URL, metrics *Metrics, next http.Handler) http.Handler {
	fixed := fixedHeaders(public)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, began: time.Now(), series: metrics.unrouted()}
		rec.id[0] = newRequestID()
		h := w.Header()
		for i := range fixed {
			h[fixed[i].name] = fixed[i].value
		}
		h["X-Request-Id"] = rec.id[:]
		r = r.WithContext(headykey.WithRequestID(r.Context(), rec.id[0]))
		defer rec.finish(r)
		next.ServeHTTP(rec, r)
	})
}

// fixedHeaders are fit for JSON; a page brings its own Content-Security-Policy.
// HSTS (RFC 6797) is a promise of https, so only an https server makes it.
func fixedHeaders(public *url.URL) []header {
	out := []header{
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
		{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
		{"Cache-Control", noStore},
	}
	if public.Scheme == "https" {
		out = append(out, header{"Strict-Transport-Security", []string{"max-age=31536000; includeSubDomains"}})
	}
	return out
}

// newRequestID returns 16 hex digits. They name a line in a log and prove nothing.
func newRequestID() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	var text [2 * len(raw)]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// A recorder remembers the status of an answer, and whose it is.
type recorder struct {
	http.ResponseWriter
	status int // 0: nothing was written yet
	began  time.Time
	series *series
	id     [1]string // of the request, in the form of a header value
}

// WriteHeader notes the first final status and passes it on.
func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && status >= http.StatusOK {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write passes b on; an answer that begins with a body is a 200.
func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.ResponseWriter.Write(b)
}

// Flush sends what was written so far.
func (rec *recorder) Flush() {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	_ = http.NewResponseController(rec.ResponseWriter).Flush() // a writer that cannot sends it at the end
}

// Unwrap lets [http.ResponseController] find what lies below.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// finish is deferred around the request: it answers for a panic, counts and logs.
// An answer that was cut off in the middle ends the connection, so that nobody
// takes the half for the whole.
func (rec *recorder) finish(r *http.Request) {
	cut := false
	if p := recover(); p != nil {
		cut = rec.rescue(r, p)
	}
	if rec.status == 0 {
		rec.status = http.StatusOK // what net/http sends for a silent handler
	}
	took := time.Since(rec.began)
	rec.series.observe(rec.status, took)
	rec.log(r, took)
	if cut {
		panic(http.ErrAbortHandler)
	}
}

// rescue turns a panic into a 500 and reports whether it is too late for that.
func (rec *recorder) rescue(r *http.Request, p any) (cut bool) {
	if p == http.ErrAbortHandler {
		return true
	}
	slog.ErrorContext(r.Context(), "panic", slog.String("requestId", rec.id[0]),
		slog.String("route", r.Pattern), slog.String("error", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
	if rec.status != 0 {
		rec.status = http.StatusInternalServerError
		return true
	}
	for _, name := range []string{"Set-Cookie", "Location", "Etag", "Last-Modified", "Content-Encoding"} {
		delete(rec.Header(), name)
	}
	FailJSON(rec, r, headykey.ErrInternal)
	return false
}

func (rec *recorder) log(r *http.Request, took time.Duration) {
	level := slog.LevelDebug
	if rec.status >= http.StatusInternalServerError || took > slow {
		level = slog.LevelWarn
	}
	if !slog.Default().Enabled(context.Background(), level) {
		return
	}
	slog.LogAttrs(r.Context(), level, "request",
		slog.String("requestId", rec.id[0]),
		slog.String("method", methodLabel(r.Method)),
		slog.String("route", r.Pattern),
		slog.Int("status", rec.status),
		slog.Duration("took", took))
}
