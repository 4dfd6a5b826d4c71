package heady_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"headykey.com/headykey"
)

// A rule is what the contract says of one route.
type rule struct {
	least    headykey.Role // 0: open to all
	body     string        // EMAIL, REFRESH, LINK, NEW stand for those of the person concerned
	receipts []string      // that the act leaves, sorted
	cookie   bool          // open, and yet the cookie is a credential here
	other    bool          // a caller may not do it to themselves
}

const (
	anybody  = headykey.RoleGuest
	user     = headykey.RoleUser
	operator = headykey.RoleOperator
	admin    = headykey.RoleAdmin
)

// contract has a line for every route. A new route without one fails the tests.
func contract() map[string]rule {
	login := `{"email":"EMAIL","password":"` + password + `"}`
	return map[string]rule{
		"POST /api/auth/register":       {body: `{"email":"NEW","password":"` + password + `"}`, receipts: []string{"account.created", "session.started"}},
		"POST /api/auth/login":          {body: login, receipts: []string{"session.started"}},
		"POST /api/auth/email/verify":   {body: `{"token":"LINK"}`, receipts: []string{"email.confirmed"}},
		"POST /api/session/start":       {body: login, receipts: []string{"session.started"}},
		"POST /api/auth/refresh":        {body: `{"refreshToken":"REFRESH"}`, receipts: []string{"token.issued"}, cookie: true},
		"POST /api/auth/logout":         {body: `{"refreshToken":"REFRESH"}`, receipts: []string{"session.ended"}, cookie: true},
		"GET /api/auth/policy":          {},
		"POST /api/receipts/verify":     {body: `{}`},
		"GET /.well-known/receipt-keys": {},

		"GET /api/auth/verify":                 {least: anybody},
		"GET /api/auth/me":                     {least: anybody},
		"PATCH /api/auth/me":                   {least: anybody, body: `{"name":"Ada"}`, receipts: []string{"account.changed"}},
		"DELETE /api/auth/me":                  {least: anybody, receipts: []string{"account.erased"}},
		"GET /api/auth/api-keys":               {least: anybody},
		"POST /api/auth/api-keys":              {least: user, receipts: []string{"api_key.created"}},
		"GET /api/auth/api-keys/{id}/audit":    {least: anybody},
		"DELETE /api/auth/api-keys/{id}":       {least: anybody, receipts: []string{"api_key.revoked"}},
		"POST /api/auth/api-keys/{id}/rotate":  {least: user, receipts: []string{"api_key.created", "api_key.rotated"}},
		"GET /api/auth/sessions":               {least: anybody},
		"DELETE /api/auth/sessions/{id}":       {least: anybody, receipts: []string{"session.ended"}},
		"GET /api/auth/consents":               {least: anybody},
		"DELETE /api/auth/consents/{clientId}": {least: anybody, receipts: []string{"consent.withdrawn"}},
		"GET /api/receipts":                    {least: anybody},
		"GET /api/receipts/{id}":               {least: anybody},

		"GET /api/admin/users":            {least: operator},
		"POST /api/admin/users":           {least: admin, body: `{"email":"NEW"}`, receipts: []string{"account.created"}},
		"GET /api/admin/users/{id}":       {least: operator},
		"PATCH /api/admin/users/{id}":     {least: admin, body: `{"role":"guest"}`, receipts: []string{"role.changed"}},
		"DELETE /api/admin/users/{id}":    {least: admin, other: true, receipts: []string{"account.erased"}},
		"GET /api/admin/api-keys":         {least: operator},
		"DELETE /api/admin/api-keys/{id}": {least: admin, receipts: []string{"api_key.revoked"}},
		"GET /api/admin/sessions":         {least: operator},
		"DELETE /api/admin/sessions/{id}": {least: admin, receipts: []string{"session.ended"}},
		"GET /api/admin/receipts":         {least: operator},
		"GET /api/admin/stats":            {least: operator},
		"GET /api/admin/keys":             {least: operator},

		"GET /api/admin/clients":                     {least: operator},
		"POST /api/admin/clients":                    {least: admin, body: `{"name":"a program"}`, receipts: []string{"client.created"}},
		"GET /api/admin/clients/{id}":                {least: operator},
		"PATCH /api/admin/clients/{id}":              {least: admin, body: `{"name":"another"}`, receipts: []string{"client.changed"}},
		"DELETE /api/admin/clients/{id}":             {least: admin, receipts: []string{"client.deleted"}},
		"POST /api/admin/clients/{id}/rotate-secret": {least: admin, receipts: []string{"client.secret_rotated"}},

		"POST /api/admin/registration-tokens":              {least: admin, receipts: []string{"registration_token.created"}},
		"GET /api/admin/users/{id}/consents":               {least: operator},
		"DELETE /api/admin/users/{id}/consents/{clientId}": {least: admin, receipts: []string{"consent.withdrawn"}},

		"POST /api/admin/keys/rotate": {least: admin, body: `{"use":"heady"}`, receipts: []string{"key.rotated"}},
	}
}

// aim fills a route's path and body with the things of one person.
func aim(pattern, body string, g guest) (path, text string) {
	id := map[bool]headykey.ID{true: g.keyID, false: g.id}[strings.Contains(pattern, "api-keys")]
	if strings.Contains(pattern, "sessions") {
		id = g.session
	}
	if strings.Contains(pattern, "clients") {
		id = g.client
	}
	shown := string(id)
	if strings.Contains(pattern, "receipts/{id}") {
		shown = "rcp_" + string(g.receipt)
	}
	fill := strings.NewReplacer("{clientId}", string(g.client), "{id}", shown, "EMAIL", g.email, "REFRESH", g.refresh, "LINK", g.link, "NEW", "new-"+g.email)
	return fill.Replace(pattern), fill.Replace(body)
}

