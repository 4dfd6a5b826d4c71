package supabase_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// The matrix: nobody but who has the secret key, on any route.
func TestOnlyTheSecretKeyAdministrates(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","password":"`+admPassword+`","email_confirm":true}`)
	token := h.signIn("ada@example.com", admPassword).want(t, "sign in", http.StatusOK, "").text("access_token")
	routes := 0
	for _, r := range h.router.Routes() {
		path, ok := strings.CutPrefix(r.Pattern, "/auth/v1")
		if !ok || !strings.HasPrefix(path, "/admin/") && path != "/invite" {
			continue
		}
		routes++
		path = strings.NewReplacer("{id}", id, "{factor}", id, "{passkey}", id).Replace(path)
		for name, tt := range map[string]struct {
			headers []string
			status  int
			code    string
		}{
			"nobody":              {nil, 401, "no_authorization"},
			"no bearer":           {[]string{"Authorization: Basic Zm9vOmJhcg=="}, 401, "no_authorization"},
			"an API key":          {[]string{"X-Api-Key: " + headykey.NewAPIKey()}, 401, "no_authorization"},
			"an API key, shown":   {[]string{"Authorization: Bearer " + headykey.NewAPIKey()}, 403, "bad_jwt"},
			"an app":              {[]string{"Authorization: Bearer " + h.keys.Anon}, 403, "not_admin"},
			"an app, by its key":  {[]string{"Apikey: " + h.keys.Publishable}, 403, "not_admin"},
			"a person":            {[]string{"Authorization: Bearer " + token, "Apikey: " + h.keys.Anon}, 403, "not_admin"},
			"a person with a key": {[]string{"Authorization: Bearer " + token, "Apikey: " + h.keys.ServiceRole}, 403, "not_admin"},
			"noise":               {[]string{"Authorization: Bearer sb_secret_noise"}, 403, "bad_jwt"},
		} {
			h.raw(r.Method, path, `{"email":"eve@example.com"}`, tt.headers...).want(t, r.Method+" "+path+" by "+name, tt.status, tt.code)
		}
	}
	if routes < 13 {
		t.Errorf("%d routes were asked", routes)
	}
	h.ask("GET", "/admin/users/"+id, "").want(t, "the account afterwards", http.StatusOK, "")
	for name, headers := range map[string][]string{
		"the opaque key":     {"Authorization: Bearer " + h.keys.Secret},
		"the key by itself":  {"Apikey: " + h.keys.Secret},
		"the key, lower b":   {"Authorization: bearer " + h.keys.ServiceRole},
		"a person made such": {"Authorization: Bearer " + h.serviceToken(t)},
	} {
		h.raw("GET", "/admin/users/"+id, "", headers...).want(t, name, http.StatusOK, "")
	}
}

// serviceToken is of a person whom the secret key made an administrator of the app.
func (h *admHouse) serviceToken(t *testing.T) string {
	t.Helper()
	h.make(t, `{"email":"root@example.com","password":"`+admPassword+`","email_confirm":true,"role":"service_role"}`)
	return h.signIn("root@example.com", admPassword).want(t, "sign in", http.StatusOK, "").text("access_token")
}

