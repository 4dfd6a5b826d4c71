package auth_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

func TestASignInBeginsASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		user := h.person(t, ada, headykey.RoleUser)
		g := h.signIn(t, " ADA@example.com ")
		if g.User.ID != user.ID || g.Life != time.Hour || g.CookieLife != 8*time.Hour || len(g.Cookie) != 68 || len(g.Refresh) != 68 {
			t.Errorf("got %+v", g)
		}
		for name, by := range map[headykey.Method]headykey.Caller{
			headykey.ByToken:   caller(t)(h.ByToken(t.Context(), g.Access, home)),
			headykey.BySession: caller(t)(h.ByCookie(t.Context(), g.Cookie, home)),
		} {
			if by.User != user.ID || by.Session != g.Session || by.Method != name || by.Role != headykey.RoleUser ||
				by.Email != ada || by.AAL != "aal1" || !by.Proven.Equal(time.Now()) || by.From != home {
				t.Errorf("%s: got %+v", name, by)
			}
		}
		told := h.bodies(t, "session.started")
		if len(told) != 1 || told[0].Object.ID != "ses_"+string(g.Session) || told[0].Details["surface"] != "api" {
			t.Errorf("got %+v", told)
		}
		for _, name := range []string{"address", "agent"} {
			if text, _ := told[0].Details[name].(string); !strings.HasPrefix(text, "hmac-sha256:") {
				t.Errorf("the receipt shows the %s: %q", name, text)
			}
		}
	})
}

func caller(t *testing.T) func(headykey.Caller, error) headykey.Caller {
	t.Helper()
	return func(by headykey.Caller, err error) headykey.Caller { check(t, err); return by }
}

func TestWrongCredentialsAreAnsweredAlike(t *testing.T) {
	h := build(t)
	h.person(t, ada, headykey.RoleUser)
	without := h.person(t, "grace@example.com", headykey.RoleUser)
	h.update(t, func(tx *store.Tx) error { return tx.SetPassword(without.ID, "") })
	for name, in := range map[string][2]string{
		"wrong password":              {ada, "not " + password},
		"other case":                  {ada, strings.ToUpper(password)},
		"space behind":                {ada, password + " "},
		"cut":                         {ada, password[:20]},
		"unknown address":             {"nobody@example.com", password},
		"no address":                  {"nobody", password},
		"an account without":          {"grace@example.com", password},
		"an account without, nothing": {"grace@example.com", ""},
	} {
		g, err := h.Login(t.Context(), auth.PasswordLogin{Email: in[0], Password: in[1], From: from("203.0.113." + string('1'+byte(len(name)%9)))})
		if g != nil || !errors.Is(err, headykey.ErrBadCredentials) || headykey.Explain(err).Text != headykey.ErrBadCredentials.Text {
			t.Errorf("%s: got %+v, %v, want ErrBadCredentials", name, g, err)
		}
	}
	if _, err := h.try(t, ada, strings.Repeat("é", 1025)); !errors.Is(err, headykey.ErrPasswordTooLong) {
		t.Errorf("too long: got %v", err)
	}
}

func TestAForeignHashIsReplacedAtTheNextSignIn(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	stored := func() (hash string) {
		h.update(t, func(tx *store.Tx) (err error) { hash, err = tx.PasswordOf(user.ID); return err })
		return hash
	}
	foreign := stored()
	if _, err := h.try(t, ada, "not "+password); !errors.Is(err, headykey.ErrBadCredentials) || stored() != foreign {
		t.Errorf("a wrong password: got %v and %s", err, stored())
	}
	h.signIn(t, ada)
	better := stored()
	if !strings.HasPrefix(foreign, "$2a$") || secret.NeedsUpgrade(better) {
		t.Errorf("got %.20s, then %.20s", foreign, better)
	}
	h.signIn(t, ada)
	if stored() != better {
		t.Error("a hash of ours was replaced, too")
	}
}

// A session whose cookie is overwritten has no owner left: it ends.
func TestTheReplacedCookieEndsItsSession(t *testing.T) {
	h := build(t)
	h.person(t, ada, headykey.RoleUser)
	h.person(t, "eve@example.com", headykey.RoleUser)
	old := h.signIn(t, ada)
	in := auth.PasswordLogin{Email: "eve@example.com", Password: "not " + password, From: home, Surface: "api", Replaces: old.Cookie}
	if _, err := h.Login(t.Context(), in); !errors.Is(err, headykey.ErrBadCredentials) {
		t.Fatal(err)
	}
	if _, err := h.ByCookie(t.Context(), old.Cookie, home); err != nil {
		t.Errorf("after a refused sign-in: %v", err)
	}
	in.Password, in.From = password, from("198.51.100.8")
	fresh, err := h.Login(t.Context(), in)
	check(t, err)
	for name, err := range map[string]error{
		"cookie": second(h.ByCookie(t.Context(), old.Cookie, home)), "token": second(h.ByToken(t.Context(), old.Access, home)),
		"refresh": second(h.Refresh(t.Context(), old.Refresh, home)),
	} {
		if !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("the old %s: got %v", name, err)
		}
	}
	if _, err := h.ByCookie(t.Context(), fresh.Cookie, home); err != nil {
		t.Errorf("the new cookie: %v", err)
	}
	if ended := h.bodies(t, "session.ended"); len(ended) != 1 || ended[0].Details["reason"] != "replaced" {
		t.Errorf("got %+v", ended)
	}
	in.Replaces = "no cookie of ours"
	if _, err := h.Login(t.Context(), in); err != nil {
		t.Errorf("in place of a stray cookie: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A queue that is full says so at once: who waits longer than a person would costs
// everybody else.
func TestABusyPoolSaysSo(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	h.pool.Close()
	h.pool = secret.NewPool(1, 1, time.Minute)
	t.Cleanup(h.pool.Close)
	h.Pool = h.pool
	const slow = "$pbkdf2-sha256$i=700000$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	check(t, secret.CheckHash(slow))
	h.update(t, func(tx *store.Tx) error { return tx.SetPassword(user.ID, slow) })

	errs := make(chan error, 3)
	for range cap(errs) { // one is worked on, one waits, one is too many
		go func() { _, err := h.pool.Verify(t.Context(), slow, password); errs <- err }()
	}
	if err := <-errs; !errors.Is(err, secret.ErrBusy) {
		t.Fatalf("got %v", err)
	}
	for name, err := range map[string]error{
		"a known account":    second(h.try(t, ada, password)),
		"an unknown account": second(h.try(t, "nobody@example.com", password)),
		"a new account":      second(h.Register(t.Context(), auth.Registration{Email: "new@example.com", Password: password, From: home})),
	} {
		if !errors.Is(err, headykey.ErrBusy) {
			t.Errorf("%s: got %v, want ErrBusy", name, err)
		}
	}
	if told := h.bodies(t, "session.refused"); len(told) != 0 {
		t.Errorf("it was counted as a failure: %+v", told)
	}
	h.pool.Close()
	<-errs
	<-errs
}
