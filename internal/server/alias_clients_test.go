package server_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey/internal/server"
)

// without returns members but for those that are new each time, which must be there.
func (a aliasAnswer) without(t *testing.T, names ...string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for name, value := range a.body {
		out[name] = value
	}
	for _, name := range names {
		if text, _ := out[name].(string); text == "" {
			t.Errorf("there is no %s: %s", name, a.raw)
		}
		delete(out, name)
	}
	return out
}

func TestAnAdministratorKeepsClients(t *testing.T) {
	h := aliasBuild(t)
	made := h.client(t, `,"client_uri":"https://client.example","grant_types":["authorization_code"],"unknown":1`)
	want := map[string]any{
		"client_type": "confidential", "redirect_uris": []any{aliasCallback}, "token_endpoint_auth_method": "client_secret_basic",
		"grant_types": []any{"authorization_code"}, "response_types": []any{"code"}, "client_name": "Notes",
		"client_uri": "https://client.example", "registration_type": "manual",
	}
	if got := made.without(t, "client_id", "client_secret", "created_at", "updated_at"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	path := "/admin/oauth/clients/" + made.text("client_id")
	ask := func(method, path, body string) aliasAnswer { return h.call(t, method, path, body, h.anon, h.service) }
	if got := ask("GET", path, "").want(t, 200, "").without(t, "client_id", "created_at", "updated_at"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}

	changed := ask("PUT", path, `{"client_name":"Pages","client_uri":"","logo_uri":"https://client.example/l.png","redirect_uris":["http://localhost:3000/cb"]}`).want(t, 200, "")
	delete(want, "client_uri")
	want["client_name"], want["logo_uri"], want["redirect_uris"] = "Pages", "https://client.example/l.png", []any{"http://localhost:3000/cb"}
	if got := changed.without(t, "client_id", "created_at", "updated_at"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if changed.text("created_at") != made.text("created_at") || changed.text("updated_at") <= made.text("updated_at") {
		t.Errorf("%s was changed to %s", made.raw, changed.raw)
	}

	renewed := ask("POST", path+"/regenerate_secret", "").want(t, 200, "")
	if text := renewed.text("client_secret"); text == "" || text == made.text("client_secret") {
		t.Errorf("got %s", renewed.raw)
	}
	public := h.client(t, `,"client_type":"public"`)
	if public.text("client_type") != "public" || public.text("token_endpoint_auth_method") != "none" || public.text("client_secret") != "" {
		t.Errorf("got %s", public.raw)
	}
	ask("POST", "/admin/oauth/clients/"+public.text("client_id")+"/regenerate_secret", "").want(t, 400, "validation_failed")

	list := ask("GET", "/admin/oauth/clients?page=1&per_page=1", "").want(t, 200, "")
	all, _ := list.body["clients"].([]any)
	if len(all) != 2 || list.header.Get("X-Total-Count") != "2" || strings.Contains(string(list.raw), "client_secret\"") {
		t.Errorf("got %s", list.raw)
	}
	if a := ask("DELETE", path, "").want(t, 204, ""); len(a.raw) != 0 {
		t.Errorf("got %s", a.raw)
	}
	ask("GET", path, "").want(t, 404, "oauth_client_not_found")
}

func TestWhatAClientMayNotBe(t *testing.T) {
	h := aliasBuild(t)
	client := h.client(t, "").text("client_id")
	many := strings.TrimSuffix(strings.Repeat(`"https://client.example/cb",`, 11), ",")
	for name, members := range map[string]string{
		"no address":              `"redirect_uris":[]`,
		"eleven addresses":        `"redirect_uris":[` + many + `]`,
		"plain http":              `"redirect_uris":["http://client.example/cb"]`,
		"a fragment":              `"redirect_uris":["https://client.example/cb#a"]`,
		"a script":                `"redirect_uris":["javascript:alert(1)"]`,
		"data":                    `"redirect_uris":["data:text/html,x"]`,
		"another grant":           `"grant_types":["client_credentials"]`,
		"another method":          `"token_endpoint_auth_method":"private_key_jwt"`,
		"no such type":            `"client_type":"secretive"`,
		"a public one with proof": `"client_type":"public","token_endpoint_auth_method":"client_secret_post"`,
		"a page of no web":        `"client_uri":"javascript:alert(1)"`,
		"a logo of no web":        `"logo_uri":"data:image/png,x"`,
		"a long name":             `"client_name":"` + strings.Repeat("x", 1025) + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			whole := `{` + members + `}`
			if !strings.Contains(members, "redirect_uris") {
				whole = `{"redirect_uris":["` + aliasCallback + `"],` + members + `}`
			}
			h.call(t, "POST", "/oauth/clients/register", whole).want(t, 400, "validation_failed")
			h.call(t, "POST", "/admin/oauth/clients", whole, h.anon, h.service).want(t, 400, "validation_failed")
			h.call(t, "PUT", "/admin/oauth/clients/"+client, `{`+members+`}`, h.anon, h.service).want(t, 400, "validation_failed")
		})
	}
	for body, code := range map[string]string{"": "validation_failed", `{}`: "validation_failed", `{"redirect_uris":1}`: "bad_json", `[`: "bad_json"} {
		h.call(t, "POST", "/oauth/clients/register", body).want(t, 400, code)
		h.call(t, "PUT", "/admin/oauth/clients/"+client, body, h.anon, h.service).want(t, 400, code)
	}
}