func TestAnAccountIsMadeAsWished(t *testing.T) {
	h := admBuild(t)
	const id = "0f0e0d0c-0b0a-4908-8706-050403020100"
	made := h.ask("POST", "/admin/users", `{"id":"`+strings.ToUpper(id)+`","email":"Ada@Example.com","phone":"+49 30"}`)
	made.want(t, "no phone number", http.StatusBadRequest, "validation_failed")
	made = h.ask("POST", "/admin/users", `{"id":"`+strings.ToUpper(id)+`","email":"Ada@Example.com","phone":"+4930123456","password":"12",
		"email_confirm":true,"phone_confirm":true,"role":"editor","aud":"crew","user_metadata":{"full_name":"Ada Lovelace"},"app_metadata":{"plan":"pro"}}`)
	made.want(t, "all of it", http.StatusOK, "")
	for name, want := range map[string]any{
		"id": id, "email": "ada@example.com", "phone": "4930123456", "role": "editor", "aud": "crew", "is_anonymous": false,
		"app_metadata":  map[string]any{"plan": "pro", "provider": "email", "providers": []any{"email", "phone"}},
		"user_metadata": map[string]any{"full_name": "Ada Lovelace", "sub": id, "email": "ada@example.com", "email_verified": true, "phone_verified": false},
	} {
		if got := made.body[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"email_confirmed_at", "phone_confirmed_at", "confirmed_at"} {
		if made.text(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if got, want := h.types(t, id), []string{"account.created"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	h.signIn("ada@example.com", "12").want(t, "another audience", http.StatusBadRequest, "invalid_credentials")
	h.make(t, `{"email":"eve@example.com","password":"12","email_confirm":true}`)
	h.signIn("eve@example.com", "12").want(t, "a password that nobody judged", http.StatusOK, "")
	h.ask("GET", "/admin/users/"+strings.ToUpper(id), "").want(t, "by an id in capitals", http.StatusOK, "")
}

func TestAnAccountMadeByOthersHasItsPasswordByItsHash(t *testing.T) {
	h := admBuild(t)
	for hash, password := range map[string]string{
		"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":                         "U*U",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4": "password",
		"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==": "mytestpassword",
	} {
		email := strings.ToLower(hash[1:5]) + "@example.com"
		h.make(t, admJSON(map[string]any{"email": email, "password_hash": hash, "email_confirm": true}))
		h.signIn(email, password).want(t, hash[:9], http.StatusOK, "")
		h.signIn(email, password+"x").want(t, hash[:9]+" and a wrong one", http.StatusBadRequest, "invalid_credentials")
	}
	h.make(t, `{"email":"none@example.com","email_confirm":true}`)
	h.signIn("none@example.com", "").want(t, "no password is none", http.StatusBadRequest, "invalid_credentials")
}

func TestAnAccountThatCannotBeMade(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","phone":"4930123456"}`)
	long := strings.Repeat("x", 73)
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{}`:                          {400, "validation_failed"},
		`[]`:                          {400, "bad_json"},
		`{"email":"ada"}`:             {400, "validation_failed"},
		`{"phone":"tel"}`:             {400, "validation_failed"},
		`{"email":["ada"]}`:           {400, "bad_json"},
		`{"email":"ADA@example.com"}`: {422, "email_exists"},
		`{"email":"bob@example.com","phone":"+4930123456"}`:                                   {422, "phone_exists"},
		`{"email":"bob@example.com","id":"` + id + `"}`:                                       {409, "conflict"},
		`{"email":"bob@example.com","id":"1"}`:                                                {400, "validation_failed"},
		`{"email":"bob@example.com","id":"00000000-0000-0000-0000-000000000000"}`:             {400, "validation_failed"},
		`{"email":"bob@example.com","password":"` + long + `"}`:                               {400, "validation_failed"},
		`{"email":"bob@example.com","password":"1","password_hash":"$2a$05$C"}`:               {400, "validation_failed"},
		`{"email":"bob@example.com","password_hash":"secret"}`:                                {400, "validation_failed"},
		`{"email":"bob@example.com","ban_duration":"long"}`:                                   {400, "validation_failed"},
		`{"email":"bob@example.com","ban_duration":"-1h"}`:                                    {400, "validation_failed"},
		`{"email":"bob@example.com","user_metadata":[]}`:                                      {400, "validation_failed"},
		`{"email":"bob@example.com","app_metadata":1}`:                                        {400, "validation_failed"},
		`{"email":"bob@example.com","user_metadata":{"identity_type":"god"}}`:                 {400, "validation_failed"},
		`{"email":"bob@example.com","role":"` + strings.Repeat(long, 4) + `"}`:                {400, "validation_failed"},
		`{"email":"bob@example.com","app_metadata":{"x":"` + strings.Repeat(long, 99) + `"}}`: {400, "validation_failed"},
	} {
		h.ask("POST", "/admin/users", body).want(t, fmt.Sprintf("%.90s", body), want.status, want.code)
	}
	if got := h.ask("GET", "/admin/users", "").Header().Get("X-Total-Count"); got != "1" {
		t.Errorf("%s accounts are there, want 1", got)
	}
}

func TestAnAccountIsChangedAtOnce(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","password":"`+admPassword+`","email_confirm":true,"user_metadata":{"a":1,"b":2},"app_metadata":{"c":3}}`)
	session := h.signIn("ada@example.com", admPassword)
	changed := h.ask("PUT", "/admin/users/"+id, `{"email":"Countess@example.com","phone":"4930123456","role":"editor","user_metadata":{"a":null,"d":4},"app_metadata":{"c":null,"e":5}}`)
	changed.want(t, "change", http.StatusOK, "")
	for name, want := range map[string]any{
		"email": "countess@example.com", "phone": "4930123456", "role": "editor",
		"app_metadata":  map[string]any{"e": 5.0, "provider": "email", "providers": []any{"email", "phone"}},
		"user_metadata": map[string]any{"b": 2.0, "d": 4.0, "sub": id, "email": "countess@example.com", "email_verified": true, "phone_verified": false},
	} {
		if got := changed.body[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	me := h.raw("GET", "/user", "", "Apikey: "+h.keys.Anon, "Authorization: Bearer "+session.text("access_token"))
	if me.Code != http.StatusOK || me.text("email") != "countess@example.com" {
		t.Errorf("its session goes on: got %d %s", me.Code, me.Body)
	}
	h.make(t, `{"email":"ada@example.com","phone":"4930999999"}`) // both are free again
	want := []string{"account.created", "session.started", "account.changed", "email.changed"}
	if got := h.types(t, id); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	h.ask("PUT", "/admin/users/"+id, `{}`).want(t, "nothing", http.StatusOK, "")
	if got := h.types(t, id); !slices.Equal(got, want) {
		t.Errorf("nothing was changed, and got %v", got)
	}
}

func TestAChangeThatCannotBeMadeChangesNothing(t *testing.T) {
	h := admBuild(t)
	h.make(t, `{"email":"bob@example.com","phone":"4930123456"}`)
	id := h.make(t, `{"email":"ada@example.com","user_metadata":{"identity_type":"agent","agent_name":"ada"}}`)
	before := h.ask("GET", "/admin/users/"+id, "").Body.String()
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"role":"editor","email":"BOB@example.com"}`:                                 {422, "email_exists"},
		`{"role":"editor","phone":"4930123456"}`:                                      {422, "phone_exists"},
		`{"email":"ada"}`:                                                             {400, "validation_failed"},
		`{"role":"editor","user_metadata":{"identity_type":"human"}}`:                 {422, "validation_failed"},
		`{"role":"editor","user_metadata":{"agent_name":"bob"}}`:                      {422, "validation_failed"},
		`{"role":"editor","ban_duration":"1 day"}`:                                    {400, "validation_failed"},
		`{"password":"` + strings.Repeat("x", 73) + `"}`:                              {400, "validation_failed"},
		`{"password":"x","password_hash":"$2a$05$C"}`:                                 {400, "validation_failed"},
		`{"role":"editor","app_metadata":{"x":"` + strings.Repeat("x", 5<<10) + `"}}`: {400, "validation_failed"},
		`nonsense`: {400, "bad_json"},
	} {
		h.ask("PUT", "/admin/users/"+id, body).want(t, fmt.Sprintf("%.90s", body), want.status, want.code)
	}
	if after := h.ask("GET", "/admin/users/"+id, "").Body.String(); after != before {
		t.Errorf("got\n%s, want\n%s", after, before)
	}
}

func TestAnAccountThatIsNotThere(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com"}`)
	nobody := string(headykey.NewID())
	for _, tt := range []struct{ method, path, code string }{
		{"GET", "/admin/users/" + nobody, "user_not_found"},
		{"PUT", "/admin/users/" + nobody, "user_not_found"},
		{"DELETE", "/admin/users/" + nobody, "user_not_found"},
		{"GET", "/admin/users/" + nobody + "/factors", "user_not_found"},
		{"GET", "/admin/users/" + nobody + "/passkeys", "user_not_found"},
		{"PUT", "/admin/users/" + nobody + "/factors/" + nobody, "user_not_found"},
		{"GET", "/admin/users/ada", "validation_failed"},
		{"PUT", "/admin/users/ada", "validation_failed"},
		{"DELETE", "/admin/users/ada", "validation_failed"},
		{"GET", "/admin/users/ada/factors", "validation_failed"},
		{"PUT", "/admin/users/" + id + "/factors/" + nobody, "mfa_factor_not_found"},
		{"DELETE", "/admin/users/" + id + "/factors/" + nobody, "mfa_factor_not_found"},
		{"DELETE", "/admin/users/" + id + "/factors/1", "validation_failed"},
		{"DELETE", "/admin/users/" + id + "/passkeys/" + nobody, "webauthn_credential_not_found"},
	} {
		h.ask(tt.method, tt.path, "{}").want(t, tt.method+" "+tt.path, http.StatusNotFound, tt.code)
	}
	h.ask("DELETE", "/admin/users/"+nobody, `{"should_soft_delete":true}`).want(t, "hide nobody", http.StatusNotFound, "user_not_found")
	for _, list := range []string{"factors", "passkeys"} {
		if got := h.ask("GET", "/admin/users/"+id+"/"+list, "").Body.String(); got != "[]" {
			t.Errorf("%s: got %s", list, got)
		}
	}
}

func TestAPasswordByAnOperatorEndsEverySession(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","password":"`+admPassword+`","email_confirm":true}`)
	first, second := h.signIn("ada@example.com", admPassword), h.signIn("ada@example.com", admPassword)
	h.ask("PUT", "/admin/users/"+id, `{"password":"short"}`).want(t, "change", http.StatusOK, "")
	for _, s := range []admReply{first, second} {
		h.raw("GET", "/user", "", "Apikey: "+h.keys.Anon, "Authorization: Bearer "+s.text("access_token")).
			want(t, "its access token", http.StatusForbidden, "session_not_found")
		h.raw("POST", "/token?grant_type=refresh_token", admJSON(map[string]any{"refresh_token": s.text("refresh_token")})).
			want(t, "its refresh token", http.StatusBadRequest, "refresh_token_not_found")
	}
	h.signIn("ada@example.com", admPassword).want(t, "the old password", http.StatusBadRequest, "invalid_credentials")
	h.signIn("ada@example.com", "short").want(t, "the new password", http.StatusOK, "")
}

func TestABanEndsSessionsAndIsLiftedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := admBuild(t)
		id := h.make(t, `{"email":"ada@example.com","password":"`+admPassword+`","email_confirm":true}`)
		token := h.signIn("ada@example.com", admPassword).text("access_token")
		banned := h.ask("PUT", "/admin/users/"+id, `{"ban_duration":"24h"}`).want(t, "ban", http.StatusOK, "")
		if until, err := time.Parse(time.RFC3339, banned.text("banned_until")); err != nil || time.Until(until) != 24*time.Hour {
			t.Errorf("banned until %s", banned.text("banned_until"))
		}
		h.raw("GET", "/user", "", "Apikey: "+h.keys.Anon, "Authorization: Bearer "+token).want(t, "its token", http.StatusForbidden, "user_banned")
		h.signIn("ada@example.com", admPassword).want(t, "sign in", http.StatusBadRequest, "user_banned")

		time.Sleep(24*time.Hour - time.Millisecond)
		admCheck(t, h.directory.LiftBans(t.Context()))
		h.signIn("ada@example.com", admPassword).want(t, "a millisecond early", http.StatusBadRequest, "user_banned")
		time.Sleep(time.Millisecond)
		admCheck(t, h.directory.LiftBans(t.Context()))
		h.signIn("ada@example.com", admPassword).want(t, "on time", http.StatusOK, "")

		h.ask("PUT", "/admin/users/"+id, `{"ban_duration":"876600h"}`).want(t, "for a hundred years", http.StatusOK, "")
		free := h.ask("PUT", "/admin/users/"+id, `{"ban_duration":"none"}`).want(t, "free", http.StatusOK, "")
		if _, there := free.body["banned_until"]; there {
			t.Errorf("it is still banned: %s", free.Body)
		}
		want := []string{
			"account.created", "session.started", "account.disabled", "session.ended", "session.refused", "session.refused", "account.enabled",
			"session.started", "account.disabled", "session.ended", "account.enabled",
		}
		if got := h.types(t, id); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got := h.ask("POST", "/admin/users", `{"email":"bob@example.com","ban_duration":"1h"}`); got.text("banned_until") == "" {
			t.Errorf("made with a ban: got %s", got.Body)
		}
	})
}

