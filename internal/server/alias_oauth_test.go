package server_test

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey/internal/server"
)

const aliasNobody = "00000000-0000-4000-8000-000000000000"

func TestAnAppAsksForConsentOnItsOwnPage(t *testing.T) {
	h := aliasBuild(t)
	client := h.client(t, `,"token_endpoint_auth_method":"none","client_uri":"https://client.example","logo_uri":"https://client.example/l.png"`).text("client_id")
	id := h.begin(t, client, "")
	path := "/oauth/authorizations/" + id
	h.call(t, "POST", path+"/consent", `{"action":"approve"}`, h.anon, h.session).want(t, 404, "oauth_authorization_not_found")
	want := map[string]any{
		"authorization_id": id, "redirect_uri": aliasCallback, "scope": "openid email",
		"client": map[string]any{"id": client, "name": "Notes", "uri": "https://client.example", "logo_uri": "https://client.example/l.png"},
		"user":   map[string]any{"id": h.user, "email": h.email},
	}
	for range 2 {
		if a := h.call(t, "GET", path, "", h.anon, h.session, "Origin: "+aliasSite).want(t, 200, ""); !reflect.DeepEqual(a.body, want) {
			t.Errorf("got  %v\nwant %v", a.body, want)
		}
	}
	_, other := h.person(t, "eve@example.com")
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{"no key", "GET", path, "", []string{h.session}, 401, ""},
		{"nobody", "GET", path, "", []string{h.anon}, 401, "no_authorization"},
		{"the server of the app", "GET", path, "", []string{h.anon, h.service}, 403, "bad_jwt"},
		{"another person", "GET", path, "", []string{h.anon, other}, 404, "oauth_authorization_not_found"},
		{"another person answers", "POST", path + "/consent", `{"action":"approve"}`, []string{h.anon, other}, 404, "oauth_authorization_not_found"},
		{"no such request", "GET", "/oauth/authorizations/x", "", []string{h.anon, h.session}, 404, "oauth_authorization_not_found"},
		{"a page of strangers", "GET", path, "", []string{h.anon, h.session, "Origin: https://stranger.example"}, 400, "validation_failed"},
		{"a page of strangers answers", "POST", path + "/consent", `{"action":"approve"}`, []string{h.anon, h.session, "Origin: https://stranger.example"}, 400, "validation_failed"},
		{"a page of nowhere answers", "POST", path + "/consent", `{"action":"approve"}`, []string{h.anon, h.session, "Origin: null"}, 400, "validation_failed"},
		{"neither yes nor no", "POST", path + "/consent", `{"action":"perhaps"}`, []string{h.anon, h.session}, 400, "validation_failed"},
		{"nothing said", "POST", path + "/consent", "", []string{h.anon, h.session}, 400, "validation_failed"},
		{"no JSON", "POST", path + "/consent", "{", []string{h.anon, h.session}, 400, "bad_json"},
	} {
		t.Run(tt.name, func(t *testing.T) { h.call(t, tt.method, tt.path, tt.body, tt.headers...).want(t, tt.status, tt.code) })
	}
	a := h.call(t, "POST", path+"/consent", `{"action":"approve"}`, h.anon, h.session, "Origin: "+h.Base).want(t, 200, "")
	if to := a.text("redirect_url"); !strings.HasPrefix(to, aliasCallback+"?code=") {
		t.Errorf("sent to %s", to)
	}
	h.call(t, "GET", path, "", h.anon, h.session).want(t, 400, "validation_failed")
	h.call(t, "POST", path+"/consent", `{"action":"deny"}`, h.anon, h.session).want(t, 400, "validation_failed")

	a = h.call(t, "GET", "/oauth/authorizations/"+h.begin(t, client, ""), "", h.anon, h.session).want(t, 200, "")
	if to := a.text("redirect_url"); !strings.HasPrefix(to, aliasCallback+"?code=") || len(a.body) != 1 {
		t.Errorf("allowed before: %s", a.raw)
	}
	id = h.begin(t, client, "&prompt=consent")
	h.call(t, "GET", "/oauth/authorizations/"+id, "", h.anon, h.session).want(t, 200, "")
	a = h.call(t, "POST", "/oauth/authorizations/"+id+"/consent", `{"action":"deny"}`, h.anon, h.session).want(t, 200, "")
	if to := a.text("redirect_url"); !strings.Contains(to, "error=access_denied") || !strings.Contains(to, "state=s1") {
		t.Errorf("denied: sent to %s", to)
	}
	id = h.begin(t, client, "&prompt=login")
	h.call(t, "GET", "/oauth/authorizations/"+id, "", h.anon, h.session).want(t, 400, "reauthentication_needed")
}

