package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/server"
)

const (
	aliasSite     = "https://app.example"
	aliasCallback = "https://client.example/cb"
	aliasVerifier = "a-verifier-of-forty-three-characters-or-more"
	aliasForm     = "Content-Type: application/x-www-form-urlencoded"
	aliasVersion  = "X-Supabase-Api-Version: 2024-01-01"
)

// An aliasHouse is a server with the keys of its project, and one person.
type aliasHouse struct {
	*running
	anon, service string // headers
	session       string // header
	user, email   string
}

func aliasBuild(t *testing.T, changes ...func(*server.Config)) *aliasHouse {
	t.Helper()
	c := settings(t.TempDir())
	c.SignUp, c.RateLimit, c.Registration = true, false, server.RegistrationOpen
	c.Supabase = server.Supabase{DemandKey: true, Passwords: true, SiteURL: aliasSite, ConsentPath: "/oauth/consent"}
	for _, change := range changes {
		change(c)
	}
	h := &aliasHouse{running: run(t, c, slog.New(slog.DiscardHandler)), email: "ada@example.com"}
	keys, err := h.Core.Auth.ProjectKeys(headykey.System)
	check(t, err)
	h.anon, h.service = "apikey: "+keys.Publishable, "Authorization: Bearer "+keys.ServiceRole
	h.user, h.session = h.person(t, h.email)
	return h
}

// person signs up and returns who it is, and the header of its session.
func (h *aliasHouse) person(t *testing.T, email string) (user, session string) {
	t.Helper()
	a := h.call(t, "POST", "/signup", `{"email":"`+email+`","password":"`+password+`"}`, h.anon).want(t, 200, "")
	one, _ := a.body["user"].(map[string]any)
	user, _ = one["id"].(string)
	return user, "Authorization: Bearer " + a.text("access_token")
}

// An aliasAnswer is one to a request below /auth/v1.
type aliasAnswer struct {
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

// call sends one request; no redirect is followed. Several headers of a name are sent
// as they are.
func (h *aliasHouse) call(t *testing.T, method, path, body string, headers ...string) aliasAnswer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.Base+"/auth/v1"+path, strings.NewReader(body))
	check(t, err)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	if body != "" && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	check(t, err)
	defer func() { _ = answer.Body.Close() }()
	out := aliasAnswer{status: answer.StatusCode, header: answer.Header}
	out.raw, err = io.ReadAll(answer.Body)
	check(t, err)
	_ = json.Unmarshal(out.raw, &out.body)
	return out
}

func (a aliasAnswer) text(member string) string {
	text, _ := a.body[member].(string)
	return text
}

// want checks the status, and the code of a failure in the API's spelling.
func (a aliasAnswer) want(t *testing.T, status int, code string) aliasAnswer {
	t.Helper()
	if a.status != status || a.header.Get("X-Sb-Error-Code") != code {
		t.Errorf("got %d %q %s, want %d %q", a.status, a.header.Get("X-Sb-Error-Code"), a.raw, status, code)
	}
	return a
}

// of says whose answer it is, and which.
func (a aliasAnswer) of() string {
	switch code := a.header.Get("X-Sb-Error-Code"); {
	case code != "":
		return "app " + code
	case strings.HasPrefix(a.text("message"), "No API key"):
		return "gateway"
	case a.text("error") != "":
		return "oauth " + a.text("error")
	case strings.HasPrefix(a.header.Get("Content-Type"), "text/html"):
		return "oauth page"
	case a.text("aud") == "authenticated":
		return "app user"
	case a.text("sub") != "":
		return "oauth claims"
	}
	return string(a.raw)
}

// client registers a client at the administrator's door.
func (h *aliasHouse) client(t *testing.T, members string) aliasAnswer {
	t.Helper()
	return h.call(t, "POST", "/admin/oauth/clients", `{"redirect_uris":["`+aliasCallback+`"],"client_name":"Notes"`+members+`}`,
		h.anon, h.service).want(t, 201, "")
}

