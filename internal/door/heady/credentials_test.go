package heady_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

// The first credential that is there decides; a bad one is never passed over for a
// good one behind it.
func TestTheFirstCredentialDecides(t *testing.T) {
	h := build(t)
	g, other := h.person(t, user), h.person(t, user)
	tests := []struct {
		name    string
		headers []string
		code    string // "": let in
		method  string
	}{
		{"token", []string{g.bearer()}, "", "jwt"},
		{"key", []string{"X-API-Key: " + g.key}, "", "api_key"},
		{"key as bearer token", []string{"Authorization: Bearer " + g.key}, "", "api_key"},
		{"cookie", []string{g.jar()}, "", "session"},
		{"token before key and cookie", []string{g.bearer(), "X-API-Key: bad", other.jar()}, "", "jwt"},
		{"key before cookie", []string{"X-API-Key: " + g.key, other.jar()}, "", "api_key"},
		{"bad token, good key and cookie", []string{"Authorization: Bearer bad", "X-API-Key: " + g.key, g.jar()}, "invalid_token", ""},
		{"empty Authorization, good cookie", []string{"Authorization: ", g.jar()}, "invalid_token", ""},
		{"Basic, good cookie", []string{"Authorization: Basic dTpw", g.jar()}, "invalid_token", ""},
		{"bad key, good cookie", []string{"X-API-Key: bad", g.jar()}, "invalid_api_key", ""},
		{"empty key, good cookie", []string{"X-API-Key: ", g.jar()}, "invalid_api_key", ""},
		{"two tokens", []string{g.bearer(), g.bearer()}, "invalid_token", ""},
		{"two keys", []string{"X-API-Key: " + g.key, "X-API-Key: " + g.key}, "invalid_api_key", ""},
		{"two cookies that differ", []string{g.jar(), other.jar()}, "invalid_token", ""},
		{"the same cookie twice", []string{g.jar(), g.jar()}, "", "session"},
		{"an empty cookie", []string{"Cookie: __heady_session="}, "invalid_token", ""},
		{"a refresh token as cookie", []string{"Cookie: __heady_session=" + g.refresh}, "invalid_token", ""},
		{"a token in the query alone", nil, "authentication_required", ""},
	}
	for _, tt := range tests {
		path := "/api/auth/verify"
		if tt.headers == nil {
			path += "?access_token=" + g.token
		}
		w := h.ask("GET", path, "", tt.headers...)
		if tt.code != "" && (w.Code != http.StatusUnauthorized || code(w) != tt.code) ||
			tt.code == "" && (w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"authMethod":"`+tt.method+`"`) || !strings.Contains(w.Body.String(), string(g.id))) {
			t.Errorf("%s: got %d %s", tt.name, w.Code, w.Body)
		}
	}
}

// The forms of RFC 6750 §2.1, and those that only look like them.
func TestRFC6750BearerForms(t *testing.T) {
	h := build(t)
	g := h.person(t, user)
	for form, ok := range map[string]bool{
		"Bearer " + g.token:                 true,
		"bearer " + g.token:                 true,
		"BEARER " + g.token:                 true,
		"Bearer   " + g.token:               true,
		"Bearer" + g.token:                  false,
		"Bearer":                            false,
		"Bearer ":                           false,
		"Bearer\t" + g.token:                false,
		"Bearer " + g.token + " x":          false,
		"Bearer " + g.token + "," + g.token: false,
		"Bearer token=" + g.token:           false,
		"Token " + g.token:                  false,
		g.token:                             false,
	} {
		w := h.ask("GET", "/api/auth/verify", "", "Authorization: "+form)
		if ok != (w.Code == http.StatusOK) {
			t.Errorf("%.20q: got %d %s", form, w.Code, w.Body)
		}
		challenge := w.Header().Get("WWW-Authenticate")
		if !ok && !regexp.MustCompile(`^Bearer resource_metadata="[^"]+", error="invalid_token", error_description="[ !#-\[\]-~]+"$`).MatchString(challenge) {
			t.Errorf("%.20q: challenged with %q", form, challenge)
		}
	}
}

