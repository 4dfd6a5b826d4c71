package heady_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
)

// reply is the object in an answer.
func reply(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return o
}

// told is the client in an answer, without the members that say no.
func told(t *testing.T, body []byte) map[string]any {
	t.Helper()
	out := map[string]any{}
	for name, value := range reply(t, body)["client"].(map[string]any) {
		if value != false && value != nil {
			out[name] = value
		}
	}
	return out
}

// What is said of a client in the words of RFC 7591 is kept, shown, changed member
// by member and taken away by null.
func TestAClientIsToldOfInOneLanguage(t *testing.T) {
	h := build(t)
	by := h.person(t, admin).bearer()
	w := h.ask("POST", "/api/admin/clients", `{"name":"Robot","redirect_uris":["https://a.example/cb"],"trusted":true,"profile":"oauth21",
		"logo_uri":"https://a.example/l.png","subject_type":"pairwise","default_max_age":55,"contacts":["a@a.example"]}`, by)
	if w.Code != http.StatusCreated {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	got := told(t, w.Body.Bytes())
	want := map[string]any{
		"client_id": got["client_id"], "created_at": got["created_at"], "name": "Robot", "token_endpoint_auth_method": "client_secret_basic",
		"profile": "oauth21", "origin": "operator", "trusted": true, "grant_types": []any{"authorization_code", "refresh_token"},
		"scopes":        []any{"openid", "profile", "email", "offline_access"},
		"redirect_uris": []any{"https://a.example/cb"}, "resources": []any{},
		"logo_uri": "https://a.example/l.png", "subject_type": "pairwise", "default_max_age": 55.0, "contacts": []any{"a@a.example"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	at := "/api/admin/clients/" + got["client_id"].(string)
	w = h.ask("PATCH", at, `{"logo_uri":null,"tos_uri":"https://a.example/t","profile":"oidc","token_endpoint_auth_method":"none","grant_types":["authorization_code"],"trusted":false}`, by)
	delete(want, "logo_uri")
	delete(want, "trusted")
	want["tos_uri"], want["profile"], want["token_endpoint_auth_method"] = "https://a.example/t", "oidc", "none"
	want["grant_types"] = []any{"authorization_code"}
	if got := told(t, w.Body.Bytes()); w.Code != http.StatusOK || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %d %v\nwant %v", w.Code, got, want)
	}
	if w = h.ask("GET", at, "", by); !reflect.DeepEqual(told(t, w.Body.Bytes()), want) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for member, body := range map[string]string{
		"logo_uri": `{"logo_uri":"http://a.example"}`, "contacts": `{"contacts":"x"}`, "profile": `{"profile":"loose"}`,
		"id_token_signed_response_alg": `{"id_token_signed_response_alg":"none"}`,
	} {
		w = h.ask("PATCH", at, body, by)
		fields, _ := reply(t, w.Body.Bytes())["fields"].([]any)
		if w.Code != http.StatusBadRequest || len(fields) != 1 || fields[0].(map[string]any)["name"] != member {
			t.Errorf("%s: got %d %s", body, w.Code, w.Body)
		}
	}
}

func TestAPublicClientIsShownWithoutASecret(t *testing.T) {
	h := build(t)
	w := h.ask("POST", "/api/admin/clients", `{"name":"App","redirect_uris":["com.example.app:/cb"],"token_endpoint_auth_method":"none"}`, h.person(t, admin).bearer())
	out := reply(t, w.Body.Bytes())
	if _, ok := out["client_secret"]; w.Code != http.StatusCreated || ok || len(out) != 1 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestConsentsAreSeenAndWithdrawn(t *testing.T) {
	h := build(t)
	jane := h.person(t, user)
	by := h.person(t, admin).bearer()
	var lines []any
	for _, ask := range [][2]string{{"/api/auth/consents", jane.bearer()}, {"/api/admin/users/" + string(jane.id) + "/consents", by}} {
		w := h.ask("GET", ask[0], "", ask[1])
		all := reply(t, w.Body.Bytes())["consents"].([]any)
		if w.Code != http.StatusOK || len(all) != 1 {
			t.Fatalf("%s: got %d %s", ask[0], w.Code, w.Body)
		}
		lines = append(lines, all[0])
	}
	line := lines[0].(map[string]any)
	want := map[string]any{
		"client_id": string(jane.client), "client_name": "a client", "client_uri": nil, "client_verified": false, "scopes": []any{"openid"},
		"resources": []any{}, "authorization_details": []any{}, "created_at": line["created_at"], "updated_at": line["created_at"], "expires_at": nil,
	}
	if !reflect.DeepEqual(line, want) || !reflect.DeepEqual(lines[0], lines[1]) {
		t.Errorf("got %v and %v, want %v", lines[0], lines[1], want)
	}
	at := "/api/auth/consents/" + string(jane.client)
	w := h.ask("DELETE", at, "", jane.bearer())
	if got := reply(t, w.Body.Bytes()); w.Code != http.StatusOK || got["status"] != "withdrawn" || got["id"] != string(jane.client) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for _, path := range []string{at, "/api/auth/consents/x"} {
		if w = h.ask("DELETE", path, "", jane.bearer()); w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
}

func TestRegistrationTokens(t *testing.T) {
	h := build(t)
	by := h.person(t, admin).bearer()
	for body, status := range map[string]int{
		"": 201, `{"once":true,"expires_in":60}`: 201, `{"expires_in":-1}`: 400, `{"expires_in":9223372036854775807}`: 400, `{"once":1}`: 400,
	} {
		w := h.ask("POST", "/api/admin/registration-tokens", body, by)
		if w.Code != status || status == 201 && len(reply(t, w.Body.Bytes())["token"].(string)) != 68 {
			t.Errorf("%s: got %d %s", body, w.Code, w.Body)
		}
	}
}
