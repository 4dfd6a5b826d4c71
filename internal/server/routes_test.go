package server

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Each address below the issuer is in its OpenAPI document with its methods, and the
// document promises nothing else.
func TestTheDocumentOfTheIssuerIsWhole(t *testing.T) {
	c := &Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Dev: true, SignUp: true, Registration: RegistrationOpen}
	s, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	public, err := url.Parse(s.Base)
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.router(public, nil)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Paths map[string]map[string]any }
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, httptest.NewRequest("GET", "/auth/v1/openapi.json", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, route := range rt.Routes() {
		method := strings.ToLower(route.Method)
		if strings.HasPrefix(route.Pattern, "/auth/v1/") && doc.Paths[route.Pattern][method] == nil {
			t.Errorf("%s %s is not documented", route.Method, route.Pattern)
		}
		delete(doc.Paths[route.Pattern], method)
	}
	for path, rest := range doc.Paths {
		for method := range rest {
			t.Errorf("%s %s is documented, and is not there", strings.ToUpper(method), path)
		}
	}
}