func TestAnAccountIsErased(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","password":"`+admPassword+`","email_confirm":true}`)
	token := h.signIn("ada@example.com", admPassword).text("access_token")
	if got := h.ask("DELETE", "/admin/users/"+id, "").want(t, "erase", http.StatusOK, ""); got.Body.String() != "{}" {
		t.Errorf("got %s", got.Body)
	}
	h.ask("GET", "/admin/users/"+id, "").want(t, "it is gone", http.StatusNotFound, "user_not_found")
	h.raw("GET", "/user", "", "Apikey: "+h.keys.Anon, "Authorization: Bearer "+token).want(t, "its token", http.StatusForbidden, "user_not_found")
	h.make(t, `{"email":"ada@example.com","id":"`+id+`"}`) // a copy may be put back
}

func TestAHiddenAccountKeepsNothingButItsRow(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","phone":"4930123456","password":"`+admPassword+`","email_confirm":true,"user_metadata":{"full_name":"Ada"},"app_metadata":{"plan":"pro"}}`)
	s := h.signIn("ada@example.com", admPassword)
	h.ask("DELETE", "/admin/users/"+id, `{"should_soft_delete":true}`).want(t, "hide", http.StatusOK, "")
	h.ask("DELETE", "/admin/users/"+id, `{"should_soft_delete":true}`).want(t, "hide again", http.StatusOK, "")
	left := h.ask("GET", "/admin/users/"+id, "").want(t, "its row", http.StatusOK, "")
	if left.text("deleted_at") == "" || !strings.HasPrefix(left.text("email"), "hmac-sha256:") || !strings.HasPrefix(left.text("phone"), "hmac-sha256:") {
		t.Errorf("got %s", left.Body)
	}
	for _, word := range []string{"ada@", `"Ada"`, "4930123456", `"pro"`, "banned_until", "last_sign_in_at"} {
		if strings.Contains(left.Body.String(), word) {
			t.Errorf("%q is still in %s", word, left.Body)
		}
	}
	h.raw("GET", "/user", "", "Apikey: "+h.keys.Anon, "Authorization: Bearer "+s.text("access_token")).want(t, "its token", http.StatusForbidden, "user_not_found")
	h.raw("POST", "/token?grant_type=refresh_token", admJSON(map[string]any{"refresh_token": s.text("refresh_token")})).
		want(t, "its refresh token", http.StatusBadRequest, "refresh_token_not_found")
	h.signIn("ada@example.com", admPassword).want(t, "sign in", http.StatusBadRequest, "invalid_credentials")
	if got, want := h.types(t, id), []string{"account.created", "session.started", "session.ended", "account.deleted"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	h.make(t, `{"email":"ada@example.com","phone":"4930123456"}`)
	h.ask("DELETE", "/admin/users/"+id, "").want(t, "erase it for good", http.StatusOK, "")
}

func TestTheLastAdministratorStays(t *testing.T) {
	h := admBuild(t)
	root := headykey.User{ID: headykey.NewID(), Email: "root@example.com", Role: headykey.RoleAdmin, Type: headykey.Human}
	admCheck(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		root.Created = tx.Now
		return tx.InsertUser(&root, root.Email, "")
	}))
	path := "/admin/users/" + string(root.ID)
	h.ask("DELETE", path, "").want(t, "erase", http.StatusConflict, "conflict")
	h.ask("DELETE", path, `{"should_soft_delete":true}`).want(t, "hide", http.StatusConflict, "conflict")
	h.ask("PUT", path, `{"ban_duration":"1h"}`).want(t, "ban", http.StatusConflict, "conflict")
	admCheck(t, h.db.View(t.Context(), func(tx *store.Tx) error {
		if u, err := tx.User(root.ID); err != nil || !u.Disabled.IsZero() {
			return errors.Join(errors.New("it is not as before"), err)
		}
		return nil
	}))
}

