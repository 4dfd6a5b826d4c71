package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func TestTheAnswerOfTheDeviceEndpoint(t *testing.T) {
	h := build(t)
	tv, err := h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
		Name: "Television", AuthMethod: headykey.AuthNone, Grants: []string{deviceGrant},
	})
	check(t, err)
	public := "client_id=" + string(tv.Record.ID)
	post := func(path, body string) (int, map[string]any) {
		r := httptest.NewRequest("POST", "/auth/v1"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", formType)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, object(t, w)
	}
	code, got := post("/oauth/device", public+"&scope=openid")
	user, _ := got["user_code"].(string)
	want := map[string]any{
		"device_code": got["device_code"], "user_code": user, "expires_in": 610.0, "interval": 5.0,
		"verification_uri": base + "/device", "verification_uri_complete": base + "/device?user_code=" + url.QueryEscape(user),
	}
	if _, ok := oauth.FoldUserCode(user); code != http.StatusOK || !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d %v", code, got)
	}
	asks := "grant_type=" + url.QueryEscape(deviceGrant) + "&" + public + "&device_code="
	tests := []struct {
		name, path, body string
		status           int
		word             string
	}{
		{"not answered", "/token", asks + got["device_code"].(string), 400, "authorization_pending"},
		{"too soon", "/token", asks + got["device_code"].(string), 400, "slow_down"},
		{"no such code", "/token", asks + "x", 400, "invalid_grant"},
		{"no code", "/token", asks, 400, "invalid_request"},
		{"a scope too many", "/oauth/device", public + "&scope=admin", 400, "invalid_scope"},
		{"another resource", "/oauth/device", public + "&resource=https://x.example", 400, "invalid_target"},
		{"no client", "/oauth/device", "scope=openid", 401, "invalid_client"},
		{"a client without the grant", "/oauth/device", "client_id=" + string(h.client.Record.ID), 401, "invalid_client"},
		{"in the query", "/oauth/device?" + public, "", 400, "invalid_request"},
	}
	for _, tt := range tests {
		code, got := post(tt.path, tt.body)
		if code != tt.status || got["error"] != tt.word {
			t.Errorf("%s: got %d %v", tt.name, code, got)
		}
	}
}
