package supabase_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
)

// confirmed makes an account whose address is its owner's.
func (h *home) confirmed(t *testing.T, email string) seated {
	t.Helper()
	h.post("/signup", credentials(email, homePassword)).want(t, http.StatusOK)
	g := h.post("/verify", `{"type":"signup","email":"`+email+`","token":"`+h.letter(t, email).code+`"}`).seat(t)
	pause()
	return g
}

func TestWhoeverAsksForALetterLearnsNothing(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		h.confirmed(t, homeAda)
		h.post("/signup", credentials("new@example.com", homePassword)).want(t, http.StatusOK)
		pause()
		tests := []struct {
			name, path, body     string
			known, waiting, none string // the subject of the letter to each: a part of it
		}{
			{"a sign-in", "/otp", ``, "Sign in", "is your", "is your"},
			{"a sign-in of those who are known", "/otp", `,"create_user":false`, "Sign in", "is your", ""},
			{"a sign-in, as it was once asked for", "/magiclink", ``, "Sign in", "is your", "is your"},
			{"a new password", "/recover", ``, "Choose a new", "Choose a new", ""},
			{"a confirmation", "/resend", `,"type":"signup"`, "", "is your", ""},
			{"a change that nobody asked for", "/resend", `,"type":"email_change"`, "", "", ""},
		}
		for i, tt := range tests {
			for email, subject := range map[string]string{homeAda: tt.known, "new@example.com": tt.waiting, "nobody" + string(rune('a'+i)) + "@example.com": tt.none} {
				before := h.letter(t, email).count
				w := h.post(tt.path, `{"email":"`+strings.ToUpper(email)+`"`+tt.body+`}`)
				if w.Code != 200 || w.Body.String() != "{}" {
					t.Errorf("%s to %s: got %d %s", tt.name, email, w.Code, w.Body)
				}
				p := h.letter(t, email)
				if sent := p.count > before; sent != (subject != "") || sent && !strings.Contains(p.subject, subject) {
					t.Errorf("%s to %s: got %+v", tt.name, email, p)
				}
				h.post(tt.path, `{"email":"`+email+`"`+tt.body+`}`).refused(t, "at once again", 429, "over_email_send_rate_limit")
			}
			pause()
		}
	})
}

func TestLettersThatCannotBeAskedFor(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		tests := []struct {
			path, body string
			code       string
		}{
			{"/otp", `{}`, "validation_failed"},
			{"/otp", `{"email":"a@b.example","phone":"4930123456"}`, "validation_failed"},
			{"/otp", `{"phone":"4930123456"}`, "phone_provider_disabled"},
			{"/otp", `{"email":"x"}`, "validation_failed"},
			{"/otp", `{"email":"a@b.example","code_challenge":"x","code_challenge_method":"s256"}`, "validation_failed"},
			{"/otp", `{"email":"a@b.example","data":[1]}`, "validation_failed"},
			{"/magiclink", `{}`, "validation_failed"},
			{"/recover", `{}`, "validation_failed"},
			{"/recover", `{"email":"@"}`, "validation_failed"},
			{"/resend", `{"email":"a@b.example"}`, "validation_failed"},
			{"/resend", `{"email":"a@b.example","type":"recovery"}`, "validation_failed"},
			{"/resend", `{"type":"signup"}`, "validation_failed"},
			{"/resend", `{"type":"sms","phone":"4930123456"}`, "phone_provider_disabled"},
			{"/resend", `{"type":"phone_change","phone":"4930123456"}`, "phone_provider_disabled"},
		}
		for _, tt := range tests {
			h.post(tt.path, tt.body).refused(t, tt.path+tt.body, 400, tt.code)
		}
	})
}

func TestACodeOrATokenIsVerified(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		jane := h.confirmed(t, homeAda)
		for _, tt := range []struct{ path, kind, named string }{
			{"/otp", "magiclink", "magiclink"}, {"/otp", "magiclink", "email"}, {"/recover", "recovery", "recovery"},
		} {
			for _, by := range []string{"code", "token"} {
				h.post(tt.path, `{"email":"`+homeAda+`"}`).want(t, http.StatusOK)
				body := h.shown(t, tt.kind, tt.named, by)
				g := h.raw("POST", "/verify", body).seat(t)
				if g.id != jane.id || claimsOf(t, g.access)["amr"].([]any)[0].(map[string]any)["method"] != "otp" {
					t.Errorf("%s by %s: got %v", tt.named, by, claimsOf(t, g.access))
				}
				h.post("/verify", body).refused(t, "once more", 403, "otp_expired")
				pause()
			}
		}
	})
}

