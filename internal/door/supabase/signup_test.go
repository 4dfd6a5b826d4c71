package supabase_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
)

const (
	homeAda   = "ada@example.com"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func TestASignUpThatNeedsNoLetterIsASession(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		w := h.post("/signup", `{"email":"Ada@Example.COM","password":"`+homePassword+`","data":{"full_name":"Ada Okafor","sub":"me"}}`)
		g := w.seat(t)
		now := time.Now().UTC().Format(time.RFC3339Nano)
		said := map[string]any{"full_name": "Ada Okafor", "sub": g.id, "email": homeAda, "email_verified": false, "phone_verified": false}
		claimed := map[string]any{"sub": g.id, "email": homeAda, "email_verified": false, "phone_verified": false}
		identity, _ := g.user["identities"].([]any)
		if len(identity) != 1 {
			t.Fatalf("got %v", g.user)
		}
		one, _ := identity[0].(map[string]any)
		want := map[string]any{
			"id": g.id, "aud": "authenticated", "role": "authenticated", "email": homeAda, "phone": "", "is_anonymous": false,
			"app_metadata":  map[string]any{"provider": "email", "providers": []any{"email"}},
			"user_metadata": said, "created_at": now, "updated_at": now, "last_sign_in_at": now, "email_confirmed_at": now, "confirmed_at": now,
			"identities": []any{map[string]any{
				"identity_id": one["identity_id"], "id": g.id, "user_id": g.id, "provider": "email", "identity_data": claimed,
				"created_at": now, "updated_at": now, "email": homeAda,
			}},
		}
		if !reflect.DeepEqual(g.user, want) {
			t.Errorf("got  %v\nwant %v", g.user, want)
		}
		if _, err := headykey.ParseID(one["identity_id"].(string)); err != nil {
			t.Errorf("got %v", one)
		}
		got := w.object(t)
		whole := map[string]any{
			"access_token": g.access, "token_type": "bearer", "expires_in": 3600.0, "expires_at": float64(time.Now().Unix() + 3600),
			"refresh_token": g.refresh, "user": want,
		}
		if !reflect.DeepEqual(got, whole) {
			t.Errorf("got %v", got)
		}
		for name, value := range map[string]string{
			"Sb-Auth-User-Id": g.id, "Sb-Auth-Session-Id": g.session, "Sb-Auth-Refresh-Token-Prefix": g.refresh[:5],
			"Content-Type": "application/json", "Cache-Control": "no-store", "X-Supabase-Api-Version": "", "X-Sb-Error-Code": "",
		} {
			if w.Header().Get(name) != value {
				t.Errorf("%s: %q, want %q", name, w.Header().Get(name), value)
			}
		}
		claims := claimsOf(t, g.access)
		iat := float64(time.Now().Unix())
		if want := map[string]any{
			"iss": homeURL + homeAPI, "sub": g.id, "aud": "authenticated", "iat": iat, "exp": iat + 3600, "email": homeAda, "phone": "",
			"app_metadata": g.user["app_metadata"], "user_metadata": said, "role": "authenticated", "aal": "aal1",
			"amr": []any{map[string]any{"method": "password", "timestamp": iat}}, "session_id": g.session, "is_anonymous": false,
		}; !reflect.DeepEqual(claims, want) {
			t.Errorf("got  %v\nwant %v", claims, want)
		}

		h.post("/signup", credentials("ADA@example.com", homePassword)).refused(t, "taken", 422, "user_already_exists")
	})
}

