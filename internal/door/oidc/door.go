// Package oidc is the wire format of OAuth 2 at the issuer: the token endpoint,
// introspection, revocation, the key set and the metadata (RFC 6749, 7662, 7009,
// 7517, 8414). It parses, asks one rule of package oauth, and spells the answer.
package oidc

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// Parts are what the door stands on.
type Parts struct {
	OAuth   *oauth.Service
	Proxies web.Proxies
	Limiter *web.Limiter // nil: no limits
	BaseURL string
}

type door struct {
	Parts
	open      web.Door
	challenge string // WWW-Authenticate of a client that did not prove itself
}

// An endpoint is one that the metadata tells of.
type endpoint struct {
	method string
	path   string // below the issuer
	member string // of the metadata, its URL
	auth   string // of the metadata, how clients prove themselves; "": they do not
	origin web.Policy
	serve  func(door) http.Handler
}

// endpoints is the list to extend: each is served and told of, or neither.
var endpoints = []endpoint{
	{"POST", "/token", "token_endpoint", "token_endpoint_auth_methods_supported", web.Policy{},
		func(d door) http.Handler { return web.Handle(d.open, d.token) }},
	{"POST", "/oauth/introspect", "introspection_endpoint", "introspection_endpoint_auth_methods_supported", web.Policy{},
		func(d door) http.Handler { return web.Handle(d.open, d.introspect) }},
	{"POST", "/oauth/revoke", "revocation_endpoint", "revocation_endpoint_auth_methods_supported", web.Policy{},
		func(d door) http.Handler { return web.Handle(d.open, d.revoke) }},
	{"GET", "/.well-known/jwks.json", "jwks_uri", "", web.Policy{Public: true},
		func(d door) http.Handler { return web.Handle(d.open, d.keySet) }},
}

// metadataAt is where the metadata lies: as RFC 8414 §3.1 says for an issuer with a
// path, and where clients look that do not know that rule.
var metadataAt = []string{
	"/.well-known/oauth-authorization-server" + oauth.IssuerPath,
	"/.well-known/oauth-authorization-server",
	oauth.IssuerPath + "/.well-known/oauth-authorization-server",
}

// Mount hangs the endpoints and their metadata on rt.
func Mount(rt *web.Router, p Parts) error {
	d := door{Parts: p, challenge: `Basic realm="` + p.OAuth.Issuer() + `", charset="UTF-8"`}
	d.open = web.Door{Fail: d.fail}
	rt.Fail(oauth.IssuerPath, d.fail)
	for _, e := range endpoints {
		rt.Add(web.Route{Method: e.method, Pattern: oauth.IssuerPath + e.path, Handler: e.serve(d), Origins: e.origin})
	}
	text, err := metadata(p.OAuth.Issuer())
	if err != nil {
		return err
	}
	for _, path := range metadataAt {
		rt.Add(web.Route{Method: "GET", Pattern: path, Handler: web.Document(text), Origins: web.Policy{Public: true}})
	}
	return nil
}

// metadata returns the RFC 8414 document of issuer, made of the tables that the
// server works by: it tells of nothing that is not there.
func metadata(issuer string) ([]byte, error) {
	doc := map[string]any{
		"issuer":                   issuer,
		"grant_types_supported":    oauth.GrantTypes(),
		"response_types_supported": []string{}, // required; without an authorization endpoint there are none
	}
	for _, e := range endpoints {
		doc[e.member] = issuer + e.path
		if e.auth != "" {
			doc[e.auth] = oauth.AuthMethods
		}
	}
	text, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("authorization server metadata: %w", err)
	}
	return text, nil
}