func TestANarrowKeyIsToldWhatItLacks(t *testing.T) {
	h := build(t)
	g := h.person(t, admin, "receipts.read")
	w := h.ask("GET", "/api/auth/me", "", "Authorization: Bearer "+g.key)
	if w.Code != http.StatusForbidden || code(w) != "insufficient_scope" || !strings.HasSuffix(w.Header().Get("WWW-Authenticate"), `, error="insufficient_scope"`) {
		t.Errorf("got %d %s with %q", w.Code, w.Body, w.Header().Get("WWW-Authenticate"))
	}
	if w := h.ask("GET", "/api/receipts", "", "X-API-Key: "+g.key); w.Code != http.StatusOK {
		t.Errorf("with its scope: got %d %s", w.Code, w.Body)
	}
	if w := h.ask("GET", "/api/auth/verify", "", "X-API-Key: "+g.key); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"scopes":["receipts.read"]`) {
		t.Errorf("verify: got %d %s", w.Code, w.Body)
	}
}

func TestTheCookieIsSetAndForgotten(t *testing.T) {
	h := build(t)
	g := h.person(t, user)
	w := h.ask("POST", "/api/auth/login", `{"email":"`+g.email+`","password":"`+password+`"}`)
	form := regexp.MustCompile(`^__heady_session=[0-9a-f]{68}; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Strict$`)
	if got := w.Header()["Set-Cookie"]; len(got) != 1 || !form.MatchString(got[0]) {
		t.Errorf("got %q", got)
	}
	w = h.ask("POST", "/api/auth/logout", "", g.bearer())
	if got := w.Header().Get("Set-Cookie"); !strings.Contains(got, "__heady_session=; Path=/; Max-Age=0;") {
		t.Errorf("got %q", got)
	}
	w = h.ask("POST", "/api/auth/logout", `{"scope":"others"}`, h.person(t, user).bearer())
	if got := w.Header().Get("Set-Cookie"); got != "" {
		t.Errorf("this browser stays signed in, and yet %q", got)
	}
}

// The bytes of failures are a contract: old clients show "error", programs branch
// on "code". UPDATE_GOLDEN=1 writes the file anew.
func TestFailuresAreSpelledAsEver(t *testing.T) {
	h := build(t)
	g, low := h.person(t, user), h.person(t, user, "profile.read")
	var out strings.Builder
	for _, c := range []struct {
		method, path, body string
		headers            []string
	}{
		{"GET", "/api/nowhere", "", nil},
		{"PUT", "/api/auth/me", "", nil},
		{"GET", "/api/auth/me", "", nil},
		{"GET", "/api/auth/me", "", []string{"Authorization: Bearer bad"}},
		{"GET", "/api/auth/me", "", []string{"X-API-Key: bad"}},
		{"GET", "/api/auth/me", "", []string{"Cookie: __heady_session=bad"}},
		{"POST", "/api/auth/login", `{"email":"nobody","password":"x"}`, nil},
		{"POST", "/api/auth/login", `{}`, nil},
		{"POST", "/api/auth/login", `[]`, nil},
		{"POST", "/api/auth/login", `{"email":1}`, nil},
		{"POST", "/api/auth/login", `{"email":"a","email":"b"}`, nil},
		{"POST", "/api/auth/login", `{"a":"` + strings.Repeat("x", 64<<10) + `"}`, nil},
		{"POST", "/api/auth/login", `a=b`, []string{"Content-Type: application/x-www-form-urlencoded"}},
		{"POST", "/api/auth/login", `{"email":"a@example.com","password":"b"}`, []string{"Origin: https://evil.example"}},
		{"POST", "/api/auth/register", `{"email":"nobody","password":"` + password + `"}`, nil},
		{"POST", "/api/auth/register", `{"email":"a@example.com","password":"password1"}`, nil},
		{"POST", "/api/auth/register", `{"email":"` + g.email + `","password":"` + password + `"}`, nil},
		{"POST", "/api/auth/refresh", `{}`, nil},
		{"POST", "/api/auth/refresh", `{"refreshToken":"bad"}`, nil},
		{"POST", "/api/auth/email/verify", `{"token":"bad"}`, nil},
		{"POST", "/api/auth/logout", `{"scope":"all"}`, []string{g.bearer()}},
		{"POST", "/api/session/start", `{"provider":"google"}`, nil},
		{"POST", "/api/session/start", `{"provider":"nowhere"}`, nil},
		{"POST", "/api/session/start", `{"email":"a@example.com","password":"b","returnUrl":"https://evil.example/"}`, nil},
		{"PATCH", "/api/auth/me", `{"name":"a\nb"}`, []string{g.bearer()}},
		{"PATCH", "/api/auth/me", `{"name":"a"}`, []string{g.jar()}},
		{"PATCH", "/api/auth/me", `{"name":"a"}`, []string{"X-API-Key: " + low.key}},
		{"POST", "/api/auth/api-keys", `{"role":"admin"}`, []string{g.bearer()}},
		{"POST", "/api/auth/api-keys", `{"role":"king"}`, []string{g.bearer()}},
		{"POST", "/api/auth/api-keys", `{"ttl":"soon"}`, []string{g.bearer()}},
		{"POST", "/api/auth/api-keys", `{"expiresAt":"2001-01-01T00:00:00Z"}`, []string{g.bearer()}},
		{"GET", "/api/auth/api-keys?limit=0", "", []string{g.bearer()}},
		{"GET", "/api/auth/api-keys?cursor=bad", "", []string{g.bearer()}},
		{"DELETE", "/api/auth/api-keys/bad", "", []string{g.bearer()}},
		{"GET", "/api/auth/verify?minRole=operator", "", []string{g.bearer()}},
		{"GET", "/api/auth/verify?minRole=king", "", []string{g.bearer()}},
		{"GET", "/api/receipts?since=yesterday", "", []string{g.bearer()}},
		{"GET", "/api/admin/stats", "", []string{g.bearer()}},
	} {
		w := h.ask(c.method, c.path, c.body, c.headers...)
		text := strings.ReplaceAll(w.Body.String(), w.Header().Get("X-Request-Id"), "REQUEST")
		out.WriteString(c.method + " " + c.path + " " + c.body[:min(60, len(c.body))] + "\n" + http.StatusText(w.Code) + " " + text + "\n\n")
		if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: got the headers %v", c.method, c.path, w.Header())
		}
	}
	const file = "testdata/failures.golden"
	got := strings.ReplaceAll(out.String(), g.email, "EMAIL")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		check(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Texts of failures stand in a header, too: RFC 6750 §3 names the characters.
func TestFailuresFitIntoAHeader(t *testing.T) {
	form := regexp.MustCompile(`^[ !#-\[\]-~]+$`)
	for _, e := range []*headykey.Error{
		headykey.ErrNotSignedIn, headykey.ErrInvalidToken, headykey.ErrTokenExpired, headykey.ErrInvalidAPIKey, headykey.ErrAPIKeyExpired,
		headykey.ErrBadCredentials, headykey.ErrRefreshTokenReused, headykey.ErrNeedsRecentSignIn,
	} {
		if e.Kind != headykey.Unproven || web.StatusOf(e) != http.StatusUnauthorized || !form.MatchString(e.Text) {
			t.Errorf("%s: %d %q", e.Code, e.Kind, e.Text)
		}
	}
}

func TestARateLimitSaysWhenToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		g := h.person(t, user)
		body := `{"email":"` + g.email + `","password":"wrong"}`
		for range 3 {
			h.ask("POST", "/api/auth/login", body)
		}
		w := h.ask("POST", "/api/session/start", body)
		if w.Code != http.StatusTooManyRequests || code(w) != "rate_limited" || w.Header().Get("Retry-After") != "2" {
			t.Errorf("got %d %s, Retry-After %q", w.Code, w.Body, w.Header().Get("Retry-After"))
		}
	})
}