// asks is the query by which a client begins.
func aliasAsks(client, more string) string {
	sum := sha256.Sum256([]byte(aliasVerifier))
	return "?client_id=" + client + "&response_type=code&redirect_uri=" + url.QueryEscape(aliasCallback) +
		"&scope=openid+email&state=s1&code_challenge_method=S256&code_challenge=" + base64.RawURLEncoding.EncodeToString(sum[:]) + more
}

// begin sends a browser to the app's page and returns the id that it brings.
func (h *aliasHouse) begin(t *testing.T, client, more string) string {
	t.Helper()
	a := h.call(t, "GET", "/oauth/authorize"+aliasAsks(client, more), "").want(t, 302, "")
	page, id, ok := strings.Cut(a.header.Get("Location"), "?authorization_id=")
	if !ok || page != aliasSite+"/oauth/consent" || len(id) < 32 {
		t.Fatalf("sent to %s", a.header.Get("Location"))
	}
	return id
}

// approve lets the person allow client, and returns the code.
func (h *aliasHouse) approve(t *testing.T, client string) string {
	t.Helper()
	id := h.begin(t, client, "")
	h.call(t, "GET", "/oauth/authorizations/"+id, "", h.anon, h.session).want(t, 200, "")
	a := h.call(t, "POST", "/oauth/authorizations/"+id+"/consent", `{"action":"approve"}`, h.anon, h.session).want(t, 200, "")
	to, err := url.Parse(a.text("redirect_url"))
	check(t, err)
	if !strings.HasPrefix(to.String(), aliasCallback+"?") || to.Query().Get("state") != "s1" {
		t.Errorf("sent to %s", to)
	}
	return to.Query().Get("code")
}

// access is a token that the person allows a new public client.
func (h *aliasHouse) access(t *testing.T) (client, header string) {
	t.Helper()
	client = h.client(t, `,"token_endpoint_auth_method":"none"`).text("client_id")
	a := h.call(t, "POST", "/oauth/token", `{"grant_type":"authorization_code","client_id":"`+client+`","code":"`+h.approve(t, client)+
		`","redirect_uri":"`+aliasCallback+`","code_verifier":"`+aliasVerifier+`","resource":null}`).want(t, 200, "")
	if a.text("refresh_token") == "" || a.text("id_token") == "" || a.text("scope") != "openid email" {
		t.Errorf("got %s", a.raw)
	}
	return client, "Authorization: Bearer " + a.text("access_token")
}

