package oauth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/secret"
)

// registering builds a house where clients register themselves by policy. Its
// outbound client trusts and reaches outside, if there is any.
func registering(t testing.TB, policy oauth.RegistrationPolicy, outside *httptest.Server) *house {
	t.Helper()
	h := build(t)
	parts := h.Parts
	parts.Registration = policy
	if outside != nil {
		out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: outside.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
		check(t, err)
		t.Cleanup(out.Close)
		parts.Fetch = out
	}
	var err error
	h.Service, err = oauth.New(parts, base)
	check(t, err)
	return h
}

func open(t testing.TB) *house {
	return registering(t, oauth.RegistrationPolicy{Who: oauth.RegistrationOpen}, nil)
}

// registration returns a good registration with these members over it.
func registration(t testing.TB, members string) string {
	t.Helper()
	all := map[string]any{"client_name": "Robot", "redirect_uris": []string{"https://a.example/cb"}}
	check(t, json.Unmarshal([]byte(members), &all))
	text, err := json.Marshal(all)
	check(t, err)
	return string(text)
}

const someKeys = `"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

// unfit are members that make a good registration one that nobody may have,
// whichever way it comes, and the member at fault.
var unfit = []struct{ name, members, field string }{
	{"a fragment", `{"redirect_uris":["https://a.example/#x"]}`, "redirect_uris"},
	{"plain http", `{"redirect_uris":["http://a.example/"]}`, "redirect_uris"},
	{"a script", `{"redirect_uris":["javascript:alert(1)"]}`, "redirect_uris"},
	{"nowhere to go back to", `{"redirect_uris":[]}`, "redirect_uris"},
	{"another kind of application", `{"application_type":"desktop"}`, "application_type"},
	{"a private scheme on the web", `{"application_type":"web","redirect_uris":["com.example.app:/cb"]}`, "redirect_uris"},
	{"tokens to loopback", `{"grant_types":["implicit"],"response_types":["id_token"],"redirect_uris":["http://127.0.0.1/cb"]}`, "redirect_uris"},
	{"tokens to localhost", `{"grant_types":["implicit"],"response_types":["id_token"],"redirect_uris":["https://localhost/cb"]}`, "redirect_uris"},
	{"tokens to a private scheme", `{"grant_types":["implicit"],"response_types":["id_token"],"redirect_uris":["com.example.app:/cb"]}`, "redirect_uris"},
	{"an unknown grant", `{"grant_types":["password"]}`, "grant_types"},
	{"an unknown response", `{"response_types":["none"]}`, "response_types"},
	{"a code without its grant", `{"grant_types":["implicit"],"response_types":["code id_token"]}`, "response_types"},
	{"a token without its grant", `{"grant_types":["authorization_code"],"response_types":["id_token token"]}`, "response_types"},
	{"an unknown proof", `{"token_endpoint_auth_method":"password"}`, "token_endpoint_auth_method"},
	{"two key sets", `{` + someKeys + `,"jwks_uri":"https://a.example/keys"}`, "jwks"},
	{"a plain logo", `{"logo_uri":"http://a.example/l.png"}`, "logo_uri"},
	{"a script as policy", `{"policy_uri":"javascript:alert(1)"}`, "policy_uri"},
	{"terms nowhere", `{"tos_uri":"/terms"}`, "tos_uri"},
	{"a user in the page", `{"client_uri":"https://bank.example@a.example"}`, "client_uri"},
	{"a plain login", `{"initiate_login_uri":"http://a.example/login"}`, "initiate_login_uri"},
	{"a plain request", `{"request_uris":["http://a.example/r"]}`, "request_uris"},
	{"a plain sector", `{"sector_identifier_uri":"http://a.example/s"}`, "sector_identifier_uri"},
	{"two hosts in one sector", `{"subject_type":"pairwise","redirect_uris":["https://a.example/cb","https://b.example/cb"]}`, "sector_identifier_uri"},
	{"another subject", `{"subject_type":"ephemeral"}`, "subject_type"},
	{"unsigned ID tokens", `{"id_token_signed_response_alg":"none"}`, "id_token_signed_response_alg"},
	{"ID tokens by secret", `{"id_token_signed_response_alg":"HS256"}`, "id_token_signed_response_alg"},
	{"unsigned userinfo", `{"userinfo_signed_response_alg":"none"}`, "userinfo_signed_response_alg"},
	{"unsigned answers", `{"authorization_signed_response_alg":"none"}`, "authorization_signed_response_alg"},
	{"unsigned introspection", `{"introspection_signed_response_alg":"none"}`, "introspection_signed_response_alg"},
	{"unsigned requests", `{"request_object_signing_alg":"none"}`, "request_object_signing_alg"},
	{"requests by secret", `{"request_object_signing_alg":"HS256"}`, "request_object_signing_alg"},
	{"an unknown encryption", `{` + someKeys + `,"id_token_encrypted_response_alg":"RSA1_5"}`, "id_token_encrypted_response_alg"},
	{"an unknown content encryption", `{` + someKeys + `,"userinfo_encrypted_response_alg":"ECDH-ES","userinfo_encrypted_response_enc":"x"}`, "userinfo_encrypted_response_enc"},
	{"half an encryption", `{` + someKeys + `,"authorization_encrypted_response_enc":"A256GCM"}`, "authorization_encrypted_response_enc"},
	{"encryption to nobody", `{"id_token_encrypted_response_alg":"ECDH-ES"}`, "id_token_encrypted_response_alg"},
	{"a negative age", `{"default_max_age":-1}`, "default_max_age"},
	{"a long contact", `{"contacts":["` + strings.Repeat("x", 234) + `"]}`, "contacts"},
	{"a broken version", `{"software_version":"1\n2"}`, "software_version"},
	{"logout to a script", `{"post_logout_redirect_uris":["javascript:alert(1)"]}`, "post_logout_redirect_uris"},
	{"plain logout", `{"backchannel_logout_uri":"http://a.example/out"}`, "backchannel_logout_uri"},
	{"logout of another site", `{"frontchannel_logout_uri":"https://b.example/out"}`, "frontchannel_logout_uri"},
	{"pushed answers", `{"backchannel_token_delivery_mode":"push"}`, "backchannel_token_delivery_mode"},
	{"a ping to nowhere", `{"backchannel_token_delivery_mode":"ping"}`, "backchannel_client_notification_endpoint"},
	{"a sentence as name", `{"client_name":"` + strings.Repeat("x", 201) + `"}`, "name"},
	{"a list as a word", `{"subject_type":["public"]}`, "subject_type"},
	{"a word as a list", `{"redirect_uris":"https://a.example"}`, "redirect_uris"},
	{"a word as key set", `{"jwks":"x"}`, "jwks"},
}

// Whoever registers or changes a client, and by whatever way: what may not be made
// may not be changed to, either.
func TestEveryWayInHasTheSameChecks(t *testing.T) {
	h := open(t)
	known, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{}`)))
	check(t, err)
	id := string(known.Record.ID)
	ours := map[string]string{"client_name": "name", "scope": "scopes"}
	fieldOf := func(err error) string {
		e := headykey.Explain(err)
		if e.Kind != headykey.Invalid || len(e.Fields) != 1 {
			return err.Error()
		}
		if name := ours[e.Fields[0].Name]; name != "" {
			return name
		}
		return e.Fields[0].Name
	}
	for _, tt := range unfit {
		text := registration(t, tt.members)
		_, registered := h.Register(t.Context(), headykey.From{}, "", []byte(text))
		_, replaced := h.Reregister(t.Context(), headykey.From{}, id, known.Token, []byte(registration(t, `{"client_id":"`+id+`",`+tt.members[1:])))
		_, changed := h.ChangeClient(t.Context(), headykey.System, known.Record.ID, changeTo(t, tt.members))
		ways := map[string]error{"registered": registered, "replaced": replaced, "changed": changed}
		if m, err := oauth.ParseMetadata([]byte(text)); err != nil {
			ways["read"] = err
		} else if _, err = h.CreateClient(t.Context(), headykey.System, m.Wish()); tt.field != "redirect_uris" || len(m.Redirects) > 0 {
			ways["made"] = err // without an address an operator's client is a program of its own
		}
		for way, err := range ways {
			if err == nil || fieldOf(err) != tt.field {
				t.Errorf("%s, %s: got %v, want a fault of %s", tt.name, way, err, tt.field)
			}
		}
		for _, err := range []error{registered, replaced} {
			want := headykey.ErrBadMetadata
			if tt.field == "redirect_uris" {
				want = headykey.ErrBadRedirect
			}
			if !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, want)
			}
		}
	}
	if got, err := h.Client(t.Context(), headykey.System, known.Record.ID); err != nil || got.Name != "Robot" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// changeTo is how an administrator asks for the same members.
