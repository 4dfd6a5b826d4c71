package oidc

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
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

// asker makes the house's client one that asks people elsewhere, and ada somebody to
// ask.
func (h *house) asker(t *testing.T) {
	t.Helper()
	var err error
	h.client, err = h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
		Name: "Bank", Grants: []string{"urn:openid:params:grant-type:ciba"},
	})
	check(t, err)
	ada := headykey.User{ID: headykey.NewID(), Email: "ada@example.com", Role: headykey.RoleUser, Type: headykey.Human}
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		ada.Created = tx.Now
		return tx.InsertUser(&ada, ada.Email, "")
	}))
}

func TestTheAnswerOfTheBackchannelEndpoint(t *testing.T) {
	h := build(t)
	const asks = "scope=openid&login_hint=ada@example.com"
	if w := h.post("/auth/v1/oauth/bc-authorize", asks); w.Code != 400 || object(t, w)["error"] != "unauthorized_client" {
		t.Errorf("a client without the grant: %d %s", w.Code, w.Body)
	}
	h.asker(t)
	w := h.post("/auth/v1/oauth/bc-authorize", asks+"&requested_expiry=30")
	got := object(t, w)
	id, _ := got["auth_req_id"].(string)
	want := map[string]any{"auth_req_id": id, "expires_in": 30.0, "interval": 5.0}
	if w.Code != http.StatusOK || len(id) < 43 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d %v", w.Code, got)
	}
	const grant = "grant_type=urn:openid:params:grant-type:ciba&auth_req_id="
	tests := []struct {
		name, path, body string
		headers          []string
		status           int
		word             string
	}{
		{"not answered", "/token", grant + id, nil, 400, "authorization_pending"},
		{"too soon", "/token", grant + id, nil, 400, "slow_down"},
		{"no such question", "/token", grant + "x", nil, 400, "invalid_grant"},
		{"a wrong secret", "/oauth/bc-authorize", asks, []string{"Authorization", "Basic eDp5"}, 401, "invalid_client"},
		{"nobody", "/oauth/bc-authorize", "scope=openid&login_hint=eve@example.com", nil, 400, "unknown_user_id"},
		{"two hints", "/oauth/bc-authorize", asks + "&id_token_hint=x", nil, 400, "invalid_request"},
		{"no hint", "/oauth/bc-authorize", "scope=openid", nil, 400, "invalid_request"},
		{"no openid", "/oauth/bc-authorize", "login_hint=ada@example.com", nil, 400, "invalid_scope"},
		{"a message of two lines", "/oauth/bc-authorize", asks + "&binding_message=a%0Ab", nil, 400, "invalid_binding_message"},
		{"a hint twice", "/oauth/bc-authorize", asks + "&login_hint=x", nil, 400, "invalid_request"},
		{"an unsigned request object", "/oauth/bc-authorize", "request=eyJhbGciOiJub25lIn0.e30.", nil, 400, "invalid_request"},
	}
	for _, tt := range tests {
		w := h.post("/auth/v1"+tt.path, tt.body, tt.headers...)
		if got := object(t, w); w.Code != tt.status || got["error"] != tt.word {
			t.Errorf("%s: got %d %v", tt.name, w.Code, got)
		}
	}
}

func TestTheMetadataTellsOfQuestions(t *testing.T) {
	text, err := door{Parts: Parts{OAuth: build(t).oauth}}.metadata()
	check(t, err)
	var got map[string]any
	check(t, json.Unmarshal(text, &got))
	for member, want := range map[string]any{
		"device_authorization_endpoint":                                   base + "/auth/v1/oauth/device",
		"backchannel_authentication_endpoint":                             base + "/auth/v1/oauth/bc-authorize",
		"backchannel_token_delivery_modes_supported":                      []any{"poll", "ping"},
		"backchannel_authentication_request_signing_alg_values_supported": []any{"ES256", "PS256", "EdDSA", "Ed25519"},
		"backchannel_user_code_parameter_supported":                       false,
	} {
		if !reflect.DeepEqual(got[member], want) {
			t.Errorf("%s: got %v, want %v", member, got[member], want)
		}
	}
}
