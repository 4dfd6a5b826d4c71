package auth_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/store"
)

const (
	herData  = `{"full_name":"Ada","colour":"blue"}`
	evesData = `{"identity_type":"agent","agent_name":"Eve's robot","colour":"red"}`
)

// Two sign up with one address before anybody confirms it. Its owner gets what she
// said herself, whoever was first, and nothing of the other remains.
func TestWhoeverConfirmsGetsWhatTheirOwnSignUpSaid(t *testing.T) {
	for name, herFirst := range map[string]bool{"the owner first": true, "a stranger first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := apps(t)
				hers, others := 0, 1
				if !herFirst {
					hers, others = 1, 0
				}
				var told [2]*headykey.Account
				var letters [2]coreLetter
				for i := range told {
					if i == hers {
						told[i] = h.signUp(t, ada, password, herData)
					} else {
						told[i] = h.signUp(t, ada, fresh, evesData)
					}
					letters[i] = h.newest(t, ada)
					time.Sleep(time.Minute)
				}
				if told[0].ID != told[1].ID || told[hers].Name != "Ada" || told[others].Name != "Eve's robot" {
					t.Errorf("got %+v and %+v", told[0], told[1])
				}
				_, err := h.try(t, ada, password)
				wants(t, "before, hers", err, headykey.ErrBadCredentials)
				_, err = h.try(t, ada, fresh)
				wants(t, "before, the stranger's", err, headykey.ErrBadCredentials)

				g := h.open(t, letters[hers])
				a := h.account(t, g.User.ID)
				if a.ID != told[0].ID || a.Type != headykey.Human || a.Name != "Ada" || !contains(a.Profile.UserData, `"colour":"blue"`) || contains(a.Profile.UserData, "agent") {
					t.Errorf("got %+v", a)
				}
				_, err = h.Redeem(t.Context(), auth.Redemption{Type: "signup", Token: letters[others].token, From: home})
				wants(t, "the stranger's letter", err, headykey.ErrSpentProof)
				wants(t, "the same at our page", h.ConfirmEmail(t.Context(), letters[others].token, home), headykey.ErrInvalidToken)
				time.Sleep(time.Minute)
				_, err = h.try(t, ada, fresh)
				wants(t, "the stranger's password", err, headykey.ErrBadCredentials)
				time.Sleep(time.Minute)
				_, err = h.try(t, ada, password)
				wants(t, "hers", err, nil)
			})
		})
	}
}

func contains(text []byte, part string) bool { return bytes.Contains(text, []byte(part)) }

// A letter that somebody asks for who shows no password leaves none that a stranger
// may have set. Only the letter of the one sign-up that there was keeps it.
func TestAPasswordOutlivesOnlyTheLetterOfItsSignUp(t *testing.T) {
	tests := []struct {
		name  string
		wish  string
		again bool // a second sign-up came
		want  error
	}{
		{"the letter once more", auth.KnockSignUp, false, nil},
		{"the letter once more, after two sign-ups", auth.KnockSignUp, true, headykey.ErrBadCredentials},
		{"a sign-in by letter", auth.KnockSignIn, false, headykey.ErrBadCredentials},
		{"a forgotten password", auth.KnockRecovery, false, headykey.ErrBadCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := apps(t)
				h.signUp(t, ada, password, herData)
				if tt.again {
					time.Sleep(time.Minute)
					h.signUp(t, ada, fresh, evesData)
				}
				time.Sleep(time.Minute)
				h.knock(t, tt.wish, ada)
				g := h.open(t, h.newest(t, ada))
				_, err := h.try(t, ada, password)
				wants(t, "the first password", err, tt.want)
				_, err = h.try(t, ada, fresh)
				wants(t, "the second password", err, headykey.ErrBadCredentials)
				if a := h.account(t, g.User.ID); a.Type != headykey.Human || tt.again && contains(a.Profile.UserData, "colour") {
					t.Errorf("got %+v", a)
				}
			})
		})
	}
}

// What was claimed in a letter is nothing once the account is somebody's.
func TestAClaimComesTooLateForAnAccountInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		a := h.signUp(t, ada, password, herData)
		time.Sleep(time.Minute)
		h.signUp(t, ada, fresh, evesData)
		late := h.newest(t, ada)
		h.update(t, func(tx *store.Tx) error { return tx.SetPassword(a.ID, "$argon2id$") })
		h.change(t, a.ID, func(u *headykey.User, now time.Time) { u.Verified = now })
		h.open(t, late)
		h.update(t, func(tx *store.Tx) error {
			hash, err := tx.PasswordOf(a.ID)
			if hash != "$argon2id$" {
				t.Errorf("the password is another: %s", hash)
			}
			return err
		})
		if now := h.account(t, a.ID); now.Type != headykey.Human || contains(now.Profile.UserData, "agent") {
			t.Errorf("got %+v", now)
		}
	})
}

// Our own pages answer by the same rule.
func TestTheOwnerConfirmsHerOwnSignUpAtOurPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, confirming)
		for i, p := range []string{fresh, password} {
			_, err := h.Register(t.Context(), auth.Registration{Email: ada, Password: p, Name: []string{"Mallory", "Augusta"}[i], From: home, Surface: "api"})
			check(t, err)
			h.deliver()
		}
		letters := h.mailbox.List(ada)
		if len(letters) != 2 {
			t.Fatalf("got %d letters", len(letters))
		}
		check(t, h.ConfirmEmail(t.Context(), link.FindStringSubmatch(letters[0].Text)[1], home))
		wants(t, "the stranger's letter", h.ConfirmEmail(t.Context(), link.FindStringSubmatch(letters[1].Text)[1], home), headykey.ErrInvalidToken)
		_, err := h.try(t, ada, fresh)
		wants(t, "the stranger's password", err, headykey.ErrBadCredentials)
		time.Sleep(time.Minute)
		g, err := h.try(t, ada, password)
		check(t, err)
		if g.User.Name != "Augusta" {
			t.Errorf("got %+v", g.User)
		}
	})
}
