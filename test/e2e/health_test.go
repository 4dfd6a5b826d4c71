package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		for path, status := range map[string]string{"/health/live": "alive", "/health/ready": "", "/health/startup": ""} {
			a := s.nobody().get(t, path).want(t, http.StatusOK)
			if got := a.text(t, "status"); got == "" || status != "" && got != status {
				t.Errorf("%s: status %q, want %q", path, got, status)
			}
		}
		whole := s.nobody().get(t, "/health").want(t, http.StatusOK).object(t)
		if whole["cors_origins"] != 23.0 {
			t.Errorf("cors_origins = %v, want 23", whole["cors_origins"])
		}
	})
}

func TestProtectedResource(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		a := s.nobody().get(t, "/.well-known/oauth-protected-resource").want(t, http.StatusOK)
		if got := a.text(t, "resource"); !strings.HasPrefix(got, s.URL) {
			t.Errorf("resource %q, want our own address %s", got, s.URL)
		}
		challenge := s.nobody().get(t, mePath).header.Get("WWW-Authenticate")
		if want := `resource_metadata="` + s.URL + `/.well-known/oauth-protected-resource"`; !strings.Contains(challenge, want) {
			t.Errorf("WWW-Authenticate %q, want %s", challenge, want)
		}
	})
}

// Who we are is said by the configuration, never by a header of the request.
func TestOurAddressIsOurs(t *testing.T) {
	c := config{production: true, more: []string{"--url", "https://id.example.com", "--no-confirm-email"}}
	serving(t, c, func(t *testing.T, s *server) {
		lie := s.nobody().with("Host", "evil.example").with("X-Forwarded-Host", "evil.example").
			with("X-Forwarded-Proto", "http").with("Forwarded", "host=evil.example")
		for _, path := range []string{"/.well-known/oauth-protected-resource", mePath} {
			a := lie.get(t, path)
			if said := string(a.body) + a.header.Get("WWW-Authenticate"); strings.Contains(said, "evil") || !strings.Contains(said, "https://id.example.com") {
				t.Errorf("%s says %s", path, said)
			}
		}
	})
}

func TestRequestIDs(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		seen := map[string]bool{}
		for range 21 {
			id := s.nobody().get(t, "/health/live").header.Get("X-Request-Id")
			if seen[id] {
				t.Fatalf("the request id %s came twice", id)
			}
			seen[id] = true
		}
		for _, odd := range []string{"a\tb", strings.Repeat("x", 5000), `"><script>`, "a b"} {
			if got := s.nobody().with("X-Request-Id", odd).get(t, "/health/live").header.Get("X-Request-Id"); got == odd {
				t.Errorf("the odd request id %.20q was taken over", odd)
			}
		}
	})
}

func TestAnswersAreNotCachedOrGuessed(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for _, path := range []string{mePath, "/api/auth/verify", keysPath, sessionsPath, receiptsPath} {
			h := s.as(jane).get(t, path).want(t, http.StatusOK).header
			if !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: Cache-Control %q, X-Content-Type-Options %q", path, h.Get("Cache-Control"), h.Get("X-Content-Type-Options"))
			}
		}
	})
}