// shown is the body that shows the code or the token of Ada's newest letter, which is
// of a kind, as one that is named so.
func (h *home) shown(t *testing.T, kind, named, by string) string {
	t.Helper()
	p := h.letter(t, homeAda)
	if p.link.Query().Get("type") != kind || p.code == "" {
		t.Fatalf("%s: got %+v", kind, p)
	}
	if by == "token" {
		return `{"type":"` + named + `","token_hash":"` + p.link.Query().Get("token") + `"}`
	}
	return `{"type":"` + named + `","email":"` + homeAda + `","token":"` + p.code + `"}`
}

func TestWhatIsNotVerified(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		jane := h.confirmed(t, homeAda)
		h.post("/otp", `{"email":"`+homeAda+`"}`).want(t, http.StatusOK)
		p := h.letter(t, homeAda)
		token := p.link.Query().Get("token")
		tests := []struct {
			name, body string
			status     int
			code       string
		}{
			{"no type", `{"token_hash":"` + token + `"}`, 400, "validation_failed"},
			{"no such type", `{"type":"x","token_hash":"` + token + `"}`, 400, "validation_failed"},
			{"no letter of that type proves who it is", `{"type":"reauthentication","token_hash":"` + token + `"}`, 400, "validation_failed"},
			{"nothing to verify", `{"type":"email","email":"` + homeAda + `"}`, 400, "validation_failed"},
			{"a code of nobody", `{"type":"email","token":"` + p.code + `"}`, 400, "validation_failed"},
			{"a code to a number", `{"type":"sms","phone":"4930123456","token":"123456"}`, 400, "phone_provider_disabled"},
			{"a token and an address", `{"type":"email","email":"` + homeAda + `","token_hash":"` + token + `"}`, 400, "validation_failed"},
			{"a token and a target", `{"type":"email","redirect_to":"` + homeSite + `","token_hash":"` + token + `"}`, 400, "validation_failed"},
			{"another type's", `{"type":"recovery","token_hash":"` + token + `"}`, 403, "otp_expired"},
			{"an unknown token", `{"type":"email","token_hash":"x"}`, 403, "otp_expired"},
			{"an address that is none", `{"type":"email","email":"x","token":"` + p.code + `"}`, 403, "otp_expired"},
			{"nobody's address", `{"type":"email","email":"eve@example.com","token":"` + p.code + `"}`, 403, "otp_expired"},
			{"a wrong code", `{"type":"email","email":"` + homeAda + `","token":"x"}`, 403, "otp_expired"},
		}
		for _, tt := range tests {
			h.post("/verify", tt.body).refused(t, tt.name, tt.status, tt.code)
		}
		yes := true
		_, err := h.people.ChangeUser(t.Context(), headykey.System, headykey.ID(jane.id), headykey.UserChange{Disabled: &yes})
		fine(t, err)
		h.post("/verify", `{"type":"email","token_hash":"`+token+`"}`).refused(t, "banned", 403, "user_banned")
		no := false
		_, err = h.people.ChangeUser(t.Context(), headykey.System, headykey.ID(jane.id), headykey.UserChange{Disabled: &no})
		fine(t, err)
		time.Sleep(21 * time.Minute)
		h.post("/verify", `{"type":"email","token_hash":"`+token+`"}`).refused(t, "too late", 403, "otp_expired")
	})
}

