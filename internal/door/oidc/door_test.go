package oidc

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/web"
)

const (
	base     = "https://id.example.com"
	formType = "application/x-www-form-urlencoded"
)

// A house is the door over its own database, with one client.
type house struct {
	http.Handler
	oauth  *oauth.Service
	db     *store.DB
	client oauth.NewClient
}

func build(t *testing.T) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	check(t, err)
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	ring, err := keyring.New(t.Context(), db, sealer, nil, log)
	check(t, err)
	h := &house{db: db}
	h.oauth, err = oauth.New(oauth.Parts{
		DB: db, Ring: ring, Sealer: sealer, Outbox: outbox.New(db, sealer, log, nil), Receipts: receipt.New(db, ring, "id.example.com"),
		Tokens: token.New(db, ring, token.Config{Issuer: base, OAuthIssuer: base + oauth.IssuerPath, Access: time.Hour, Refresh: time.Hour}),
	}, base)
	check(t, err)
	h.client, err = h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
		Name: "Robot", Scopes: []string{"a"}, Details: headykey.ClientDetails{Serves: []string{base + "/api/v1"}},
	})
	check(t, err)
	public, err := url.Parse(base)
	check(t, err)
	cors, err := web.NewCORS(public, []string{"https://friend.example"}, false)
	check(t, err)
	limiter := web.NewLimiter()
	t.Cleanup(limiter.Close)
	rt := web.NewRouter(cors, nil)
	check(t, Mount(rt, Parts{OAuth: h.oauth, Limiter: limiter, BaseURL: base, Authorize: http.NotFoundHandler(), Logout: http.NotFoundHandler(), CheckSession: http.NotFoundHandler()}))
	h.Handler = web.Front(public, nil, rt)
	t.Cleanup(func() { _ = db.Close() })
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// post sends a form with the client's proof and returns the answer.
func (h *house) post(path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", formType)
	r.SetBasicAuth(string(h.client.Record.ID), h.client.Secret)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func object(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return o
}

func TestTheAnswerOfTheTokenEndpoint(t *testing.T) {
	h := build(t)
	w := h.post("/auth/v1/token", "grant_type=client_credentials")
	got := object(t, w)
	want := map[string]any{"access_token": got["access_token"], "token_type": "Bearer", "expires_in": 3600.0, "scope": "a"}
	if w.Code != http.StatusOK || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d %v", w.Code, got)
	}
	for name, value := range map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache", "Content-Type": "application/json"} {
		if w.Header().Get(name) != value {
			t.Errorf("%s: %q", name, w.Header().Get(name))
		}
	}
}

// Each refusal has the status, the word and the headers of its RFC, and nothing
// more.
func TestRefusalsAreSpelledAsTheirRFCSays(t *testing.T) {
	h := build(t)
	tests := []struct {
		name, path, body string
		headers          []string
		status           int
		word             string
	}{
		{"a wrong secret", "/token", "grant_type=client_credentials", []string{"Authorization", "Basic eDp5"}, 401, "invalid_client"},
		{"an assertion beside a secret", "/token", "grant_type=client_credentials&client_assertion=x", nil, 400, "invalid_request"},
		{"no such grant", "/token", "grant_type=x", nil, 400, "unsupported_grant_type"},
		{"no grant", "/token", "", nil, 400, "invalid_request"},
		{"a scope too many", "/token", "grant_type=client_credentials&scope=b", nil, 400, "invalid_scope"},
		{"another resource", "/token", "grant_type=client_credentials&resource=https://x.example", nil, 400, "invalid_target"},
		{"twice", "/token", "grant_type=client_credentials&grant_type=client_credentials", nil, 400, "invalid_request"},
		{"quotes in a name", "/token", "%22%5c%0a=1&%22%5c%0a=1", nil, 400, "invalid_request"},
		{"two proofs", "/token", "grant_type=client_credentials&client_secret=x", nil, 400, "invalid_request"},
		{"JSON", "/token", "{}", []string{"Content-Type", "application/json"}, 400, "invalid_request"},
		{"in the query", "/token?client_id=x", "grant_type=client_credentials", nil, 400, "invalid_request"},
		{"of another surface", "/token?grant_type=password", "{}", []string{"Content-Type", "application/json"}, 400, "unsupported_grant_type"},
		{"nothing to introspect", "/oauth/introspect", "token=", nil, 400, "invalid_request"},
		{"nothing to revoke", "/oauth/revoke", "token_type_hint=access_token", nil, 400, "invalid_request"},
		{"no such endpoint", "/oauth/nothing", "", nil, 404, "invalid_request"},
		{"a page of a stranger", "/token", "grant_type=client_credentials", []string{"Origin", "https://x.example"}, 403, "invalid_request"},
	}
	for _, tt := range tests {
		w := h.post("/auth/v1"+tt.path, tt.body, tt.headers...)
		got := object(t, w)
		description, _ := got["error_description"].(string)
		if w.Code != tt.status || got["error"] != tt.word || len(got) != 2 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s", tt.name, w.Code, w.Body)
		}
		if description == "" || strings.ContainsFunc(description, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			t.Errorf("%s: description %q (RFC 6749 §5.2)", tt.name, description)
		}
		challenge := w.Header().Get("WWW-Authenticate")
		if (tt.status == 401) != (challenge == `Basic realm="https://id.example.com/auth/v1", charset="UTF-8"`) {
			t.Errorf("%s: WWW-Authenticate %q", tt.name, challenge)
		}
	}
}

