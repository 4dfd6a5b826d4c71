package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

const (
	listed  = "https://headyme.com"
	client  = "https://app.example.net"
	unknown = "https://evil.example"
	denied  = `{"error":"This origin is not on the server's list.","code":"origin_not_allowed","requestId":""}`
)

// shop has one route per policy.
func shop(c *web.CORS) *web.Router {
	rt := web.NewRouter(c, nil)
	rt.Handle("GET", "/api", say("ok"))
	rt.Handle("POST", "/api", say("ok"))
	rt.Add(web.Route{Method: "GET", Pattern: "/public", Handler: say("ok"), Origins: web.Policy{Public: true}})
	rt.Add(web.Route{Method: "POST", Pattern: "/public", Handler: say("ok"), Origins: web.Policy{Public: true}})
	rt.Add(web.Route{Method: "POST", Pattern: "/token", Handler: say("ok"), Origins: web.Policy{
		Also: func(_ *http.Request, origin string) bool { return origin == client },
	}})
	rt.Add(web.Route{Method: "POST", Pattern: "/callback", Handler: say("ok"), Origins: web.Policy{Forms: true}})
	return rt
}

func TestCrossOriginRequests(t *testing.T) {
	none := [2]string{}
	tests := []struct {
		name, method, path, origin string
		status                     int
		allowed                    [2]string // origin, credentials
	}{
		{"server to server", "POST", "/api", "", 200, none},
		{"our own page", "POST", "/api", "https://id.example.com", 200, none},
		{"listed, reading", "GET", "/api", listed, 200, [2]string{listed, "true"}},
		{"listed, writing", "POST", "/api", listed, 200, [2]string{listed, "true"}},
		{"unknown, reading", "GET", "/api", unknown, 200, none},
		{"unknown, writing", "POST", "/api", unknown, 403, none},
		{"unknown, writing where nothing is", "POST", "/nothing", unknown, 403, none},
		{"listed where nothing is", "POST", "/nothing", listed, 404, [2]string{listed, "true"}},
		{"listed, plain http", "POST", "/api", "http://headyme.com", 403, none},
		{"listed, with a slash", "POST", "/api", listed + "/", 403, none},
		{"listed, in capitals", "POST", "/api", "https://HEADYME.com", 403, none},
		{"listed, as a prefix", "POST", "/api", listed + ".evil.example", 403, none},
		{"listed, another port", "POST", "/api", listed + ":8443", 403, none},
		{"null, reading", "GET", "/api", "null", 200, none},
		{"null, writing", "POST", "/api", "null", 403, none},
		{"loopback is not for production", "POST", "/api", "http://localhost:3000", 403, none},
		{"public, anyone", "GET", "/public", unknown, 200, [2]string{unknown, ""}},
		{"public, anyone writing", "POST", "/public", unknown, 200, [2]string{unknown, ""}},
		{"public, listed", "GET", "/public", listed, 200, [2]string{listed, ""}},
		{"public, null", "GET", "/public", "null", 200, none},
		{"public, long", "GET", "/public", "https://" + strings.Repeat("a", 300), 200, none},
		{"a client's page", "POST", "/token", client, 200, [2]string{client, ""}},
		{"a listed page at the same route", "POST", "/token", listed, 200, [2]string{listed, "true"}},
		{"a stranger at the same route", "POST", "/token", unknown, 403, none},
		{"a client's page elsewhere", "POST", "/api", client, 403, none},
		{"a form from anywhere", "POST", "/callback", unknown, 200, none},
		{"a form from nowhere", "POST", "/callback", "null", 200, none},
	}
	rt := shop(newCORS(t, false, web.HeadyOrigins[:]...))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			if tt.origin != "" {
				headers = []string{"Origin", tt.origin}
			}
			w := ask(rt, tt.method, tt.path, "", headers...)
			h := w.Header()
			got := [2]string{h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials")}
			if w.Code != tt.status || got != tt.allowed || h.Get("Vary") != "Origin" {
				t.Errorf("got %d %q Vary %q, want %d %q", w.Code, got, h.Get("Vary"), tt.status, tt.allowed)
			}
			if tt.status == 403 && w.Body.String() != denied {
				t.Errorf("body %s", w.Body)
			}
		})
	}
}