func TestAListIsPagedByItsHeaders(t *testing.T) {
	h := admBuild(t)
	for _, name := range []string{"ada", "bob", "cleo", "dan", "eve"} {
		h.make(t, `{"email":"`+name+`@example.com","user_metadata":{"full_name":"Dr `+name+`"}}`)
	}
	for query, want := range map[string]struct {
		emails, link, total string
	}{
		"":                             {"eve dan cleo bob ada", `</auth/v1/admin/users?page=1>; rel="last"`, "5"},
		"?page=2&per_page=2":           {"cleo bob", `</auth/v1/admin/users?page=3&per_page=2>; rel="next", </auth/v1/admin/users?page=3&per_page=2>; rel="last"`, "5"},
		"?per_page=2&page=1":           {"eve dan", `</auth/v1/admin/users?page=2&per_page=2>; rel="next", </auth/v1/admin/users?page=3&per_page=2>; rel="last"`, "5"},
		"?page=3&per_page=2":           {"ada", `</auth/v1/admin/users?page=3&per_page=2>; rel="last"`, "5"},
		"?page=&per_page=":             {"eve dan cleo bob ada", `</auth/v1/admin/users?page=1&per_page=>; rel="last"`, "5"},
		"?page=9":                      {"", `</auth/v1/admin/users?page=1>; rel="last"`, "5"},
		"?page=0&per_page=1":           {"eve", `</auth/v1/admin/users?page=2&per_page=1>; rel="next", </auth/v1/admin/users?page=5&per_page=1>; rel="last"`, "5"},
		"?per_page=99999":              {"eve dan cleo bob ada", `</auth/v1/admin/users?page=1&per_page=99999>; rel="last"`, "5"},
		"?filter=CL":                   {"cleo", `</auth/v1/admin/users?page=1&filter=CL>; rel="last"`, "1"},
		"?filter=dr%20b":               {"bob", `</auth/v1/admin/users?page=1&filter=dr+b>; rel="last"`, "1"},
		"?filter=nobody":               {"", `</auth/v1/admin/users?page=0&filter=nobody>; rel="last"`, "0"},
		"?sort=created_at+asc":         {"ada bob cleo dan eve", `</auth/v1/admin/users?page=1&sort=created_at+asc>; rel="last"`, "5"},
		"?sort=created_at+DESC":        {"eve dan cleo bob ada", `</auth/v1/admin/users?page=1&sort=created_at+DESC>; rel="last"`, "5"},
		"?filter=%3E%3B+rel%3D%22next": {"", `</auth/v1/admin/users?page=0&filter=%3E%3B+rel%3D%22next>; rel="last"`, "0"},
	} {
		got := h.ask("GET", "/admin/users"+query, "").want(t, query, http.StatusOK, "")
		var emails []string
		for _, u := range got.body["users"].([]any) {
			name, _, _ := strings.Cut(u.(map[string]any)["email"].(string), "@")
			emails = append(emails, name)
		}
		if all := strings.Join(emails, " "); all != want.emails || got.Header().Get("Link") != want.link || got.Header().Get("X-Total-Count") != want.total || got.text("aud") != "authenticated" {
			t.Errorf("%s: got %s, %s, %s, want %+v", query, all, got.Header().Get("Link"), got.Header().Get("X-Total-Count"), want)
		}
	}
	for _, query := range []string{"?page=x", "?page=-1", "?per_page=0", "?per_page=1e3", "?page=99999999999999999999", "?sort=email", "?sort=created_at+up", "?sort="} {
		h.ask("GET", "/admin/users"+query, "").want(t, query, http.StatusBadRequest, "validation_failed")
	}
}