func TestWhatASignUpMayNotBe(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		with := func(more string) string {
			return `{"email":"ada@example.com","password":"` + homePassword + `",` + more + `}`
		}
		tests := []struct {
			name, body string
			status     int
			code       string
		}{
			{"no password", `{"email":"ada@example.com"}`, 400, "validation_failed"},
			{"73 bytes", credentials(homeAda, strings.Repeat("ä", 36)+"x"), 400, "validation_failed"},
			{"an address and a number", with(`"phone":"4930123456"`), 400, "validation_failed"},
			{"a number", `{"phone":"4930123456","password":"` + homePassword + `"}`, 400, "phone_provider_disabled"},
			{"a number with a challenge", `{"phone":"4930123456","password":"x","code_challenge":"` + challenge + `","code_challenge_method":"s256"}`, 400, "validation_failed"},
			{"no address", credentials("ada", homePassword), 400, "validation_failed"},
			{"an address that is too long", credentials(strings.Repeat("a", 64)+"@"+strings.Repeat("a.", 100)+"com", homePassword), 400, "validation_failed"},
			{"a challenge alone", with(`"code_challenge":"` + challenge + `"`), 400, "validation_failed"},
			{"a method alone", with(`"code_challenge_method":"s256"`), 400, "validation_failed"},
			{"another method", with(`"code_challenge":"` + challenge + `","code_challenge_method":"s512"`), 400, "validation_failed"},
			{"a short challenge", with(`"code_challenge":"` + challenge[1:] + `","code_challenge_method":"s256"`), 400, "validation_failed"},
			{"a long challenge", with(`"code_challenge":"` + strings.Repeat("a", 129) + `","code_challenge_method":"plain"`), 400, "validation_failed"},
			{"a foreign letter in it", with(`"code_challenge":"` + challenge + `+","code_challenge_method":"s256"`), 400, "validation_failed"},
			{"data that is no object", with(`"data":"x"`), 400, "validation_failed"},
			{"too much data", with(`"data":{"x":"` + strings.Repeat("x", 5<<10) + `"}`), 400, "validation_failed"},
			{"neither human nor agent", with(`"data":{"identity_type":"robot"}`), 400, "validation_failed"},
			{"no address at all, which is off", `{}`, 422, "anonymous_provider_disabled"},
		}
		for _, tt := range tests {
			h.post("/signup", tt.body).refused(t, tt.name, tt.status, tt.code)
		}
		h.post("/signup", credentials(homeAda, homePassword), "X-JWT-AUD: others").refused(t, "another audience", 400, "validation_failed")
		if w := h.post("/signup", with(`"code_challenge":"`+challenge+`","code_challenge_method":"S256"`)); w.Code != 200 {
			t.Errorf("a method in upper case: got %d %s", w.Code, w.Body)
		}
	})
}

func TestAWeakPasswordIsToldWhy(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		for password, reasons := range map[string][]any{
			"x7$Kq":             {"length"},
			"password123":       {"pwned"},
			"ada@example.com":   {"characters"},
			"1234567":           {"length", "pwned"},
			"verdigris\tbrass1": {"characters"},
		} {
			body := credentials(homeAda, password)
			w := h.post("/signup", body)
			w.refused(t, password, 422, "weak_password")
			got := w.object(t)
			if want := map[string]any{"code": "weak_password", "message": got["message"], "weak_password": map[string]any{"reasons": reasons}}; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", password, got, want)
			}
			old := h.raw("POST", "/signup", body, "Apikey: "+h.keys.Anon)
			got = old.object(t)
			if want := map[string]any{"code": 422.0, "error_code": "weak_password", "msg": got["msg"], "weak_password": map[string]any{"reasons": reasons}}; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", password, got, want)
			}
		}
	})
}

