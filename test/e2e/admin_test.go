package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

const usersPath = "/api/admin/users"

func TestAdminMakesUsers(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		body := obj{"email": address("jane"), "password": goodPassword, "name": "Jane", "role": "operator"}
		made := s.as(admin).post(t, usersPath, body).want(t, http.StatusCreated).object(t)["user"].(obj)
		if made["email"] != body["email"] || made["role"] != "operator" || made["disabled"] != false || made["last_sign_in_at"] != nil {
			t.Errorf("made %v", made)
		}
		jane := s.login(t, person{email: address("jane"), password: goodPassword})
		shown := s.as(admin).get(t, usersPath+"/"+jane.id).want(t, http.StatusOK).object(t)["user"].(obj)
		if shown["id"] != made["id"] || shown["last_sign_in_at"] == nil {
			t.Errorf("shown %v", shown)
		}

		s.as(admin).post(t, usersPath, body).refused(t, http.StatusConflict, "email_taken")
		s.as(admin).post(t, usersPath, obj{"email": "x", "password": goodPassword}).refused(t, http.StatusBadRequest, "invalid_email")
		s.as(admin).post(t, usersPath, obj{"email": address("john"), "password": "password"}).refused(t, http.StatusBadRequest, "weak_password")
		s.as(admin).post(t, usersPath, obj{"email": address("john"), "password": goodPassword, "role": "god"}).refused(t, http.StatusBadRequest).blames(t, "role")
		s.as(admin).post(t, usersPath, obj{}).refused(t, http.StatusBadRequest, "missing_field")
	})
}

func TestAdminFindsUsers(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		ids := map[string]string{"admin": admin.id}
		for _, name := range []string{"jane", "john", "janet"} {
			ids[name] = s.register(t, name).id
		}
		s.as(admin).patch(t, usersPath+"/"+ids["john"], obj{"disabled": true}).want(t, http.StatusOK)
		tests := []struct {
			query string
			want  []string
		}{
			{"", []string{"admin", "jane", "janet", "john"}}, {"q=jane", []string{"jane", "janet"}}, {"q=JANET", []string{"janet"}},
			{"role=admin", []string{"admin"}}, {"status=disabled", []string{"john"}}, {"q=jo%25n", []string{}}, {"q='%3B--", []string{}},
		}
		for _, tt := range tests {
			want := []string{}
			for _, name := range tt.want {
				want = append(want, ids[name])
			}
			got := pages(t, s.as(admin), usersPath+"?limit=2&"+tt.query, "users")
			slices.Sort(got)
			slices.Sort(want)
			sameJSON(t, tt.query, got, want)
		}
		s.as(admin).get(t, usersPath+"?role=emperor").refused(t, http.StatusBadRequest)
		s.as(admin).get(t, usersPath+"?cursor=x").refused(t, http.StatusBadRequest, "invalid_cursor")
	})
}

func TestAdminDisablesAtOnce(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, jane := s.member(t, "admin", "admin"), s.register(t, "jane")
		k := s.createKey(t, jane, obj{})
		at := usersPath + "/" + jane.id
		if got := s.as(admin).patch(t, at, obj{"disabled": true}).want(t, http.StatusOK).object(t)["user"].(obj)["disabled"]; got != true {
			t.Errorf("disabled = %v", got)
		}
		for _, c := range []client{s.as(jane), s.withCookie(jane), s.nobody().apiKey(k.secret)} {
			if a := c.get(t, mePath); a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
				t.Errorf("a disabled account is served: %d", a.status)
			}
		}
		if a := s.nobody().refresh(t, jane.refresh); a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
			t.Errorf("a disabled account refreshes: %d", a.status)
		}
		s.as(admin).patch(t, at, obj{"disabled": false}).want(t, http.StatusOK)
		s.login(t, jane)
	})
}

func TestAdminErasesUsers(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, jane := s.member(t, "admin", "admin"), s.register(t, "jane")
		at := usersPath + "/" + jane.id
		s.as(admin).delete(t, at).want(t, http.StatusOK)
		s.signedOut(t, jane)
		s.as(admin).get(t, at).refused(t, http.StatusNotFound, "not_found")
		s.as(admin).delete(t, at).refused(t, http.StatusNotFound, "not_found")
		s.as(admin).patch(t, at, obj{"name": "x"}).refused(t, http.StatusNotFound, "not_found")
	})
}

