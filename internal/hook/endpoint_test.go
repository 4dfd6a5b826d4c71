package hook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
)

// busy answers with a status and asks to be tried again.
func busy(status int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		say(status, "")(w, r)
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cut promises more than it says.
func cut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100")
	say(http.StatusOK, "{}")(w, r)
}

// The server is outside the bubble, so an answer takes no time; between tries time
// passes at once.
func TestTries(t *testing.T) {
	yes := say(http.StatusOK, "{}")
	tests := []struct {
		name    string
		answers []http.HandlerFunc // the last one again and again
		visits  int
		took    time.Duration
		want    *headykey.Error
	}{
		{"at once", []http.HandlerFunc{yes}, 1, 0, nil},
		{"at the second", []http.HandlerFunc{hangUp, yes}, 2, 2 * time.Second, nil},
		{"at the third", []http.HandlerFunc{busy(429, "1"), busy(503, "true"), yes}, 3, 4 * time.Second, nil},
		{"broken off first", []http.HandlerFunc{cut, yes}, 2, 2 * time.Second, nil},
		{"never heard", []http.HandlerFunc{hangUp}, 3, 4 * time.Second, headykey.ErrHookTimeoutAfterRetry},
		{"always broken off", []http.HandlerFunc{cut}, 3, 4 * time.Second, headykey.ErrHookTimeoutAfterRetry},
		{"always busy", []http.HandlerFunc{busy(503, "1")}, 3, 4 * time.Second, headykey.ErrInternal},
		{"busy for good", []http.HandlerFunc{say(503, "")}, 1, 0, headykey.ErrInternal},
		{"broken", []http.HandlerFunc{busy(500, "1")}, 1, 0, headykey.ErrInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o *operator
			o = servePlain(t, func(w http.ResponseWriter, r *http.Request) {
				tt.answers[min(len(o.seen()), len(tt.answers))-1](w, r)
			})
			synctest.Test(t, func(t *testing.T) {
				h, _ := o.hooks(t)
				defer h.Close()
				start := time.Now()
				err := h.BeforeUserCreated(t.Context(), home, user)
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if (err == nil) != (tt.want == nil) || err != nil && headykey.Explain(err) != tt.want {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			})
			ids, times := map[string]bool{}, map[string]bool{}
			for _, v := range o.seen() {
				ids[v.header.Get("Webhook-Id")] = true
				times[v.header.Get("Webhook-Timestamp")] = true
			}
			if n := len(o.seen()); n != tt.visits || len(ids) != 1 || len(times) != n {
				t.Errorf("%d visits of %d ids at %d times, want %d, 1, %d", n, len(ids), len(times), tt.visits, tt.visits)
			}
		})
	}
}

func TestAHookThatIsTooSlow(t *testing.T) {
	gone := make(chan struct{})
	o := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		gone <- struct{}{}
	})
	h, log := o.hooks(t)
	defer h.Close()
	if got := h.all[BeforeUserCreated].limit; got != 5*time.Second {
		t.Errorf("a hook has %v", got)
	}
	h.all[BeforeUserCreated].limit = 50 * time.Millisecond
	if err := h.BeforeUserCreated(t.Context(), home, user); !errors.Is(err, headykey.ErrHookTimeout) {
		t.Errorf("got %v", err)
	}
	<-gone
	if n := len(o.seen()); n != 1 || log.Len() == 0 {
		t.Errorf("%d visits, want 1; the log says %q", n, log)
	}
}

// The time of a hook ends also between two tries.
func TestTheTimeIsOverBetweenTwoTries(t *testing.T) {
	o := servePlain(t, busy(503, "1"))
	synctest.Test(t, func(t *testing.T) {
		h, _ := o.hooks(t)
		defer h.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		err := h.BeforeUserCreated(ctx, home, user)
		if took := time.Since(start); took != 3*time.Second || !errors.Is(err, headykey.ErrHookTimeout) {
			t.Errorf("after %v: got %v", took, err)
		}
	})
	if n := len(o.seen()); n != 2 {
		t.Errorf("%d visits, want 2", n)
	}
}

