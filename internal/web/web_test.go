package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

var home = &url.URL{Scheme: "https", Host: "id.example.com"}

// ask sends one request to h; headers come as name, value, name, value.
func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if body != "" {
		r = httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// expect compares an answer's status and whole body.
func expect(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, status, body)
	}
}

// captureLog sends the log of this test to the returned buffer, debug lines too.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return &out
}

// spelling is another door's way to fail: status and code in plain text.
func spelling(w http.ResponseWriter, _ *http.Request, e *headykey.Error) {
	http.Error(w, "spelled: "+e.Code, web.StatusOf(e))
}

// say answers with text.
func say(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

func newCORS(t *testing.T, loopback bool, origins ...string) *web.CORS {
	t.Helper()
	c, err := web.NewCORS(home, origins, loopback)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