// A revocation that could not be written is not told as done.
func TestAFailedRevocationIsNoSuccess(t *testing.T) {
	h := build(t)
	text := object(t, h.post("/auth/v1/token", "grant_type=client_credentials"))["access_token"].(string)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/auth/v1/oauth/revoke", strings.NewReader("token="+text))
	r.Header.Set("Content-Type", formType)
	r.SetBasicAuth(string(h.client.Record.ID), h.client.Secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || object(t, w)["error"] != "temporarily_unavailable" || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if object(t, h.post("/auth/v1/oauth/introspect", "token="+text))["active"] != true {
		t.Error("the token was ended all the same")
	}
}

func TestBasic(t *testing.T) {
	header := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	tests := []struct {
		name       string
		headers    []string
		id, secret string
		ok         bool
	}{
		{"plain", []string{header("id:secret")}, "id", "secret", true},
		{"the scheme in any case", []string{"bAsIc  " + header("id:secret")[6:]}, "id", "secret", true},
		{"form-encoded", []string{header("a%3Ab+c:%C3%BC%2B")}, "a:b c", "ü+", true},
		{"a colon in the secret", []string{header("id:a:b")}, "id", "a:b", true},
		{"no secret", []string{header("id:")}, "id", "", true},
		{"no colon", []string{header("id")}, "", "", false},
		{"a broken escape", []string{header("id:%zz")}, "id", "", false},
		{"two headers", []string{header("id:secret"), header("id:secret")}, "", "", false},
		{"another scheme", []string{"Bearer x"}, "", "", false},
		{"no padding", []string{"Basic aWQ6c2VjcmV0MQ"}, "", "", false},
		{"bits that say nothing", []string{"Basic aWQ6c2VjcmV0MR=="}, "", "", false},
		{"nothing", []string{""}, "", "", false},
		{"the scheme alone", []string{"Basic"}, "", "", false},
	}
	for _, tt := range tests {
		id, secret, ok := basic(tt.headers)
		if id != tt.id || secret != tt.secret || ok != tt.ok {
			t.Errorf("%s: got %q, %q, %v", tt.name, id, secret, ok)
		}
	}
}

// Every endpoint of the table is told of and served, and all that is told of is in
// the table.
func TestMetadataAndRoutesAreOneTable(t *testing.T) {
	h := build(t)
	text, err := door{Parts: Parts{OAuth: h.oauth}}.metadata()
	check(t, err)
	var doc map[string]any
	check(t, json.Unmarshal(text, &doc))
	for member, value := range doc {
		address, ok := value.(string)
		if !ok || member == "issuer" {
			continue
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("OPTIONS", strings.TrimPrefix(address, base), nil))
		if w.Code != http.StatusNoContent {
			t.Errorf("%s: %s answers %d", member, address, w.Code)
		}
	}
	for _, e := range endpoints {
		if e.member != "" && doc[e.member] != base+oauth.IssuerPath+e.path {
			t.Errorf("%s is told of as %v", e.path, doc[e.member])
		}
	}
	if doc["issuer"] != base+"/auth/v1" {
		t.Errorf("got %s", text)
	}
}

// Whatever a header holds, it proves nobody but who made it.
func FuzzBasic(f *testing.F) {
	for _, text := range []string{"Basic aWQ6c2VjcmV0", "basic  !", "Basic Og==", "Bearer x", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, ok := basic([]string{text})
		if !ok {
			return
		}
		again, other, same := basic([]string{"Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))})
		if again != id || other != secret || !same {
			t.Errorf("%q: %q %q", text, id, secret)
		}
	})
}