// What is wrong with a request is told to its client, unless it is not known whose it
// is.
func TestAWrongRequestNeverReachesTheAppsPage(t *testing.T) {
	h := aliasBuild(t)
	client := h.client(t, "").text("client_id")
	for query, code := range map[string]string{
		"": "oauth_client_not_found", aliasAsks(aliasNobody, ""): "oauth_client_not_found", "?client_id=x": "oauth_client_not_found",
		"?client_id=" + client + "&redirect_uri=https://evil.example": "validation_failed", "?client_id=%zz": "validation_failed",
	} {
		a := h.call(t, "GET", "/oauth/authorize"+query, "").want(t, 400, code)
		if a.header.Get("Location") != "" {
			t.Errorf("%s: sent to %s", query, a.header.Get("Location"))
		}
	}
	for more, word := range map[string]string{
		"&response_type=x": "unsupported_response_type", "&prompt=none": "login_required", "&response_mode=form_post": "invalid_request",
		"&scope=unknown": "invalid_scope", "&code_challenge=": "invalid_request", "&code_challenge_method=plain": "invalid_request",
	} {
		in, err := url.ParseQuery(strings.TrimPrefix(aliasAsks(client, ""), "?"))
		check(t, err)
		name, value, _ := strings.Cut(strings.TrimPrefix(more, "&"), "=")
		in.Set(name, value)
		a := h.call(t, "GET", "/oauth/authorize?"+in.Encode(), "").want(t, 302, "")
		to := a.header.Get("Location")
		if !strings.HasPrefix(to, aliasCallback) || !strings.Contains(to, "error="+word) || !strings.Contains(to, "state=s1") {
			t.Errorf("%s: sent to %s", more, to)
		}
	}
}

// Without a page of the app's, the address is one more of ours.
func TestWithoutAPageOfTheAppsOursAsks(t *testing.T) {
	h := aliasBuild(t, func(c *server.Config) { c.Supabase.ConsentPath = "" })
	client := h.client(t, "").text("client_id")
	for _, path := range []string{"/authorize", "/oauth/authorize"} {
		a := h.call(t, "GET", path+aliasAsks(client, "&heady_bounced=1"), "")
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/sign-in?request=") {
			t.Errorf("%s: got %d, sent to %s", path, a.status, a.header.Get("Location"))
		}
	}
	for path, ok := range map[string]bool{"/oauth/consent": true, "/": true, "": true, "oauth": false, "//evil.example": false, "https://evil.example/": false, "/a?b=c": false, "/a#b": false} {
		c := settings(t.TempDir())
		c.Supabase.ConsentPath = path
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// The token endpoint of apps takes JSON, too; all else is as at the other address.
func TestTheTokenEndpointTakesFormsAndObjects(t *testing.T) {
	h := aliasBuild(t)
	c := h.client(t, `,"token_endpoint_auth_method":"client_secret_post"`)
	id, secret := c.text("client_id"), c.text("client_secret")
	code := h.approve(t, id)
	first := h.call(t, "POST", "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {id}, "client_secret": {secret}, "code": {code},
		"redirect_uri": {aliasCallback}, "code_verifier": {aliasVerifier},
	}.Encode(), aliasForm).want(t, 200, "")
	proof := `"client_id":"` + id + `","client_secret":"` + secret + `"`
	second := h.call(t, "POST", "/oauth/token", `{"grant_type":"refresh_token",`+proof+`,"refresh_token":"`+first.text("refresh_token")+`"}`).want(t, 200, "")
	if second.text("access_token") == "" || second.text("refresh_token") == first.text("refresh_token") {
		t.Errorf("got %s", second.raw)
	}
	for name, tt := range map[string]struct {
		path, body string
		headers    []string
		status     int
		word       string
	}{
		"a wrong secret":        {"", `{"grant_type":"refresh_token","client_id":"` + id + `","client_secret":"x"}`, nil, 400, "invalid_client"},
		"another method":        {"", "grant_type=refresh_token&client_id=" + id, []string{aliasForm}, 400, "invalid_client"},
		"no client":             {"", `{"grant_type":"refresh_token"}`, nil, 400, "invalid_client"},
		"an unknown grant":      {"", `{"grant_type":"password",` + proof + `}`, nil, 400, "unsupported_grant_type"},
		"no grant":              {"", `{` + proof + `}`, nil, 400, "invalid_request"},
		"a spent code":          {"", `{"grant_type":"authorization_code",` + proof + `,"code":"` + code + `"}`, nil, 400, "invalid_grant"},
		"a number":              {"", `{"grant_type":1,` + proof + `}`, nil, 400, "invalid_request"},
		"a list of codes":       {"", `{"grant_type":"authorization_code","code":["a"],` + proof + `}`, nil, 400, "invalid_request"},
		"a list of numbers":     {"", `{"grant_type":"refresh_token","resource":[1],` + proof + `}`, nil, 400, "invalid_request"},
		"a name twice":          {"", `{"grant_type":"refresh_token","grant_type":"x"}`, nil, 400, "invalid_request"},
		"no object":             {"", `[]`, nil, 400, "invalid_request"},
		"no JSON":               {"", `{`, nil, 400, "invalid_request"},
		"nothing":               {"", "", nil, 400, "invalid_request"},
		"text":                  {"", `{}`, []string{"Content-Type: text/plain"}, 400, "invalid_request"},
		"parameters in a query": {"?grant_type=refresh_token", `{` + proof + `}`, nil, 400, "unsupported_grant_type"},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.call(t, "POST", "/oauth/token"+tt.path, tt.body, tt.headers...)
			if a.status != tt.status || a.text("error") != tt.word || a.text("error_description") == "" {
				t.Errorf("got %d %s, want %d %s", a.status, a.raw, tt.status, tt.word)
			}
		})
	}
}

