package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The whole way: a person is asked once, the program learns who they are, keeps its
// access without them, and gives it back.
func TestAPersonLetsAProgramIn(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		app, jane := s.home.app(t), s.register(t, "jane")
		first := s.signsIn(t, jane, app)
		who := parseToken(t, first.id).claims
		authTime, _ := who["auth_time"].(float64)
		if age := time.Since(time.Unix(int64(authTime), 0)); age < 0 || age > patience {
			t.Errorf("auth_time %v", who["auth_time"])
		}
		sameJSON(t, "ID token", who, obj{
			"iss": s.URL + "/auth/v1", "sub": jane.id, "aud": app.ID, "nonce": "n1", "acr": "aal1", "amr": []any{"pwd"},
			"iat": who["iat"], "exp": who["exp"], "auth_time": authTime, "at_hash": who["at_hash"], "sid": who["sid"],
		})
		sameJSON(t, "userinfo", s.nobody().bearer(first.access).get(t, userinfoPath).want(t, 200).object(t),
			obj{"sub": jane.id, "email": jane.email, "email_verified": false})
		told := s.nobody().is(app).form(t, introspectPath, "token="+first.access).want(t, 200).object(t)
		if told["active"] != true || told["sub"] != jane.id || told["auth_time"] != authTime || told["scope"] != "openid email offline_access" {
			t.Errorf("introspection %v", told)
		}
		if a := s.visitor(jane).get(t, authorization(app)); a.back(t, s).Get("code") == "" {
			t.Error("she was asked again")
		}
		next := heldOf(t, s.renew(t, app, first.refresh))
		if next.refresh == first.refresh || next.access == first.access {
			t.Error("a renewal renewed nothing")
		}
		s.nobody().is(app).form(t, revokePath, "token="+next.refresh).want(t, 200)
		s.gone(t, app, first, next)
	})
}

// gone fails the test unless nothing that app held is good for anything.
func (s *server) gone(t *testing.T, app program, all ...held) {
	t.Helper()
	for _, one := range all {
		if s.active(t, app, one.access) {
			t.Error("an access token is active")
		}
		if a := s.nobody().bearer(one.access).get(t, userinfoPath); a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("userinfo answers %d %s", a.status, a.header.Get("WWW-Authenticate"))
		}
		s.renew(t, app, one.refresh).fails(t, http.StatusBadRequest, "invalid_grant")
	}
}

func TestWhatWasUsedIsNotUsedAgain(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		app, jane := s.home.app(t, "--trusted"), s.register(t, "jane")
		code := s.code(t, jane, app)
		one := heldOf(t, s.redeem(t, app, code))
		s.redeem(t, app, code).fails(t, http.StatusBadRequest, "invalid_grant")
		s.gone(t, app, one)

		two := s.signsIn(t, jane, app)
		three := heldOf(t, s.renew(t, app, two.refresh))
		four := heldOf(t, s.renew(t, app, three.refresh))
		s.renew(t, app, two.refresh).fails(t, http.StatusBadRequest, "invalid_grant")
		s.gone(t, app, two, three, four)
	})
}

func TestACodeCountsWhereItWasMadeForAlone(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		app, other, jane := s.home.app(t, "--trusted"), s.home.app(t), s.register(t, "jane")
		const grant, back, proof = "grant_type=authorization_code", "redirect_uri=" + callback, "code_verifier=" + verifier
		for name, pairs := range map[string][]string{
			"no verifier":      {back},
			"another verifier": {back, proof + "x"},
			"another address":  {"redirect_uri=https://app.example/", proof},
			"no address":       {proof},
		} {
			a := s.nobody().is(app).form(t, tokenPath, append(pairs, grant, "code="+s.code(t, jane, app))...)
			if a.status != http.StatusBadRequest || a.text(t, "error") != "invalid_grant" && a.text(t, "error") != "invalid_request" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		code := s.code(t, jane, app)
		s.redeem(t, other, code).fails(t, http.StatusBadRequest, "invalid_grant")
		s.redeem(t, other, "nonsense").fails(t, http.StatusBadRequest, "invalid_grant")
		s.renew(t, other, s.signsIn(t, jane, app).refresh).fails(t, http.StatusBadRequest, "invalid_grant")
	})
}

