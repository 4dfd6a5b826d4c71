package supabase_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/mr-tron/base58"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/captcha"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/door/supabase"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/upstream"
	"headykey.com/headykey/internal/web"
)

// A waysHouse is the door over its own database, beside a server that is both a
// provider of identity and a captcha service.
type waysHouse struct {
	http.Handler
	token    http.Handler
	provider string // URL
	signer   jose.Signer
	keys     token.ProjectKeys
}

func waysCheck(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// elsewhere starts the other server. Its captcha knows one solution: "solved".
func (h *waysHouse) elsewhere(t *testing.T) *fetch.Client {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	waysCheck(t, err)
	h.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	waysCheck(t, err)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}})
	waysCheck(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"issuer":"`+h.provider+`","jwks_uri":"`+h.provider+`/keys"}`)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) })
	mux.HandleFunc("POST /captcha", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"success":%v}`, r.FormValue("response") == "solved")
	})
	s := httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	h.provider = s.URL
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: roots})
	waysCheck(t, err)
	t.Cleanup(out.Close)
	return out
}

func waysBuild(t *testing.T, change ...func(*supabase.Parts, *auth.Config)) *waysHouse {
	t.Helper()
	h := &waysHouse{}
	out := h.elsewhere(t)
	quiet := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: quiet})
	waysCheck(t, err)
	t.Cleanup(func() { waysCheck(t, db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	waysCheck(t, err)
	ring, err := keyring.New(t.Context(), db, sealer, nil, quiet)
	waysCheck(t, err)
	receipts := receipt.New(db, ring, "id.example.com")
	pool := secret.NewPool(1, 34, time.Minute)
	t.Cleanup(pool.Close)
	c := auth.Config{BaseURL: "https://id.example.com", AppsURL: "https://id.example.com/auth/v1", Lifetimes: headykey.Lifetimes{
		Access: time.Hour, Refresh: 30 * 24 * time.Hour, Session: 8 * time.Hour, SessionMax: 89 * 24 * time.Hour, EmailLink: time.Hour,
	}}
	c.Apps = auth.Apps{Anonymous: true, Web3: []string{"solana"}, Issuers: []upstream.Issuer{{Provider: "google", Issuer: h.provider, ClientIDs: []string{"app"}}}}
	targets, err := web.NewTargets("https://app.example", nil)
	waysCheck(t, err)
	p := supabase.Parts{Targets: targets, Settings: supabase.Settings{AutoConfirm: true, Providers: []string{"google", "custom:x"}}, BaseURL: "https://id.example.com"}
	p.Captcha, err = captcha.New(out, captcha.Config{Provider: "turnstile", Secret: "x", URL: h.provider + "/captcha"})
	waysCheck(t, err)
	without := p.Captcha
	p.Captcha = nil
	for _, f := range change {
		p.Captcha = without
		f(&p, &c)
	}
	p.Auth, err = auth.New(auth.Parts{
		DB: db, Receipts: receipts, Outbox: outbox.New(db, sealer, quiet, nil), Pool: pool, Sealer: sealer, Log: quiet, Upstream: &upstream.Verifier{Fetch: out},
		Tokens: token.New(db, ring, token.Config{
			Issuer: c.BaseURL, Audience: c.BaseURL + "/api", OAuthIssuer: c.AppsURL, Access: c.Lifetimes.Access, Refresh: c.Lifetimes.Refresh,
		}),
	}, c)
	waysCheck(t, err)
	p.Directory = directory.New(db, receipts, ring, c.Lifetimes, p.Auth.EndAll, sealer, out)
	h.keys, err = p.Auth.ProjectKeys(headykey.System)
	waysCheck(t, err)
	door := supabase.New(p)
	rt := web.NewRouter(nil, nil)
	door.Mount(rt)
	h.Handler = rt
	h.token = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { door.Token(r).ServeHTTP(w, r) })
	return h
}

// ask sends one request as clients of today do, and returns the status and the
// members of the answer. bearer "" sends none.
func (h *waysHouse) ask(t *testing.T, method, path, bearer string, body any) (int, map[string]any) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		text, err = json.Marshal(body)
		waysCheck(t, err)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "/auth/v1"+path, bytes.NewReader(text))
	r.Header.Set("X-Supabase-Api-Version", "2024-01-01")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w := httptest.NewRecorder()
	if strings.HasPrefix(path, "/token") {
		h.token.ServeHTTP(w, r)
	} else {
		h.ServeHTTP(w, r)
	}
	out := map[string]any{}
	if w.Body.Len() > 0 {
		waysCheck(t, json.Unmarshal(w.Body.Bytes(), &out))
	}
	return w.Code, out
}

