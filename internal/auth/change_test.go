package auth_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/store"
)

func (h *house) changeOwn(t *testing.T, by headykey.Caller, c auth.AccountChange) error {
	t.Helper()
	c.From = home
	_, err := h.ChangeAccount(t.Context(), by, c)
	return err
}

func TestANewPasswordEndsLettersAndOtherSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		other, err := h.Login(t.Context(), auth.PasswordLogin{Email: ada, Password: password, From: home, Surface: auth.AppSurface})
		check(t, err)
		h.knock(t, auth.KnockRecovery, ada)
		letter := h.newest(t, ada)
		by := h.callerOf(t, g)
		wants(t, "the one that she has", h.changeOwn(t, by, auth.AccountChange{Password: password}), headykey.ErrSamePassword)
		wants(t, "a weak one", h.changeOwn(t, by, auth.AccountChange{Password: "password1"}), headykey.ErrWeakPassword)
		wants(t, "the new address", h.changeOwn(t, by, auth.AccountChange{Password: "lovelace1815@example.com", Email: "lovelace1815@example.com"}), headykey.ErrWeakPassword)
		check(t, h.changeOwn(t, by, auth.AccountChange{Password: fresh}))
		if again := h.callerOf(t, g); again.Session != by.Session {
			t.Errorf("got %+v", again)
		}
		_, _, err = h.BySession(t.Context(), other.Access, home)
		wants(t, "the other session", err, headykey.ErrSessionGone)
		_, err = h.RefreshSession(t.Context(), other.Refresh, home)
		wants(t, "its refresh token", err, headykey.ErrInvalidToken)
		_, err = h.Redeem(t.Context(), auth.Redemption{Type: letter.kind, Token: letter.token, From: home})
		wants(t, "the letter", err, headykey.ErrSpentProof)
		_, err = h.try(t, ada, password)
		wants(t, "the old password", err, headykey.ErrBadCredentials)
		time.Sleep(time.Minute)
		_, err = h.try(t, ada, fresh)
		wants(t, "the new one", err, nil)
		if told := h.bodies(t, "password.changed"); len(told) != 1 {
			t.Errorf("got %+v", told)
		}
	})
}

func TestOnlyASessionChangesItsAccount(t *testing.T) {
	h := apps(t)
	for name, by := range map[string]headykey.Caller{
		"a stranger": {}, "a server": {Method: headykey.ByService, Role: headykey.RoleAdmin},
		"a key": {User: headykey.NewID(), Key: headykey.NewID(), Method: headykey.ByAPIKey, Role: headykey.RoleAdmin},
	} {
		wants(t, name, h.changeOwn(t, by, auth.AccountChange{Password: fresh}), headykey.ErrNotSignedIn)
		wants(t, name+", a code", h.SendCode(t.Context(), by), headykey.ErrNotSignedIn)
	}
}

// A stolen session must not find out the password: what is refused for another
// reason would tell whether it was the present one.
func TestRefusedChangesAreGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		h.person(t, eve, headykey.RoleUser)
		by := h.callerOf(t, g)
		var err error
		for i := range 3 {
			err = h.changeOwn(t, by, auth.AccountChange{Password: fmt.Sprintf("%s %d", fresh, i), Email: eve})
			wants(t, "a guess", err, headykey.ErrEmailTaken)
		}
		wants(t, "the fourth", h.changeOwn(t, by, auth.AccountChange{Password: password, Email: eve}), headykey.ErrRateLimited)
		_, err = h.try(t, ada, password)
		wants(t, "at sign-in", err, headykey.ErrRateLimited)
	})
}

func TestThePresentPasswordIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.Apps.CurrentPassword = true })
		h.member(t, ada)
		g, err := h.Login(t.Context(), auth.PasswordLogin{Email: ada, Password: password, From: home, Surface: auth.AppSurface})
		check(t, err)
		by := h.callerOf(t, g)
		wants(t, "none", h.changeOwn(t, by, auth.AccountChange{Password: fresh}), headykey.ErrNeedsPassword)
		for range 3 {
			wants(t, "a wrong one", h.changeOwn(t, by, auth.AccountChange{Password: fresh, Current: "not " + password}), headykey.ErrBadPassword)
		}
		wants(t, "the fourth", h.changeOwn(t, by, auth.AccountChange{Password: fresh, Current: password}), headykey.ErrRateLimited)
		time.Sleep(time.Minute)
		wants(t, "the right one", h.changeOwn(t, by, auth.AccountChange{Password: fresh, Current: password}), nil)

		h.knock(t, auth.KnockRecovery, ada)
		by = h.callerOf(t, h.open(t, h.newest(t, ada)))
		late := by
		late.Proven = time.Now().Add(-time.Hour)
		wants(t, "long after a letter", h.changeOwn(t, late, auth.AccountChange{Password: password}), headykey.ErrNeedsPassword)
		wants(t, "forgotten", h.changeOwn(t, by, auth.AccountChange{Password: password}), nil)
	})
}

func TestAfterADayANewPasswordNeedsACode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.Apps.Reauthenticate, c.Lifetimes.Access = true, 100*time.Hour })
		g := h.member(t, ada)
		by := h.callerOf(t, g)
		wants(t, "at once", h.changeOwn(t, by, auth.AccountChange{Password: fresh, Code: "ignored"}), nil)
		time.Sleep(24*time.Hour + time.Second)
		wants(t, "a day later", h.changeOwn(t, by, auth.AccountChange{Password: password}), headykey.ErrNeedsCode)
		wants(t, "without a letter", h.changeOwn(t, by, auth.AccountChange{Password: password, Code: "000000"}), headykey.ErrBadCode)
		time.Sleep(time.Minute)
		check(t, h.SendCode(t.Context(), by))
		wants(t, "another letter at once", h.SendCode(t.Context(), by), headykey.ErrMailTooOften)
		l := h.newest(t, ada)
		if l.token != "" || l.code == "" {
			t.Errorf("got %+v", l)
		}
		_, err := h.byCode(t, "reauthentication", ada, l.code)
		wants(t, "to sign in by", err, headykey.ErrInvalid)
		wants(t, "a wrong one", h.changeOwn(t, by, auth.AccountChange{Password: password, Code: wrongCode(l)}), headykey.ErrBadCode)
		time.Sleep(time.Minute)
		wants(t, "the right one", h.changeOwn(t, by, auth.AccountChange{Password: password, Code: l.code}), nil)
		time.Sleep(time.Minute)
		wants(t, "twice", h.changeOwn(t, by, auth.AccountChange{Password: fresh, Code: l.code}), headykey.ErrBadCode)
	})
}

func TestFiveWrongCodesVoidTheLetterForAPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) {
			c.Apps.Reauthenticate, c.Lifetimes.Access, c.Throttle = true, 100*time.Hour, false
		})
		by := h.callerOf(t, h.member(t, ada))
		time.Sleep(25 * time.Hour)
		check(t, h.SendCode(t.Context(), by))
		l := h.newest(t, ada)
		for range 5 {
			wants(t, "wrong", h.changeOwn(t, by, auth.AccountChange{Password: fresh, Code: wrongCode(l)}), headykey.ErrBadCode)
		}
		wants(t, "the right one, sixth", h.changeOwn(t, by, auth.AccountChange{Password: fresh, Code: l.code}), headykey.ErrBadCode)
	})
}

