package e2e

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// holdsNone marks the test failed if text holds one of the secrets.
func holdsNone(t *testing.T, where, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("%s holds the secret that begins with %.5q", where, secret)
		}
	}
}

// live does a bit of everything, right and wrong, and returns every secret and
// address that was spoken.
func (s *server) live(t *testing.T) (secrets, addresses []string) {
	t.Helper()
	jane := s.register(t, "jane")
	again := s.login(t, jane)
	k := s.createKey(t, jane, obj{"description": "CI"})
	s.nobody().apiKey(k.secret).get(t, "/api/auth/verify?minRole=admin").want(t, http.StatusForbidden)
	wrong := "a-wrong-password-of-jane"
	s.nobody().post(t, loginPath, obj{"email": jane.email, "password": wrong}).want(t, http.StatusUnauthorized)
	s.nobody().post(t, loginPath, obj{"email": address("stranger"), "password": wrong}).want(t, http.StatusUnauthorized)
	s.nobody().bearer(jane.access+"x").get(t, mePath).want(t, http.StatusUnauthorized)
	s.nobody().apiKey(k.secret+"0").get(t, mePath).want(t, http.StatusUnauthorized)
	s.nobody().get(t, "/api/nothing?access_token="+jane.access+"&email="+jane.email).want(t, http.StatusNotFound)
	next := s.nobody().refresh(t, jane.refresh).text(t, "refreshToken")
	s.as(again).post(t, logoutPath, nil).want(t, http.StatusOK)
	return []string{
		jane.password, wrong, jane.access, jane.refresh, jane.cookie, next,
		again.access, again.refresh, again.cookie, k.secret, jwtSecret,
	}, []string{jane.email, address("stranger")}
}

func TestTheLogHoldsNoSecret(t *testing.T) {
	serving(t, config{more: []string{"--log-level", "debug"}}, func(t *testing.T, s *server) {
		secrets, addresses := s.live(t)
		s.Stop(t, patience)
		holdsNone(t, "the log", s.Log(), append(secrets, addresses...))
	})
}

func TestTheDataHoldsNoSecret(t *testing.T) {
	s := start(t, homeIn(t.TempDir()), config{})
	secrets, _ := s.live(t)
	s.Stop(t, patience)
	n := 0
	err := filepath.WalkDir(s.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want none for others", d.Name(), info.Mode())
		}
		text, err := os.ReadFile(path)
		holdsNone(t, d.Name(), string(text), secrets)
		return err
	})
	if err != nil || n == 0 {
		t.Errorf("%d files, %v", n, err)
	}
}
