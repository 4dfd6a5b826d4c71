// Package discovery holds the documents that tell a client what this server
// offers. They are made once, at start, and served as they are.
package discovery

import (
	_ "embed"
	"fmt"
	"maps"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey/internal/web"
)

// protectedResource is the path of RFC 9728 §3.
const protectedResource = "/.well-known/oauth-protected-resource"

//go:embed openapi.json
var openAPI string

// OpenAPI returns the OpenAPI 3.1 document of the server at base, as JSON, with
// those of its paths that offered knows: no document promises what is off.
func OpenAPI(base string, offered func(path string) bool) ([]byte, error) {
	var doc map[string]jsontext.Value
	if err := json.Unmarshal([]byte(openAPI), &doc); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	servers, err := json.Marshal([]map[string]string{{"url": base}})
	if err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	doc["servers"] = servers
	var paths map[string]jsontext.Value
	if err := json.Unmarshal(doc["paths"], &paths); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	maps.DeleteFunc(paths, func(path string, _ jsontext.Value) bool { return !offered(path) })
	if doc["paths"], err = json.Marshal(paths, json.Deterministic(true)); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	return json.Marshal(doc, json.Deterministic(true))
}

// resource is the protected-resource metadata of the HeadyKey API (RFC 9728 §2).
type resource struct {
	Resource string   `json:"resource"`
	Name     string   `json:"resource_name"`
	Methods  []string `json:"bearer_methods_supported"`
	Docs     string   `json:"resource_documentation"`
}

// Mount hangs the documents of a server at base on rt. Everything that they tell of
// must hang there already.
func Mount(rt *web.Router, base string) error {
	offered := map[string]bool{"/openapi.json": true, protectedResource: true}
	for _, route := range rt.Routes() {
		offered[route.Pattern] = true
	}
	api, err := OpenAPI(base, func(path string) bool { return offered[path] })
	if err != nil {
		return err
	}
	meta, err := json.Marshal(resource{base + "/api", "HeadyKey API", []string{"header"}, base + "/openapi.json"})
	if err != nil {
		return fmt.Errorf("protected-resource metadata: %w", err)
	}
	for path, text := range map[string][]byte{
		"/openapi.json":   api,
		protectedResource: meta,
	} {
		rt.Add(web.Route{Method: "GET", Pattern: path, Origins: web.Policy{Public: true}, Handler: web.Document(text)})
	}
	return nil
}
