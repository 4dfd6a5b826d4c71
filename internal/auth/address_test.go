package auth_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/store"
)

const newAda = "ada.king@example.com"

// askToMove asks for a change of address and returns the letters to both; that to the
// old one is empty where there is none.
func (h *house) askToMove(t *testing.T, g *auth.Grant, to string) (leave, move coreLetter) {
	t.Helper()
	a, err := h.ChangeAccount(t.Context(), h.callerOf(t, g), auth.AccountChange{Email: to, From: home})
	check(t, err)
	if a.Email != g.User.Email || a.Profile.NewEmail != to {
		t.Fatalf("got %+v", a)
	}
	if g.User.Email != "" {
		leave = h.newest(t, g.User.Email)
	}
	return leave, h.newest(t, to)
}

func (h *house) show(t *testing.T, l coreLetter) (*auth.Redeemed, error) {
	t.Helper()
	return h.Redeem(t.Context(), auth.Redemption{Type: l.kind, Token: l.token, From: home})
}

func TestAnAddressChangesWithBothLettersInEitherOrder(t *testing.T) {
	for name, oldFirst := range map[string]bool{"the old one first": true, "the new one first": false} {
		for how, codes := range map[string]bool{"links": false, "codes": true} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := apps(t)
					g := h.member(t, ada)
					leave, move := h.askToMove(t, g, newAda)
					use := func(l coreLetter, email string) (*auth.Redeemed, error) {
						if codes {
							return h.byCode(t, "email_change", email, l.code)
						}
						return h.show(t, l)
					}
					first, second, emails := leave, move, []string{ada, newAda}
					if !oldFirst {
						first, second, emails = move, leave, []string{newAda, ada}
					}
					r, err := use(first, emails[0])
					check(t, err)
					if !r.Half || r.Grant != nil || h.account(t, g.User.ID).Email != ada {
						t.Fatalf("after one: got %+v", r)
					}
					_, err = use(first, emails[0])
					wants(t, "the first once more", err, headykey.ErrSpentProof)
					time.Sleep(time.Second)
					r, err = use(second, emails[1])
					check(t, err)
					if r.Half || r.Grant == nil {
						t.Errorf("after both: got %+v", r)
					}
					a := h.account(t, g.User.ID)
					if a.Email != newAda || a.Profile.NewEmail != "" || a.Verified.IsZero() || len(a.Identities) != 1 || a.Identities[0].Email != newAda {
						t.Errorf("got %+v", a)
					}
					if told := h.bodies(t, "email.changed"); len(told) != 1 {
						t.Errorf("got %+v", told)
					}
					_, err = h.try(t, ada, password)
					wants(t, "by the old address", err, headykey.ErrBadCredentials)
					_, err = h.try(t, newAda, password)
					wants(t, "by the new one", err, nil)
					h.signUp(t, ada, fresh, "") // the old one is free
				})
			})
		}
	}
}

func TestTheCodeOfOneLetterIsNoneOfTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.Throttle = false })
		leave, move := h.askToMove(t, h.member(t, ada), newAda)
		if leave.code == move.code {
			t.Skip("one in a million")
		}
		_, err := h.byCode(t, "email_change", newAda, leave.code)
		wants(t, "the old one's at the new address", err, headykey.ErrSpentProof)
		_, err = h.byCode(t, "email_change", ada, move.code)
		wants(t, "the new one's at the old address", err, headykey.ErrSpentProof)
	})
}

// With one letter run out the other alone changes nothing, and is not lost by trying.
func TestOneLetterAloneMovesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		leave, move := h.askToMove(t, g, newAda)
		h.update(t, func(tx *store.Tx) error { return tx.DropLinks(g.User.ID, "email.leave") })
		for range 2 {
			_, err := h.show(t, move)
			wants(t, "the new one alone", err, headykey.ErrSpentProof)
		}
		_, err := h.show(t, leave)
		wants(t, "the one that ran out", err, headykey.ErrSpentProof)
		if a := h.account(t, g.User.ID); a.Email != ada || a.Profile.NewEmail != newAda {
			t.Errorf("got %+v", a)
		}
		time.Sleep(time.Minute)
		h.knock(t, auth.KnockMove, newAda)
		leave2, move2 := h.newest(t, ada), h.newest(t, newAda)
		_, err = h.show(t, move)
		wants(t, "the earlier one", err, headykey.ErrSpentProof)
		if r, err := h.show(t, leave2); err != nil || !r.Half {
			t.Fatalf("got %+v, %v", r, err)
		}
		if r, err := h.show(t, move2); err != nil || r.Grant == nil {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

// Somebody else takes the address between the letters. That is said, and the letter
// works once the address is free again.
func TestAnAddressThatIsTakenMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		leave, move := h.askToMove(t, g, newAda)
		_, err := h.show(t, leave)
		check(t, err)
		other := h.person(t, newAda, headykey.RoleUser)
		_, err = h.show(t, move)
		wants(t, "taken", err, headykey.ErrEmailTaken)
		if a := h.account(t, g.User.ID); a.Email != ada {
			t.Errorf("got %+v", a)
		}
		h.update(t, func(tx *store.Tx) error { return tx.DeleteUser(other.ID) })
		if r, err := h.show(t, move); err != nil || r.Grant == nil {
			t.Errorf("once free: got %+v, %v", r, err)
		}
		_, err = h.ChangeAccount(t.Context(), h.callerOf(t, g), auth.AccountChange{Email: h.person(t, eve, headykey.RoleUser).Email, From: home})
		wants(t, "taken from the beginning", err, headykey.ErrEmailTaken)
	})
}

func TestLettersOfAChangeGivenUpMoveNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		_, move := h.askToMove(t, g, newAda)
		for _, next := range []string{"", "third@example.com"} {
			a := h.account(t, g.User.ID)
			a.Profile.NewEmail = next
			h.update(t, func(tx *store.Tx) error { return tx.PutProfile(a.ID, &a.Profile) })
			_, err := h.show(t, move)
			wants(t, "towards "+next, err, headykey.ErrSpentProof)
		}
		if a := h.account(t, g.User.ID); a.Email != ada {
			t.Errorf("got %+v", a)
		}
	})
}

// A letter to an address is worth nothing once the address is another's or nobody's.
func TestLettersToTheOldAddressEndWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		h.knock(t, auth.KnockRecovery, ada)
		recovery := h.newest(t, ada)
		leave, move := h.askToMove(t, g, newAda)
		for _, l := range []coreLetter{leave, move} {
			_, err := h.show(t, l)
			check(t, err)
		}
		_, err := h.show(t, recovery)
		wants(t, "a link to the old address", err, headykey.ErrSpentProof)
		_, err = h.byCode(t, "recovery", newAda, recovery.code)
		wants(t, "its code", err, headykey.ErrSpentProof)
	})
}

// Where addresses need not be confirmed, a change still needs the letter to the new
// one, and none to the old.
func TestANewAddressIsAlwaysProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.ConfirmEmail = false })
		g, _, err := h.SignUp(t.Context(), auth.Registration{Email: ada, Password: password, From: home, Surface: auth.AppSurface})
		check(t, err)
		_, err = h.ChangeAccount(t.Context(), h.callerOf(t, g), auth.AccountChange{Email: newAda, From: home})
		check(t, err)
		if old := h.letters(t, ada); len(old) != 0 {
			t.Errorf("got %+v", old)
		}
		if r, err := h.show(t, h.newest(t, newAda)); err != nil || r.Grant == nil || r.Grant.User.Email != newAda {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

// An account without an address gets one: it stays the same account, and the address
// counts as proven only if it is.
func TestAnAnonymousAccountGetsAnAddress(t *testing.T) {
	for name, confirm := range map[string]bool{"by a letter": true, "at once": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := apps(t, func(c *auth.Config) { c.ConfirmEmail, c.Apps.Anonymous = confirm, true })
				g, err := h.SignUpAnonymously(t.Context(), nil, home)
				check(t, err)
				other, err := h.SignUpAnonymously(t.Context(), nil, home)
				check(t, err)
				if !g.User.Anonymous || g.User.ID == other.User.ID {
					t.Fatalf("got %+v", g.User)
				}
				by := h.callerOf(t, g)
				_, err = h.ChangeAccount(t.Context(), by, auth.AccountChange{Password: password, From: home})
				wants(t, "a password without an address", err, headykey.ErrInvalid)
				if confirm {
					_, move := h.askToMove(t, g, ada)
					if r, err := h.show(t, move); err != nil || r.Grant == nil || r.Grant.User.ID != g.User.ID {
						t.Errorf("got %+v, %v", r, err)
					}
				} else {
					_, err = h.ChangeAccount(t.Context(), by, auth.AccountChange{Email: ada, From: home})
					check(t, err)
				}
				a := h.account(t, g.User.ID)
				if a.Email != ada || a.Anonymous || a.Verified.IsZero() == confirm || len(a.Identities) != 1 {
					t.Errorf("got %+v", a)
				}
				_, err = h.ChangeAccount(t.Context(), h.callerOf(t, other), auth.AccountChange{Email: ada, From: home})
				wants(t, "the same for another", err, headykey.ErrEmailTaken)
				_, err = h.ChangeAccount(t.Context(), by, auth.AccountChange{Password: password, From: home})
				check(t, err)
				_, err = h.try(t, ada, password)
				wants(t, "by its password", err, nil)
			})
		})
	}
}

func TestAnonymousAccountsAreRefused(t *testing.T) {
	h := apps(t)
	_, err := h.SignUpAnonymously(t.Context(), nil, home)
	wants(t, "off", err, headykey.ErrFeatureOff)
	h = apps(t, func(c *auth.Config) { c.Apps.Anonymous, c.Closed = true, true })
	_, err = h.SignUpAnonymously(t.Context(), nil, home)
	wants(t, "closed", err, headykey.ErrSignUpClosed)
	h = apps(t, func(c *auth.Config) { c.Apps.Anonymous = true })
	for name, data := range map[string]string{"no object": `[]`, "an unknown type": `{"identity_type":"god"}`, "too much": `{"a":"` + strings.Repeat("x", 6<<10) + `"}`} {
		_, err = h.SignUpAnonymously(t.Context(), []byte(data), home)
		wants(t, name, err, headykey.ErrInvalid)
	}
	g, err := h.SignUpAnonymously(t.Context(), []byte(`{"full_name":"a\u0000b"}`), home)
	if err != nil || g.User.Name != "" {
		t.Errorf("a name that is none: got %+v, %v", g, err)
	}
}