func changeTo(t *testing.T, members string) (change headykey.ClientChange) {
	t.Helper()
	var of struct {
		Name       *string   `json:"client_name"`
		AuthMethod *string   `json:"token_endpoint_auth_method"`
		Grants     *[]string `json:"grant_types"`
	}
	check(t, json.Unmarshal([]byte(members), &of))
	change = headykey.ClientChange{Name: of.Name, AuthMethod: of.AuthMethod, Grants: of.Grants, Details: jsontext.Value(members)}
	var redirects struct {
		All []string `json:"redirect_uris"`
	}
	if json.Unmarshal([]byte(members), &redirects) == nil && redirects.All != nil {
		change.Redirects = &redirects.All
	} else if strings.Contains(members, `"redirect_uris":"`) {
		change.Redirects = &[]string{"no list at all"}
	}
	return change
}

func TestWhatClientsMayRegisterFor(t *testing.T) {
	h := open(t)
	for name, members := range map[string]string{
		"nothing else":       `{}`,
		"an unknown member":  `{"favourite_colour":"blue","client_name#de":"Roboter"}`,
		"a native app":       `{"application_type":"native","redirect_uris":["com.example.app:/cb","http://127.0.0.1/cb","https://a.example/cb"]}`,
		"tokens to an app":   `{"application_type":"native","grant_types":["implicit"],"response_types":["id_token"],"redirect_uris":["http://127.0.0.1/cb"]}`,
		"all responses":      `{"grant_types":["authorization_code","implicit"],"response_types":["code","token id_token code","id_token"]}`,
		"pairwise":           `{"subject_type":"pairwise","redirect_uris":["https://a.example/cb","https://a.example/cb2"]}`,
		"a hash":             `{"request_uris":["https://a.example/r#abc"]}`,
		"encryption":         `{` + someKeys + `,"id_token_encrypted_response_alg":"ECDH-ES","id_token_encrypted_response_enc":"A256GCM"}`,
		"logout":             `{"frontchannel_logout_uri":"https://a.example/out","backchannel_logout_uri":"http://127.0.0.1/out","post_logout_redirect_uris":["https://b.example/"]}`,
		"nobody to go back":  `{"redirect_uris":[],"grant_types":["client_credentials"]}`,
		"nothing, said null": `{"jwks":null,"contacts":null,"default_max_age":null,"subject_type":null}`,
	} {
		if _, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, members))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheDefaultsOfARegistration(t *testing.T) {
	h := open(t)
	got, err := h.Register(t.Context(), headykey.From{}, "", []byte(`{"redirect_uris":["https://a.example/cb"],
		"response_types":["token code"], "trusted":true, "profile":"fapi2", "origin":"operator", "verified":true,
		"token_exchange_actors":["x"], "authorization_details_types":["payment"], "resources":["https://b.example"]}`))
	check(t, err)
	c := got.Record
	want := headykey.Client{
		ID: c.ID, Secret: c.Secret, Registration: c.Registration, Created: c.Created, Updated: c.Created,
		Name: "a.example", AuthMethod: "client_secret_basic", Profile: headykey.ProfileOIDC, Origin: headykey.Dynamic,
		Grants: []string{"authorization_code", "implicit"}, Scopes: oauth.StandardScopes, Redirects: []string{"https://a.example/cb"},
		Details: headykey.ClientDetails{Responses: []string{"code token"}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if hash := secret.Hash(got.Secret); string(hash[:]) != string(c.Secret) || got.Token == "" || got.Token == got.Secret {
		t.Errorf("secret %q, token %q", got.Secret, got.Token)
	}
}

func TestAClientChoosesNoScopesThatOperatorsGive(t *testing.T) {
	h := open(t)
	for asked, want := range map[string]string{
		"": "openid profile email offline_access", "openid": "openid", "email openid admin": "openid email", "admin": "refused",
	} {
		got, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{"scope":"`+asked+`"}`)))
		if errors.Is(err, headykey.ErrBadMetadata) && want == "refused" {
			continue
		}
		check(t, err)
		if got.Metadata.Scope != want {
			t.Errorf("%q: got %q, want %q", asked, got.Metadata.Scope, want)
		}
	}
}

func TestReplacingLeavesNothingOfWhatWas(t *testing.T) {
	h := open(t)
	made, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{"logo_uri":"https://a.example/l.png","scope":"openid",`+someKeys+`}`)))
	check(t, err)
	id, yes, types := string(made.Record.ID), true, jsontext.Value(`{"authorization_details_types":["payment"]}`)
	_, err = h.ChangeClient(t.Context(), headykey.System, made.Record.ID, headykey.ClientChange{Trusted: &yes, Verified: &yes, Details: types})
	check(t, err)
	put := func(members string) (*oauth.Registered, error) {
		return h.Reregister(t.Context(), headykey.From{}, id, made.Token, []byte(members))
	}
	got, err := put(`{"client_id":"` + id + `","client_secret":"` + made.Secret + `","redirect_uris":["https://c.example/cb"]}`)
	check(t, err)
	c := got.Record
	want := headykey.Client{
		ID: c.ID, Secret: made.Record.Secret, Registration: made.Record.Registration, Created: c.Created, Updated: c.Updated,
		Name: "c.example", AuthMethod: "client_secret_basic", Profile: headykey.ProfileOIDC, Origin: headykey.Dynamic,
		Grants: []string{"authorization_code"}, Scopes: oauth.StandardScopes, Redirects: []string{"https://c.example/cb"},
		Details: headykey.ClientDetails{DetailTypes: []string{"payment"}},
	}
	if !reflect.DeepEqual(c, want) || got.Secret != "" || got.Token != made.Token {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	for name, members := range map[string]string{
		"no id":           `{"redirect_uris":["https://c.example/cb"]}`,
		"another's id":    `{"client_id":"` + string(headykey.NewID()) + `","redirect_uris":["https://c.example/cb"]}`,
		"another secret":  `{"client_id":"` + id + `","client_secret":"x","redirect_uris":["https://c.example/cb"]}`,
		"no object":       `[]`,
		"a member twice":  `{"client_id":"` + id + `","client_id":"` + id + `","redirect_uris":["https://c.example/cb"]}`,
		"no string":       `{"client_id":5,"redirect_uris":["https://c.example/cb"]}`,
		"no string again": `{"client_id":"` + id + `","software_statement":5,"redirect_uris":["https://c.example/cb"]}`,
	} {
		if _, err := put(members); headykey.Explain(err).Kind != headykey.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// A method without a secret takes it away, and back again means a new one.
	got, err = put(`{"client_id":"` + id + `","redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"none"}`)
	check(t, err)
	if got.Secret != "" || got.Record.Secret != nil {
		t.Errorf("got %+v", got)
	}
	got, err = put(`{"client_id":"` + id + `","redirect_uris":["https://c.example/cb"]}`)
	check(t, err)
	if _, err := h.Authenticate(t.Context(), oauth.Proof{Method: oauth.SecretBasic, Client: id, Secret: got.Secret}); err != nil || got.Secret == made.Secret {
		t.Errorf("got %q, %v", got.Secret, err)
	}
	check(t, h.Unregister(t.Context(), headykey.From{}, id, made.Token))
	wanted := []string{"client.created", "client.changed", "client.changed", "client.changed", "client.changed", "client.deleted"}
	if got := h.receipts(t); !reflect.DeepEqual(got, wanted) {
		t.Errorf("receipts %v, want %v", got, wanted)
	}
}

func TestOnlyItsOwnTokenManagesAClient(t *testing.T) {
	h := open(t)
	a, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{}`)))
	check(t, err)
	b, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{}`)))
	check(t, err)
	operators := h.program(t, oauth.ClientWish{})
	id := string(a.Record.ID)
	tests := []struct{ name, id, token string }{
		{"none", id, ""}, {"another's", id, b.Token}, {"its secret", id, a.Secret}, {"in capitals", id, strings.ToUpper(a.Token)},
		{"of an operator's client", string(operators.Record.ID), ""}, {"an operator's secret", string(operators.Record.ID), operators.Secret},
		{"of nobody", string(headykey.NewID()), a.Token}, {"of no id", "x", a.Token},
	}
	refuse := func(name, id, token string) {
		t.Helper()
		_, read := h.Registered(t.Context(), id, token)
		_, put := h.Reregister(t.Context(), headykey.From{}, id, token, []byte(registration(t, `{"client_id":"`+id+`"}`)))
		for act, err := range map[string]error{"read": read, "put": put, "delete": h.Unregister(t.Context(), headykey.From{}, id, token)} {
			if !errors.Is(err, headykey.ErrInvalidToken) {
				t.Errorf("%s, %s: got %v", act, name, err)
			}
		}
	}
	for _, tt := range tests {
		refuse(tt.name, tt.id, tt.token)
	}
	yes := true
	_, err = h.ChangeClient(t.Context(), headykey.System, a.Record.ID, headykey.ClientChange{Disabled: &yes})
	check(t, err)
	refuse("once it is disabled", id, a.Token)
	check(t, h.Unregister(t.Context(), headykey.From{}, string(b.Record.ID), b.Token))
	refuse("once it is gone", string(b.Record.ID), b.Token)
}

func TestWhoMayRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := registering(t, oauth.RegistrationPolicy{Who: oauth.RegistrationToken}, nil)
		register := func(token string) error {
			_, err := h.Register(t.Context(), headykey.From{}, token, []byte(registration(t, `{}`)))
			return err
		}
		want := func(name string, err, want error) {
			t.Helper()
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		often, err := h.MakeInitialToken(t.Context(), headykey.System, 0, false)
		check(t, err)
		once, err := h.MakeInitialToken(t.Context(), headykey.System, time.Hour, true)
		check(t, err)
		want("nobody", register(""), headykey.ErrNotSignedIn)
		want("somebody", register("x"), headykey.ErrInvalidToken)
		want("often", register(often.Token), nil)
		want("often again", register(often.Token), nil)
		_, err = h.Register(t.Context(), headykey.From{}, once.Token, []byte(`{}`))
		want("once, of no use", err, headykey.ErrBadRedirect)
		want("once", register(once.Token), nil)
		want("once again", register(once.Token), headykey.ErrInvalidToken)
		time.Sleep(oauth.InitialLife - time.Second)
		want("a second early", register(often.Token), nil)
		time.Sleep(time.Second)
		want("on time", register(often.Token), headykey.ErrInvalidToken)

		for _, life := range []time.Duration{-1, 90 * 24 * time.Hour} {
			if _, err := h.MakeInitialToken(t.Context(), headykey.System, life, false); !errors.Is(err, headykey.ErrInvalid) {
				t.Errorf("%v: got %v", life, err)
			}
		}
		operator := headykey.Caller{User: headykey.NewID(), Role: headykey.RoleOperator, Method: headykey.ByToken}
		_, err = h.MakeInitialToken(t.Context(), operator, 0, false)
		want("an operator", err, headykey.ErrInsufficientRole)
		for _, who := range []string{"", oauth.RegistrationOff} {
			h.Registration.Who = who
			want("off", register(often.Token), headykey.ErrNotFound)
		}
	})
}

