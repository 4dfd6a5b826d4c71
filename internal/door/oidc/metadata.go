package oidc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// metadataAt is where the metadata lies: as RFC 8414 §3.1 and OpenID Connect
// Discovery §4 say for an issuer with a path, and where clients look that do not know
// those rules.
var metadataAt = []string{
	"/.well-known/oauth-authorization-server" + oauth.IssuerPath,
	"/.well-known/oauth-authorization-server",
	oauth.IssuerPath + "/.well-known/oauth-authorization-server",
	"/.well-known/openid-configuration" + oauth.IssuerPath,
	"/.well-known/openid-configuration",
	oauth.IssuerPath + "/.well-known/openid-configuration",
}

func (d door) mountMetadata(rt *web.Router) error {
	text, err := d.metadata()
	if err != nil {
		return err
	}
	for _, path := range metadataAt {
		rt.Add(web.Route{Method: "GET", Pattern: path, Handler: web.Document(text), Origins: web.Policy{Public: true}})
	}
	return nil
}

// metadata returns the document of a server (RFC 8414 §2, OpenID Connect Discovery §3),
// made of the tables that the server works by: it tells of nothing that is not
// there.
func (d door) metadata() ([]byte, error) {
	s, offered := d.OAuth, d.offered()
	issuer := s.Issuer()
	doc := map[string]any{
		"issuer":                                         issuer,
		"grant_types_supported":                          oauth.GrantTypes(),
		"response_types_supported":                       oauth.ResponseTypes,
		"response_modes_supported":                       oauth.ResponseModes,
		"scopes_supported":                               oauth.StandardScopes,
		"claims_supported":                               oauth.ClaimNames,
		"claim_types_supported":                          []string{"normal"},
		"claims_parameter_supported":                     true,
		"subject_types_supported":                        []string{"public", "pairwise"},
		"id_token_signing_alg_values_supported":          oauth.SigningAlgorithms,
		"userinfo_signing_alg_values_supported":          oauth.SigningAlgorithms,
		"authorization_signing_alg_values_supported":     oauth.SigningAlgorithms,
		"introspection_signing_alg_values_supported":     oauth.SigningAlgorithms,
		"dpop_signing_alg_values_supported":              oauth.ProofAlgorithms,
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
		"acr_values_supported":                           []string{"aal1"},
		"prompt_values_supported":                        []string{"none", "login", "consent", "select_account", "create"},
		"display_values_supported":                       []string{"page"},
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"frontchannel_logout_supported":                  true,
		"frontchannel_logout_session_supported":          true,
		"request_parameter_supported":                    true,
		"request_uri_parameter_supported":                true,
		"require_request_uri_registration":               true,
		"request_object_signing_alg_values_supported":    oauth.ClientAlgorithms,
	}
	doc["backchannel_token_delivery_modes_supported"] = oauth.CIBADeliveries
	doc["backchannel_authentication_request_signing_alg_values_supported"] = oauth.CIBARequestAlgorithms
	doc["backchannel_user_code_parameter_supported"] = false
	if len(s.DetailTypes) > 0 {
		doc["authorization_details_types_supported"] = s.DetailTypes // RFC 9396 §10
	}
	for _, what := range []string{"id_token", "userinfo", "authorization"} {
		doc[what+"_encryption_alg_values_supported"] = jose.EncryptionAlgorithms
		doc[what+"_encryption_enc_values_supported"] = jose.ContentEncryptions
	}
	if s.Certificates {
		doc["tls_client_certificate_bound_access_tokens"] = true // RFC 8705 §3.3
	}
	for _, e := range offered {
		if e.member != "" {
			doc[e.member] = issuer + e.path
		}
		if e.auth != "" {
			methods := s.AuthMethods()
			if e.path == "/oauth/introspect" { // RFC 7662 §2.1: who asks must be somebody
				methods = slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return m == headykey.AuthNone })
			}
			doc[e.auth] = methods
			doc[strings.Replace(e.auth, "_methods_", "_signing_alg_values_", 1)] = oauth.AssertionAlgorithms
		}
	}
	if err := d.tellKeys(doc); err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("authorization server metadata: %w", err)
	}
	return text, nil
}

// tellKeys adds the keys of an app to the metadata.
func (d door) tellKeys(doc map[string]any) error {
	if d.AppKeys == nil {
		return nil
	}
	anon, publishable, err := d.AppKeys()
	if err != nil {
		return fmt.Errorf("authorization server metadata: %w", err)
	}
	doc["supabase_anon_key"], doc["supabase_publishable_key"] = anon, publishable
	return nil
}