// Whoever leaves is not told that the hook is slow.
func TestTheCallerLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	o := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		leave()
		<-r.Context().Done()
		gone <- struct{}{}
	})
	h, _ := o.hooks(t)
	defer h.Close()
	err := h.BeforeUserCreated(ctx, home, user)
	if !errors.Is(err, context.Canceled) || headykey.Explain(err) != headykey.ErrInternal {
		t.Errorf("got %v", err)
	}
	<-gone
}

func TestAfterClose(t *testing.T) {
	o := serve(t, say(http.StatusOK, "{}"))
	h, _ := o.hooks(t)
	h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := h.BeforeUserCreated(ctx, home, user); err == nil || len(o.seen()) != 0 {
		t.Errorf("got %v, %d visits", err, len(o.seen()))
	}
}

// text answers with a type and so many bytes.
func text(kind string, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		_, _ = io.WriteString(w, "{}"+strings.Repeat(" ", size-2))
	}
}

// Whatever a hook must not answer is an error to every hook that can have one.
func TestBadAnswers(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   *headykey.Error
	}{
		{"a byte too much", text("application/json", maxAnswer+1), headykey.ErrHookTooLarge},
		{"far too much", text("application/json", 3*maxAnswer), headykey.ErrHookTooLarge},
		{"far too much of a page", text("text/html", 3*maxAnswer), headykey.ErrHookContentType},
		{"another type", text("text/plain", 2), headykey.ErrHookContentType},
		{"a type that only begins so", text("application/jsonp", 2), headykey.ErrHookContentType},
		{"a broken type", text("application/json; charset", 2), headykey.ErrHookContentType},
		{"no type", text("", 2), headykey.ErrHookContentType},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, headykey.ErrInternal},
		{"a moved post", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusPermanentRedirect) }, headykey.ErrInternal},
		{"created", say(http.StatusCreated, "{}"), headykey.ErrInternal},
		{"a bad request", say(http.StatusBadRequest, "{}"), headykey.ErrInternal},
		{"not signed in", say(http.StatusUnauthorized, ""), headykey.ErrInternal},
		{"an error of another type", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":{"message":"no"}}`, http.StatusForbidden)
		}, headykey.ErrInternal},
		{"nothing", say(http.StatusOK, ""), headykey.ErrInternal},
		{"null", say(http.StatusOK, "null"), headykey.ErrInternal},
		{"a list", say(http.StatusOK, "[{}]"), headykey.ErrInternal},
		{"two objects", say(http.StatusOK, "{}{}"), headykey.ErrInternal},
		{"half an object", say(http.StatusOK, `{"a":`), headykey.ErrInternal},
		{"an error that is text", say(http.StatusOK, `{"error":"no"}`), headykey.ErrInternal},
		{"an error with a code in words", say(http.StatusOK, `{"error":{"http_code":"403"}}`), headykey.ErrInternal},
		{"two errors", say(http.StatusOK, `{"error":{"message":"no"},"error":{}}`), headykey.ErrInternal},
		{"text that is no UTF-8", say(http.StatusOK, "{\"error\":{\"message\":\"\xff\"}}"), headykey.ErrInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := serve(t, tt.answer)
			h, _ := o.hooks(t)
			defer h.Close()
			for name, err := range asked(t, h) {
				if err == nil || headykey.Explain(err).Code != tt.want.Code {
					t.Errorf("%s: got %v, want %v", name, err, tt.want)
				}
			}
			if n := len(o.seen()); n != 4 {
				t.Errorf("%d visits, want 4", n)
			}
		})
	}
}

func TestAnAnswerThatJustFits(t *testing.T) {
	h, _ := serve(t, text("Application/JSON", maxAnswer)).hooks(t)
	defer h.Close()
	if err := h.BeforeUserCreated(t.Context(), home, user); err != nil {
		t.Error(err)
	}
}