// refused fails the test unless the answer is one of this status and code.
func (h *waysHouse) refused(t *testing.T, method, path, bearer string, body any, status int, code string) {
	t.Helper()
	got, out := h.ask(t, method, path, bearer, body)
	if got != status || out["code"] != code {
		t.Errorf("%s %s %v: got %d %v, want %d %s", method, path, body, got, out, status, code)
	}
}

type waysMembers map[string]any

// with returns m with one member more, or changed.
func (m waysMembers) with(name string, v any) waysMembers {
	out := waysMembers{name: v}
	for k, v := range m {
		if _, there := out[k]; !there {
			out[k] = v
		}
	}
	return out
}

// idToken returns a request by a token of the provider.
func (h *waysHouse) idToken(t *testing.T, subject string) waysMembers {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"iss": h.provider, "sub": subject, "aud": "app", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"email": subject + "@example.com", "email_verified": true,
	})
	waysCheck(t, err)
	signed, err := h.signer.Sign(text)
	waysCheck(t, err)
	compact, err := signed.CompactSerialize()
	waysCheck(t, err)
	return waysMembers{"provider": "google", "id_token": compact}
}

// waysWallet returns a request by a message for uri.
func waysWallet(uri string) waysMembers {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	domain := strings.Split(uri, "/")[2]
	message := fmt.Sprintf("%s wants you to sign in with your Solana account:\n%s\n\nHello\n\nVersion: 1\nURI: %s\nIssued At: %s",
		domain, base58.Encode(key.Public().(ed25519.PublicKey)), uri, time.Now().UTC().Format(time.RFC3339Nano))
	return waysMembers{"chain": "solana", "message": message, "signature": base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(message)))}
}

func TestWaysWallet(t *testing.T) {
	h := waysBuild(t)
	const path = "/token?grant_type=web3"
	good := waysWallet("https://app.example/in")
	status, out := h.ask(t, "POST", path, "", good)
	user, _ := out["user"].(map[string]any)
	if status != 200 || out["access_token"] == "" || user["email"] != "" || user["is_anonymous"] != false {
		t.Fatalf("got %d %v", status, out)
	}
	for name, in := range map[string]waysMembers{
		"again": good, "for elsewhere": waysWallet("https://evil.example/"),
		"another signature": waysWallet("https://app.example/x").with("signature", good["signature"]),
	} {
		status, out := h.ask(t, "POST", path, "", in)
		if status != 400 || out["error"] != "invalid_grant" || out["error_description"] == "" {
			t.Errorf("%s: got %d %v", name, status, out)
		}
	}
	h.refused(t, "POST", path, "", good.with("chain", "kaspa"), 400, "web3_unsupported_chain")
	h.refused(t, "POST", path, "", good.with("chain", "ethereum"), 422, "web3_provider_disabled")
	h.refused(t, "POST", path, "", good.with("message", "x"), 400, "validation_failed")
	none := waysBuild(t, func(p *supabase.Parts, c *auth.Config) { p.Captcha, c.Apps.Web3 = nil, nil })
	none.refused(t, "POST", path, "", waysMembers{}, 422, "web3_provider_disabled")
}

func TestWaysIDToken(t *testing.T) {
	h := waysBuild(t)
	const path = "/token?grant_type=id_token"
	jane := h.idToken(t, "jane")
	status, out := h.ask(t, "POST", path, h.keys.Anon, jane)
	user, _ := out["user"].(map[string]any)
	if status != 200 || user["email"] != "jane@example.com" || user["email_confirmed_at"] == nil {
		t.Fatalf("got %d %v", status, out)
	}
	access, _ := out["access_token"].(string)
	for name, tt := range map[string]struct {
		bearer string
		in     waysMembers
		want   string
	}{
		"no token":               {"", waysMembers{"provider": "google"}, "invalid request"},
		"no provider":            {"", waysMembers{"id_token": "x"}, "invalid request"},
		"an issuer without app":  {"", waysMembers{"id_token": "x", "issuer": h.provider}, "invalid request"},
		"what is no token":       {"", jane.with("id_token", "x"), "invalid request"},
		"a nonce too many":       {"", jane.with("nonce", "x"), "invalid nonce"},
		"linked without a token": {"", jane.with("link_identity", true), "invalid request"},
	} {
		status, out := h.ask(t, "POST", path, tt.bearer, tt.in)
		if status != 400 || out["error"] != tt.want || out["error_description"] == "" {
			t.Errorf("%s: got %d %v", name, status, out)
		}
	}
	h.refused(t, "POST", path, "", jane.with("provider", "apple"), 400, "provider_disabled")
	h.refused(t, "POST", path, access, jane.with("link_identity", true), 422, "identity_already_exists")
	h.refused(t, "POST", path, h.keys.Anon, jane.with("link_identity", true), 403, "bad_jwt")
	status, out = h.ask(t, "POST", path, access, h.idToken(t, "joe").with("link_identity", true))
	user, _ = out["user"].(map[string]any)
	if identities, _ := user["identities"].([]any); status != 200 || len(identities) != 2 || user["email"] != "jane@example.com" {
		t.Errorf("linked: got %d %v", status, out)
	}
}

