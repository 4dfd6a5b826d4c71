package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// least is the lowest role that each protected endpoint serves. What is not
// listed serves everybody who is signed in.
var least = map[string]string{
	"POST /api/auth/api-keys":                    "user",
	"POST /api/auth/api-keys/{id}/rotate":        "user",
	"GET /api/admin/users":                       "operator",
	"POST /api/admin/users":                      "admin",
	"GET /api/admin/users/{id}":                  "operator",
	"PATCH /api/admin/users/{id}":                "admin",
	"DELETE /api/admin/users/{id}":               "admin",
	"GET /api/admin/api-keys":                    "operator",
	"DELETE /api/admin/api-keys/{id}":            "admin",
	"GET /api/admin/sessions":                    "operator",
	"DELETE /api/admin/sessions/{id}":            "admin",
	"GET /api/admin/receipts":                    "operator",
	"GET /api/admin/stats":                       "operator",
	"GET /api/admin/keys":                        "operator",
	"GET /api/admin/clients":                     "operator",
	"POST /api/admin/clients":                    "admin",
	"GET /api/admin/clients/{id}":                "operator",
	"PATCH /api/admin/clients/{id}":              "admin",
	"DELETE /api/admin/clients/{id}":             "admin",
	"POST /api/admin/clients/{id}/rotate-secret": "admin",
	"POST /api/admin/keys/rotate":                "admin",
	"POST /api/admin/registration-tokens":        "admin",
	"GET /api/admin/users/{id}/consents":         "operator",

	"DELETE /api/admin/users/{id}/consents/{clientId}": "admin",
}

var levels = map[string]int{"guest": 1, "user": 2, "operator": 3, "admin": 4}

func TestRoleMatrix(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		for role := range levels {
			p := s.member(t, role, role)
			for e := range bench.contract.endpoints() {
				if !e.protected() || e.method == "DELETE" && e.path == mePath {
					continue
				}
				need := least[e.method+" "+e.path]
				a := s.as(p).do(t, e.method, e.call(), e.example())
				if levels[role] < levels[need] {
					a.refused(t, http.StatusForbidden, "insufficient_role")
				} else if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status >= 500 {
					t.Errorf("%s as %s: %d, want to be served\n%.300s", a.call, role, a.status, a.body)
				}
			}
		}
	})
}

// Whatever is not spelled here must not hide behind the admin's prefix.
func TestEveryAdminEndpointNeedsARole(t *testing.T) {
	for e := range bench.contract.endpoints() {
		at := e.method + " " + e.path
		if strings.HasPrefix(e.path, "/api/admin/") && (least[at] == "" || !e.protected()) {
			t.Errorf("%s has no least role in this test, or no security in the contract", at)
		}
	}
}

func TestProtectedEndpointsRefuseStrangers(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		for e := range bench.contract.endpoints() {
			if e.protected() {
				s.nobody().do(t, e.method, e.call(), e.example()).refused(t, http.StatusUnauthorized, "authentication_required")
			}
		}
	})
}

// A new role counts on the next request, for tokens made before the change, too.
func TestRoleChangeIsImmediate(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, jane := s.member(t, "admin", "admin"), s.register(t, "jane")
		for _, tt := range []struct {
			role   string
			status int
		}{{"operator", 200}, {"user", 403}, {"admin", 200}, {"guest", 403}} {
			s.as(admin).patch(t, "/api/admin/users/"+jane.id, obj{"role": tt.role}).want(t, http.StatusOK)
			for _, c := range []client{s.as(jane), s.withCookie(jane)} {
				if a := c.get(t, "/api/admin/users"); a.status != tt.status && a.status != http.StatusUnauthorized {
					t.Errorf("as %s: %d, want %d", tt.role, a.status, tt.status)
				}
			}
			jane = s.login(t, jane)
			s.as(jane).get(t, "/api/admin/users").want(t, tt.status)
		}
	})
}
