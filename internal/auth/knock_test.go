package auth_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/store"
)

// waiting returns the parcels that wait: their kinds and payloads. It takes them.
func (h *house) waiting(t *testing.T) (kinds []string, payloads [][]byte) {
	t.Helper()
	h.update(t, func(tx *store.Tx) error {
		kinds, payloads = nil, nil
		all, err := tx.TakeParcels(100, time.Hour)
		for _, p := range all {
			kinds, payloads = append(kinds, p.Kind), append(payloads, p.Payload)
			err = errors.Join(err, tx.Delivered(p.ID))
		}
		return err
	})
	return kinds, payloads
}

// An answer that is the same for all is worth little if the work is not: what is
// written until then must not tell, either.
func TestAKnockIsTheSameWorkForAllAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.Throttle = false })
		disabled := h.member(t, "disabled@example.com").User.ID
		h.change(t, disabled, func(u *headykey.User, now time.Time) { u.Disabled = now })
		h.member(t, ada)
		h.signUp(t, eve, password, "")
		h.waiting(t)
		receipts := len(h.bodies(t, ""))
		for _, wish := range []string{auth.KnockSignIn, auth.KnockRecovery, auth.KnockSignUp, auth.KnockMove} {
			for _, email := range []string{ada, eve, "disabled@example.com", "nobody@example.com"} {
				h.knock(t, wish, email)
				kinds, payloads := h.waiting(t)
				if !reflect.DeepEqual(kinds, []string{auth.KnockKind}) || len(h.bodies(t, "")) != receipts {
					t.Errorf("%s for %s: got %v", wish, email, kinds)
				}
				if bytes.Contains(payloads[0], []byte("example")) || bytes.Contains(payloads[0], []byte(wish)) {
					t.Errorf("the parcel can be read: %q", payloads[0])
				}
			}
		}
	})
}

// Behind the answer each gets the letter that fits, or none.
func TestWhoIsWrittenTo(t *testing.T) {
	tests := []struct {
		wish                      string
		member, waits, nobody, in string
	}{
		{auth.KnockSignIn, "magiclink", "signup", "signup", ""},
		{auth.KnockRecovery, "recovery", "recovery", "", ""},
		{auth.KnockSignUp, "", "signup", "", ""},
		{auth.KnockMove, "", "", "", ""},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			h := apps(t)
			h.member(t, ada)
			h.signUp(t, eve, password, "")
			h.coreDeliver(t)
			h.mailbox.Clear()
			time.Sleep(time.Minute)
			for email, want := range map[string]string{ada: tt.member, eve: tt.waits, "nobody@example.com": tt.nobody} {
				h.knock(t, tt.wish, email)
				var got string
				if all := h.letters(t, email); len(all) == 1 {
					got = all[0].kind
				} else if len(all) > 1 {
					t.Errorf("got %+v", all)
				}
				if got != want {
					t.Errorf("%s for %s: got %q, want %q", tt.wish, email, got, want)
				}
			}
		})
	}
}

func TestOneLetterAMinuteGoesToAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		ask := func(email string) error {
			return h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: email, From: home})
		}
		for _, email := range []string{ada, "nobody@example.com"} {
			check(t, ask(email))
			time.Sleep(time.Minute - time.Millisecond)
			err := ask(strings.ToUpper(email))
			wants(t, email, err, headykey.ErrMailTooOften)
			if after := headykey.Explain(err).After; after <= 0 || after > time.Second {
				t.Errorf("%s: told to wait %v", email, after)
			}
			time.Sleep(time.Millisecond)
			check(t, ask(email))
		}
	})
}

func TestAKnockMakesAnAccountOnlyWhereOneMayBeMade(t *testing.T) {
	for name, tt := range map[string]struct {
		create, closed bool
		want           int
	}{"open": {true, false, 1}, "not wished": {false, false, 0}, "closed": {true, true, 0}} {
		synctest.Test(t, func(t *testing.T) {
			h := apps(t, func(c *auth.Config) { c.Closed = tt.closed })
			check(t, h.Knock(t.Context(), auth.Knock{
				Wish: auth.KnockSignIn, Email: ada, Create: tt.create, From: home,
				Data: []byte(`{"full_name":"` + strings.Repeat("a", 300) + `"}`), // no name; no reason to write to nobody, either
			}))
			got := h.letters(t, ada)
			if len(got) != tt.want || len(h.bodies(t, "account.created")) != tt.want {
				t.Fatalf("%s: got %+v", name, got)
			}
			if tt.want == 0 {
				return
			}
			g := h.open(t, got[0])
			if g.User.Name != "" || g.User.Email != ada || g.User.Verified.IsZero() {
				t.Errorf("got %+v", g.User)
			}
		})
	}
}