// What scans mail follows links; it must not spend them.
func TestTheLinkOfALetterIsSpentByAClick(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		h.confirmed(t, homeAda)
		send := func(path, body string) posted {
			t.Helper()
			h.post(path, body).want(t, http.StatusOK)
			return h.letter(t, homeAda)
		}
		p := send("/otp?redirect_to="+url.QueryEscape(homeSite+"/in?a=1"), `{"email":"`+homeAda+`"}`)
		at := strings.TrimPrefix(p.link.RequestURI(), homeAPI)
		for _, method := range []string{"HEAD", "GET", "GET"} {
			if w := h.raw(method, at, "", "Sec-Purpose: prefetch"); w.Code != 200 || w.Body.String() != "page "+homeSite+"/in?a=1" {
				t.Errorf("%s: got %d %s", method, w.Code, w.Body)
			}
		}
		w := h.spend(p)
		to, err := url.Parse(w.Header().Get("Location"))
		fine(t, err)
		got, err := url.ParseQuery(to.Fragment)
		fine(t, err)
		want := url.Values{
			"access_token": got["access_token"], "token_type": {"bearer"}, "expires_in": {"3600"}, "expires_at": got["expires_at"],
			"refresh_token": got["refresh_token"], "type": {"magiclink"}, "sb": {""},
		}
		if to.Fragment = ""; w.Code != http.StatusSeeOther || to.String() != homeSite+"/in?a=1" || !reflect.DeepEqual(got, want) {
			t.Errorf("got %d %s", w.Code, w.Header().Get("Location"))
		}
		h.ask("GET", "/user", "", "Authorization: Bearer "+got.Get("access_token")).want(t, http.StatusOK)

		again := h.spend(p)
		text := "Token has expired or is invalid"
		failed := url.Values{"error": {"access_denied"}, "error_code": {"otp_expired"}, "error_description": {text}}
		query := failed.Encode()
		failed.Set("sb", "")
		if loc := again.Header().Get("Location"); again.Code != http.StatusSeeOther || loc != homeSite+"/in?a=1&"+query+"#"+failed.Encode() {
			t.Errorf("once more: got %d %s", again.Code, loc)
		}
	})
}

func TestAnAppThatSentAChallengeGetsACode(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		h.confirmed(t, homeAda)
		methods := map[string]string{"/otp": "magiclink", "/recover": "recovery"}
		var spent, late string
		for path, method := range methods {
			h.post(path, `{"email":"`+homeAda+`","code_challenge":"`+challenge+`","code_challenge_method":"s256"}`, "redirect_to: myapp://callback").want(t, http.StatusOK)
			p := h.letter(t, homeAda)
			if !strings.HasPrefix(p.link.Query().Get("token"), "pkce_") {
				t.Errorf("got %s", p.link)
			}
			w := h.spend(p)
			to, err := url.Parse(w.Header().Get("Location"))
			fine(t, err)
			code := to.Query().Get("code")
			if w.Code != 303 || code == "" || w.Header().Get("Location") != "myapp://callback?code="+code {
				t.Fatalf("got %d %s", w.Code, w.Header().Get("Location"))
			}
			redeem := func(verifier string) heard {
				return h.post("/token?grant_type=pkce", `{"auth_code":"`+code+`","code_verifier":"`+verifier+`"}`)
			}
			redeem(verifier+"x").refused(t, "another verifier", 400, "bad_code_verifier")
			redeem(challenge).refused(t, "the challenge itself", 400, "bad_code_verifier")
			g := redeem(verifier).seat(t)
			if got := claimsOf(t, g.access)["amr"].([]any)[0].(map[string]any)["method"]; got != method {
				t.Errorf("got %v, want %s", got, method)
			}
			redeem(verifier).refused(t, "once more", 404, "flow_state_not_found")
			spent = code
			pause()
		}
		h.post("/recover", `{"email":"`+homeAda+`","code_challenge":"`+verifier+`","code_challenge_method":"PLAIN"}`).want(t, http.StatusOK)
		p := h.letter(t, homeAda)
		to, err := url.Parse(h.spend(p).Header().Get("Location"))
		fine(t, err)
		late = to.Query().Get("code")
		if to.Host != "app.example.com" || late == "" || late == spent {
			t.Errorf("got %s", to)
		}
		time.Sleep(5 * time.Minute)
		h.post("/token?grant_type=pkce", `{"auth_code":"`+late+`","code_verifier":"`+verifier+`"}`).refused(t, "too late", 422, "flow_state_expired")
	})
}