func TestAuthorizationRefusals(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		app, jane := s.home.app(t), s.register(t, "jane")
		for _, tt := range []struct{ word, pair string }{
			{"invalid_request", "code_challenge_method=plain"},
			{"invalid_request", "code_challenge=short"},
			{"invalid_request", "prompt=none login"},
			{"invalid_target", "resource=https://evil.example"},
			{"invalid_request", "redirect_uri="}, // no value is none, and its only address is known
			{"consent_required", "prompt=none"},
		} {
			a := s.visitor(jane).get(t, authorization(app, tt.pair))
			if in := a.back(t, s); in.Get("error") != tt.word || in.Has("code") || in.Get("error_description") == "" {
				t.Errorf("%s: %v, want %s", tt.pair, in, tt.word)
			}
		}
		a := s.visitor(jane).get(t, authorization(app, "response_type=password")).want(t, http.StatusSeeOther)
		if !strings.HasPrefix(a.header.Get("Location"), callback+"#error=unsupported_response_type&") {
			t.Errorf("response_type=password leads to %s", a.header.Get("Location"))
		}
		if in := s.nobody().get(t, authorization(app, "prompt=none", "heady_bounced=1")).back(t, s); in.Get("error") != "login_required" {
			t.Errorf("a stranger without a page: %v", in)
		}
		if in := s.consents(t, jane, s.visitor(jane).get(t, authorization(app)), "deny"); in.Get("error") != "access_denied" {
			t.Errorf("she said no: %v", in)
		}
		for _, pair := range []string{"client_id=" + nowhere, "client_id=x", "redirect_uri=https://evil.example/cb", "redirect_uri=" + callback + "/"} {
			a := s.visitor(jane).get(t, authorization(app, pair)).want(t, http.StatusBadRequest)
			if a.header.Get("Location") != "" || a.header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s: headers %v", pair, a.header)
			}
		}
	})
}

// A consent is taken back by who gave it, by an administrator or by the operator; all
// that stands on it ends.
func TestConsentsAreWithdrawn(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		app, jane, admin := s.home.app(t), s.register(t, "jane"), s.member(t, "admin", "admin")
		const own = "/api/auth/consents"
		office := "/api/admin/users/" + jane.id + "/consents"
		sameJSON(t, "before", s.as(jane).get(t, own).want(t, 200).list(t, "consents"), []any{})
		flags := append(s.Flags(), "--json")
		for name, withdraw := range map[string]func(){
			"herself":       func() { s.as(jane).delete(t, own+"/"+app.ID).want(t, 200) },
			"administrator": func() { s.as(admin).delete(t, office+"/"+app.ID).want(t, 200) },
			"operator": func() {
				run(t, "", append([]string{"consents", "withdraw", "--user", jane.email, app.ID}, flags...)...).Must(t, 0)
			},
		} {
			one := s.signsIn(t, jane, app)
			given := s.as(jane).get(t, own).want(t, 200).list(t, "consents")
			if len(given) != 1 || given[0]["client_id"] != app.ID || given[0]["client_name"] != "Robot" {
				t.Errorf("%s: consents %v", name, given)
			}
			sameJSON(t, "the administrator's list", s.as(admin).get(t, office).want(t, 200).list(t, "consents"), given)
			listed := run(t, "", append([]string{"consents", "list", "--user", jane.email}, flags...)...).Must(t, 0).Stdout
			if !strings.Contains(listed, app.ID) {
				t.Errorf("consents list says %s", listed)
			}
			withdraw()
			within(t, name, func() bool { return !s.active(t, app, one.access) })
			s.gone(t, app, one)
			s.as(jane).delete(t, own+"/"+app.ID).refused(t, http.StatusNotFound, "not_found")
		}
		s.as(jane).get(t, office).refused(t, http.StatusForbidden)
		s.as(jane).delete(t, office+"/"+app.ID).refused(t, http.StatusForbidden)
		s.nobody().get(t, own).refused(t, http.StatusUnauthorized)
	})
}

