package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func (h *house) finger(query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/.well-known/webfinger?"+query, nil)
	r.Header.Set("Origin", "https://anybody.example")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The answer is the same for all: it does not tell who has an account here.
func TestWebFingerNamesTheIssuer(t *testing.T) {
	h := build(t)
	for _, resource := range []string{"acct:ada@id.example.com", "acct:nobody@elsewhere.example", "https://id.example.com/ada", "http://localhost:8080"} {
		w := h.finger(url.Values{"resource": {resource}, "rel": {"http://openid.net/specs/connect/1.0/issuer"}}.Encode())
		want := map[string]any{"subject": resource, "links": []any{
			map[string]any{"rel": "http://openid.net/specs/connect/1.0/issuer", "href": "https://id.example.com/auth/v1"},
		}}
		if got := object(t, w); w.Code != http.StatusOK || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %d %v", resource, w.Code, got)
		}
		if head := w.Header(); head.Get("Content-Type") != "application/jrd+json" || head.Get("Access-Control-Allow-Origin") != "https://anybody.example" {
			t.Errorf("headers %v", head)
		}
	}
	if got := object(t, h.finger("resource=acct:a@b.example&rel=avatar")); !reflect.DeepEqual(got["links"], []any{}) {
		t.Errorf("of another relation: got %v", got)
	}
}

func TestWebFingerNeedsAResource(t *testing.T) {
	h := build(t)
	for _, query := range []string{"", "resource=", "resource=ada", "resource=acct:", "resource=https:", "resource=javascript:x", "resource=acct:a&resource=acct:b",
		"resource=acct:%ff", "resource=%zz", "resource=acct:" + strings.Repeat("a", 2048)} {
		if w := h.finger(query); w.Code != http.StatusBadRequest || object(t, w)["error"] != "invalid_request" {
			t.Errorf("%.40s: got %d %s", query, w.Code, w.Body)
		}
	}
}

func FuzzResource(f *testing.F) {
	for _, text := range []string{"acct:ada@example.com", "https://example.com/ada", "acct:", "\xff", "https://[::1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if isResource(text) && (!utf8.ValidString(text) || len(text) > maxResource || !strings.Contains(text, ":")) {
			t.Errorf("taken: %q", text)
		}
	})
}