func TestASignUpThatNeedsALetter(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		w := h.post("/signup?redirect_to="+homeSite+"/welcome", credentials("Ada@example.com", homePassword))
		user := w.want(t, http.StatusOK)
		id, _ := user["id"].(string)
		if user["email"] != homeAda || user["confirmation_sent_at"] == nil || user["email_confirmed_at"] != nil || user["confirmed_at"] != nil ||
			user["access_token"] != nil || len(user["identities"].([]any)) != 1 || w.Header().Get("Sb-Auth-User-Id") != "" {
			t.Errorf("got %v", user)
		}
		first := h.letter(t, homeAda)
		if first.count != 1 || first.code == "" || first.link.Query().Get("redirect_to") != homeSite+"/welcome" || first.link.Query().Get("type") != "signup" {
			t.Fatalf("got %+v", first)
		}
		login := func(password string) heard {
			return h.post("/token?grant_type=password", credentials(homeAda, password))
		}
		login(homePassword).refused(t, "before it is confirmed", 400, "email_not_confirmed")
		login("wrong").refused(t, "with a wrong password that is not told", 400, "invalid_credentials")

		h.post("/signup", credentials(homeAda, "another good one 1")).refused(t, "at once again", 429, "over_email_send_rate_limit")
		pause()
		again := h.post("/signup", credentials(homeAda, "another good one 1")).want(t, http.StatusOK)
		if again["id"] != id {
			t.Errorf("it waits for the same letter: got %v", again)
		}
		login("another good one 1").refused(t, "a password that nobody confirmed", 400, "invalid_credentials")
		g := h.post("/verify", `{"type":"signup","email":"ADA@example.com","token":"`+first.code+`"}`).seat(t)
		data, _ := g.user["user_metadata"].(map[string]any)
		if g.id != id || g.user["email_confirmed_at"] == nil || g.user["confirmed_at"] != g.user["email_confirmed_at"] || data["email_verified"] != true {
			t.Errorf("got %v", g.user)
		}
		login(homePassword).seat(t)
	})
}

// Who signs up with an address that is taken learns nothing; its owner does.
func TestATakenAddressLooksLikeAFreeOne(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		h.post("/signup", credentials(homeAda, homePassword)).want(t, http.StatusOK)
		h.post("/verify", `{"type":"signup","email":"`+homeAda+`","token":"`+h.letter(t, homeAda).code+`"}`).seat(t)
		pause()
		fake := h.post("/signup", `{"email":"`+homeAda+`","password":"another good one 1","data":{"x":1}}`).want(t, http.StatusOK)
		fresh := h.post("/signup", `{"email":"bob@example.com","password":"another good one 1","data":{"x":1}}`).want(t, http.StatusOK)
		if identities, _ := fake["identities"].([]any); identities == nil || len(identities) != 0 || fake["role"] != "" {
			t.Errorf("got %v", fake)
		}
		for name := range fresh {
			if _, ok := fake[name]; !ok {
				t.Errorf("the fake one lacks %s: %v", name, fake)
			}
		}
		for name := range fake {
			if _, ok := fresh[name]; !ok {
				t.Errorf("only the fake one has %s", name)
			}
		}
		if p := h.letter(t, homeAda); p.count != 2 || p.code != "" {
			t.Errorf("its owner was sent %+v", p)
		}
		h.post("/token?grant_type=password", credentials(homeAda, "another good one 1")).refused(t, "the new password", 400, "invalid_credentials")
	})
}

func TestWithoutAnAddress(t *testing.T) {
	atHome(t, homePlan{anonymous: true, confirm: true}, func(t *testing.T, h *home) {
		g := h.post("/signup", `{"data":{"nick":"owl"}}`).seat(t)
		want := map[string]any{
			"id": g.id, "aud": "authenticated", "role": "authenticated", "email": "", "phone": "", "is_anonymous": true,
			"app_metadata": map[string]any{}, "user_metadata": map[string]any{"nick": "owl"}, "identities": []any{},
			"created_at": g.user["created_at"], "updated_at": g.user["created_at"], "last_sign_in_at": g.user["created_at"],
		}
		if !reflect.DeepEqual(g.user, want) {
			t.Errorf("got %v", g.user)
		}
		claims := claimsOf(t, g.access)
		if claims["is_anonymous"] != true || claims["email"] != "" || claims["amr"].([]any)[0].(map[string]any)["method"] != "anonymous" {
			t.Errorf("got %v", claims)
		}
		h.ask("PUT", "/user", `{"password":"`+homePassword+`"}`, g.bearer()).refused(t, "a password without an address", 422, "validation_failed")
		h.ask("GET", "/reauthenticate", "", g.bearer()).refused(t, "no address to send to", 422, "email_not_confirmed")
		h.post("/signup", `{}`, "X-JWT-AUD: others").refused(t, "another audience", 400, "validation_failed")

		moved := h.ask("PUT", "/user", `{"email":"Owl@example.com"}`, g.bearer()).want(t, http.StatusOK)
		if moved["new_email"] != "owl@example.com" || moved["is_anonymous"] != true {
			t.Errorf("got %v", moved)
		}
		p := h.letter(t, "owl@example.com")
		kept := h.post("/verify", `{"type":"email_change","email":"owl@example.com","token":"`+p.code+`"}`).seat(t)
		if kept.id != g.id || kept.user["is_anonymous"] != false || kept.user["email"] != "owl@example.com" {
			t.Errorf("got %v", kept.user)
		}
	})
}

