package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const mePath = "/api/auth/me"

func TestProfile(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		user := s.as(jane).get(t, mePath).want(t, http.StatusOK).object(t)["user"].(obj)
		want := obj{
			"id": jane.id, "email": jane.email, "name": "jane", "role": "user", "onboarding_stage": 0,
			"workspace_mode": user["workspace_mode"], "created_at": user["created_at"],
			"email_verified": false, "mfa_enabled": false, "identity_type": "human",
		}
		sameJSON(t, "user", user, want)
	})
}

func TestProfileChangesTheNameAlone(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		before := s.as(jane).get(t, mePath).object(t)["user"].(obj)
		change := obj{"name": "Jane Doe", "email": "other@example.com", "role": "admin", "id": nowhere}
		after := s.as(jane).patch(t, mePath, change).want(t, http.StatusOK).object(t)["user"].(obj)
		before["name"] = "Jane Doe"
		sameJSON(t, "answer", after, before)
		sameJSON(t, "profile", s.as(jane).get(t, mePath).object(t)["user"], before)

		s.as(jane).patch(t, mePath, obj{"name": strings.Repeat("x", 5000)}).refused(t, http.StatusBadRequest)
	})
}

func TestEraseDemandsAFreshProof(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		s.as(jane).do(t, "DELETE", mePath, obj{"password": "not-her-password"}).refused(t, http.StatusUnauthorized, "invalid_credentials")
		s.as(jane).get(t, mePath).want(t, http.StatusOK)
	})
}

func TestErase(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		other := s.login(t, jane)
		key := s.createKey(t, jane, obj{})
		s.as(jane).do(t, "DELETE", mePath, obj{"password": jane.password}).want(t, http.StatusOK)

		s.signedOut(t, jane)
		s.signedOut(t, other)
		s.nobody().apiKey(key.secret).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_api_key")
		body := obj{"email": jane.email, "password": jane.password}
		s.nobody().post(t, loginPath, body).refused(t, http.StatusUnauthorized, "invalid_credentials")
		if again := s.register(t, "jane"); again.id == jane.id {
			t.Error("an erased id was given away again")
		}
	})
}

func TestEraseSpeaksForPeopleNotKeys(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		key := s.createKey(t, jane, obj{})
		s.nobody().apiKey(key.secret).delete(t, mePath).refused(t, http.StatusUnauthorized, "recent_sign_in_required")
		s.as(jane).get(t, mePath).want(t, http.StatusOK)
	})
}

func TestVerify(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		key := s.createKey(t, jane, obj{"ttl": "8h"})
		scoped := s.createKey(t, jane, obj{"scopes": []string{"reports:read"}})
		tests := []struct {
			method string
			client client
			scopes any
		}{
			{"jwt", s.as(jane), nil},
			{"session", s.nobody().with("Cookie", sessionCookie+"="+jane.cookie), nil},
			{"api_key", s.nobody().apiKey(key.secret), nil},
			{"api_key", s.nobody().apiKey(scoped.secret), []any{"reports:read"}},
		}
		for _, tt := range tests {
			got := tt.client.get(t, "/api/auth/verify").want(t, http.StatusOK).object(t)
			want := obj{
				"authenticated": true, "userId": jane.id, "email": jane.email, "role": "user",
				"level": 2, "authMethod": tt.method, "expiresAt": got["expiresAt"],
			}
			if tt.scopes != nil {
				want["scopes"] = tt.scopes
			}
			if got["scopes"] != nil && tt.scopes == nil { // an empty list says the same
				want["scopes"] = []any{}
			}
			sameJSON(t, tt.method, got, want)
		}
	})
}

func TestVerifyTakesTheFirstCredential(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane, john := s.register(t, "jane"), s.register(t, "john")
		key := s.createKey(t, john, obj{})
		both := s.as(jane).with("X-API-Key", key.secret).with("Cookie", sessionCookie+"="+john.cookie)
		if got := both.get(t, "/api/auth/verify").text(t, "userId"); got != jane.id {
			t.Errorf("the bearer token must decide, got %s", got)
		}
		both.bearer("x.y.z").get(t, "/api/auth/verify").refused(t, http.StatusUnauthorized, "invalid_token")
		bad := s.nobody().apiKey("hdy_"+strings.Repeat("0", 68)).with("Cookie", sessionCookie+"="+jane.cookie)
		bad.get(t, "/api/auth/verify").refused(t, http.StatusUnauthorized, "invalid_api_key")
	})
}

func TestVerifyMinRole(t *testing.T) {
	roles := []string{"guest", "user", "operator", "admin"}
	serving(t, config{}, func(t *testing.T, s *server) {
		for level, role := range roles {
			p := s.member(t, role, role)
			for need, least := range roles {
				a := s.as(p).get(t, "/api/auth/verify?minRole="+least)
				if need > level {
					a.refused(t, http.StatusForbidden, "insufficient_role")
					continue
				}
				if got := a.want(t, http.StatusOK).object(t)["level"]; got != float64(level+1) {
					t.Errorf("%s has level %v, want %d", role, got, level+1)
				}
			}
			s.as(p).get(t, "/api/auth/verify?minRole=emperor").refused(t, http.StatusBadRequest)
		}
		s.nobody().get(t, "/api/auth/verify?minRole=guest").refused(t, http.StatusUnauthorized, "authentication_required")
	})
}

func TestPolicy(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		s.nobody().get(t, "/api/auth/policy").want(t, http.StatusOK)
	})
}
