package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// Wherever a client looks, it finds the same document, and all that it tells of.
func TestMetadataTellsOfWhatIsThere(t *testing.T) {
	s := start(t, homeIn(t.TempDir()), config{})
	issuer := s.URL + "/auth/v1"
	want := s.nobody().get(t, "/.well-known/openid-configuration").want(t, http.StatusOK).object(t)
	for _, path := range []string{
		"/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/auth/v1",
		"/auth/v1/.well-known/oauth-authorization-server", "/.well-known/openid-configuration/auth/v1",
		"/auth/v1/.well-known/openid-configuration",
	} {
		sameJSON(t, path, s.nobody().get(t, path).want(t, http.StatusOK).object(t), want)
	}
	addresses := obj{}
	for name, value := range want {
		if text, ok := value.(string); ok && strings.HasPrefix(text, "http") {
			addresses[name] = text
		}
	}
	sameJSON(t, "addresses", addresses, obj{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
		"pushed_authorization_request_endpoint": issuer + "/oauth/par", "userinfo_endpoint": issuer + "/user",
		"device_authorization_endpoint":       issuer + "/oauth/device",
		"backchannel_authentication_endpoint": issuer + "/oauth/bc-authorize",
		"introspection_endpoint":              issuer + "/oauth/introspect", "revocation_endpoint": issuer + "/oauth/revoke",
		"end_session_endpoint": issuer + "/oauth/logout", "check_session_iframe": issuer + "/oauth/check-session",
		"jwks_uri": issuer + "/.well-known/jwks.json", "registration_endpoint": issuer + "/oauth/register",
	})
	for name, value := range addresses {
		path := strings.TrimPrefix(value.(string), s.URL)
		if get := s.nobody().with("Accept", "text/html").get(t, path); get.status == http.StatusNotFound && name != "issuer" {
			t.Errorf("%s is not there", name)
		}
	}
	s.keySet(t, 8) // and no more to come
	for _, path := range []string{"/.well-known/oauth-authorization-server", keySetPath} {
		s.forEverybody(t, path)
	}
	if a := s.nobody().with("Origin", "https://stranger.example").form(t, tokenPath, "grant_type=client_credentials"); a.status != http.StatusForbidden {
		t.Errorf("a page of a stranger asks for tokens: %d", a.status)
	}
}

// forEverybody checks that pages of all origins may read the document at path, and
// keep it.
func (s *server) forEverybody(t *testing.T, path string) {
	t.Helper()
	a := s.nobody().with("Origin", "https://stranger.example").get(t, path).want(t, http.StatusOK)
	if a.header.Get("Access-Control-Allow-Origin") != "https://stranger.example" || a.header.Get("Access-Control-Allow-Credentials") != "" ||
		!strings.HasPrefix(a.header.Get("Cache-Control"), "public") {
		t.Errorf("%s: headers %v", path, a.header)
	}
	if again := s.nobody().with("If-None-Match", a.header.Get("ETag")).get(t, path); again.status != http.StatusNotModified {
		t.Errorf("%s: %d for who has it", path, again.status)
	}
}

// Registration is told of where it is open, and is there nowhere else.
func TestMetadataTellsOfRegistrationWhereItIsOpen(t *testing.T) {
	for _, tt := range []struct {
		setting string
		open    bool
	}{{"off", false}, {"token", true}, {"open", true}} {
		s := start(t, homeIn(t.TempDir()), config{more: []string{"--registration", tt.setting}})
		_, told := s.nobody().get(t, "/.well-known/openid-configuration").object(t)["registration_endpoint"]
		a := s.nobody().post(t, programsPath, obj{})
		if told != tt.open || (a.status != http.StatusNotFound) != tt.open {
			t.Errorf("registration %s: told of %v, answers %d", tt.setting, told, a.status)
		}
	}
}
