package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// A contract is the OpenAPI document that requests and answers are held against.
type contract struct {
	raw    []byte
	doc    *openapi3.T
	router routers.Router
}

func loadContract() (*contract, error) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "internal", "door", "discovery", "openapi.json"))
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, fmt.Errorf("load openapi.json: %w", err)
	}
	doc.Servers = nil // any host
	router, err := legacy.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	return &contract{raw, doc, router}, nil
}

// An endpoint is one operation of the document.
type endpoint struct {
	method, path string // with {id}
	op           *openapi3.Operation
}

// endpoints yields the operations in a stable order.
func (c *contract) endpoints() iter.Seq[endpoint] {
	return func(yield func(endpoint) bool) {
		for _, path := range c.doc.Paths.InMatchingOrder() {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				op := c.doc.Paths.Value(path).GetOperation(method)
				if op != nil && !yield(endpoint{method, path, op}) {
					return
				}
			}
		}
	}
}

// protected reports whether nobody may call e without credentials.
func (e endpoint) protected() bool {
	if e.op.Security == nil {
		return false
	}
	for _, way := range *e.op.Security {
		if len(way) == 0 {
			return false
		}
	}
	return len(*e.op.Security) > 0
}

// call returns the path with an id that names nothing.
func (e endpoint) call() string {
	id := nowhere
	if strings.HasPrefix(e.path, "/api/receipts/") {
		id = "rcp_" + id
	}
	return strings.NewReplacer("{id}", id, "{clientId}", id).Replace(e.path)
}

// body returns the schema of the request body, or nil.
func (e endpoint) body() *openapi3.Schema {
	if e.op.RequestBody == nil {
		return nil
	}
	return e.op.RequestBody.Value.Content["application/json"].Schema.Value
}

// example returns the documented request, or nil.
func (e endpoint) example() any {
	if e.op.RequestBody == nil {
		return nil
	}
	return e.op.RequestBody.Value.Content["application/json"].Example
}

// check marks the test failed where the answer, or the request that was accepted,
// is not what the document says. What the document does not know is not checked.
func (c *contract) check(t *testing.T, req *http.Request, body []byte, a answer) {
	t.Helper()
	asked := req.Clone(context.Background())
	asked.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := c.router.FindRoute(asked)
	if err != nil || strings.HasSuffix(req.URL.Path, "/") { // which that router overlooks
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: asked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus: true,
			ExcludeResponseBody:   strings.HasPrefix(a.header.Get("Content-Type"), "text/html"),
		},
	}
	if a.status < 400 {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			t.Errorf("%s: accepted against the contract: %v", a.call, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: a.status, Header: a.header,
		Body: io.NopCloser(bytes.NewReader(a.body)), Options: in.Options,
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s: %d is not what the contract says: %v\n%.500s", a.call, a.status, err, a.body)
	}
}

func TestTheDocumentIsValid(t *testing.T) {
	if err := bench.contract.doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	seen := map[string]string{}
	for e := range bench.contract.endpoints() {
		at := e.method + " " + e.path
		if e.op.OperationID == "" || e.op.Summary == "" || e.op.Security == nil {
			t.Errorf("%s lacks operationId, summary or security", at)
		}
		if before, ok := seen[e.op.OperationID]; ok {
			t.Errorf("%s and %s share the operationId %s", before, at, e.op.OperationID)
		}
		seen[e.op.OperationID] = at
	}
}

func TestTheServerShowsTheDocument(t *testing.T) {
	s := start(t, homeIn(t.TempDir()), config{})
	a := s.nobody().get(t, "/openapi.json").want(t, http.StatusOK)
	got, want := a.object(t), obj{}
	if err := json.Unmarshal(bench.contract.raw, &want); err != nil {
		t.Fatal(err)
	}
	want["servers"] = []any{obj{"url": s.URL}}
	if !reflect.DeepEqual(got, want) {
		t.Error("GET /openapi.json is not the document of the source tree with our address")
	}
}
