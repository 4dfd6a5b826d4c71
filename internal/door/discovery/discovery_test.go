package discovery_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

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

// A document is about this server, and promises nothing that is not there.
func TestTheOpenAPIDocumentsNameThisServer(t *testing.T) {
	for path, want := range map[string]int{"/openapi.json": 2, "/auth/v1/openapi.json": 1} {
		var doc struct {
			OpenAPI string
			Servers []struct{ URL string }
			Paths   map[string]any
		}
		check(t, json.Unmarshal(ask(mount(t), path, http.Header{}).Body.Bytes(), &doc))
		if doc.OpenAPI[:4] != "3.1." || len(doc.Servers) != 1 || doc.Servers[0].URL != base || len(doc.Paths) != want || doc.Paths[path] == nil {
			t.Errorf("%s: got %s for %+v with %d paths", path, doc.OpenAPI, doc.Servers, len(doc.Paths))
		}
	}
}

// The documents are what OpenAPI calls valid, and each operation has a name of its own.
func TestTheOpenAPIDocumentsAreValid(t *testing.T) {
	for _, name := range []string{"openapi.json", "auth.json"} {
		doc, err := openapi3.NewLoader().LoadFromFile(name)
		check(t, err)
		check(t, doc.Validate(t.Context(), openapi3.EnableExamplesValidation()))
		seen := map[string]bool{}
		for at, op := range operations(doc) {
			if op.OperationID == "" || op.Summary == "" || op.Security == nil || seen[op.OperationID] {
				t.Errorf("%s: %s lacks a summary, security or a name of its own: %q", name, at, op.OperationID)
			}
			seen[op.OperationID] = true
		}
	}
}

// operations are those of a document by method and path.
func operations(doc *openapi3.T) map[string]*openapi3.Operation {
	all := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	return all
}

func TestADocumentIsTheSameForAllAndKeptByClients(t *testing.T) {
	rt := mount(t)
	for _, path := range []string{"/openapi.json", "/auth/v1/openapi.json", "/.well-known/oauth-protected-resource"} {
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