func TestWaysIdentities(t *testing.T) {
	h := waysBuild(t)
	_, out := h.ask(t, "POST", "/token?grant_type=id_token", "", h.idToken(t, "jane"))
	access, _ := out["access_token"].(string)
	user, _ := out["user"].(map[string]any)
	identity := func(n int) string {
		i, _ := user["identities"].([]any)[n].(map[string]any)
		return "/user/identities/" + i["identity_id"].(string)
	}
	h.refused(t, "GET", "/user/identities/authorize?provider=google", access, nil, 404, "manual_linking_disabled")
	h.refused(t, "GET", "/user/identities/authorize?provider=google", "", nil, 401, "no_authorization")
	h.refused(t, "DELETE", identity(0), access, nil, 422, "single_identity_not_deletable")
	h.refused(t, "DELETE", identity(0), "", nil, 401, "no_authorization")
	_, out = h.ask(t, "POST", "/token?grant_type=id_token", access, h.idToken(t, "joe").with("link_identity", true))
	user, _ = out["user"].(map[string]any)
	h.refused(t, "DELETE", "/user/identities/x", access, nil, 404, "validation_failed")
	h.refused(t, "DELETE", "/user/identities/"+string(headykey.NewID()), access, nil, 422, "identity_not_found")
	if status, out := h.ask(t, "DELETE", identity(1), access, nil); status != 200 || len(out) != 0 {
		t.Errorf("got %d %v", status, out)
	}
	h.refused(t, "DELETE", identity(0), access, nil, 422, "single_identity_not_deletable")
}

func TestWaysCustomProviders(t *testing.T) {
	h := waysBuild(t)
	const path = "/admin/custom-providers"
	in := waysMembers{
		"provider_type": "oidc", "identifier": "custom:acme", "name": "Acme", "client_id": "app", "client_secret": "hush",
		"issuer": h.provider, "scopes": []string{"openid"}, "attribute_mapping": waysMembers{"email": "mail"},
	}
	h.refused(t, "POST", path, "", in, 401, "no_authorization")
	h.refused(t, "POST", path, h.keys.Anon, in, 403, "not_admin")
	h.refused(t, "POST", path, h.keys.ServiceRole, in.with("issuer", ""), 400, "validation_failed")
	status, made := h.ask(t, "POST", path, h.keys.ServiceRole, in)
	if _, told := made["client_secret"]; status != 201 || told || made["id"] == "" || made["enabled"] != true || made["created_at"] == nil || made["issuer"] != h.provider {
		t.Fatalf("got %d %v", status, made)
	}
	h.refused(t, "POST", path, h.keys.ServiceRole, in, 400, "conflict")
	if status, out := h.ask(t, "POST", "/token?grant_type=id_token", "", h.idToken(t, "jane").with("provider", "custom:acme")); status != 200 {
		t.Errorf("a token of it: got %d %v", status, out)
	}
	status, out := h.ask(t, "PUT", path+"/custom:acme", h.keys.ServiceRole, waysMembers{"enabled": false, "name": nil})
	if status != 200 || out["enabled"] != false || out["name"] != "Acme" {
		t.Errorf("changed: got %d %v", status, out)
	}
	h.refused(t, "POST", "/token?grant_type=id_token", "", h.idToken(t, "jane").with("provider", "custom:acme"), 400, "provider_disabled")
	status, out = h.ask(t, "GET", path+"?type=oidc", h.keys.ServiceRole, nil)
	if all, _ := out["providers"].([]any); status != 200 || len(all) != 1 {
		t.Errorf("listed: got %d %v", status, out)
	}
	if status, out := h.ask(t, "GET", path+"?type=oauth2", h.keys.ServiceRole, nil); status != 200 || fmt.Sprint(out) != "map[providers:[]]" {
		t.Errorf("of the other kind: got %d %v", status, out)
	}
	h.refused(t, "GET", path+"?type=saml", h.keys.ServiceRole, nil, 400, "validation_failed")
	if status, out := h.ask(t, "GET", path+"/custom%3Aacme", h.keys.ServiceRole, nil); status != 200 || out["id"] != made["id"] {
		t.Errorf("read: got %d %v", status, out)
	}
	if status, _ := h.ask(t, "DELETE", path+"/custom:acme", h.keys.ServiceRole, nil); status != 204 {
		t.Errorf("deleted: got %d", status)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		h.refused(t, method, path+"/custom:acme", h.keys.ServiceRole, waysMembers{}, 404, "custom_provider_not_found")
		h.refused(t, method, path+"/acme", h.keys.ServiceRole, waysMembers{}, 400, "validation_failed")
	}
}

