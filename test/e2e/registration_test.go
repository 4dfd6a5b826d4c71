package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const programsPath = "/auth/v1/oauth/register"

// A program that nobody knew registers itself with a token of the operator, gets
// tokens, and leaves.
func TestAProgramRegistersItself(t *testing.T) {
	serving(t, config{more: []string{"--registration", "token"}}, func(t *testing.T, s *server) {
		wish := obj{"redirect_uris": []string{"https://a.example/cb"}, "client_name": "Stranger", "grant_types": []string{"authorization_code", "client_credentials"}}
		if a := s.nobody().post(t, programsPath, wish); a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("a stranger without a token: %d %s", a.status, a.body)
		}
		var initial struct{ Token string }
		s.Operate(t, "", &initial, "registration-token", "--once")
		if initial.Token == "" {
			t.Fatal("registration-token --json says no token")
		}
		holder := s.nobody().with("Authorization", "Bearer "+initial.Token)
		made := holder.post(t, programsPath, wish).want(t, http.StatusCreated)
		if a := holder.post(t, programsPath, wish); a.status != http.StatusUnauthorized {
			t.Errorf("a token for one client is taken twice: %d", a.status)
		}
		p := program{made.text(t, "client_id"), made.text(t, "client_secret")}
		at := programsPath + "/" + p.ID
		if made.text(t, "registration_client_uri") != s.URL+at {
			t.Errorf("it manages itself at %s", made.text(t, "registration_client_uri"))
		}
		text := s.earn(t, p, "scope=openid")
		admin := s.as(s.member(t, "admin", "admin"))
		shown := admin.get(t, clientsPath+"/"+p.ID).want(t, http.StatusOK)
		sameJSON(t, "origin", shown.text(t, "client.origin"), "dynamic")

		more := admin.post(t, "/api/admin/registration-tokens", obj{"expires_in": 60}).want(t, http.StatusCreated).text(t, "token")
		for range 2 {
			s.nobody().with("Authorization", "Bearer "+more).post(t, programsPath, wish).want(t, http.StatusCreated)
		}
		itself := s.nobody().with("Authorization", "Bearer "+made.text(t, "registration_access_token"))
		itself.get(t, at).want(t, http.StatusOK)
		itself.delete(t, at).want(t, http.StatusNoContent)
		watcher := s.home.program(t)
		if s.active(t, watcher, text) {
			t.Error("the token of a client that left is active")
		}
	})
}
