package supabase_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

func TestAnAppShowsAKeyOfTheProject(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		missing := map[string]any{"message": "No API key found in request", "hint": "No `apikey` request header or url param was found."}
		wrong := map[string]any{"message": "Invalid API key", "hint": "Double check the key: headykey supabase-keys prints it."}
		tests := []struct {
			name, path string
			headers    []string
			status     int
			want       map[string]any
		}{
			{"none", "/settings", nil, 401, missing},
			{"an empty one", "/settings", []string{"Apikey: "}, 401, missing},
			{"a wrong one", "/settings", []string{"Apikey: x"}, 401, wrong},
			{"a wrong one in the query", "/settings?apikey=x", nil, 401, wrong},
			{"as a bearer alone", "/settings", []string{"Authorization: Bearer " + h.keys.Anon}, 401, missing},
			{"one too long by a letter", "/settings", []string{"Apikey: " + h.keys.Publishable + "a"}, 401, wrong},
			{"anon", "/settings", []string{"Apikey: " + h.keys.Anon}, 200, nil},
			{"publishable", "/settings", []string{"Apikey: " + h.keys.Publishable}, 200, nil},
			{"service role", "/settings", []string{"Apikey: " + h.keys.ServiceRole}, 200, nil},
			{"secret", "/settings", []string{"Apikey: " + h.keys.Secret}, 200, nil},
			{"in the query", "/settings?apikey=" + h.keys.Anon, nil, 200, nil},
			{"none is asked for", "/health", nil, 200, nil},
		}
		for _, tt := range tests {
			w := h.raw("GET", tt.path, "", tt.headers...)
			if w.Code != tt.status || tt.want != nil && !reflect.DeepEqual(w.object(t), tt.want) {
				t.Errorf("%s: got %d %s", tt.name, w.Code, w.Body)
			}
		}
		for _, path := range []string{
			"POST /signup", "POST /token?grant_type=password", "POST /token?grant_type=refresh_token", "POST /otp", "POST /magiclink",
			"POST /recover", "POST /resend", "GET /reauthenticate", "PUT /user", "POST /logout",
		} {
			method, path, _ := strings.Cut(path, " ")
			if w := h.raw(method, path, "{}"); w.Code != 401 || !reflect.DeepEqual(w.object(t), missing) {
				t.Errorf("%s %s without a key: got %d %s", method, path, w.Code, w.Body)
			}
		}
		for _, path := range []string{"POST /verify", "GET /verify"} {
			method, path, _ := strings.Cut(path, " ")
			h.raw(method, path, "{}", speakWords).refused(t, "a letter's link has no key", 400, "validation_failed")
		}
	})
}

func TestAServerMayAskForNoKey(t *testing.T) {
	atHome(t, homePlan{unkeyed: true}, func(t *testing.T, h *home) {
		got := h.raw("GET", "/settings", "").want(t, http.StatusOK)
		external := map[string]any{"email": true, "phone": false, "anonymous_users": false}
		for _, name := range strings.Fields("apple azure bitbucket discord facebook snapchat figma fly github gitlab google keycloak kakao " +
			"linkedin linkedin_oidc notion spotify slack slack_oidc workos twitch twitter zoom") {
			external[name] = false
		}
		want := map[string]any{
			"external": external, "disable_signup": false, "mailer_autoconfirm": true, "phone_autoconfirm": false, "sms_provider": "",
			"saml_enabled": false, "saml_private_key_next_configured": false, "passkeys_enabled": false,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		health := h.raw("GET", "/health", "").want(t, http.StatusOK)
		if health["name"] != "GoTrue" || health["version"] != "1.2.3" || health["description"] == "" || len(health) != 3 {
			t.Errorf("got %v", health)
		}
	})
}

// spoil returns a token with another last character before the signature's.
func spoil(token string) string {
	at := strings.LastIndexByte(token, '.')
	b := []byte(token)
	b[at+1] ^= 1
	return string(b)
}

// claimsOf is what a token says.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	fine(t, err)
	var out map[string]any
	fine(t, json.Unmarshal(raw, &out))
	return out
}