// Each request to an address that two documents describe has one meaning, whatever
// stands beside what gives it; one that could have both is refused by both.
func TestEachRequestToASharedAddressHasOneMeaning(t *testing.T) {
	h := aliasBuild(t)
	_, access := h.access(t)
	const info = "X-Client-Info: supabase-js/2"
	anonBearer := strings.Replace(h.anon, "apikey: ", "Authorization: Bearer ", 1)
	dpop := strings.Replace(access, "Bearer", "DPoP", 1)
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		of                       string
	}{
		{"a provider", "GET", "/authorize?provider=google&redirect_to=x", "", nil, 400, "app validation_failed"},
		{"a provider without a name", "GET", "/authorize?provider=", "", nil, 400, "app validation_failed"},
		{"a client", "GET", "/authorize?client_id=x&response_type=code", "", nil, 400, "oauth page"},
		{"neither", "GET", "/authorize", "", nil, 400, "oauth page"},
		{"a provider and a client", "GET", "/authorize?provider=google&client_id=x", "", nil, 400, "app validation_failed"},
		{"a provider and a response type", "GET", "/authorize?response_type=code&provider=google", "", nil, 400, "app validation_failed"},
		{"a provider and a pushed request", "GET", "/authorize?provider=google&request_uri=urn:x", "", nil, 400, "app validation_failed"},
		{"a provider and a request object", "GET", "/authorize?provider=google&request=x", "", nil, 400, "app validation_failed"},
		{"a provider and half a parameter", "GET", "/authorize?provider=google&client_id=%zz", "", nil, 400, "app validation_failed"},
		{"a provider in a form's address", "POST", "/authorize?provider=google", "client_id=x", []string{aliasForm}, 400, "app validation_failed"},

		{"JSON by the query", "POST", "/token?grant_type=password", `{"email":"x@example.com","password":"x"}`, []string{h.anon}, 400, "app invalid_credentials"},
		{"JSON by the query, no key", "POST", "/token?grant_type=password", `{}`, nil, 401, "gateway"},
		{"a form", "POST", "/token", "grant_type=authorization_code&client_id=x", []string{aliasForm}, 401, "oauth invalid_client"},
		{"a form and a key", "POST", "/token", "grant_type=password", []string{aliasForm, h.anon, info}, 401, "oauth invalid_client"},
		{"a form by the query", "POST", "/token?grant_type=password", "grant_type=password", []string{aliasForm, h.anon}, 400, "oauth unsupported_grant_type"},
		{"a form in other letters by the query", "POST", "/token?grant_type=password", "x=y", []string{aliasForm + "; charset=latin1", h.anon}, 400, "oauth unsupported_grant_type"},
		{"two types by the query", "POST", "/token?grant_type=password", "{}", []string{"Content-Type: application/json", aliasForm, h.anon}, 400, "oauth unsupported_grant_type"},
		{"JSON alone", "POST", "/token", `{"grant_type":"password"}`, []string{h.anon, info}, 400, "oauth invalid_request"},

		{"a session", "GET", "/user", "", []string{h.session, h.anon}, 200, "app user"},
		{"a session, no key", "GET", "/user", "", []string{h.session}, 401, "gateway"},
		{"a client's token", "GET", "/user", "", []string{access}, 200, "oauth claims"},
		{"a client's token and a key", "GET", "/user?apikey=x", "", []string{access, h.anon, info, aliasVersion}, 200, "oauth claims"},
		{"a client's token, posted", "POST", "/user", "", []string{access}, 200, "oauth claims"},
		{"a client's token by another scheme", "GET", "/user", "", []string{dpop, h.anon}, 401, "oauth invalid_dpop_proof"},
		{"nothing", "GET", "/user", "", nil, 401, "oauth invalid_token"},
		{"a key alone", "GET", "/user", "", []string{h.anon}, 401, "app no_authorization"},
		{"a key in the query", "GET", "/user?" + strings.Replace(h.anon, ": ", "=", 1), "", nil, 401, "app no_authorization"},
		{"the mark of a library", "GET", "/user", "", []string{info}, 401, "gateway"},
		{"a version", "GET", "/user", "", []string{aliasVersion}, 401, "gateway"},
		{"a key as the token", "GET", "/user", "", []string{h.anon, anonBearer}, 403, "app bad_jwt"},
		{"no token at all", "GET", "/user", "", []string{"Authorization: Bearer x"}, 401, "oauth invalid_token"},
		{"no token at all, and a key", "GET", "/user", "", []string{"Authorization: Bearer x", h.anon}, 403, "app bad_jwt"},
		{"two tokens", "GET", "/user", "", []string{h.session, access, h.anon}, 400, "oauth invalid_request"},
		{"a session, posted", "POST", "/user", "", []string{h.session, h.anon}, 401, "oauth invalid_token"},
		{"a client's token changes the user", "PUT", "/user", `{"data":{}}`, []string{access, h.anon}, 403, "app bad_jwt"},

		{"userinfo of a session", "GET", "/oauth/userinfo", "", []string{h.session, h.anon}, 200, "oauth claims"},
		{"userinfo of a session, no key", "GET", "/oauth/userinfo", "", []string{h.session}, 401, "gateway"},
		{"userinfo of a client's token", "GET", "/oauth/userinfo", "", []string{access, h.anon}, 200, "oauth claims"},
		{"userinfo of nobody", "GET", "/oauth/userinfo", "", []string{h.anon}, 401, "oauth invalid_token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := h.call(t, tt.method, tt.path, tt.body, tt.headers...)
			if a.status != tt.status || a.of() != tt.of {
				t.Errorf("got %d %s (%s), want %d %s", a.status, a.of(), a.raw, tt.status, tt.of)
			}
		})
	}
	if a := h.call(t, "GET", "/oauth/userinfo", "", h.session, h.anon); string(a.raw) != `{"sub":"`+h.user+`"}` {
		t.Errorf("a session tells %s", a.raw)
	}
	if a := h.call(t, "GET", "/oauth/userinfo", "", access); a.text("email") != h.email || a.text("sub") == "" {
		t.Errorf("a client's token tells %s", a.raw)
	}
}