// A parcel may be carried twice. The second letter voids the first; there is one
// account.
func TestAKnockAnsweredTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		payload := []byte(`{"wish":"sign_in","email":"ada@example.com","create":true,"app":{"Target":"https://app.example/"},"from":{"Address":"198.51.100.7"}}`)
		check(t, h.AnswerKnock(t.Context(), payload))
		first := h.newest(t, ada)
		h.open(t, first)
		for range 2 {
			check(t, h.AnswerKnock(t.Context(), payload))
			h.coreDeliver(t)
		}
		all := h.letters(t, ada)
		if len(all) != 3 || len(h.bodies(t, "account.created")) != 1 {
			t.Fatalf("got %+v", all)
		}
		_, err := h.Redeem(t.Context(), auth.Redemption{Type: "magiclink", Token: all[1].token, From: home})
		wants(t, "the one before", err, headykey.ErrSpentProof)
		h.open(t, all[0])
		for _, bad := range []string{``, `[]`, `{"wish":"sign_in","email":"ada"}`, `{"email":"a@example.com","data":7}`} {
			wants(t, bad, h.AnswerKnock(t.Context(), []byte(bad)), outbox.ErrPermanent)
		}
	})
}

func TestAKnockIsCheckedBeforeItIsTaken(t *testing.T) {
	h := apps(t)
	wants(t, "no address", h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: "ada"}), headykey.ErrInvalidEmail)
	for _, data := range []string{`[]`, `{"identity_type":"god"}`, `{"a":"` + strings.Repeat("x", 6<<10) + `"}`} {
		wants(t, data[:2], h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: ada, Data: []byte(data)}), headykey.ErrInvalid)
	}
	if kinds, _ := h.waiting(t); len(kinds) != 0 {
		t.Errorf("got %v", kinds)
	}
}

// A sign-up is the same for an address that is taken: one letter leaves, and who asks
// is told the same but for what apps know a fake by.
func TestASignUpIsTheSameWorkForATakenAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		h.member(t, ada)
		h.waiting(t)
		var told []*headykey.Account
		for _, email := range []string{ada, "new@example.com"} {
			told = append(told, h.signUp(t, email, fresh, herData))
			if kinds, _ := h.waiting(t); len(kinds) != 1 || kinds[0] != "mail" {
				t.Errorf("%s: got %v", email, kinds)
			}
		}
		fake, real := told[0], told[1]
		if fake.ID == h.account(t, real.ID).ID || fake.Email != ada || len(fake.Identities) != 0 || fake.Name != real.Name ||
			!fake.LastSignIn.IsZero() || !fake.Verified.IsZero() || fake.Created.IsZero() || fake.Profile.ConfirmationSent.IsZero() {
			t.Errorf("got %+v", fake)
		}
		if !h.mustBeNobody(t, fake.ID) {
			t.Errorf("the fake is somebody: %s", fake.ID)
		}
		_, _, err := h.SignUp(t.Context(), auth.Registration{Email: ada, Password: fresh, App: &auth.Asking{}, From: home})
		wants(t, "again at once, taken", err, headykey.ErrMailTooOften)
		_, _, err = h.SignUp(t.Context(), auth.Registration{Email: "new@example.com", Password: fresh, App: &auth.Asking{}, From: home})
		wants(t, "again at once, waiting", err, headykey.ErrMailTooOften)
	})
}

func (h *house) mustBeNobody(t *testing.T, id headykey.ID) bool {
	t.Helper()
	return errors.Is(h.db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.User(id); return err }), headykey.ErrNotFound)
}

// Names that are keys of other things open nothing and are counted as one name.
func TestAKeyThatIsNoAddressSignsNobodyIn(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	h.update(t, func(tx *store.Tx) error {
		return errors.Join(tx.ClaimKey(headykey.PhoneKey("4930123456"), user.ID), tx.ClaimKey("google 1234", user.ID))
	})
	for _, name := range []string{"tel:4930123456", "google 1234", "", "\x00", string([]byte{0xff})} {
		_, err := h.try(t, name, password)
		wants(t, name, err, headykey.ErrBadCredentials)
	}
}