// resign returns claims, with some changed, signed as session tokens are.
func (h *home) resign(t *testing.T, token string, changes map[string]any) string {
	t.Helper()
	claims := claimsOf(t, token)
	for name, v := range changes {
		claims[name] = v
	}
	text, err := json.Marshal(claims)
	fine(t, err)
	out, err := h.tokens.SignSession(text)
	fine(t, err)
	return out
}

func TestWhoIsSignedIn(t *testing.T) {
	atHome(t, homePlan{anonymous: true}, func(t *testing.T, h *home) {
		jane, gone, banned, left := h.drift(t), h.drift(t), h.drift(t), h.drift(t)
		for _, g := range []seated{gone, banned, left} { // each is known before it ends
			h.ask("GET", "/user", "", g.bearer()).want(t, http.StatusOK)
		}
		fine(t, h.people.EraseUser(t.Context(), headykey.System, headykey.ID(gone.id)))
		yes := true
		_, err := h.people.ChangeUser(t.Context(), headykey.System, headykey.ID(banned.id), headykey.UserChange{Disabled: &yes})
		fine(t, err)
		if w := h.post("/logout?scope=local", "", left.bearer()); w.Code != 204 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		access, key := h.others(t, jane)
		hs256 := strings.Join([]string{
			base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)), strings.Split(jane.access, ".")[1], "AAAA",
		}, ".")
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + strings.Split(jane.access, ".")[1] + "."
		claims := claimsOf(t, jane.access)
		bare, err := json.Marshal(map[string]any{"iss": claims["iss"], "sub": jane.id, "aud": headykey.NewID(), "exp": claims["exp"], "iat": claims["iat"], "sid": jane.session})
		fine(t, err)
		id, err := h.tokens.Sign(t.Context(), jose.ES256, "JWT", bare)
		fine(t, err)
		later := h.resign(t, jane.access, map[string]any{"exp": time.Now().Unix()})

		tests := []struct {
			name, header string
			status       int
			code         string
		}{
			{"no header", "X: y", 401, "no_authorization"},
			{"an empty one", "Authorization: ", 401, "no_authorization"},
			{"another scheme", "Authorization: Basic " + jane.access, 401, "no_authorization"},
			{"no token", "Authorization: Bearer", 401, "no_authorization"},
			{"two words", "Authorization: Bearer a b", 401, "no_authorization"},
			{"no JWT", "Authorization: Bearer x", 403, "bad_jwt"},
			{"the anon key", "Authorization: Bearer " + h.keys.Anon, 403, "bad_jwt"},
			{"the secret key", "Authorization: Bearer " + h.keys.Secret, 403, "bad_jwt"},
			{"the service role", "Authorization: Bearer " + h.keys.ServiceRole, 403, "bad_jwt"},
			{"a spoilt signature", "Authorization: Bearer " + spoil(jane.access), 403, "bad_jwt"},
			{"run out", "Authorization: Bearer " + later, 403, "bad_jwt"},
			{"another algorithm", "Authorization: Bearer " + hs256, 403, "bad_jwt"},
			{"no signature", "Authorization: Bearer " + none, 403, "bad_jwt"},
			{"an ID token", "Authorization: Bearer " + id, 403, "bad_jwt"},
			{"an API key", "Authorization: Bearer " + key, 403, "bad_jwt"},
			{"another issuer", "Authorization: Bearer " + h.resign(t, jane.access, map[string]any{"iss": "https://evil.example"}), 403, "bad_jwt"},
			{"no subject", "Authorization: Bearer " + h.resign(t, jane.access, map[string]any{"sub": ""}), 403, "bad_jwt"},
			{"another subject", "Authorization: Bearer " + h.resign(t, jane.access, map[string]any{"sub": headykey.NewID()}), 403, "user_not_found"},
			{"another session", "Authorization: Bearer " + h.resign(t, jane.access, map[string]any{"session_id": headykey.NewID()}), 403, "session_not_found"},
			{"the session of another", "Authorization: Bearer " + h.resign(t, jane.access, map[string]any{"sub": left.id}), 403, "session_not_found"},
			{"the account is gone", gone.bearer(), 403, "user_not_found"},
			{"the account is banned", banned.bearer(), 403, "user_banned"},
			{"signed out", left.bearer(), 403, "session_not_found"},
		}
		for _, tt := range tests {
			if w := h.ask("GET", "/user", "", tt.header); w.Code != http.StatusTeapot { // an access token of another API
				w.refused(t, tt.name, tt.status, tt.code)
			}
			h.ask("PUT", "/user", "{}", tt.header).refused(t, tt.name, tt.status, tt.code)
		}
		for name, text := range map[string]string{ // which are OpenID Connect's where both are served
			"an access token of HeadyKey's API": access, "an access token of an OAuth client": h.clientToken(t, jane),
		} {
			h.ask("PUT", "/user", "{}", "Authorization: Bearer "+text).refused(t, name, 403, "bad_jwt")
			h.post("/logout", "", "Authorization: Bearer "+text).refused(t, name, 403, "bad_jwt")
		}
		for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
			if got := h.ask("GET", "/user", "", "Authorization: "+scheme+" "+jane.access).want(t, http.StatusOK); got["id"] != jane.id {
				t.Errorf("%s: got %v", scheme, got)
			}
		}
	})
}

