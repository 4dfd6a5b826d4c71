package supabase

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/hook"
)

// A client of today is told codes in words, and that it is; those before it get
// numbers.
func TestAFailureIsSpelledAsTheClientsVersionWantsIt(t *testing.T) {
	words := `{"code":"validation_failed","message":"no"}`
	numbers := `{"code":400,"error_code":"validation_failed","msg":"no"}`
	for version, want := range map[string]string{
		"": numbers, "x": numbers, "2023-12-31": numbers, "2024-1-1": numbers, "2024-01-01T00:00:00Z": numbers, "20240101": numbers,
		"2024-01-01": words, "2025-07-01": words,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set(versionHeader, version)
		w := httptest.NewRecorder()
		New(Parts{}).fail(w, r, errValidation.saying("no"))
		echo := map[bool]string{true: "2024-01-01"}[want == words]
		if w.Body.String() != want || w.Code != 400 || w.Header().Get(versionHeader) != echo || w.Header().Get("X-Sb-Error-Code") != "validation_failed" {
			t.Errorf("%q: got %d %s with %v", version, w.Code, w.Body, w.Header())
		}
	}
}

func TestWhatAFailureIsCalled(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		body   string
		retry  string
	}{
		{"a bug", errors.New("secret detail"), 500, `{"code":500,"error_code":"unexpected_failure","msg":"` + headykey.ErrInternal.Text + `","error_id":"r1"}`, ""},
		{"the disk is full", headykey.ErrStorageFull, 503, `{"code":503,"error_code":"unexpected_failure","msg":"` + headykey.ErrStorageFull.Text + `","error_id":"r1"}`, "13"},
		{"too slow", context.DeadlineExceeded, 504, `{"code":504,"error_code":"request_timeout","msg":"Processing this request timed out, please retry after a moment.","error_id":"r1"}`, ""},
		{"busy", headykey.ErrBusy, 429, `{"code":429,"error_code":"over_request_rate_limit","msg":"` + headykey.ErrBusy.Text + `"}`, "2"},
		{"too often", headykey.ErrRateLimited.Later(1500 * time.Millisecond), 429, `{"code":429,"error_code":"over_request_rate_limit","msg":"` + headykey.ErrRateLimited.Text + `"}`, "2"},
		{"no word for it", headykey.ErrTooManyKeys, 409, `{"code":409,"error_code":"unknown","msg":"` + headykey.ErrTooManyKeys.Text + `"}`, ""},
		{"a hook says no", &hook.Refusal{Status: 418, Message: "not today"}, 418, `{"code":418,"error_code":"unknown","msg":"not today"}`, ""},
		{"as OAuth spells it", &failure{status: 422, code: "invalid_grant", text: "no", oauth: true}, 400, `{"error":"invalid_grant","error_description":"no"}`, ""},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(headykey.WithRequestID(r.Context(), "r1"))
		w := httptest.NewRecorder()
		New(Parts{}).fail(w, r, tt.err)
		if w.Code != tt.status || w.Body.String() != tt.body || w.Header().Get("Retry-After") != tt.retry || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s with %v, want %d %s", tt.name, w.Code, w.Body, w.Header(), tt.status, tt.body)
		}
	}
}

// A client keeps its session when it meets a 5xx, and tries again: what is its own
// fault must not be one.
func TestNoFaultOfAClientIsAFailureOfOurs(t *testing.T) {
	ours := map[string]bool{headykey.ErrInternal.Code: true, headykey.ErrUnavailable.Code: true, headykey.ErrStorageFull.Code: true}
	for code, f := range spellings {
		if (f.status >= http.StatusInternalServerError) != ours[code] {
			t.Errorf("%s is %d", code, f.status)
		}
	}
}