func TestWaysCaptcha(t *testing.T) {
	h := waysBuild(t, func(*supabase.Parts, *auth.Config) {})
	jane := waysMembers{"email": "jane@example.com", "password": "verdigris under brass", "type": "signup"}
	solved := waysMembers{"captcha_token": "solved"}
	for _, path := range []string{
		"/signup", "/otp", "/magiclink", "/recover", "/resend", "/token?grant_type=password", "/token?grant_type=web3",
	} {
		h.refused(t, "POST", path, h.keys.Anon, jane, 400, "captcha_failed")
		h.refused(t, "POST", path, h.keys.Anon, jane.with("gotrue_meta_security", waysMembers{"captcha_token": "x"}), 400, "captcha_failed")
		for name, tt := range map[string]struct {
			bearer string
			in     waysMembers
		}{"solved": {h.keys.Anon, jane.with("gotrue_meta_security", solved)}, "by an administrator": {h.keys.ServiceRole, jane}} {
			if _, out := h.ask(t, "POST", path, tt.bearer, tt.in); out["code"] == "captcha_failed" {
				t.Errorf("%s, %s: got %v", path, name, out)
			}
		}
	}
	if status, out := h.ask(t, "POST", "/token?grant_type=id_token", "", h.idToken(t, "joe")); status != 200 {
		t.Errorf("by ID token: got %d %v", status, out)
	}
	h.refused(t, "POST", "/token?grant_type=refresh_token", "", waysMembers{"refresh_token": "x"}, 400, "validation_failed")
	h.refused(t, "POST", "/token?grant_type=pkce", "", waysMembers{}, 400, "validation_failed")
}

func TestWaysThatAreOff(t *testing.T) {
	h := waysBuild(t)
	_, out := h.ask(t, "POST", "/token?grant_type=id_token", "", h.idToken(t, "jane"))
	access, _ := out["access_token"].(string)
	_, out = h.ask(t, "POST", "/signup", "", waysMembers{})
	anonymous, _ := out["access_token"].(string)
	for _, kind := range []string{"totp", "phone", "webauthn"} {
		h.refused(t, "POST", "/factors", access, waysMembers{"factor_type": kind}, 422, "mfa_"+kind+"_enroll_not_enabled")
	}
	h.refused(t, "POST", "/factors", access, waysMembers{"factor_type": "x"}, 400, "validation_failed")
	h.refused(t, "POST", "/factors", "", waysMembers{"factor_type": "totp"}, 401, "no_authorization")
	h.refused(t, "POST", "/factors", anonymous, waysMembers{"factor_type": "totp"}, 403, "no_authorization")
	for _, one := range []string{"POST /factors/x/challenge", "POST /factors/x/verify", "DELETE /factors/x"} {
		method, path, _ := strings.Cut(one, " ")
		h.refused(t, method, path, access, nil, 404, "mfa_factor_not_found")
		h.refused(t, method, path, anonymous, nil, 403, "no_authorization")
	}
	for _, one := range []string{
		"GET /passkeys", "PATCH /passkeys/x", "DELETE /passkeys/x", "POST /passkeys/registration/options", "POST /passkeys/registration/verify",
		"POST /passkeys/authentication/options", "POST /passkeys/authentication/verify",
	} {
		method, path, _ := strings.Cut(one, " ")
		h.refused(t, method, path, "", nil, 404, "passkey_disabled")
	}
	for _, one := range []string{
		"POST /sso", "GET /sso/saml/metadata", "POST /sso/saml/acs", "GET /admin/sso/providers", "POST /admin/sso/providers",
		"GET /admin/sso/providers/x", "PUT /admin/sso/providers/x", "DELETE /admin/sso/providers/x",
	} {
		method, path, _ := strings.Cut(one, " ")
		h.refused(t, method, path, h.keys.ServiceRole, nil, 404, "saml_provider_disabled")
	}
	h.refused(t, "GET", "/admin/sso/providers", h.keys.Anon, nil, 403, "not_admin")
}

func TestWaysSettings(t *testing.T) {
	h := waysBuild(t)
	_, out := h.ask(t, "GET", "/settings", "", nil)
	external, _ := out["external"].(map[string]any)
	if _, custom := external["custom:x"]; external["google"] != true || external["apple"] != false || custom {
		t.Errorf("got %v", external)
	}
}
