package auth_test

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

func TestRegister(t *testing.T) {
	h := build(t)
	g, err := h.Register(t.Context(), auth.Registration{Email: "Ada@Example.com", Password: password, Name: " Ada ", From: home, Surface: "api"})
	check(t, err)
	if g.User.Email != "Ada@example.com" || g.User.Name != "Ada" || g.User.Role != headykey.RoleUser || !g.User.Verified.IsZero() {
		t.Errorf("got %+v", g.User)
	}
	if by, err := h.ByToken(t.Context(), g.Access, home); err != nil || by.User != g.User.ID {
		t.Errorf("got %+v, %v", by, err)
	}
	created, started := h.bodies(t, "account.created"), h.bodies(t, "session.started")
	email, _ := created[0].Details["email"].(string)
	if len(created) != 1 || len(started) != 1 || created[0].Details["role"] != "user" || !strings.HasPrefix(email, "hmac-sha256:") {
		t.Errorf("got %+v and %+v", created, started)
	}
	if _, err := h.Register(t.Context(), auth.Registration{Email: "ADA@EXAMPLE.COM", Password: password, From: home}); !errors.Is(err, headykey.ErrEmailTaken) {
		t.Errorf("again: got %v, want ErrEmailTaken", err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	h := build(t)
	for name, c := range map[string]struct {
		in    auth.Registration
		want  *headykey.Error
		field string
	}{
		"no address":          {auth.Registration{Email: "ada", Password: password}, headykey.ErrInvalidEmail, "email"},
		"7 characters":        {auth.Registration{Email: ada, Password: "vQ7#kzw"}, headykey.ErrWeakPassword, "password"},
		"1025 characters":     {auth.Registration{Email: ada, Password: strings.Repeat("aé", 512) + "x"}, headykey.ErrPasswordTooLong, "password"},
		"common":              {auth.Registration{Email: ada, Password: "password1"}, headykey.ErrWeakPassword, "password"},
		"the address":         {auth.Registration{Email: "lovelace1815@example.com", Password: "lovelace1815@example.com"}, headykey.ErrWeakPassword, "password"},
		"the name":            {auth.Registration{Email: ada, Name: "Wilhelmina Featherstone", Password: "featherstone"}, headykey.ErrWeakPassword, "password"},
		"a control character": {auth.Registration{Email: ada, Password: "verdigris\x00under"}, headykey.ErrWeakPassword, "password"},
		"a long name":         {auth.Registration{Email: ada, Name: strings.Repeat("a", 201), Password: password}, headykey.ErrInvalid, "name"},
	} {
		g, err := h.Register(t.Context(), c.in)
		e := headykey.Explain(err)
		if g != nil || !e.Is(c.want) || len(e.Fields) != 1 || e.Fields[0].Name != c.field || strings.Contains(e.Text, c.in.Password) {
			t.Errorf("%s: got %+v, %v, want %v about %s", name, g, err, c.want, c.field)
		}
	}
	if left := h.bodies(t, ""); len(left) != 0 {
		t.Errorf("receipts were left: %+v", left)
	}
}

func confirming(c *auth.Config) { c.ConfirmEmail = true }

var link = regexp.MustCompile(`https://id\.example\.com/verify-email\?token=([0-9a-f]{68})`)

// linkIn returns the token in the only letter to an address.
func (h *house) linkIn(t *testing.T, to string) string {
	t.Helper()
	h.deliver()
	letters := h.mailbox.List(to)
	if len(letters) != 1 || !link.MatchString(letters[0].Text) {
		t.Fatalf("got %+v", letters)
	}
	return link.FindStringSubmatch(letters[0].Text)[1]
}

func TestANewAddressIsConfirmedByItsLetterOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, confirming)
		in := auth.Registration{Email: ada, Password: password, From: home, Surface: "api"}
		if g, err := h.Register(t.Context(), in); g != nil || err != nil {
			t.Fatalf("got %+v, %v", g, err)
		}
		token := h.linkIn(t, ada)
		if _, err := h.try(t, ada, password); !errors.Is(err, headykey.ErrEmailNotConfirmed) {
			t.Errorf("before: got %v", err)
		}
		if _, err := h.try(t, ada, "not "+password); !errors.Is(err, headykey.ErrBadCredentials) {
			t.Errorf("a wrong password learns of it: %v", err)
		}
		time.Sleep(time.Second)
		for _, bad := range []string{"", token[:67], token + "0", strings.ToUpper(token), strings.Repeat("0", 68)} {
			if err := h.ConfirmEmail(t.Context(), bad, home); !errors.Is(err, headykey.ErrInvalidToken) {
				t.Errorf("%q: got %v", bad, err)
			}
		}
		check(t, h.ConfirmEmail(t.Context(), token, home))
		if err := h.ConfirmEmail(t.Context(), token, home); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("twice: got %v", err)
		}
		if g := h.signIn(t, ada); g.User.Verified.IsZero() {
			t.Errorf("got %+v", g.User)
		}
		if told := h.bodies(t, "email.confirmed"); len(told) != 1 {
			t.Errorf("got %+v", told)
		}
	})
}

func TestALinkRunsOutAfter21Minutes(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait time.Duration // after the two seconds that the letter takes
		want error
	}{
		{"a millisecond early", 21*time.Minute - 2*time.Second - time.Millisecond, nil},
		{"on time", 21*time.Minute - 2*time.Second, headykey.ErrInvalidToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, confirming)
				_, err := h.Register(t.Context(), auth.Registration{Email: ada, Password: password, From: home})
				check(t, err)
				token := h.linkIn(t, ada)
				time.Sleep(tt.wait)
				if err := h.ConfirmEmail(t.Context(), token, home); !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			})
		})
	}
}