func TestWhatAnAccountIsNeverChanges(t *testing.T) {
	h := apps(t, func(c *auth.Config) { c.ConfirmEmail = false })
	g, _, err := h.SignUp(t.Context(), auth.Registration{
		Email: ada, Password: password, Data: jsontext.Value(`{"identity_type":"agent","agent_name":"Analyst","n":1}`), From: home, Surface: auth.AppSurface,
	})
	check(t, err)
	by := h.callerOf(t, g)
	for patch, want := range map[string]error{
		`{"identity_type":"human"}`: headykey.ErrFixedType, `{"identity_type":null}`: headykey.ErrFixedType, `{"identity_type":7}`: headykey.ErrFixedType,
		`{"agent_name":"Other"}`: headykey.ErrFixedType, `{"agent_name":null}`: headykey.ErrFixedType,
		`[]`: headykey.ErrInvalid, `"text"`: headykey.ErrInvalid,
		`{"identity_type":"agent","n":2}`: nil, `{"n":null}`: nil, `null`: nil, ``: nil,
	} {
		wants(t, patch, h.changeOwn(t, by, auth.AccountChange{Data: jsontext.Value(patch)}), want)
	}
	if a := h.account(t, g.User.ID); a.Type != headykey.Agent || a.Name != "Analyst" {
		t.Errorf("got %+v", a)
	}
}

// What is remembered of an account is told apart from what is changed of it, and
// changes are seen at once.
func TestAChangeIsSeenByAllAndHarmsNoCopy(t *testing.T) {
	h := apps(t, func(c *auth.Config) { c.ConfirmEmail = false })
	g, _, err := h.SignUp(t.Context(), auth.Registration{Email: ada, Password: password, Data: jsontext.Value(`{"n":1}`), From: home, Surface: auth.AppSurface})
	check(t, err)
	by, before, err := h.BySession(t.Context(), g.Access, home)
	check(t, err)
	kept := fmt.Sprintf("%+v", *before)
	check(t, h.changeOwn(t, by, auth.AccountChange{Data: jsontext.Value(`{"n":2}`), Email: newAda, Password: fresh}))
	_, after, err := h.BySession(t.Context(), g.Access, home)
	check(t, err)
	if after == before || !contains(after.Profile.UserData, `"n":2`) || after.Profile.NewEmail != newAda || !after.Updated.After(before.Updated) {
		t.Errorf("got %+v", after)
	}
	if now := fmt.Sprintf("%+v", *before); now != kept {
		t.Errorf("the copy that others hold was changed: %s, was %s", now, kept)
	}
	h.update(t, func(tx *store.Tx) error {
		p := after.Profile
		p.AppData = jsontext.Value(`{"plan":"pro"}`)
		return tx.PutProfile(after.ID, &p)
	})
	if _, now, err := h.BySession(t.Context(), g.Access, home); err != nil || !contains(now.AppMetadata(), `"plan":"pro"`) {
		t.Errorf("got %+v, %v", now, err)
	}
}

func TestASessionTokenSaysWhyItIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		show := func(name string, want error) {
			t.Helper()
			_, _, err := h.BySession(t.Context(), g.Access, home)
			wants(t, name, err, want)
		}
		show("good", nil)
		h.change(t, g.User.ID, func(u *headykey.User, now time.Time) { u.Disabled = now })
		show("disabled", headykey.ErrAccountDisabled)
		_, err := h.RefreshSession(t.Context(), g.Refresh, home)
		wants(t, "disabled, refresh", err, headykey.ErrAccountDisabled)
		h.change(t, g.User.ID, func(u *headykey.User, _ time.Time) { u.Disabled = time.Time{} })
		show("enabled", nil)
		_, err = h.RefreshSession(t.Context(), g.Access, home)
		wants(t, "no refresh token", err, headykey.ErrInvalid)
		h.update(t, func(tx *store.Tx) error { _, err := tx.EndSession(g.User.ID, g.Session); return err })
		show("ended", headykey.ErrSessionGone)
		h.update(t, func(tx *store.Tx) error { return tx.DeleteUser(g.User.ID) })
		show("erased", headykey.ErrUserGone)
		time.Sleep(time.Hour)
		show("expired", headykey.ErrTokenExpired)
		if _, err := h.ByToken(t.Context(), g.Access, home); err == nil {
			t.Error("a session token is none of the HeadyKey API")
		}
	})
}