func TestEveryRouteHasItsLineInTheContract(t *testing.T) {
	h := build(t)
	rest := contract()
	for _, r := range h.router.Routes() {
		name := r.Method + " " + r.Pattern
		if _, ok := rest[name]; !ok {
			t.Errorf("%s is in no line: say who may use it, and what receipts it leaves", name)
		}
		delete(rest, name)
	}
	for name := range rest {
		t.Errorf("%s is in the contract and not on the router", name)
	}
}

// target is whose things the caller g of a route aims at.
func (h *house) target(t *testing.T, r rule, g guest) guest {
	t.Helper()
	if r.other {
		return h.person(t, user)
	}
	return g
}

// walk calls f for every route with a person of its least role, or of role user.
func walk(t *testing.T, h *house, f func(t *testing.T, method, pattern string, r rule)) {
	t.Helper()
	h.person(t, admin) // there is always another administrator
	for name, r := range contract() {
		method, pattern, _ := strings.Cut(name, " ")
		t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) { f(t, method, pattern, r) })
	}
}

func TestAStrangerIsToldHowToProveThemselves(t *testing.T) {
	h := build(t)
	walk(t, h, func(t *testing.T, method, pattern string, r rule) {
		path, body := aim(pattern, r.body, h.person(t, user))
		w := h.ask(method, path, body)
		if r.least == 0 {
			if w.Code == http.StatusUnauthorized {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			return
		}
		const want = `Bearer resource_metadata="https://id.example.com/.well-known/oauth-protected-resource"`
		if w.Code != http.StatusUnauthorized || code(w) != "authentication_required" || w.Header().Get("WWW-Authenticate") != want {
			t.Errorf("got %d %s with %q", w.Code, w.Body, w.Header()["Www-Authenticate"])
		}
	})
}

func TestARoleBelowIsRefusedAndLeavesNothing(t *testing.T) {
	h := build(t)
	walk(t, h, func(t *testing.T, method, pattern string, r rule) {
		if r.least <= anybody {
			return
		}
		g := h.person(t, r.least-1)
		before := h.left(t)
		path, body := aim(pattern, r.body, g)
		for _, credential := range []string{g.bearer(), "X-API-Key: " + g.key, g.jar()} {
			w := h.ask(method, path, body, credential, "Sec-Fetch-Site: same-origin")
			if w.Code != http.StatusForbidden || code(w) != "insufficient_role" {
				t.Errorf("%.12s: got %d %s", credential, w.Code, w.Body)
			}
		}
		if got := h.since(t, before); len(got) != 0 {
			t.Errorf("receipts %v were left", got)
		}
	})
}

func TestEveryActLeavesItsReceipt(t *testing.T) {
	h := build(t)
	walk(t, h, func(t *testing.T, method, pattern string, r rule) {
		g := h.person(t, max(r.least, user))
		path, body := aim(pattern, r.body, h.target(t, r, g))
		before := h.left(t)
		var headers []string
		if r.least > 0 {
			headers = append(headers, g.bearer())
		}
		if w := h.ask(method, path, body, headers...); w.Code >= 300 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		if got := h.since(t, before); !slices.Equal(got, r.receipts) {
			t.Errorf("got %v, want %v", got, r.receipts)
		}
	})
}

// The cookie alone moves nothing unless the browser says that it was our page.
func TestTheCookieAloneChangesNothing(t *testing.T) {
	h := build(t)
	walk(t, h, func(t *testing.T, method, pattern string, r rule) {
		if method == http.MethodGet || r.least == 0 && !r.cookie {
			return
		}
		g := h.person(t, max(r.least, user))
		path, body := aim(pattern, r.body, h.target(t, r, g))
		if r.cookie {
			body = ""
		}
		for want, headers := range map[string][]string{
			"csrf":                {g.jar()},
			"csrf ":               {g.jar(), "Sec-Fetch-Site: cross-site"},
			"csrf  ":              {g.jar(), "Sec-Fetch-Site: same-site"},
			"origin_not_allowed":  {g.jar(), "Origin: https://evil.example"},
			"origin_not_allowed ": {g.jar(), "Origin: null"},
		} {
			if w := h.ask(method, path, body, headers...); w.Code != http.StatusForbidden || code(w) != strings.TrimSpace(want) {
				t.Errorf("%v: got %d %s, want %s", headers[1:], w.Code, w.Body, want)
			}
		}
		if w := h.ask(method, path, body, g.jar(), "Sec-Fetch-Site: same-origin"); w.Code >= 300 {
			t.Errorf("from our own page: got %d %s", w.Code, w.Body)
		}
	})
}

func TestAPersonsThingsAreNotThereForAnother(t *testing.T) {
	h := build(t)
	owner, other := h.person(t, user), h.person(t, user)
	for name, r := range contract() {
		method, pattern, _ := strings.Cut(name, " ")
		if !strings.ContainsAny(pattern, "{") || strings.Contains(pattern, "/admin/") {
			continue
		}
		path, body := aim(pattern, r.body, owner)
		if w := h.ask(method, path, body, other.bearer()); w.Code != http.StatusNotFound || code(w) != "not_found" {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
}
