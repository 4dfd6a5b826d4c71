package oidc

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// registering is the house with registration open to who.
func registering(t *testing.T, who string) *house {
	t.Helper()
	h := build(t)
	h.oauth.Registration.Who = who
	limiter := web.NewLimiter()
	t.Cleanup(limiter.Close)
	rt := web.NewRouter(nil, nil)
	check(t, Mount(rt, Parts{OAuth: h.oauth, Limiter: limiter, BaseURL: base, Authorize: http.NotFoundHandler()}))
	h.Handler = rt
	return h
}

// call sends JSON (or nothing) with a bearer token (or none).
func (h *house) call(method, path, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	registerAt = "/auth/v1/oauth/register"
	simple     = `{"redirect_uris":["https://a.example/cb"],"client_name":"Robot","logo_uri":"https://a.example/l.png"}`
)

func TestTheLifeOfARegistration(t *testing.T) {
	h := registering(t, oauth.RegistrationOpen)
	w := h.call("POST", registerAt, "", simple)
	made := object(t, w)
	id, token := made["client_id"].(string), made["registration_access_token"].(string)
	want := map[string]any{
		"client_id": id, "client_secret": made["client_secret"], "client_secret_expires_at": 0.0, "client_id_issued_at": made["client_id_issued_at"],
		"registration_client_uri": base + registerAt + "/" + id, "registration_access_token": token,
		"client_name": "Robot", "token_endpoint_auth_method": "client_secret_basic", "grant_types": []any{"authorization_code"},
		"response_types": []any{"code"}, "redirect_uris": []any{"https://a.example/cb"}, "scope": "openid profile email offline_access",
		"logo_uri": "https://a.example/l.png",
	}
	if got := told(made); w.Code != http.StatusCreated || !reflect.DeepEqual(got, want) || len(made["client_secret"].(string)) != 68 {
		t.Errorf("got %d %v\nwant %v", w.Code, got, want)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") == "public" {
		t.Errorf("headers %v", w.Header())
	}
	at := registerAt + "/" + id
	delete(want, "client_secret") // its hash alone is kept
	if w = h.call("GET", at, token, ""); w.Code != http.StatusOK || !reflect.DeepEqual(told(object(t, w)), want) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	want["client_name"] = "Golem"
	delete(want, "logo_uri")
	w = h.call("PUT", at, token, `{"client_id":"`+id+`","redirect_uris":["https://a.example/cb"],"client_name":"Golem"}`)
	if w.Code != http.StatusOK || !reflect.DeepEqual(told(object(t, w)), want) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w = h.call("DELETE", at, token, ""); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w = h.call("GET", at, token, ""); w.Code != http.StatusUnauthorized {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// told leaves out the members that say no.
func told(all map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range all {
		if value != false {
			out[name] = value
		}
	}
	return out
}

func TestRefusalsOfRegistration(t *testing.T) {
	h := registering(t, oauth.RegistrationOpen)
	made := object(t, h.call("POST", registerAt, "", simple))
	at, token := registerAt+"/"+made["client_id"].(string), made["registration_access_token"].(string)
	tests := []struct {
		name, method, path, token, body string
		status                          int
		word                            string
	}{
		{"a bad redirect URI", "POST", registerAt, "", `{"redirect_uris":["https://a.example/#x"]}`, 400, "invalid_redirect_uri"},
		{"no redirect URI", "POST", registerAt, "", `{}`, 400, "invalid_redirect_uri"},
		{"a bad member", "POST", registerAt, "", `{"redirect_uris":["https://a.example/"],"tos_uri":"http://a.example"}`, 400, "invalid_client_metadata"},
		{"a wrong type", "POST", registerAt, "", `{"redirect_uris":["https://a.example/"],"contacts":1}`, 400, "invalid_client_metadata"},
		{"a list", "POST", registerAt, "", `[]`, 400, "invalid_client_metadata"},
		{"no JSON", "POST", registerAt, "", `{`, 400, "invalid_client_metadata"},
		{"nothing", "POST", registerAt, "", ``, 400, "invalid_client_metadata"},
		{"a broken statement", "POST", registerAt, "", `{"redirect_uris":["https://a.example/"],"software_statement":"x"}`, 400, "invalid_software_statement"},
		{"a stranger's statement", "POST", registerAt, "", `{"redirect_uris":["https://a.example/"],"software_statement":"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA"}`, 400, "unapproved_software_statement"},
		{"much", "POST", registerAt, "", `{"client_name":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "invalid_request"},
		{"no token", "GET", at, "", "", 401, "invalid_token"},
		{"a wrong token", "GET", at, "x", "", 401, "invalid_token"},
		{"the token of nobody", "GET", registerAt + "/x", token, "", 401, "invalid_token"},
		{"a replacement without id", "PUT", at, token, simple, 400, "invalid_client_metadata"},
		{"a replacement by nobody", "PUT", at, "", simple, 401, "invalid_token"},
		{"a deletion by nobody", "DELETE", at, "x", "", 401, "invalid_token"},
	}
	for _, tt := range tests {
		w := h.call(tt.method, tt.path, tt.token, tt.body)
		got := object(t, w)
		if w.Code != tt.status || got["error"] != tt.word || got["error_description"] == "" || len(got) != 2 {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.word)
		}
		if (tt.status == 401) != strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Bearer realm="`) {
			t.Errorf("%s: WWW-Authenticate %q", tt.name, w.Header().Get("WWW-Authenticate"))
		}
	}
}

func TestRegistrationByToken(t *testing.T) {
	h := registering(t, oauth.RegistrationToken)
	for _, token := range []string{"", "x"} {
		if w := h.call("POST", registerAt, token, simple); w.Code != http.StatusUnauthorized {
			t.Errorf("%q: got %d %s", token, w.Code, w.Body)
		}
	}
	good, err := h.oauth.MakeInitialToken(t.Context(), headykey.System, 0, false)
	check(t, err)
	for range 2 {
		if w := h.call("POST", registerAt, good.Token, simple); w.Code != http.StatusCreated {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
}

func TestRegistrationIsToldOfWhereItIs(t *testing.T) {
	for who, there := range map[string]bool{oauth.RegistrationOpen: true, oauth.RegistrationToken: true, oauth.RegistrationOff: false, "": false} {
		h := registering(t, who)
		doc := object(t, h.call("GET", metadataAt[0], "", ""))
		if _, told := doc["registration_endpoint"]; told != there {
			t.Errorf("%q: told %v", who, told)
		}
		if w := h.call("POST", registerAt, "", simple); (w.Code == http.StatusNotFound) == there {
			t.Errorf("%q: got %d", who, w.Code)
		}
		if doc[""] != nil {
			t.Errorf("%q: a member without a name", who)
		}
	}
}

func TestAnAddressRegistersNotForEver(t *testing.T) {
	h := registering(t, oauth.RegistrationOpen)
	for i := range 987 { // the budget comes back while they are sent, but not so fast
		w := h.call("POST", registerAt, "", `{}`)
		if w.Code == http.StatusTooManyRequests {
			if i < 89 || w.Header().Get("Retry-After") == "" {
				t.Errorf("the %dth is refused, with %v", i+1, w.Header())
			}
			return
		}
	}
	t.Error("there is no end")
}
