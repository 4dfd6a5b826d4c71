package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const registerPath = "/api/auth/register"

func TestRegister(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		a := s.nobody().post(t, registerPath, obj{"email": " Jane@EXAMPLE.com ", "password": goodPassword, "name": "Jane"})
		a.want(t, http.StatusCreated)
		user := a.object(t)["user"].(obj)
		want := obj{"id": user["id"], "email": "Jane@example.com", "name": "Jane", "role": "user", "onboarding_stage": 0.0}
		sameJSON(t, "user", user, want)
		if got := a.object(t)["expiresIn"]; got != 3600.0 {
			t.Errorf("expiresIn = %v, want 3600", got)
		}
		s.nobody().bearer(a.text(t, "accessToken")).get(t, "/api/auth/me").want(t, http.StatusOK)
	})
}

func TestRegisterIgnoresWhatIsNotTheirs(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		a := s.nobody().post(t, registerPath, obj{
			"email": address("eve"), "password": goodPassword,
			"role": "admin", "id": nowhere, "onboarding_stage": 5,
		}).want(t, http.StatusCreated)
		user := a.object(t)["user"].(obj)
		if user["role"] != "user" || user["id"] == nowhere || user["onboarding_stage"] != 0.0 {
			t.Errorf("the body decided over role, id or stage: %v", user)
		}
	})
}

func TestRegisterRefusesATakenAddress(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		s.register(t, "jane")
		for _, email := range []string{"jane@example.com", "JANE@example.com", "jane@EXAMPLE.COM", " jane@example.com"} {
			s.nobody().post(t, registerPath, obj{"email": email, "password": goodPassword}).refused(t, http.StatusConflict, "email_taken")
		}
	})
}

func TestRegisterRefusesUnusableInput(t *testing.T) {
	tests := []struct {
		name  string
		body  obj
		code  string
		field string
	}{
		{"nothing", obj{}, "missing_field", "email"},
		{"no password", obj{"email": "a@example.com"}, "missing_field", "password"},
		{"no e-mail", obj{"password": goodPassword}, "missing_field", "email"},
		{"no at sign", obj{"email": "example.com", "password": goodPassword}, "invalid_email", "email"},
		{"two addresses", obj{"email": "a@example.com, b@example.com", "password": goodPassword}, "invalid_email", "email"},
		{"a line break", obj{"email": "a@example.com\r\nBcc: b@example.com", "password": goodPassword}, "invalid_email", "email"},
		{"a display name", obj{"email": "Jane <a@example.com>", "password": goodPassword}, "invalid_email", "email"},
		{"an endless address", obj{"email": strings.Repeat("a", 400) + "@example.com", "password": goodPassword}, "invalid_email", "email"},
		{"seven characters", obj{"email": "a@example.com", "password": "xK3#vb9"}, "weak_password", "password"},
		{"a common password", obj{"email": "a@example.com", "password": "password123"}, "weak_password", "password"},
		{"the e-mail itself", obj{"email": "longname@example.com", "password": "longname@example.com"}, "weak_password", "password"},
		{"1025 characters", obj{"email": "a@example.com", "password": strings.Repeat("xK3#v", 205)}, "password_too_long", "password"},
	}
	serving(t, config{}, func(t *testing.T, s *server) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				s.nobody().post(t, registerPath, tt.body).refused(t, http.StatusBadRequest, tt.code).blames(t, tt.field)
			})
		}
	})
}

// A password counts as it is: long, with spaces, in any script, composed or not.
func TestPasswordsKeepEveryCharacter(t *testing.T) {
	tests := []struct{ name, set, typed, wrong string }{
		{"1024 characters", strings.Repeat("xK3#", 256), strings.Repeat("xK3#", 256), strings.Repeat("xK3#", 255) + "xK3"},
		{"spaces", "  grey heron at dusk  ", "  grey heron at dusk  ", "grey heron at dusk"},
		{"case", "Grey-Heron-At-Dusk", "Grey-Heron-At-Dusk", "grey-heron-at-dusk"},
		{"composed and decomposed", "r\u00e9gate-\u00e0-l\u2019aube-9", "re\u0301gate-a\u0300-l\u2019aube-9", "regate-a-l\u2019aube-9"},
	}
	serving(t, config{}, func(t *testing.T, s *server) {
		for i, tt := range tests {
			email := address("keeper" + string(rune('a'+i)))
			s.nobody().post(t, registerPath, obj{"email": email, "password": tt.set}).want(t, http.StatusCreated)
			login := obj{"email": email, "password": tt.wrong}
			s.nobody().post(t, loginPath, login).refused(t, http.StatusUnauthorized, "invalid_credentials")
			login["password"] = tt.typed
			s.nobody().post(t, loginPath, login).want(t, http.StatusOK)
		}
	})
}