// What ends a person's sign-in, account, or program ends what stands on it.
func TestWhatStandsOnAnEndEnds(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		for name, end := range map[string]func(jane person, app program){
			"disabled": func(jane person, _ program) {
				s.as(admin).patch(t, "/api/admin/users/"+jane.id, obj{"disabled": true}).want(t, 200)
			},
			"erased": func(jane person, _ program) { s.as(admin).delete(t, "/api/admin/users/"+jane.id).want(t, 200) },
			"program": func(_ person, app program) {
				s.as(admin).patch(t, clientsPath+"/"+app.ID, obj{"disabled": true}).want(t, 200)
			},
		} {
			app, jane, watcher := s.home.app(t, "--trusted"), s.register(t, name), s.home.program(t, "--serves", s.URL+"/api/v1")
			one := s.signsIn(t, jane, app)
			code := s.code(t, jane, app)
			if !s.active(t, watcher, one.access) {
				t.Errorf("%s: not active before", name)
			}
			end(jane, app)
			if s.active(t, watcher, one.access) {
				t.Errorf("%s: still active", name)
			}
			if a := s.redeem(t, app, code); a.status < 400 {
				t.Errorf("%s: a code is redeemed", name)
			}
			if a := s.renew(t, app, one.refresh); a.status < 400 {
				t.Errorf("%s: a refresh token is taken", name)
			}
		}
	})
}

// A device without a browser is let in from another.
func TestADeviceIsConnected(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		tv, jane := s.home.app(t, "--grant", "urn:ietf:params:oauth:grant-type:device_code", "--grant", "refresh_token"), s.register(t, "jane")
		for _, decision := range []string{"deny", "allow"} {
			asked := s.nobody().is(tv).form(t, "/auth/v1/oauth/device", "scope=openid email").want(t, 200)
			poll := func() answer {
				return s.nobody().is(tv).form(t, tokenPath, "grant_type=urn:ietf:params:oauth:grant-type:device_code", "device_code="+asked.text(t, "device_code"))
			}
			poll().fails(t, http.StatusBadRequest, "authorization_pending")
			poll().fails(t, http.StatusBadRequest, "slow_down")
			to := s.fill(t, jane, "/device", "/device", "user_code="+asked.text(t, "user_code")).want(t, http.StatusSeeOther).header.Get("Location")
			s.fill(t, jane, to, "/device/allow", "decision="+decision, "scope=email", "duration=34d").want(t, http.StatusSeeOther)
			if decision == "deny" {
				poll().fails(t, http.StatusBadRequest, "access_denied")
				continue
			}
			within(t, "the device's turn", func() bool {
				a := poll()
				if a.status == http.StatusOK {
					s.nobody().bearer(a.text(t, "access_token")).get(t, userinfoPath).want(t, 200)
				}
				return a.status == http.StatusOK
			})
			poll().fails(t, http.StatusBadRequest, "invalid_grant")
		}
	})
}

// A pushed request is good once and for who pushed it.
func TestAPushedRequest(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		app, other, jane := s.home.app(t, "--trusted", "--require-par"), s.home.app(t), s.register(t, "jane")
		if in := s.visitor(jane).get(t, authorization(app)).back(t, s); in.Get("error") != "invalid_request" {
			t.Errorf("not pushed: %v", in)
		}
		_, query, _ := strings.Cut(authorization(app), "?")
		pushed := s.nobody().is(app).form(t, "/auth/v1/oauth/par", strings.Split(unescaped(t, query), "&")...).want(t, http.StatusCreated)
		uri := "request_uri=" + pushed.text(t, "request_uri")
		s.visitor(jane).get(t, authorizePath+"?client_id="+other.ID+"&"+uri).want(t, http.StatusBadRequest)
		to := authorizePath + "?client_id=" + app.ID + "&" + uri
		heldOf(t, s.redeem(t, app, s.visitor(jane).get(t, to).back(t, s).Get("code")))
		s.visitor(jane).get(t, to).want(t, http.StatusBadRequest)
	})
}