func TestTheLastAdminStays(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		at := usersPath + "/" + admin.id
		s.as(admin).patch(t, at, obj{"role": "user"}).refused(t, http.StatusConflict, "last_admin")
		s.as(admin).patch(t, at, obj{"disabled": true}).refused(t, http.StatusConflict, "last_admin")
		s.as(admin).delete(t, at).refused(t, http.StatusConflict, "last_admin")
		s.as(admin).do(t, "DELETE", mePath, obj{"password": admin.password}).refused(t, http.StatusConflict, "last_admin")

		second := s.member(t, "second", "admin")
		s.as(second).patch(t, at, obj{"role": "user"}).want(t, http.StatusOK)
	})
}

func TestAdminRevokesKeysAndSessions(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, jane, john := s.member(t, "admin", "admin"), s.register(t, "jane"), s.register(t, "john")
		k, other := s.createKey(t, jane, obj{}), s.createKey(t, john, obj{})

		sameJSON(t, "keys of Jane", pages(t, s.as(admin), "/api/admin/api-keys?limit=1&owner="+jane.id, "keys"), []string{k.id})
		all := pages(t, s.as(admin), "/api/admin/api-keys?limit=1", "keys")
		slices.Sort(all)
		want := []string{k.id, other.id}
		slices.Sort(want)
		sameJSON(t, "all keys", all, want)
		s.as(admin).delete(t, "/api/admin/api-keys/"+k.id).want(t, http.StatusOK)
		s.nobody().apiKey(k.secret).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_api_key")

		sameJSON(t, "sessions of Jane", pages(t, s.as(admin), "/api/admin/sessions?limit=1&user="+jane.id, "sessions"), []string{sid(t, jane)})
		if n := len(pages(t, s.as(admin), "/api/admin/sessions?limit=1", "sessions")); n != 3 {
			t.Errorf("%d sessions, want 3", n)
		}
		s.as(admin).delete(t, "/api/admin/sessions/"+sid(t, jane)).want(t, http.StatusOK)
		s.signedOut(t, jane)
		s.as(john).get(t, mePath).want(t, http.StatusOK)
		for _, what := range []string{"api-keys", "sessions"} {
			s.as(admin).delete(t, "/api/admin/"+what+"/"+nowhere).refused(t, http.StatusNotFound, "not_found")
		}
	})
}

func TestAdminRotatesKeys(t *testing.T) {
	serving(t, config{ownSecret: true}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		s.keySet(t, 8) // and no more to come
		before := len(s.as(admin).get(t, "/api/admin/keys").want(t, http.StatusOK).list(t, "keys"))
		for i, use := range []string{"session", "heady", "receipt"} {
			s.as(admin).post(t, "/api/admin/keys/rotate", obj{"use": use}).want(t, http.StatusOK, http.StatusCreated)
			s.as(admin).get(t, mePath).want(t, http.StatusOK) // the old secret still verifies
			if n := len(s.as(admin).get(t, "/api/admin/keys").list(t, "keys")); n != before+i+1 {
				t.Errorf("%d keys after rotating %s, want %d", n, use, before+i+1)
			}
		}
		s.as(s.login(t, admin)).get(t, mePath).want(t, http.StatusOK)
		for _, use := range []any{"", "none", 5, nil} {
			s.as(admin).post(t, "/api/admin/keys/rotate", obj{"use": use}).refused(t, http.StatusBadRequest)
		}
	})
}

func TestAdminSeesNoSecrets(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		k := s.createKey(t, admin, obj{})
		for _, path := range []string{"users", "api-keys", "sessions", "receipts", "stats", "keys"} {
			text := string(s.as(admin).get(t, "/api/admin/"+path).want(t, http.StatusOK).body)
			holdsNone(t, path, text, []string{jwtSecret, k.secret[12:], admin.refresh, admin.cookie, "$argon2", fmt.Sprint(admin.access)})
		}
	})
}
