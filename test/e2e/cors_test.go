package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	listedOrigin  = "https://headyme.com"
	unknownOrigin = "https://evil.example"
)

// strangers are origins that look like a listed one, and are not.
var strangers = []string{
	unknownOrigin, "null", "http://headyme.com", "https://headyme.com:8443", "https://headyme.com.evil.example",
	"https://evilheadyme.com", "https://sub.headyme.com", "https://HEADYME.com", "https://headyme.com/", "https://headyme.com https://evil.example",
}

// noCORS marks the test failed if the answer lets a page of another origin in.
func (a answer) noCORS(t *testing.T) {
	t.Helper()
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-Allow-") {
			t.Errorf("%s: %s: %s for an unknown origin", a.call, name, a.header.Get(name))
		}
	}
	if !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") {
		t.Errorf("%s: Vary %q lacks Origin", a.call, a.header.Values("Vary"))
	}
}

func TestCORSOfAListedOrigin(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		a := s.as(jane).with("Origin", listedOrigin).get(t, mePath).want(t, http.StatusOK)
		want := map[string]string{"Access-Control-Allow-Origin": listedOrigin, "Access-Control-Allow-Credentials": "true"}
		for name, value := range want {
			if got := a.header.Get(name); got != value {
				t.Errorf("%s: %q, want %q", name, got, value)
			}
		}
		refused := s.nobody().with("Origin", listedOrigin).get(t, mePath).refused(t, http.StatusUnauthorized)
		if refused.header.Get("Access-Control-Allow-Origin") != listedOrigin {
			t.Error("the page of a listed origin cannot read a refusal")
		}
	})
}

func TestCORSOfUnknownOrigins(t *testing.T) {
	serving(t, config{production: true, more: []string{"--no-confirm-email"}}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for _, origin := range append(strangers, "http://localhost:3000") {
			c := s.as(jane).with("Origin", origin)
			c.get(t, mePath).want(t, http.StatusOK).noCORS(t)
			c.patch(t, mePath, obj{"name": "x"}).refused(t, http.StatusForbidden, "origin_not_allowed").noCORS(t)
			c.delete(t, mePath).refused(t, http.StatusForbidden, "origin_not_allowed").noCORS(t)
		}
	})
}

func TestCORSWithoutOrigin(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		a := s.as(jane).patch(t, mePath, obj{"name": "x"}).want(t, http.StatusOK)
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("Access-Control-Allow-Origin %q without an Origin", got)
		}
	})
}

func TestPreflight(t *testing.T) {
	ask := func(s *server, origin string) client {
		return s.nobody().with("Origin", origin).with("Access-Control-Request-Method", "PATCH").
			with("Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version")
	}
	serving(t, config{}, func(t *testing.T, s *server) {
		a := ask(s, listedOrigin).do(t, "OPTIONS", mePath, nil).want(t, http.StatusNoContent, http.StatusOK)
		if got := a.header.Get("Access-Control-Allow-Origin"); got != listedOrigin {
			t.Errorf("Access-Control-Allow-Origin %q", got)
		}
		methods := strings.Split(a.header.Get("Access-Control-Allow-Methods"), ", ")
		if !slices.Contains(methods, "PATCH") || !slices.Contains(methods, "DELETE") || slices.Contains(methods, "*") {
			t.Errorf("methods %v", methods)
		}
		headers := strings.ToLower(a.header.Get("Access-Control-Allow-Headers"))
		for _, want := range []string{"authorization", "content-type", "x-api-key", "mcp-protocol-version"} {
			if !strings.Contains(headers, want) || strings.Contains(headers, "*") {
				t.Errorf("headers %q lack %s", headers, want)
			}
		}
		for _, origin := range strangers {
			a := ask(s, origin).do(t, "OPTIONS", mePath, nil)
			a.noCORS(t)
			if a.status >= 500 {
				t.Errorf("preflight of %s: %d", origin, a.status)
			}
		}
	})
}

// Public documents may be read by every page, without credentials.
func TestCORSOfPublicDocuments(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		for _, path := range []string{"/openapi.json", "/.well-known/receipt-keys", "/.well-known/oauth-protected-resource"} {
			a := s.nobody().with("Origin", unknownOrigin).get(t, path).want(t, http.StatusOK)
			if got := a.header.Get("Access-Control-Allow-Origin"); got != unknownOrigin {
				t.Errorf("%s: Access-Control-Allow-Origin %q, want the asking origin", path, got)
			}
			if got := a.header.Get("Access-Control-Allow-Credentials"); got != "" {
				t.Errorf("%s: Access-Control-Allow-Credentials %q", path, got)
			}
		}
	})
}

func TestCSRF(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		bare := s.nobody().with("Cookie", sessionCookie+"="+jane.cookie)
		refused := map[string]client{
			"no header":        bare,
			"cross-site":       bare.with("Sec-Fetch-Site", "cross-site"),
			"same-site":        bare.with("Sec-Fetch-Site", "same-site"),
			"typed in":         bare.with("Sec-Fetch-Site", "none"),
			"an unknown page":  bare.with("Origin", unknownOrigin),
			"an opaque origin": bare.with("Origin", "null"),
		}
		for name, c := range refused {
			t.Run(name, func(t *testing.T) {
				c.patch(t, mePath, obj{"name": "stolen"}).refused(t, http.StatusForbidden, "csrf", "origin_not_allowed")
				c.do(t, "POST", keysPath, obj{}).refused(t, http.StatusForbidden, "csrf", "origin_not_allowed")
				c.do(t, "POST", refreshPath, nil).refused(t, http.StatusForbidden, "csrf", "origin_not_allowed")
				c.do(t, "POST", logoutPath, nil).refused(t, http.StatusForbidden, "csrf", "origin_not_allowed")
				c.get(t, mePath).want(t, http.StatusOK)
			})
		}
		bare.with("Sec-Fetch-Site", "same-origin").patch(t, mePath, obj{"name": "mine"}).want(t, http.StatusOK)
		bare.with("Origin", s.URL).patch(t, mePath, obj{"name": "mine"}).want(t, http.StatusOK)
	})
}

func queryEscape(s string) string { return url.QueryEscape(s) }