func TestWhereALetterLeads(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		tests := []struct {
			name, query string
			headers     []string
			want        string
		}{
			{"nothing asked for", "", nil, homeSite},
			{"of the site", homeSite + "/x?y=1#z", nil, homeSite + "/x?y=1"},
			{"of the list", "https://a.preview.example.com/b/c", nil, "https://a.preview.example.com/b/c"},
			{"two hosts deep", "https://a.b.preview.example.com/b", nil, homeSite},
			{"an app's own scheme", "myapp://callback", nil, "myapp://callback"},
			{"this machine", "http://127.0.0.1:5173/cb", nil, "http://127.0.0.1:5173/cb"},
			{"another machine", "http://192.0.2.1/cb", nil, homeSite},
			{"a stranger", "https://evil.example/", nil, homeSite},
			{"a stranger with our name in front", homeSite + ".evil.example/", nil, homeSite},
			{"a stranger behind a user", "https://app.example.com@evil.example/", nil, homeSite},
			{"a backslash", `https://app.example.com\@evil.example/`, nil, homeSite},
			{"another scheme", "http://app.example.com/", nil, homeSite},
			{"a script", "javascript:alert(1)", nil, homeSite},
			{"no scheme", "//evil.example", nil, homeSite},
			{"a header goes first", homeSite + "/query", []string{"redirect_to: " + homeSite + "/header"}, homeSite + "/header"},
			{"a page is last", "", []string{"Referer: " + homeSite + "/page"}, homeSite + "/page"},
			{"a stranger's page", "", []string{"Referer: https://evil.example/page"}, homeSite},
		}
		for i, tt := range tests {
			email := string(rune('a'+i)) + "@example.com"
			h.post("/otp?redirect_to="+url.QueryEscape(tt.query), `{"email":"`+email+`"}`, tt.headers...).want(t, http.StatusOK)
			p := h.letter(t, email)
			if got := p.link.Query().Get("redirect_to"); got != tt.want {
				t.Errorf("%s: the letter leads to %s, want %s", tt.name, got, tt.want)
			}
			link := "/verify?token=x&type=magiclink&redirect_to=" + url.QueryEscape(tt.query)
			if w := h.raw("GET", link, "", tt.headers...); w.Body.String() != "page "+tt.want {
				t.Errorf("%s: a link leads to %s, want %s", tt.name, w.Body, tt.want)
			}
			form := url.Values{"token": {"x"}, "type": {"magiclink"}, "redirect_to": {tt.query}}
			if len(tt.headers) > 0 {
				continue // a form says it itself
			}
			w := h.raw("POST", "/verify", form.Encode(), "Content-Type: application/x-www-form-urlencoded")
			if bare, _, _ := strings.Cut(w.Header().Get("Location"), "?"); bare != strings.TrimSuffix(tt.want, "?y=1") {
				t.Errorf("%s: a form leads to %s, want %s", tt.name, w.Header().Get("Location"), tt.want)
			}
		}
		h.raw("GET", "/verify?type=signup", "", speakWords).refused(t, "no token", 400, "validation_failed")
		h.raw("GET", "/verify?token=x", "", speakWords).refused(t, "no type", 400, "validation_failed")
	})
}

func TestBothAddressesAgreeToAChange(t *testing.T) {
	atHome(t, homePlan{confirm: true}, func(t *testing.T, h *home) {
		jane := h.confirmed(t, homeAda)
		moved := h.ask("PUT", "/user", `{"email":"NEW@example.com"}`, jane.bearer()).want(t, http.StatusOK)
		if moved["new_email"] != "new@example.com" || moved["email"] != homeAda || moved["email_change_sent_at"] == nil {
			t.Errorf("got %v", moved)
		}
		left, came := h.letter(t, homeAda), h.letter(t, "new@example.com")
		w := h.post("/verify", `{"type":"email_change","email":"`+homeAda+`","token":"`+left.code+`"}`)
		want := map[string]any{"msg": "Confirmation link accepted. Please proceed to confirm link sent to the other email", "code": "200"}
		if got := w.want(t, 200); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v", got)
		}
		done := h.spend(came)
		if !strings.HasPrefix(done.Header().Get("Location"), homeSite+"#access_token=") {
			t.Errorf("got %s", done.Header().Get("Location"))
		}
		if got := h.ask("GET", "/user", "", jane.bearer()).want(t, 200); got["email"] != "new@example.com" || got["new_email"] != nil {
			t.Errorf("got %v", got)
		}
		pause()
		h.ask("PUT", "/user", `{"email":"`+homeAda+`"}`, jane.bearer()).want(t, http.StatusOK)
		first := h.spend(h.letter(t, homeAda))
		half := url.Values{"message": {want["msg"].(string)}, "sb": {""}}
		if loc := first.Header().Get("Location"); loc != homeSite+"#"+half.Encode() {
			t.Errorf("the first of two: got %s", loc)
		}
	})
}