func TestASectorVouchesForEveryRedirect(t *testing.T) {
	documents := map[string]string{
		"/good": `["https://a.example/cb","https://b.example/cb","https://c.example/cb"]`, "/short": `["https://a.example/cb"]`,
		"/object": `{"https://a.example/cb":1}`, "/numbers": `["https://a.example/cb","https://b.example/cb",1]`,
		"/long": `["https://a.example/cb","https://b.example/cb","` + strings.Repeat("x", 5<<10) + `"]`,
	}
	outside := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if documents[r.URL.Path] == "" {
			http.NotFound(w, r)
		}
		_, _ = w.Write([]byte(documents[r.URL.Path]))
	}))
	t.Cleanup(outside.Close)
	h := registering(t, oauth.RegistrationPolicy{Who: oauth.RegistrationOpen}, outside)
	members := func(path string) string {
		return `{"subject_type":"pairwise","redirect_uris":["https://a.example/cb","https://b.example/cb"],"sector_identifier_uri":"` + outside.URL + path + `"}`
	}
	for _, path := range []string{"/short", "/object", "/numbers", "/long", "/nothing"} {
		_, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, members(path))))
		if !errors.Is(err, headykey.ErrBadMetadata) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	got, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, members("/good"))))
	check(t, err)
	// What the document does not list cannot be added later.
	for name, wanted := range map[string]error{"https://c.example/cb": nil, "https://d.example/cb": headykey.ErrInvalid} {
		redirects := []string{"https://a.example/cb", name}
		_, err := h.ChangeClient(t.Context(), headykey.System, got.Record.ID, headykey.ClientChange{Redirects: &redirects})
		if !errors.Is(err, wanted) || (err == nil) != (wanted == nil) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// While the document is away, all else can be changed.
	outside.Close()
	yes := true
	_, err = h.ChangeClient(t.Context(), headykey.System, got.Record.ID, headykey.ClientChange{Disabled: &yes})
	check(t, err)
}