func TestOwnFormOnAPageWithoutReferrer(t *testing.T) {
	rt := shop(newCORS(t, false))
	w := ask(rt, "POST", "/api", "", "Origin", "null", "Sec-Fetch-Site", "same-origin")
	expect(t, w, 200, "ok")
	w = ask(rt, "POST", "/api", "", "Origin", "null", "Sec-Fetch-Site", "cross-site")
	expect(t, w, 403, denied)
	w = ask(rt, "POST", "/api", "", "Origin", unknown, "Sec-Fetch-Site", "same-origin")
	expect(t, w, 403, denied)
}

func TestTwoOriginsAreNone(t *testing.T) {
	r := httptest.NewRequest("POST", "/public", nil)
	r.Header["Origin"] = []string{listed, listed}
	w := httptest.NewRecorder()
	shop(newCORS(t, false, listed)).ServeHTTP(w, r)
	expect(t, w, 403, denied)
}

func TestDevelopmentAdmitsLoopback(t *testing.T) {
	c := newCORS(t, true, listed)
	for origin, want := range map[string]bool{
		"http://localhost:3000": true, "https://localhost": true, "http://127.0.0.1:1618": true,
		"http://[::1]:5173": true, "http://app.localhost:8080": true, listed: true,
		"http://localhost.evil.example": false, "http://127.0.0.1.evil.example": false, "http://localhost:3000/": false,
		"http://user@localhost": false, "http://LOCALHOST": false, "ftp://localhost": false, "null": false, "": false,
		"http://192.168.1.2": false,
	} {
		if got := c.Lists(origin); got != want {
			t.Errorf("%q: got %t, want %t", origin, got, want)
		}
	}
}

func TestPreflights(t *testing.T) {
	tests := []struct {
		name, path, origin, asked string
		status                    int
		want                      [3]string // origin, credentials, methods
	}{
		{"listed", "/api", listed, "POST", 204, [3]string{listed, "true", "GET, HEAD, POST, OPTIONS"}},
		{"listed, a method that is not there", "/api", listed, "DELETE", 204, [3]string{listed, "true", "GET, HEAD, POST, OPTIONS"}},
		{"unknown", "/api", unknown, "POST", 403, [3]string{}},
		{"unknown, only reading", "/api", unknown, "GET", 403, [3]string{}},
		{"null", "/api", "null", "GET", 403, [3]string{}},
		{"public", "/public", unknown, "GET", 204, [3]string{unknown, "", "GET, HEAD, POST, OPTIONS"}},
		{"a client's page", "/token", client, "POST", 204, [3]string{client, "", "POST, OPTIONS"}},
		{"a form's target", "/callback", unknown, "POST", 403, [3]string{}},
		{"nothing there", "/nothing", listed, "GET", 404, [3]string{listed, "true", ""}},
	}
	rt := shop(newCORS(t, false, web.HeadyOrigins[:]...))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(rt, "OPTIONS", tt.path, "", "Origin", tt.origin, "Access-Control-Request-Method", tt.asked,
				"Access-Control-Request-Headers", "authorization, mcp-protocol-version")
			h := w.Header()
			got := [3]string{h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials"), h.Get("Access-Control-Allow-Methods")}
			if w.Code != tt.status || got != tt.want {
				t.Errorf("got %d %q, want %d %q", w.Code, got, tt.status, tt.want)
			}
			if strings.Contains(h.Get("Access-Control-Allow-Headers"), "*") || !strings.Contains(h.Get("Vary"), "Origin") {
				t.Errorf("headers %v", h)
			}
			if w.Code != 204 {
				return
			}
			for _, name := range []string{"Authorization", "Content-Type", "X-API-Key", "mcp-protocol-version"} {
				if !strings.Contains(h.Get("Access-Control-Allow-Headers"), name) {
					t.Errorf("%s may not be sent: %v", name, h)
				}
			}
		})
	}
}

