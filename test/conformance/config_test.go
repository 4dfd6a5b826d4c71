package conformance

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// configModules is what the configuration plan looks at.
var configModules = []module{
	{"oidcc-discovery-endpoint-verification", nil, discovery},
}

// discovery reads the metadata as OpenID Connect Discovery §3 has it.
func discovery(t *testing.T, r *round) {
	issuer := text(t, r.meta, "issuer")
	at := r.get(t, issuer+"/.well-known/openid-configuration").want(t, 200)
	m := at.object(t)
	if m["issuer"] != issuer || !strings.HasPrefix(issuer, "https://") || strings.HasSuffix(issuer, "/") {
		t.Errorf("issuer is %v at %s", m["issuer"], issuer)
	}
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint"} {
		r.at(t, name)
	}
	for name := range m {
		if u, ok := m[name].(string); ok && (strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri")) {
			if parsed, err := url.Parse(u); err != nil || parsed.Scheme != "https" || parsed.Fragment != "" {
				t.Errorf("%s is %q, want an https URL", name, u)
			}
		}
	}
	for name, want := range map[string][]string{
		"scopes_supported":                      {"openid"},
		"response_types_supported":              {"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"},
		"response_modes_supported":              {"query", "fragment", "form_post"},
		"grant_types_supported":                 {"authorization_code", "implicit", "refresh_token"},
		"subject_types_supported":               {"public", "pairwise"},
		"id_token_signing_alg_values_supported": {"RS256"},
		"token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post", "private_key_jwt"},
		"claim_types_supported":                 {"normal"},
		"claims_supported":                      {"sub", "iss", "name", "email"},
		"code_challenge_methods_supported":      {"S256"},
	} {
		got := words(t, m, name)
		for _, word := range want {
			if !slices.Contains(got, word) {
				t.Errorf("%s is %v, without %s", name, got, word)
			}
		}
	}
	if slices.Contains(words(t, m, "introspection_endpoint_auth_methods_supported"), "none") {
		t.Error("whoever proves nothing is told that they may introspect")
	}
	keySet(t, r)
}

// keySet looks at the published keys: none private, each with a name of its own.
func keySet(t *testing.T, r *round) {
	keys, _ := r.get(t, r.at(t, "jwks_uri")).want(t, 200).object(t)["keys"].([]any)
	known := map[any]bool{}
	for _, one := range keys {
		k, _ := one.(obj)
		if known[k["kid"]] || k["kid"] == nil || k["d"] != nil || k["k"] != nil || k["kty"] == nil || k["use"] != "sig" {
			t.Errorf("key %v", k)
		}
		known[k["kid"]] = true
	}
	if len(keys) == 0 {
		t.Error("there is no key")
	}
}
