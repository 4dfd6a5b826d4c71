package e2e

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An answer is one response, read to its end.
type answer struct {
	call   string // method and path
	status int
	header http.Header
	body   []byte
}

// failure is the body of every refusal.
type failure struct {
	Error     string       `json:"error"`
	Code      string       `json:"code"`
	RequestID string       `json:"requestId"`
	Fields    []fieldError `json:"fields"`
}

type fieldError struct {
	Name    string `json:"name"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// checkBasics holds a to what is true of every answer.
func (a answer) checkBasics(t *testing.T) {
	t.Helper()
	id := a.header.Get("X-Request-Id")
	if id == "" {
		t.Errorf("%s: no X-Request-Id", a.call)
	}
	if a.status < 400 {
		return
	}
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if kind == "text/html" && strings.Contains(a.call, " "+authorizePath) {
		return // it speaks to a person
	}
	if kind != "application/json" {
		t.Errorf("%s: %d with content type %q, want JSON\n%.300s", a.call, a.status, kind, a.body)
		return
	}
	if strings.Contains(a.call, " /auth/v1") {
		return // whose failures RFC 6749 spells: see oauth_test.go
	}
	f := a.failure(t)
	if f.Error == "" || f.Code == "" || f.RequestID != id {
		t.Errorf("%s: incomplete error %s, X-Request-Id %q", a.call, a.body, id)
	}
	if a.status == http.StatusUnauthorized && !strings.Contains(a.header.Get("WWW-Authenticate"), `Bearer resource_metadata="`) {
		t.Errorf("%s: 401 with WWW-Authenticate %q", a.call, a.header.Get("WWW-Authenticate"))
	}
	if a.status == http.StatusTooManyRequests {
		if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 {
			t.Errorf("%s: 429 with Retry-After %q", a.call, a.header.Get("Retry-After"))
		}
	}
}

// failure reads the body of a refusal; no field may be unknown.
func (a answer) failure(t *testing.T) failure {
	t.Helper()
	var f failure
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		t.Errorf("%s: %d with a body that is no error: %v\n%.300s", a.call, a.status, err, a.body)
	}
	return f
}

// want fails the test unless the status is one of those given.
func (a answer) want(t *testing.T, status ...int) answer {
	t.Helper()
	if !slices.Contains(status, a.status) {
		t.Fatalf("%s: %d, want %v\n%.500s", a.call, a.status, status, a.body)
	}
	return a
}

// refused marks the test failed unless the answer is a refusal with the status
// and one of the codes.
func (a answer) refused(t *testing.T, status int, codes ...string) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: %d, want %d %v\n%.500s", a.call, a.status, status, codes, a.body)
		return a
	}
	if f := a.failure(t); len(codes) > 0 && !slices.Contains(codes, f.Code) {
		t.Errorf("%s: %d %s, want %v", a.call, a.status, f.Code, codes)
	}
	return a
}

// blames fails the test unless the refusal names the field.
func (a answer) blames(t *testing.T, field string) answer {
	t.Helper()
	for _, f := range a.failure(t).Fields {
		if f.Name == field && f.Code != "" && f.Message != "" {
			return a
		}
	}
	t.Errorf("%s: the refusal does not name the field %q: %s", a.call, field, a.body)
	return a
}

// into decodes the body to v.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v\n%.500s", a.call, err, a.body)
	}
}

// object returns the body as a JSON object.
func (a answer) object(t *testing.T) obj {
	t.Helper()
	var o obj
	a.into(t, &o)
	return o
}

// text returns the string at the dotted path of the body, or "".
func (a answer) text(t *testing.T, path string) string {
	t.Helper()
	var at any = a.object(t)
	for _, name := range strings.Split(path, ".") {
		o, ok := at.(obj)
		if !ok {
			return ""
		}
		at = o[name]
	}
	s, _ := at.(string)
	return s
}

// list returns the objects of the array called name.
func (a answer) list(t *testing.T, name string) []obj {
	t.Helper()
	items, ok := a.object(t)[name].([]any)
	if !ok {
		t.Fatalf("%s: %q is no list\n%.500s", a.call, name, a.body)
	}
	out := make([]obj, len(items))
	for i, it := range items {
		out[i], _ = it.(obj)
	}
	return out
}

// setCookie returns the session cookie that the answer sets, or nil.
func (a answer) setCookie() *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == sessionCookie {
			return c
		}
	}
	return nil
}
