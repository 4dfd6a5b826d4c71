package e2e

import (
	"net/http"
	"testing"
)

const (
	goodPassword = "heron-wades-at-dusk-21"
	nowhere      = "00000000-0000-4000-8000-000000000000" // an id that names nothing
)

// A person is an account and what its last sign-in gave.
type person struct {
	id, email, password string
	access, refresh     string
	cookie              string
}

func address(name string) string { return name + "@example.com" }

// register makes the person called name, who is signed in afterwards.
func (s *server) register(t *testing.T, name string) person {
	t.Helper()
	p := person{email: address(name), password: goodPassword}
	a := s.nobody().post(t, "/api/auth/register", obj{"email": p.email, "password": p.password, "name": name})
	return p.signedIn(t, a.want(t, http.StatusCreated))
}

// login signs p in once more and returns them with the new session.
func (s *server) login(t *testing.T, p person) person {
	t.Helper()
	a := s.nobody().post(t, "/api/auth/login", obj{"email": p.email, "password": p.password})
	return p.signedIn(t, a.want(t, http.StatusOK))
}

func (p person) signedIn(t *testing.T, a answer) person {
	t.Helper()
	c := a.setCookie()
	if c == nil {
		t.Fatalf("%s: no session cookie", a.call)
	}
	p.id, p.access, p.refresh = a.text(t, "user.id"), a.text(t, "accessToken"), a.text(t, "refreshToken")
	p.cookie = c.Value
	return p
}

// create makes a person with a role by the command line and does not sign them in.
func (h home) create(t *testing.T, name, role string) person {
	t.Helper()
	p := person{email: address(name), password: goodPassword}
	var made struct{ ID, Email, Role string }
	h.Operate(t, p.password+"\n", &made, "users", "create", "--email", p.email, "--role", role, "--password-stdin")
	if made.ID == "" || made.Email != p.email || made.Role != role {
		t.Errorf("users create --json says %+v", made)
	}
	p.id = made.ID
	return p
}

// member makes a person with a role by the command line, signed in.
func (s *server) member(t *testing.T, name, role string) person {
	t.Helper()
	return s.login(t, s.home.create(t, name, role))
}

// as returns a client that shows p's access token.
func (s *server) as(p person) client { return s.nobody().bearer(p.access) }

// withCookie returns a client that shows p's session cookie from our own origin.
func (s *server) withCookie(p person) client { return s.nobody().cookie(p.cookie) }