// Where no key is demanded, what is an app's is so without one.
func TestTheKeyDoesNotDecideWhoseARequestIs(t *testing.T) {
	h := aliasBuild(t, func(c *server.Config) { c.Supabase.DemandKey = false })
	for _, tt := range []struct {
		headers []string
		status  int
		of      string
	}{
		{[]string{h.session}, 200, "app user"},
		{[]string{"X-Client-Info: x"}, 401, "app no_authorization"},
		{nil, 401, "oauth invalid_token"},
	} {
		if a := h.call(t, "GET", "/user", "", tt.headers...); a.status != tt.status || a.of() != tt.of {
			t.Errorf("%v: got %d %s", tt.headers, a.status, a.of())
		}
	}
}

// A provider sends the browser back with a state that nobody knows.
func TestABrowserFromNowhereGoesToTheSite(t *testing.T) {
	h := aliasBuild(t)
	for _, tt := range []struct{ method, path, body, code string }{
		{"GET", "/callback?state=x&code=y", "", "bad_oauth_state"},
		{"POST", "/callback", "state=x&code=y", "bad_oauth_state"},
		{"GET", "/callback", "", "bad_oauth_callback"},
		{"POST", "/callback", "code=y", "bad_oauth_callback"},
	} {
		a := h.call(t, tt.method, tt.path, tt.body, aliasForm, "Origin: https://stranger.example")
		to, err := url.Parse(a.header.Get("Location"))
		check(t, err)
		fragment, err := url.ParseQuery(to.Fragment)
		check(t, err)
		for _, in := range []url.Values{to.Query(), fragment} {
			if a.status != 303 || to.Host != "app.example" || in.Get("error") != "invalid_request" || in.Get("error_code") != tt.code || in.Get("error_description") == "" {
				t.Errorf("%s %s: got %d %s", tt.method, tt.path, a.status, to)
			}
		}
		if !fragment.Has("sb") {
			t.Errorf("the fragment %s has no mark", to.Fragment)
		}
	}
}

func TestDocumentsTellAppsWhatTheyLookFor(t *testing.T) {
	h := aliasBuild(t)
	set := h.call(t, "GET", "/.well-known/jwks.json", "").want(t, 200, "")
	keys, _ := set.body["keys"].([]any)
	for _, one := range keys {
		key, _ := one.(map[string]any)
		if ops, _ := key["key_ops"].([]any); len(ops) != 1 || ops[0] != "verify" || key["use"] != "sig" || key["kid"] == "" || key["d"] != nil {
			t.Errorf("got %v", key)
		}
	}
	etag := set.header.Get("ETag")
	if len(keys) == 0 || set.header.Get("Cache-Control") != "public, max-age=600" || etag == "" {
		t.Errorf("got %v %s", set.header, set.raw)
	}
	if again := h.call(t, "GET", "/.well-known/jwks.json", "", "If-None-Match: "+etag); again.status != http.StatusNotModified || again.header.Get("Cache-Control") != "public, max-age=600" {
		t.Errorf("again: %d %v", again.status, again.header)
	}
	known, err := h.Core.Auth.ProjectKeys(headykey.System)
	check(t, err)
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		doc := h.call(t, "GET", path, "").want(t, 200, "")
		for member, want := range map[string]string{
			"supabase_anon_key": known.Anon, "supabase_publishable_key": known.Publishable, "issuer": h.Base + "/auth/v1",
			"authorization_endpoint": h.Base + "/auth/v1/authorize", "token_endpoint": h.Base + "/auth/v1/token",
			"userinfo_endpoint": h.Base + "/auth/v1/user", "registration_endpoint": h.Base + "/auth/v1/oauth/register",
		} {
			if doc.text(member) != want {
				t.Errorf("%s: %s is %q, want %q", path, member, doc.text(member), want)
			}
		}
		if bytes.Contains(doc.raw, []byte(known.ServiceRole)) || bytes.Contains(doc.raw, []byte(known.Secret)) {
			t.Errorf("%s tells a secret", path)
		}
	}
}