func TestHeadyPreset(t *testing.T) {
	if got := newCORS(t, false, web.HeadyOrigins[:]...).Count(); got != 23 {
		t.Errorf("got %d origins, want 23", got)
	}
	if got := newCORS(t, false, listed, listed, "https://id.example.com").Count(); got != 1 {
		t.Errorf("twice the same and our own: got %d, want 1", got)
	}
}

func TestOriginsThatStopTheStart(t *testing.T) {
	tests := map[string]string{
		"*":                      "has a *",
		"https://*.example.com":  "has a *",
		"https://a.example/":     "slash",
		"https://a.example/x":    "path",
		"https://a.example?":     "query",
		"https://a.example#":     "fragment",
		"https://me@a.example":   "user name",
		"https://A.example":      "lower case",
		"HTTPS://a.example":      "lower case",
		"http://a.example":       "plain http",
		"http://localhost.evil":  "plain http",
		"https://a.example:443":  "usual port",
		"http://localhost:80":    "usual port",
		"https://a.example:":     "usual port",
		"ftp://a.example":        "https://",
		"a.example":              "is not an origin",
		"https://":               "is not an origin",
		"null":                   "is not an origin",
		"":                       "is not an origin",
		"https://bücher.example": "xn--",
		"https://a.example ":     "character",
	}
	for origin, want := range tests {
		_, err := web.NewCORS(home, []string{listed, origin}, false)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "CORS origin ") {
			t.Errorf("%q: got %v, want %q", origin, err, want)
		}
	}
	for _, origin := range []string{"https://a.example:8443", "http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080", "https://xn--bcher-kva.example"} {
		if err := web.CheckOrigin(origin); err != nil {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func TestSameSite(t *testing.T) {
	tests := []struct {
		name, method, origin, site string
		want                       error
	}{
		{"reading", "GET", unknown, "cross-site", nil},
		{"our own page", "POST", "https://id.example.com", "", nil},
		{"our own page, by fetch metadata", "POST", "", "same-origin", nil},
		{"our own form without referrer", "POST", "null", "same-origin", nil},
		{"a listed page", "DELETE", listed, "cross-site", nil},
		{"neither header", "POST", "", "", headykey.ErrCSRF},
		{"a sibling domain", "POST", "", "same-site", headykey.ErrCSRF},
		{"another site", "POST", unknown, "cross-site", headykey.ErrCSRF},
		{"another site that says it is us", "POST", unknown, "same-origin", headykey.ErrCSRF},
		{"a bookmark", "POST", "", "none", headykey.ErrCSRF},
		{"a sandboxed frame", "POST", "null", "cross-site", headykey.ErrCSRF},
		{"made-up method", "BREW", "", "", headykey.ErrCSRF},
	}
	c := newCORS(t, false, listed)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/", nil)
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if tt.site != "" {
				r.Header.Set("Sec-Fetch-Site", tt.site)
			}
			if err := c.SameSite(r); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Header["Origin"] = []string{listed, unknown}
	if err := c.SameSite(r); !errors.Is(err, headykey.ErrCSRF) {
		t.Errorf("two origins: got %v", err)
	}
}

// An origin that may be listed is spelled just as a browser would spell it.
func FuzzCheckOrigin(f *testing.F) {
	for _, s := range []string{"https://a.example", "https://a.example/", "http://[::1]:8080", "https://me:pw@a", "https://a:443", "https://\u212a.example", "//a", "https:a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if web.CheckOrigin(s) != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme+"://"+u.Host != s || u.User != nil || strings.ToLower(s) != s || strings.ContainsAny(s, "* ") {
			t.Errorf("accepted %q", s)
		}
	})
}