// Whoever asks learns nothing of who has an account; its owner does, by letter.
func TestATakenAddressIsToldToItsOwnerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, confirming)
		h.person(t, ada, headykey.RoleUser)
		for _, email := range []string{ada, "new@example.com"} {
			g, err := h.Register(t.Context(), auth.Registration{Email: email, Password: password, From: home})
			if g != nil || err != nil {
				t.Errorf("%s: got %+v, %v", email, g, err)
			}
		}
		h.deliver()
		hers, others := h.mailbox.List(ada), h.mailbox.List("new@example.com")
		if len(hers) != 1 || len(others) != 1 || link.MatchString(hers[0].Text) || !link.MatchString(others[0].Text) {
			t.Errorf("got %+v and %+v", hers, others)
		}
		if created := h.bodies(t, "account.created"); len(created) != 1 {
			t.Errorf("got %+v", created)
		}
	})
}

func TestASetUpLinkMakesOneAdministrator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, confirming)
		h.person(t, "taken@example.com", headykey.RoleUser)
		url, err := h.NewSetupLink(t.Context())
		check(t, err)
		token, ours := strings.CutPrefix(url, base+"/setup?token=")
		if !ours || len(token) != 68 {
			t.Fatalf("got %s", url)
		}
		in := auth.Registration{Email: ada, Password: password, From: home, Surface: "setup"}
		for name, c := range map[string]struct {
			change func(*auth.Registration)
			want   *headykey.Error
		}{
			"weak password":   {func(r *auth.Registration) { r.Password = "password1" }, headykey.ErrWeakPassword},
			"no password":     {func(r *auth.Registration) { r.Password = "" }, headykey.ErrMissingField},
			"no address":      {func(r *auth.Registration) { r.Email = "ada" }, headykey.ErrInvalidEmail},
			"a taken address": {func(r *auth.Registration) { r.Email = "taken@example.com" }, headykey.ErrEmailTaken},
		} {
			bad := in
			c.change(&bad)
			if g, err := h.SetUp(t.Context(), token, bad); g != nil || !errors.Is(err, c.want) {
				t.Errorf("%s: got %+v, %v, want %v", name, g, err, c.want)
			}
		}
		if err := h.ConfirmEmail(t.Context(), token, home); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("as a confirmation: got %v", err)
		}
		check(t, h.SetupLinkLives(t.Context(), token))
		g, err := h.SetUp(t.Context(), token, in)
		if err != nil || g.User.Role != headykey.RoleAdmin || g.User.Verified.IsZero() {
			t.Fatalf("got %+v, %v", g, err)
		}
		in.Email = "eve@example.com"
		if g, err := h.SetUp(t.Context(), token, in); g != nil || !errors.Is(err, headykey.ErrNotFound) {
			t.Errorf("a second one: got %+v, %v", g, err)
		}
		if by, err := h.ByCookie(t.Context(), g.Cookie, home); err != nil || by.Role != headykey.RoleAdmin {
			t.Errorf("got %+v, %v", by, err)
		}
	})
}

func TestASetUpLinkRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		url, err := h.NewSetupLink(t.Context())
		check(t, err)
		token := strings.TrimPrefix(url, base+"/setup?token=")
		time.Sleep(34*time.Minute - time.Millisecond)
		check(t, h.SetupLinkLives(t.Context(), token))
		time.Sleep(time.Millisecond)
		if err := h.SetupLinkLives(t.Context(), token); !errors.Is(err, headykey.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnAdministratorMakesAccounts(t *testing.T) {
	h := build(t)
	admin := headykey.Caller{User: headykey.NewID(), Role: headykey.RoleAdmin, Method: headykey.ByToken}
	operator := admin
	operator.Role = headykey.RoleOperator
	got, err := h.CreateUser(t.Context(), admin, auth.NewUser{Email: ada, Role: headykey.RoleOperator, Verified: true})
	check(t, err)
	if got.Role != headykey.RoleOperator || got.Verified.IsZero() {
		t.Errorf("got %+v", got)
	}
	if told := h.bodies(t, "account.created"); len(told) != 1 || !reflect.DeepEqual(told[0].Details["role"], "operator") {
		t.Errorf("got %+v", told)
	}
	if _, err := h.try(t, ada, ""); !errors.Is(err, headykey.ErrBadCredentials) {
		t.Errorf("without a password: got %v", err)
	}
	for name, c := range map[string]struct {
		by   headykey.Caller
		in   auth.NewUser
		want *headykey.Error
	}{
		"a stranger":      {headykey.Caller{}, auth.NewUser{Email: "x@example.com"}, headykey.ErrNotSignedIn},
		"an operator":     {operator, auth.NewUser{Email: "x@example.com"}, headykey.ErrInsufficientRole},
		"above all":       {admin, auth.NewUser{Email: "x@example.com", Role: headykey.RoleAdmin + 1}, headykey.ErrRoleEscalation},
		"a taken address": {admin, auth.NewUser{Email: "ADA@example.com", Role: headykey.RoleUser}, headykey.ErrEmailTaken},
		"a weak password": {admin, auth.NewUser{Email: "x@example.com", Password: "password1", Role: headykey.RoleUser}, headykey.ErrWeakPassword},
	} {
		if _, err := h.CreateUser(t.Context(), c.by, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