// others returns a token of HeadyKey's own API and an API key, both of jane.
func (h *home) others(t *testing.T, jane seated) (access, key string) {
	t.Helper()
	key = headykey.NewAPIKey()
	hash, err := headykey.HashAPIKey(key)
	fine(t, err)
	var proof *headykey.Proof
	fine(t, h.db.Update(t.Context(), func(tx *store.Tx) (err error) {
		user := headykey.ID(jane.id)
		if proof, err = tx.ProofBySession(user, headykey.ID(jane.session)); err != nil {
			return err
		}
		return tx.InsertAPIKey(&headykey.APIKey{ID: headykey.NewOrderedID(), User: user, Role: headykey.RoleUser, Prefix: key[:12], Hash: hash[:], Created: tx.Now})
	}))
	access, err = h.tokens.MakeAccess(proof.Holder())
	fine(t, err)
	return access, key
}

func (h *home) clientToken(t *testing.T, jane seated) string {
	t.Helper()
	out, err := h.tokens.MakeClientAccess(token.ClientAccess{
		Issuer: homeURL + homeAPI, Subject: jane.id, Audience: token.Audience{homeURL + homeAPI}, Client: headykey.NewID(),
		Scope: "openid", ID: headykey.NewID(), Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix(), Session: headykey.ID(jane.session),
	})
	fine(t, err)
	return out
}

func TestWhatABodyMayBe(t *testing.T) {
	atHome(t, homePlan{anonymous: true}, func(t *testing.T, h *home) {
		g := h.drift(t)
		tests := []struct {
			name, body string
			status     int
			code       string
		}{
			{"no JSON", "email=x", 400, "bad_json"},
			{"half an object", `{"data":`, 400, "bad_json"},
			{"an array", `[]`, 400, "bad_json"},
			{"null", `null`, 400, "bad_json"},
			{"a text", `"x"`, 400, "bad_json"},
			{"two objects", `{} {}`, 400, "bad_json"},
			{"a name twice", `{"data":{},"data":{}}`, 400, "bad_json"},
			{"a number for a text", `{"email":5}`, 400, "bad_json"},
			{"no UTF-8", "{\"nonce\":\"\xff\"}", 400, "bad_json"},
			{"data that is none", `{"data":[]}`, 400, "validation_failed"},
			{"a byte over a mebibyte", `{"x":"` + strings.Repeat("x", 1<<20-7) + `"}`, 413, "request_entity_too_large"},
		}
		for _, tt := range tests {
			h.ask("PUT", "/user", tt.body, g.bearer()).refused(t, tt.name, tt.status, tt.code)
		}
		for name, body := range map[string]string{
			"nothing": "", "an empty object": " {}\n", "members that are not known": `{"x":{"y":[1]}}`,
			"members that are null": `{"email":null,"password":null,"data":null,"app_metadata":null}`,
			"a mebibyte":            `{"x":"` + strings.Repeat("x", 1<<20-8) + `"}`,
		} {
			for _, kind := range []string{"application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "x"} {
				if w := h.ask("PUT", "/user", body, g.bearer(), "Content-Type: "+kind); w.Code != 200 {
					t.Errorf("%s as %s: got %d %.200s", name, kind, w.Code, w.Body)
				}
			}
		}
		if w := h.ask("GET", "/user", "no JSON", g.bearer()); w.Code != 200 {
			t.Errorf("a body that nobody reads: got %d %s", w.Code, w.Body)
		}
	})
}

