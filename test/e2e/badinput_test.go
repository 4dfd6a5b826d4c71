package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// bad is input that no endpoint with a body may take, whatever it does.
var bad = []struct {
	name, kind, body string
	status           int
	code             string
}{
	{"no JSON", "application/json", "hello", 400, "invalid_json"},
	{"half an object", "application/json", `{"email": "a@exam`, 400, "invalid_json"},
	{"two objects", "application/json", `{}{}`, 400, "invalid_json"},
	{"a list", "application/json", `[]`, 400, "invalid_json"},
	{"a string", "application/json", `"x"`, 400, "invalid_json"},
	{"null", "application/json", `null`, 400, "invalid_json"},
	{"a duplicate key", "application/json", `{"email":"a@example.com","email":"b@example.com"}`, 400, "invalid_json"},
	{"a duplicate key below", "application/json", `{"x":{"y":1,"y":2}}`, 400, "invalid_json"},
	{"no UTF-8", "application/json", "{\"email\":\"\xff\xfe\"}", 400, "invalid_json"},
	{"half a surrogate pair", "application/json", `{"email":"\ud800"}`, 400, "invalid_json"},
	{"a comment", "application/json", `{/* x */}`, 400, "invalid_json"},
	{"a deep well", "application/json", strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), 0, ""},
	{"over 1 MiB", "application/json", `{"email":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "body_too_large"},
	{"a form", "application/x-www-form-urlencoded", `email=a@example.com`, 415, "unsupported_media_type"},
	{"plain text", "text/plain", `{}`, 415, "unsupported_media_type"},
	{"no content type", "", `{}`, 415, "unsupported_media_type"},
	{"another charset", "application/json; charset=utf-16", `{}`, 415, "unsupported_media_type"},
}

// writers yields every POST and PATCH endpoint that reads a body.
func writers() []endpoint {
	var out []endpoint
	for e := range bench.contract.endpoints() {
		if e.body() != nil && (e.method == "POST" || e.method == "PATCH") {
			out = append(out, e)
		}
	}
	return out
}

func TestBadBodies(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		for _, e := range writers() {
			for _, tt := range bad {
				c := s.as(admin)
				if !e.protected() {
					c = s.nobody()
				}
				if tt.kind != "" {
					c = c.with("Content-Type", tt.kind)
				}
				a := c.send(t, e.method, e.call(), []byte(tt.body))
				if tt.status == 0 { // how it is refused is free, that it is not
					a.want(t, 400, 413)
					continue
				}
				if a.status != tt.status || a.failure(t).Code != tt.code {
					t.Errorf("%s with %s: %d, want %d %s\n%.200s", a.call, tt.name, a.status, tt.status, tt.code, a.body)
				}
			}
		}
		s.as(admin).get(t, mePath).want(t, http.StatusOK)
	})
}

// wrong returns values that the schema's type excludes.
func wrong(schema *openapi3.Schema) []any {
	values := []any{true, 1.5, "x", []any{}, obj{}}
	kinds := []string{"boolean", "number", "string", "array", "object"}
	var out []any
	for i, kind := range kinds {
		takes := schema.Type.Includes(kind) || kind == "number" && schema.Type.Includes("integer")
		if !takes {
			out = append(out, values[i])
		}
	}
	return out
}

func TestWrongTypes(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		for _, e := range writers() {
			c := s.as(admin)
			if !e.protected() {
				c = s.nobody()
			}
			for name, property := range e.body().Properties {
				refuseWrongTypes(t, c, e, name, wrong(property.Value))
			}
		}
	})
}

// refuseWrongTypes sends the example with one member of each wrong value.
func refuseWrongTypes(t *testing.T, c client, e endpoint, name string, values []any) {
	t.Helper()
	for _, value := range values {
		body := merged(example(t, e), obj{name: value})
		if a := c.do(t, e.method, e.call(), body); a.status != http.StatusBadRequest {
			t.Errorf("%s with %s = %v: %d, want 400\n%.200s", a.call, name, value, a.status, a.body)
		}
	}
}

func example(t *testing.T, e endpoint) obj {
	t.Helper()
	text, err := json.Marshal(e.example())
	if err != nil {
		t.Fatal(err)
	}
	var o obj
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestUnknownMethods(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		for path, item := range bench.contract.doc.Paths.Map() {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} {
				if item.GetOperation(method) != nil || path == "/api/receipts/verify" { // which /api/receipts/{id} shadows
					continue
				}
				a := s.as(admin).send(t, method, endpoint{path: path}.call(), nil)
				if a.refused(t, http.StatusMethodNotAllowed, "method_not_allowed"); a.header.Get("Allow") == "" {
					t.Errorf("%s: no Allow header", a.call)
				}
			}
		}
	})
}

func TestUnknownPaths(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		for _, path := range []string{
			"/api", "/api/", "/api/auth", "/api/auth/me/", "/api/auth/nothing", "/api/AUTH/me", "/api/auth/api-keys/" + nowhere,
			"/api/auth/api-keys/%2e%2e/me", "/api//auth/me", "/.well-known/nothing", "/health/nothing", "/api/admin/" + fmt.Sprint(0),
		} {
			a := s.as(admin).send(t, "GET", path, nil)
			if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
				t.Errorf("GET %s: %d, want 404", path, a.status)
			}
		}
	})
}