func TestAnAgentSaysSoOnceAndForAll(t *testing.T) {
	atHome(t, homePlan{anonymous: true}, func(t *testing.T, h *home) {
		bot := h.post("/signup", `{"email":"bot@example.com","password":"`+homePassword+`","data":{"identity_type":"agent","agent_name":"Scout"}}`).seat(t)
		said, _ := bot.user["user_metadata"].(map[string]any)
		if said["identity_type"] != "agent" || said["agent_name"] != "Scout" || claimsOf(t, bot.access)["identity_type"] != "agent" {
			t.Errorf("got %v, %v", bot.user, claimsOf(t, bot.access))
		}
		account, err := h.auth.Account(t.Context(), headykey.ID(bot.id))
		fine(t, err)
		if account.Type != headykey.Agent || account.Name != "Scout" {
			t.Errorf("got %+v", account.User)
		}
		person := h.join(t, homeAda)
		if _, there := claimsOf(t, person.access)["identity_type"]; there {
			t.Error("a person's token says what it is")
		}
		for _, body := range []string{
			`{"data":{"identity_type":"human"}}`, `{"data":{"identity_type":null}}`, `{"data":{"agent_name":"Other"}}`, `{"data":{"identity_type":7}}`,
		} {
			h.ask("PUT", "/user", body, bot.bearer()).refused(t, body, 422, "validation_failed")
		}
		h.ask("PUT", "/user", `{"data":{"identity_type":"agent"}}`, person.bearer()).refused(t, "a person becomes none", 422, "validation_failed")
		if got := h.ask("PUT", "/user", `{"data":{"identity_type":"agent","colour":"red"}}`, bot.bearer()).want(t, 200); got["user_metadata"].(map[string]any)["colour"] != "red" {
			t.Errorf("got %v", got)
		}
		drone := h.post("/signup", `{"data":{"identity_type":"agent","agent_name":"Drone"}}`).seat(t)
		if claimsOf(t, drone.access)["identity_type"] != "agent" {
			t.Errorf("without an address: %v", claimsOf(t, drone.access))
		}
	})
}

func TestAClosedHouseMakesNoAccounts(t *testing.T) {
	atHome(t, homePlan{closed: true, anonymous: true}, func(t *testing.T, h *home) {
		h.post("/signup", credentials(homeAda, homePassword)).refused(t, "an address", 422, "signup_disabled")
		h.post("/signup", `{}`).refused(t, "none", 422, "signup_disabled")
		h.post("/otp", `{"email":"`+homeAda+`"}`).want(t, http.StatusOK)
		if p := h.letter(t, homeAda); p.count != 0 {
			t.Errorf("got %+v", p)
		}
		if got := h.ask("GET", "/settings", "").want(t, 200); got["disable_signup"] != true || got["external"].(map[string]any)["anonymous_users"] != true {
			t.Errorf("got %v", got)
		}
	})
}