func TestThePagesOfAppsMayUseIt(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		friend := h.ask("GET", "/settings", "", "Origin: "+homeSite).Header()
		exposed := friend.Get("Access-Control-Expose-Headers")
		if friend.Get("Access-Control-Allow-Origin") != homeSite || !strings.Contains(exposed, "X-Supabase-Api-Version") ||
			!strings.Contains(exposed, "X-Total-Count") || !strings.Contains(exposed, "Link") {
			t.Errorf("got %v", friend)
		}
		failed := h.post("/token?grant_type=password", "{}", "Origin: "+homeSite)
		if failed.Header().Get("Access-Control-Allow-Origin") != homeSite {
			t.Errorf("a page cannot read why: %v", failed.Header())
		}
		asked := h.raw("OPTIONS", "/signup", "", "Origin: "+homeSite, "Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: apikey,authorization,content-type,x-client-info,x-supabase-api-version")
		allowed := strings.ToLower(asked.Header().Get("Access-Control-Allow-Headers"))
		for _, name := range strings.Fields("accept authorization content-type x-client-ip x-client-info x-jwt-aud x-use-cookie x-supabase-api-version apikey") {
			if !strings.Contains(allowed, name) {
				t.Errorf("a page may not send %s: %s", name, allowed)
			}
		}
		if asked.Code != 204 || asked.Header().Get("Access-Control-Allow-Origin") != homeSite {
			t.Errorf("got %d %v", asked.Code, asked.Header())
		}
		for _, origin := range []string{"https://evil.example", "null", homeSite + ".evil.example", "http://app.example.com", "https://x.preview.example.com"} {
			for _, w := range []heard{
				h.post("/signup", credentials("x@example.com", homePassword), "Origin: "+origin),
				h.raw("OPTIONS", "/signup", "", "Origin: "+origin, "Access-Control-Request-Method: POST"),
			} {
				if w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s: got %d %v", origin, w.Code, w.Header())
				}
			}
		}
		for _, w := range []heard{failed, asked} {
			if w.Header().Get("Access-Control-Allow-Origin") == "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("got %v", w.Header())
			}
		}
	})
}

func TestTooManyTriesMustWait(t *testing.T) {
	atHome(t, homePlan{limited: true}, func(t *testing.T, h *home) {
		for range 89 {
			h.post("/otp", "{}").refused(t, "within the budget", 400, "validation_failed")
		}
		for _, path := range []string{
			"POST /otp", "POST /magiclink", "POST /signup", "POST /recover", "POST /resend", "POST /verify", "PUT /user", "GET /reauthenticate",
			"POST /token?grant_type=password", "POST /token?grant_type=pkce", "POST /token?grant_type=x",
		} {
			method, path, _ := strings.Cut(path, " ")
			w := h.ask(method, path, "{}")
			w.refused(t, method+path, 429, "over_request_rate_limit")
			if w.Header().Get("Retry-After") != "1" {
				t.Errorf("%s: Retry-After %q", path, w.Header().Get("Retry-After"))
			}
		}
		h.post("/token?grant_type=refresh_token", "{}").refused(t, "a refresh is no guess", 400, "validation_failed")
		h.ask("GET", "/user", "").refused(t, "nor is a look", 401, "no_authorization")
		time.Sleep(time.Second)
		h.post("/otp", "{}").refused(t, "a second later", 400, "validation_failed")
	})
}

func TestARequestThatTakesTooLongIsGivenUp(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		held := make(chan struct{})
		var busy sync.WaitGroup
		busy.Go(func() {
			fine(t, h.db.Update(t.Context(), func(*store.Tx) error { close(held); time.Sleep(11 * time.Second); return nil }))
		})
		<-held
		h.post("/otp", `{"email":"ada@example.com"}`).refused(t, "the database is held up", 504, "request_timeout")
		busy.Wait()
		if p := h.letter(t, "ada@example.com"); p.count != 0 {
			t.Errorf("it was done all the same: %+v", p)
		}
		h.post("/otp", `{"email":"ada@example.com"}`).want(t, http.StatusOK)
	})
}