func TestSoftwareStatementsCount(t *testing.T) {
	var keys []byte
	outside := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			http.NotFound(w, r)
		}
		_, _ = w.Write(keys)
	}))
	t.Cleanup(outside.Close)
	h := registering(t, oauth.RegistrationPolicy{Who: oauth.RegistrationOpen, Issuers: []oauth.StatementIssuer{
		{Issuer: "https://vouch.example", KeysURL: outside.URL}, {Issuer: "https://away.example", KeysURL: outside.URL + "/none"},
	}}, outside)
	check(t, h.ring.Prepare(t.Context()))
	set, err := h.KeySet()
	check(t, err)
	keys = set.JSON
	sign := func(claims string) string {
		t.Helper()
		text, err := h.tokens.Sign(t.Context(), jose.ES256, "JWT", []byte(claims))
		check(t, err)
		return text
	}
	good := sign(`{"iss":"https://vouch.example","client_name":"Vouched","redirect_uris":["https://v.example/cb"],"client_id":"x","exp":99999999999}`)
	header, rest, _ := strings.Cut(good, ".")
	claims, _, _ := strings.Cut(rest, ".")
	tests := []struct {
		name, text string
		want       error
	}{
		{"good", good, nil},
		{"of a stranger", sign(`{"iss":"https://x.example","client_name":"Vouched"}`), headykey.ErrUnapprovedStatement},
		{"of nobody", sign(`{"client_name":"Vouched"}`), headykey.ErrUnapprovedStatement},
		{"another signature", header + "." + claims + "." + strings.Repeat("A", 86), headykey.ErrBadStatement},
		{"no JWT", "x", headykey.ErrBadStatement},
		{"late", sign(`{"iss":"https://vouch.example","exp":1}`), headykey.ErrBadStatement},
		{"early", sign(`{"iss":"https://vouch.example","nbf":99999999999}`), headykey.ErrBadStatement},
		{"a claim of another type", sign(`{"iss":"https://vouch.example","redirect_uris":"x"}`), headykey.ErrBadStatement},
		{"a claim that may not be", sign(`{"iss":"https://vouch.example","redirect_uris":["http://x.example"]}`), headykey.ErrBadRedirect},
		{"keys away", sign(`{"iss":"https://away.example"}`), headykey.ErrUnavailable},
	}
	for _, tt := range tests {
		got, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{"software_statement":"`+tt.text+`"}`)))
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if err == nil && (got.Record.Name != "Vouched" || got.Record.Redirects[0] != "https://v.example/cb" || got.Statement != good || string(got.Record.ID) == "x") {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

// A change of one member leaves the others, and null takes one away.
func TestAChangeOfDetails(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{Redirects: []string{"https://a.example/cb"}, Details: headykey.ClientDetails{
		LogoURI: "https://a.example/l.png", Contacts: []string{"a@a.example", "b@a.example"}, JWKS: jsontext.Value(strings.TrimPrefix(someKeys, `"jwks":`)),
	}})
	fresh, method := []string{"authorization_code"}, "none"
	got, err := h.ChangeClient(t.Context(), headykey.System, c.Record.ID, headykey.ClientChange{
		Grants: &fresh, AuthMethod: &method,
		Details: jsontext.Value(`{"logo_uri":null,"contacts":["c@a.example"],"jwks":null,"policy_uri":"https://a.example/p","unknown":1}`),
	})
	check(t, err)
	want := c.Record
	want.Grants, want.AuthMethod, want.Secret, want.Updated = fresh, method, nil, got.Updated
	want.Details = headykey.ClientDetails{Contacts: []string{"c@a.example"}, PolicyURI: "https://a.example/p"}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	if kept, err := h.Client(t.Context(), headykey.System, c.Record.ID); err != nil || !reflect.DeepEqual(*kept, want) {
		t.Errorf("kept %+v, %v", kept, err)
	}
	for _, keys := range []string{`"x"`, `[]`, `1`} {
		wish := oauth.ClientWish{Name: "x", Details: headykey.ClientDetails{JWKS: jsontext.Value(keys)}}
		if _, err := h.CreateClient(t.Context(), headykey.System, wish); !errors.Is(err, headykey.ErrInvalid) {
			t.Errorf("keys %s: got %v", keys, err)
		}
	}
	for _, bad := range []string{`[]`, `{"logo_uri":1}`, `{"logo_uri":"http://a.example"}`, `{`} {
		if _, err := h.ChangeClient(t.Context(), headykey.System, c.Record.ID, headykey.ClientChange{Details: jsontext.Value(bad)}); headykey.Explain(err).Kind != headykey.Invalid {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

// What is read is what is kept: spelled again and read again it is the same.
func FuzzParseMetadata(f *testing.F) {
	for _, tt := range unfit {
		f.Add(registration(f, tt.members))
	}
	f.Add(`{"jwks":null,"default_max_age":3e0,"client_name#de":"x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := oauth.ParseMetadata([]byte(text))
		if err != nil {
			if headykey.Explain(err).Kind != headykey.Invalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		spelled, err := json.Marshal(m)
		check(t, err)
		again, err := oauth.ParseMetadata(spelled)
		check(t, err)
		twice, err := json.Marshal(again)
		check(t, err)
		if string(twice) != string(spelled) {
			t.Errorf("%q is read as %s and then as %s", text, spelled, twice)
		}
	})
}

// A client that signs with its secret keeps it when it replaces its registration.
func TestASealedSecretStays(t *testing.T) {
	h := open(t)
	made, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{"token_endpoint_auth_method":"client_secret_jwt"}`)))
	check(t, err)
	id := string(made.Record.ID)
	again := func(secret string) (*oauth.Registered, error) {
		return h.Reregister(t.Context(), headykey.From{}, id, made.Token, []byte(registration(t,
			`{"token_endpoint_auth_method":"client_secret_jwt","client_id":"`+id+`","client_secret":"`+secret+`"}`)))
	}
	got, err := again(made.Secret)
	if err != nil || got.Secret != "" || !bytes.Equal(got.Record.SealedSecret, made.Record.SealedSecret) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := again(made.Secret + "0"); !errors.Is(err, headykey.ErrBadMetadata) {
		t.Errorf("another secret: %v", err)
	}
}
