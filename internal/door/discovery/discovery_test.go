package discovery_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"headykey.com/headykey/internal/door/discovery"
	"headykey.com/headykey/internal/web"
)

const base = "https://id.example.com"

func mount(t *testing.T) *web.Router {
	t.Helper()
	public, err := url.Parse(base)
	check(t, err)
	cors, err := web.NewCORS(public, nil, false)
	check(t, err)
	rt := web.NewRouter(cors, nil)
	check(t, discovery.Mount(rt, base))
	return rt
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ask(rt http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, r)
	return w
}

// RFC 9728 §2: who was sent here by a 401 learns what is protected, and how.
func TestTheProtectedResourceDescribesItself(t *testing.T) {
	w := ask(mount(t), "/.well-known/oauth-protected-resource", http.Header{})
	var got map[string]any
	check(t, json.Unmarshal(w.Body.Bytes(), &got))
	want := map[string]any{
		"resource": base + "/api", "resource_name": "HeadyKey API", "bearer_methods_supported": []any{"header"},
		"resource_documentation": base + "/openapi.json",
	}
	if w.Code != http.StatusOK || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d %v, want %v", w.Code, got, want)
	}
}

func TestTheOpenAPIDocumentNamesThisServer(t *testing.T) {
	var doc struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]any
	}
	check(t, json.Unmarshal(ask(mount(t), "/openapi.json", http.Header{}).Body.Bytes(), &doc))
	if doc.OpenAPI[:4] != "3.1." || len(doc.Servers) != 1 || doc.Servers[0].URL != base || len(doc.Paths) == 0 {
		t.Errorf("got %s for %+v with %d paths", doc.OpenAPI, doc.Servers, len(doc.Paths))
	}
}

func TestADocumentIsTheSameForAllAndKeptByClients(t *testing.T) {
	rt := mount(t)
	for _, path := range []string{"/openapi.json", "/.well-known/oauth-protected-resource"} {
		first := ask(rt, path, http.Header{"Origin": {"https://anybody.example"}})
		h := first.Header()
		if h.Get("Access-Control-Allow-Origin") != "https://anybody.example" || h.Get("Access-Control-Allow-Credentials") != "" ||
			h.Get("Cache-Control") != "public, max-age=600" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %v", path, h)
		}
		again := ask(rt, path, http.Header{"If-None-Match": {h.Get("ETag")}})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s, known already: got %d with %d bytes", path, again.Code, again.Body.Len())
		}
		if other := ask(rt, path, http.Header{"If-None-Match": {`"0"`}}); other.Code != http.StatusOK || other.Body.String() != first.Body.String() {
			t.Errorf("%s, another known: got %d", path, other.Code)
		}
	}
}
