package supabase_test

import (
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

func refresh(token string) string { return `{"refresh_token":"` + token + `"}` }

func TestWhoSignsInByPassword(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		jane := h.join(t, homeAda)
		drop := func(email, password string) heard {
			return h.post("/token?grant_type=password", credentials(email, password))
		}
		g := drop("ADA@Example.com", homePassword).seat(t)
		if g.id != jane.id || g.session == jane.session || claimsOf(t, g.access)["session_id"] != g.session {
			t.Errorf("got %+v", g)
		}
		known := drop(homeAda, "wrong")
		known.refused(t, "a wrong password", 400, "invalid_credentials")
		for name, w := range map[string]heard{"nobody": drop("eve@example.com", homePassword), "no password": drop(homeAda, ""), "no address": drop("eve", "x")} {
			if w.Code != known.Code || w.Body.String() != known.Body.String() {
				t.Errorf("%s: got %d %s, unlike %s", name, w.Code, w.Body, known.Body)
			}
		}
		tests := []struct {
			name, query, body string
			status            int
			code              string
		}{
			{"nothing", "?grant_type=password", `{}`, 400, "validation_failed"},
			{"two names", "?grant_type=password", `{"email":"a@b.example","phone":"4930123456","password":"x"}`, 400, "validation_failed"},
			{"a number", "?grant_type=password", `{"phone":"4930123456","password":"x"}`, 422, "phone_provider_disabled"},
			{"no such grant", "?grant_type=x", `{}`, 400, "invalid_credentials"},
			{"an empty grant", "?grant_type=", `{}`, 400, "invalid_credentials"},
			{"no code", "?grant_type=pkce", `{}`, 400, "validation_failed"},
			{"no verifier", "?grant_type=pkce", `{"auth_code":"x"}`, 400, "validation_failed"},
			{"an unknown code", "?grant_type=pkce", `{"auth_code":"x","code_verifier":"y"}`, 404, "flow_state_not_found"},
			{"no refresh token", "?grant_type=refresh_token", `{}`, 400, "validation_failed"},
			{"none that it could be", "?grant_type=refresh_token", refresh("x"), 400, "validation_failed"},
			{"an unknown one", "?grant_type=refresh_token", refresh(strings.Repeat("ab", 34)), 400, "refresh_token_not_found"},
		}
		for _, tt := range tests {
			h.post("/token"+tt.query, tt.body).refused(t, tt.name, tt.status, tt.code)
		}
		if w := h.raw("POST", "/token?grant_type=password", "grant_type=x", "Content-Type: application/x-www-form-urlencoded"); w.Code != http.StatusTeapot {
			t.Errorf("a form is OAuth's: got %d", w.Code)
		}
		yes := true
		_, err := h.people.ChangeUser(t.Context(), headykey.System, headykey.ID(jane.id), headykey.UserChange{Disabled: &yes})
		fine(t, err)
		drop(homeAda, homePassword).refused(t, "banned", 400, "user_banned")
		h.post("/token?grant_type=refresh_token", refresh(g.refresh)).refused(t, "banned", 400, "refresh_token_not_found") // their sessions ended
	})
}

// An account is of one audience; who looks among another finds nobody.
func TestAnotherAudienceIsOfOthers(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		jane := h.join(t, homeAda)
		drop := func(audience string) heard {
			return h.post("/token?grant_type=password", credentials(homeAda, homePassword), "X-JWT-AUD: "+audience)
		}
		drop("partners").refused(t, "of another audience", 400, "invalid_credentials")
		for _, path := range []string{"/otp", "/recover", "/magiclink"} {
			h.post(path, `{"email":"`+homeAda+`"}`, "X-JWT-AUD: partners").want(t, http.StatusOK)
			h.post(path, `{"email":"new`+path[1:]+`@example.com"}`, "X-JWT-AUD: partners").want(t, http.StatusOK)
			if p, n := h.letter(t, homeAda), h.letter(t, "new"+path[1:]+"@example.com"); p.count != 0 || n.count != 0 {
				t.Errorf("%s: got %+v and %+v", path, p, n)
			}
			pause()
		}
		h.ask("GET", "/user", "", jane.bearer(), "X-JWT-AUD: partners").refused(t, "the token is not of it", 400, "validation_failed")
		h.ask("GET", "/user", "", jane.bearer(), "X-JWT-AUD: authenticated").want(t, http.StatusOK)
		h.post("/otp", `{"email":"`+homeAda+`"}`).want(t, http.StatusOK)
		code := `{"type":"email","email":"` + homeAda + `","token":"` + h.letter(t, homeAda).code + `"}`
		h.post("/verify", code, "X-JWT-AUD: partners").refused(t, "a code of nobody there", 403, "otp_expired")
		time.Sleep(2 * time.Second) // after a wrong code
		h.post("/verify", code).seat(t)

		fine(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
			a, err := tx.Account(headykey.ID(jane.id))
			if err != nil {
				return err
			}
			a.Profile.Audience = "partners"
			return tx.PutProfile(a.ID, &a.Profile)
		}))
		drop("").refused(t, "no longer of ours", 400, "invalid_credentials")
		time.Sleep(2 * time.Second)
		if got := claimsOf(t, drop("partners").seat(t).access); got["aud"] != "partners" {
			t.Errorf("got %v", got)
		}
	})
}

