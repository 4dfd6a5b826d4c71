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

// The OpenAPI 3.1 documents: of the HeadyKey API, and of the API at the issuer.
var (
	//go:embed openapi.json
	headyAPI string
	//go:embed auth.json
	authAPI string
)

// Where they lie.
const (
	headyDocument = "/openapi.json"
	authDocument  = "/auth/v1/openapi.json"
)

// openAPI returns a document for the server at base, with those of its paths that are
// offered: no document promises what is off.
func openAPI(text, base string, offered map[string]bool) ([]byte, error) {
	var doc map[string]jsontext.Value
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	servers, err := json.Marshal([]map[string]string{{"url": base}})
	if err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	doc["servers"] = servers
	var paths map[string]jsontext.Value
	if err := json.Unmarshal(doc["paths"], &paths); err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	maps.DeleteFunc(paths, func(path string, _ jsontext.Value) bool { return !offered[path] })
	if doc["paths"], err = json.Marshal(paths, json.Deterministic(true)); err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
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
	offered := map[string]bool{headyDocument: true, authDocument: true, protectedResource: true}
	for _, route := range rt.Routes() {
		offered[route.Pattern] = true
	}
	heady, err := openAPI(headyAPI, base, offered)
	if err != nil {
		return err
	}
	apps, err := openAPI(authAPI, base, offered)
	if err != nil {
		return err
	}
	meta, err := json.Marshal(resource{base + "/api", "HeadyKey API", []string{"header"}, base + headyDocument})
	if err != nil {
		return fmt.Errorf("protected-resource metadata: %w", err)
	}
	for path, text := range map[string][]byte{headyDocument: heady, authDocument: apps, protectedResource: meta} {
		rt.Add(web.Route{Method: "GET", Pattern: path, Origins: web.Policy{Public: true}, Handler: web.Document(text)})
	}
	return nil
}