func TestAPersonSeesAndWithdrawsWhatTheyAllowed(t *testing.T) {
	h := aliasBuild(t)
	if a := h.call(t, "GET", "/user/oauth/grants", "", h.anon, h.session); string(a.raw) != "[]" {
		t.Errorf("nothing allowed: %s", a.raw)
	}
	client, access := h.access(t)
	list := h.call(t, "GET", "/user/oauth/grants", "", h.anon, h.session).want(t, 200, "")
	at := strings.Split(string(list.raw), `"granted_at":"`)
	if want := `[{"client":{"id":"` + client + `","name":"Notes"},"scopes":["openid","email"],`; len(at) != 2 || at[0] != want {
		t.Errorf("got %s, want %s", list.raw, want)
	}
	_, other := h.person(t, "eve@example.com")
	for _, tt := range []struct {
		name, method, query string
		headers             []string
		status              int
		code                string
	}{
		{"no key", "GET", "", []string{h.session}, 401, ""},
		{"nobody lists", "GET", "", []string{h.anon}, 401, "no_authorization"},
		{"a client lists", "GET", "", []string{h.anon, access}, 403, "bad_jwt"},
		{"nobody withdraws", "DELETE", "?client_id=" + client, []string{h.anon}, 401, "no_authorization"},
		{"another person", "DELETE", "?client_id=" + client, []string{h.anon, other}, 404, "oauth_consent_not_found"},
		{"no client", "DELETE", "", []string{h.anon, h.session}, 400, "validation_failed"},
		{"no id", "DELETE", "?client_id=x", []string{h.anon, h.session}, 400, "validation_failed"},
		{"another client", "DELETE", "?client_id=" + aliasNobody, []string{h.anon, h.session}, 404, "oauth_consent_not_found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.call(t, tt.method, "/user/oauth/grants"+tt.query, "", tt.headers...).want(t, tt.status, tt.code)
		})
	}
	if a := h.call(t, "DELETE", "/user/oauth/grants?client_id="+client, "", h.anon, h.session).want(t, 204, ""); len(a.raw) != 0 {
		t.Errorf("got %s", a.raw)
	}
	h.call(t, "DELETE", "/user/oauth/grants?client_id="+client, "", h.anon, h.session).want(t, 404, "oauth_consent_not_found")
	if a := h.call(t, "GET", "/user", "", access); a.status != 401 {
		t.Errorf("a token of what was withdrawn: %d %s", a.status, a.raw)
	}
	h.call(t, "GET", "/user", "", h.anon, h.session).want(t, 200, "")
}