// All who refresh at once, or lost the answer, get the one successor.
func TestARefreshConverges(t *testing.T) {
	atHome(t, homePlan{anonymous: true}, func(t *testing.T, h *home) {
		g := h.drift(t)
		again := func(token string) heard { return h.post("/token?grant_type=refresh_token", refresh(token)) }
		time.Sleep(time.Minute)
		answers := make([]heard, 8)
		var tabs sync.WaitGroup
		for i := range answers {
			tabs.Go(func() { answers[i] = again(g.refresh) })
		}
		tabs.Wait()
		next, rotated := answers[0].seat(t), 0
		for _, w := range answers {
			s := w.seat(t)
			head := w.Header()
			if s.refresh != next.refresh || s.session != g.session || s.id != g.id || head.Get("Sb-Auth-Refresh-Token-Prefix") != s.refresh[:5] ||
				head.Get("Sb-Auth-Refresh-Token-Rotated") != "" {
				t.Errorf("got %+v with %v, want %+v", s, head, next)
			}
			reuse := []string{head.Get("Sb-Auth-Refresh-Token-Reuse"), head.Get("Sb-Auth-Refresh-Token-Reuse-Cause")}
			switch {
			case reflect.DeepEqual(reuse, []string{"false", ""}):
				rotated++
			case !reflect.DeepEqual(reuse, []string{"true", "concurrent-refresh,fail-to-save"}):
				t.Errorf("got %q", reuse)
			}
		}
		if rotated != 1 {
			t.Errorf("%d of %d rotated it, want 1", rotated, len(answers))
		}
		before, after := claimsOf(t, g.access), claimsOf(t, next.access)
		if !reflect.DeepEqual(before["amr"], after["amr"]) || before["session_id"] != after["session_id"] || after["iat"].(float64) != before["iat"].(float64)+60 {
			t.Errorf("got %v after %v", after, before)
		}
		time.Sleep(9 * time.Second)
		if s := again(g.refresh).seat(t); s.refresh != next.refresh {
			t.Errorf("a lost answer: got %+v, want %+v", s, next)
		}
		if last := again(next.refresh).seat(t); last.refresh == next.refresh {
			t.Error("it was not rotated")
		}
	})
}

func TestALateReuseEndsTheSessionAndSaysWhich(t *testing.T) {
	atHome(t, homePlan{anonymous: true}, func(t *testing.T, h *home) {
		g := h.drift(t)
		next := h.post("/token?grant_type=refresh_token", refresh(g.refresh)).seat(t)
		time.Sleep(11 * time.Second)
		w := h.post("/token?grant_type=refresh_token", refresh(g.refresh))
		w.refused(t, "used too late", 400, "refresh_token_already_used")
		want := []string{g.id, g.session, "true", "", "true"}
		var got []string
		for _, name := range []string{"User-Id", "Session-Id", "Refresh-Token-Reuse", "Refresh-Token-Reuse-Cause", "Refresh-Token-Rotated"} {
			got = append(got, w.Header().Get("Sb-Auth-"+name))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		h.post("/token?grant_type=refresh_token", refresh(next.refresh)).refused(t, "its successor", 400, "refresh_token_not_found")
		h.ask("GET", "/user", "", next.bearer()).refused(t, "its access token", 403, "session_not_found")
	})
}

func TestASessionOfALongTimeAgoIsOver(t *testing.T) {
	atHome(t, homePlan{anonymous: true}, func(t *testing.T, h *home) {
		g := h.drift(t)
		time.Sleep(30*24*time.Hour + time.Second)
		h.ask("GET", "/user", "", g.bearer()).refused(t, "the access token", 403, "bad_jwt")
		h.post("/token?grant_type=refresh_token", refresh(g.refresh)).refused(t, "the refresh token", 400, "session_expired")
	})
}

func TestSigningOut(t *testing.T) {
	atHome(t, homePlan{}, func(t *testing.T, h *home) {
		first := h.join(t, homeAda)
		in := func() seated { return h.post("/token?grant_type=password", credentials(homeAda, homePassword)).seat(t) }
		second, third := in(), in()
		out := func(g seated, scope string) {
			t.Helper()
			if w := h.post("/logout"+scope, "", g.bearer()); w.Code != 204 || w.Body.Len() != 0 {
				t.Errorf("%q: got %d %s", scope, w.Code, w.Body)
			}
		}
		h.post("/logout?scope=all", "", first.bearer()).refused(t, "no such scope", 400, "validation_failed")
		h.post("/logout", "").refused(t, "nobody", 401, "no_authorization")
		out(first, "?scope=local")
		h.ask("GET", "/user", "", first.bearer()).refused(t, "this one", 403, "session_not_found")
		h.ask("GET", "/user", "", second.bearer()).want(t, 200)
		out(second, "?scope=others")
		h.ask("GET", "/user", "", third.bearer()).refused(t, "the others", 403, "session_not_found")
		fourth := in()
		h.ask("GET", "/user", "", second.bearer()).want(t, 200)
		out(second, "")
		for _, g := range []seated{second, fourth} {
			h.ask("GET", "/user", "", g.bearer()).refused(t, "all", 403, "session_not_found")
			h.post("/token?grant_type=refresh_token", refresh(g.refresh)).refused(t, "all", 400, "refresh_token_not_found")
		}
	})
}