// Clients are for administrators: not for people, and not for whoever has the key of
// an app.
func TestClientsAreForAdministrators(t *testing.T) {
	h := aliasBuild(t)
	client := h.client(t, "").text("client_id")
	anonBearer := strings.Replace(h.anon, "apikey: ", "Authorization: Bearer ", 1)
	for _, tt := range []struct{ method, path, body string }{
		{"GET", "", ""}, {"POST", "", `{"redirect_uris":["https://a.example"]}`},
		{"GET", "/%s", ""}, {"PUT", "/%s", `{"client_name":"x"}`}, {"DELETE", "/%s", ""}, {"POST", "/%s/regenerate_secret", ""},
	} {
		at := func(id string) string {
			if tt.path == "" {
				return "/admin/oauth/clients"
			}
			return "/admin/oauth/clients" + fmt.Sprintf(tt.path, id)
		}
		h.call(t, tt.method, at(client), tt.body, h.service).want(t, 401, "") // no key
		h.call(t, tt.method, at(client), tt.body, h.anon).want(t, 403, "not_admin")
		h.call(t, tt.method, at(client), tt.body, h.anon, anonBearer).want(t, 403, "not_admin")
		h.call(t, tt.method, at(client), tt.body, h.anon, h.session).want(t, 403, "not_admin")
		if tt.path != "" {
			h.call(t, tt.method, at("x"), tt.body, h.anon, h.service).want(t, 400, "validation_failed")
			h.call(t, tt.method, at(aliasNobody), tt.body, h.anon, h.service).want(t, 404, "oauth_client_not_found")
		}
	}
	h.call(t, "GET", "/admin/oauth/clients/"+client, "", h.anon, h.service).want(t, 200, "")
}

func TestAClientRegistersItselfWhereThatIsOpen(t *testing.T) {
	const body = `{"redirect_uris":["` + aliasCallback + `"],"token_endpoint_auth_method":"none","scope":"openid","response_types":["code"]}`
	h := aliasBuild(t)
	a := h.call(t, "POST", "/oauth/clients/register", body, "Origin: https://inspector.example").want(t, 201, "")
	want := map[string]any{
		"client_type": "public", "redirect_uris": []any{aliasCallback}, "token_endpoint_auth_method": "none", "client_name": "client.example",
		"grant_types": []any{"authorization_code", "refresh_token"}, "response_types": []any{"code"}, "registration_type": "dynamic",
	}
	if got := a.without(t, "client_id", "created_at", "updated_at"); !reflect.DeepEqual(got, want) || a.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if h.approve(t, a.text("client_id")) == "" {
		t.Error("it gets no code")
	}
	for _, who := range []string{server.RegistrationOff, server.RegistrationToken} {
		h := aliasBuild(t, func(c *server.Config) { c.Registration = who })
		for _, one := range []string{body, `{}`} {
			h.call(t, "POST", "/oauth/clients/register", one).want(t, 403, "oauth_dynamic_client_registration_disabled")
		}
	}
}
