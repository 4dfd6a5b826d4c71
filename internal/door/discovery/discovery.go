// Package discovery holds the documents that tell a client what this server
// offers. They are made once, at start, and served as they are.
package discovery

import (
	_ "embed"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey/internal/web"
)

//go:embed openapi.json
var openAPI string

// OpenAPI returns the OpenAPI 3.1 document of the HeadyKey API at base, as JSON.
func OpenAPI(base string) ([]byte, error) {
	var doc map[string]jsontext.Value
	if err := json.Unmarshal([]byte(openAPI), &doc); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	servers, err := json.Marshal([]map[string]string{{"url": base}})
	if err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	doc["servers"] = servers
	return json.Marshal(doc, json.Deterministic(true))
}

// resource is the protected-resource metadata of the HeadyKey API (RFC 9728 §2).
type resource struct {
	Resource string   `json:"resource"`
	Name     string   `json:"resource_name"`
	Methods  []string `json:"bearer_methods_supported"`
	Docs     string   `json:"resource_documentation"`
}

// Mount hangs the documents of a server at base on rt.
func Mount(rt *web.Router, base string) error {
	api, err := OpenAPI(base)
	if err != nil {
		return err
	}
	meta, err := json.Marshal(resource{base + "/api", "HeadyKey API", []string{"header"}, base + "/openapi.json"})
	if err != nil {
		return fmt.Errorf("protected-resource metadata: %w", err)
	}
	for path, text := range map[string][]byte{
		"/openapi.json":                         api,
		"/.well-known/oauth-protected-resource": meta,
	} {
		rt.Add(web.Route{Method: "GET", Pattern: path, Origins: web.Policy{Public: true}, Handler: web.Document(text)})
	}
	return nil
}