func TestAPersonChangesTheirAccount(t *testing.T) {
	atHome(t, homePlan{confirm: true, reauthenticate: true, currentPassword: true}, func(t *testing.T, h *home) {
		h.confirmed(t, homeAda)
		h.confirmed(t, "bob@example.com")
		jane := h.post("/token?grant_type=password", credentials(homeAda, homePassword)).seat(t)
		put := func(body string) heard { return h.ask("PUT", "/user", body, jane.bearer()) }
		text, err := json.Marshal(map[string]string{"password": "another good one 1", "current_password": homePassword})
		fine(t, err)
		change := string(text)
		tests := []struct {
			name, body string
			status     int
			code       string
		}{
			{"an address of another", `{"email":"BOB@example.com"}`, 422, "email_exists"},
			{"an address that is none", `{"email":"bob"}`, 400, "validation_failed"},
			{"a number", `{"phone":"4930123456"}`, 422, "phone_provider_disabled"},
			{"what only the server says", `{"app_metadata":{"role":"admin"}}`, 403, "not_admin"},
			{"an empty password", `{"password":""}`, 422, "weak_password"},
			{"a weak one", `{"password":"password123","current_password":"` + homePassword + `"}`, 422, "weak_password"},
			{"a long one", `{"password":"` + strings.Repeat("x", 73) + `"}`, 400, "validation_failed"},
			{"without the one before", `{"password":"another good one 1"}`, 400, "current_password_required"},
			{"with a wrong one", `{"password":"another good one 1","current_password":"x"}`, 400, "current_password_invalid"},
			{"the same", `{"password":"` + homePassword + `","current_password":"` + homePassword + `"}`, 422, "same_password"},
			{"half a challenge", `{"email":"c@example.com","code_challenge":"` + challenge + `"}`, 400, "validation_failed"},
		}
		for _, tt := range tests {
			put(tt.body).refused(t, tt.name, tt.status, tt.code)
			time.Sleep(3 * time.Second) // after a wrong password
		}
		got := put(`{"data":{"a":{"b":1},"c":2},"email":"`+strings.ToUpper(homeAda)+`","phone":""}`).want(t, 200)
		data, _ := got["user_metadata"].(map[string]any)
		if data["c"] != 2.0 || got["new_email"] != nil || got["updated_at"] == jane.user["updated_at"] {
			t.Errorf("got %v", got)
		}
		data, _ = put(`{"data":{"a":{"d":1},"c":null}}`).want(t, 200)["user_metadata"].(map[string]any)
		if _, there := data["c"]; there || !reflect.DeepEqual(data["a"], map[string]any{"d": 1.0}) || data["sub"] != jane.id {
			t.Errorf("got %v", data)
		}

		for range 24 { // an app that is in use all day
			time.Sleep(time.Hour)
			jane = h.post("/token?grant_type=refresh_token", refresh(jane.refresh)).seat(t)
		}
		put(change).refused(t, "a sign-in of yesterday", 400, "reauthentication_needed")
		put(strings.Replace(change, "{", `{"nonce":"x",`, 1)).refused(t, "a wrong code", 422, "reauthentication_not_valid")
		time.Sleep(3 * time.Second)
		if w := h.ask("GET", "/reauthenticate", "", jane.bearer()); w.Code != 200 || w.Body.String() != "{}" {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		h.ask("GET", "/reauthenticate", "", jane.bearer()).refused(t, "at once again", 429, "over_email_send_rate_limit")
		p := h.letter(t, homeAda)
		if user := h.ask("GET", "/user", "", jane.bearer()).want(t, 200); user["reauthentication_sent_at"] == nil || user["sub"] != jane.id {
			t.Errorf("got %v", user)
		}
		other := h.post("/token?grant_type=password", credentials(homeAda, homePassword)).seat(t)
		put(strings.Replace(change, "{", `{"nonce":"`+p.code+`",`, 1)).want(t, 200)
		h.ask("GET", "/user", "", jane.bearer()).want(t, 200)
		h.ask("GET", "/user", "", other.bearer()).refused(t, "the other session", 403, "session_not_found")
		h.post("/token?grant_type=password", credentials(homeAda, "another good one 1")).seat(t)
	})
}
