package auth_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

func TestALetterIsGoodForItsTypeAlone(t *testing.T) {
	types := []string{"signup", "magiclink", "recovery", "invite", "email_change", "email", "reauthentication", "sms", "", "app.code"}
	for _, tt := range []struct {
		wish string
		good []string
	}{
		{auth.KnockSignUp, []string{"signup", "email"}},
		{auth.KnockSignIn, []string{"magiclink", "email"}},
		{auth.KnockRecovery, []string{"recovery"}},
	} {
		t.Run(tt.wish, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := apps(t, func(c *auth.Config) { c.Throttle = false })
				if tt.wish == auth.KnockSignUp {
					h.signUp(t, ada, password, "")
				} else {
					h.member(t, ada)
					h.knock(t, tt.wish, ada)
				}
				l := h.newest(t, ada)
				for _, kind := range types {
					if kind == tt.good[0] || len(tt.good) > 1 && kind == tt.good[1] {
						continue
					}
					want := headykey.ErrSpentProof
					switch kind {
					case "reauthentication", "sms", "", "app.code":
						want = headykey.ErrInvalid
					}
					_, err := h.Redeem(t.Context(), auth.Redemption{Type: kind, Token: l.token, From: home})
					wants(t, "the link as "+kind, err, want)
					_, err = h.byCode(t, kind, ada, l.code)
					wants(t, "the code as "+kind, err, want)
				}
				_, err := h.byCode(t, tt.good[len(tt.good)-1], ada, l.code)
				wants(t, "as what it is", err, nil)
				_, err = h.Redeem(t.Context(), auth.Redemption{Type: tt.good[0], Token: l.token, From: home})
				wants(t, "its link after its code", err, headykey.ErrSpentProof)
			})
		})
	}
}

func TestALetterRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		h.member(t, ada)
		h.knock(t, auth.KnockSignIn, ada)
		l := h.newest(t, ada)
		time.Sleep(21*time.Minute - time.Second)
		_, err := h.Redeem(t.Context(), auth.Redemption{Type: l.kind, Token: l.token, From: home})
		wants(t, "the link", err, headykey.ErrSpentProof)
		_, err = h.byCode(t, "email", ada, l.code)
		wants(t, "the code", err, headykey.ErrSpentProof)
	})
}

// Five wrong codes void the code of a letter, however many come at once and from
// wherever. Its link is no guess, and stays.
func TestFiveWrongCodesVoidTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.Throttle = false })
		h.member(t, ada)
		h.knock(t, auth.KnockSignIn, ada)
		l := h.newest(t, ada)
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				_, err := h.Redeem(t.Context(), auth.Redemption{Type: "magiclink", Email: ada, Code: wrongCode(l), From: from(fmt.Sprintf("203.0.113.%d", i))})
				wants(t, "wrong", err, headykey.ErrSpentProof)
			})
		}
		wg.Wait()
		_, err := h.byCode(t, "magiclink", ada, l.code)
		wants(t, "the right one, sixth", err, headykey.ErrSpentProof)
		h.open(t, l)
	})
}

func TestFourWrongCodesDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.Throttle = false })
		h.member(t, ada)
		h.knock(t, auth.KnockSignIn, ada)
		l := h.newest(t, ada)
		for range 4 {
			_, err := h.byCode(t, "magiclink", ada, wrongCode(l))
			wants(t, "wrong", err, headykey.ErrSpentProof)
		}
		_, err := h.byCode(t, "magiclink", ada, l.code)
		wants(t, "the right one, fifth", err, nil)
	})
}

// Guesses of codes and of passwords are counted together, and for nobody's address
// alike.
func TestGuessesOfCodesWaitAsThoseOfPasswords(t *testing.T) {
	for _, email := range []string{ada, "nobody@example.com"} {
		synctest.Test(t, func(t *testing.T) {
			h := apps(t)
			h.member(t, ada)
			for range 3 {
				_, err := h.byCode(t, "email", email, "000000")
				wants(t, email, err, headykey.ErrSpentProof)
			}
			_, err := h.byCode(t, "email", email, "000000")
			wants(t, email+", the fourth", err, headykey.ErrRateLimited)
			if _, after := h.wrong(t, email, "api", home); after != 2*time.Second {
				t.Errorf("%s, by password: told to wait %v", email, after)
			}
			if told := h.bodies(t, "session.refused"); len(told) != 1 {
				t.Errorf("%s: got %d receipts", email, len(told))
			}
		})
	}
}

// Who tries one code at each of many addresses is stopped, whoever they are of; the
// rest of the world is not.
func TestANetworkHas34WrongCodesAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		h.member(t, ada)
		for i := range 34 {
			_, err := h.byCode(t, "email", fmt.Sprintf("somebody%d@example.com", i), "000000")
			wants(t, fmt.Sprint(i), err, headykey.ErrSpentProof)
		}
		h.knock(t, auth.KnockSignIn, ada)
		l := h.newest(t, ada)
		_, err := h.byCode(t, "email", ada, l.code)
		wants(t, "the next", err, headykey.ErrRateLimited)
		if after := headykey.Explain(err).After; after <= 50*time.Minute || after > time.Hour {
			t.Errorf("told to wait %v", after)
		}
		_, err = h.Redeem(t.Context(), auth.Redemption{Type: "email", Email: ada, Code: l.code, From: from("203.0.113.1")})
		wants(t, "from elsewhere", err, nil)
		time.Sleep(time.Minute)
		h.knock(t, auth.KnockSignIn, ada)
		h.open(t, h.newest(t, ada)) // a link is no guess
		time.Sleep(time.Hour)
		h.knock(t, auth.KnockSignIn, ada)
		_, err = h.byCode(t, "email", ada, h.newest(t, ada).code)
		wants(t, "an hour later", err, nil)
	})
}

func TestOfEightWhoUseALetterOneComesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t, func(c *auth.Config) { c.Throttle = false })
		h.member(t, ada)
		before := len(h.bodies(t, "session.started"))
		h.knock(t, auth.KnockSignIn, ada)
		l := h.newest(t, ada)
		var in atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				r := auth.Redemption{Type: "magiclink", Token: l.token, From: home}
				if i%2 == 0 {
					r = auth.Redemption{Type: "magiclink", Code: l.code, Email: ada, From: home}
				}
				if _, err := h.Redeem(t.Context(), r); err == nil {
					in.Add(1)
				} else {
					wants(t, "a loser", err, headykey.ErrSpentProof)
				}
			})
		}
		wg.Wait()
		if after := len(h.bodies(t, "session.started")); in.Load() != 1 || after != before+1 {
			t.Errorf("%d came in, %d sessions began", in.Load(), after-before)
		}
	})
}

func TestADisabledAccountIsNotOpenedAndItsLetterNotSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		g := h.member(t, ada)
		h.knock(t, auth.KnockSignIn, ada)
		l := h.newest(t, ada)
		h.change(t, g.User.ID, func(u *headykey.User, now time.Time) { u.Disabled = now })
		_, err := h.Redeem(t.Context(), auth.Redemption{Type: l.kind, Token: l.token, From: home})
		wants(t, "the link", err, headykey.ErrAccountDisabled)
		_, err = h.byCode(t, "email", ada, l.code)
		wants(t, "the code", err, headykey.ErrAccountDisabled)
		_, err = h.Redeem(t.Context(), auth.Redemption{Type: l.kind, Token: l.token, From: home, Visitor: true})
		wants(t, "at a browser", err, headykey.ErrAccountDisabled)
		time.Sleep(time.Minute)
		for _, wish := range []string{auth.KnockSignIn, auth.KnockRecovery, auth.KnockSignUp, auth.KnockMove} {
			h.knock(t, wish, ada)
			time.Sleep(time.Minute)
		}
		if all := h.letters(t, ada); len(all) != 1 {
			t.Errorf("letters went out: %+v", all)
		}
		h.change(t, g.User.ID, func(u *headykey.User, _ time.Time) { u.Disabled = time.Time{} })
		h.open(t, l)
	})
}

// A letter that an app asked for with a challenge gives a browser a code, which only
// that app can exchange.
func TestAVisitorOfAnAppBringsItACode(t *testing.T) {
	const verifier = "0123456789abcdefghijABCDEFGHIJ-._~0123456789abc"
	challenge, err := auth.ParseChallenge("8p5Ow4sEyLPFv3n9hFtv09bqG6rCkb1n3h9K6jc6qsE", "S256")
	check(t, err)
	plain, err := auth.ParseChallenge(verifier, "plain")
	check(t, err)
	synctest.Test(t, func(t *testing.T) {
		h := apps(t)
		h.member(t, ada)
		ask := func(challenge string) string {
			t.Helper()
			h.mailbox.Clear()
			time.Sleep(time.Minute)
			check(t, h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: ada, App: auth.Asking{Challenge: challenge}, From: home}))
			l := h.newest(t, ada)
			if l.token[:len(auth.AppPrefix)] != auth.AppPrefix {
				t.Errorf("got the token %s", l.token)
			}
			r, err := h.Redeem(t.Context(), auth.Redemption{Type: l.kind, Token: l.token, From: home, Visitor: true})
			check(t, err)
			if r.Grant != nil || r.Code == "" {
				t.Fatalf("got %+v", r)
			}
			_, err = h.Redeem(t.Context(), auth.Redemption{Type: l.kind, Token: l.token, From: home, Visitor: true})
			wants(t, "the link again", err, headykey.ErrSpentProof)
			return r.Code
		}
		code := ask(plain)
		for _, bad := range []string{"", verifier + "x", verifier[1:]} {
			_, err := h.Exchange(t.Context(), code, bad, home)
			wants(t, "another verifier", err, headykey.ErrBadVerifier)
		}
		_, err := h.Exchange(t.Context(), code+"x", verifier, home)
		wants(t, "another code", err, headykey.ErrNotFound)
		g, err := h.Exchange(t.Context(), code, verifier, home)
		check(t, err)
		if by := h.callerOf(t, g); by.User != g.User.ID {
			t.Errorf("got %+v", by)
		}
		_, err = h.Exchange(t.Context(), code, verifier, home)
		wants(t, "twice", err, headykey.ErrNotFound)

		code = ask(challenge)
		_, err = h.Exchange(t.Context(), code, "8p5Ow4sEyLPFv3n9hFtv09bqG6rCkb1n3h9K6jc6qsE", home)
		wants(t, "the challenge as the verifier", err, headykey.ErrBadVerifier)
		time.Sleep(5 * time.Minute)
		_, err = h.Exchange(t.Context(), code, verifier, home)
		wants(t, "late", err, headykey.ErrFlowExpired)

		code = ask(plain)
		h.change(t, g.User.ID, func(u *headykey.User, now time.Time) { u.Disabled = now })
		_, err = h.Exchange(t.Context(), code, verifier, home)
		wants(t, "disabled meanwhile", err, headykey.ErrAccountDisabled)
	})
}

func FuzzParseChallenge(f *testing.F) {
	f.Add("", "")
	f.Add("8p5Ow4sEyLPFv3n9hFtv09bqG6rCkb1n3h9K6jc6qsE", "S256")
	f.Add("8p5Ow4sEyLPFv3n9hFtv09bqG6rCkb1n3h9K6jc6qsE", "")
	f.Add("0123456789012345678901234567890123456789:12", "plain")
	f.Fuzz(func(t *testing.T, challenge, method string) {
		got, err := auth.ParseChallenge(challenge, method)
		if err == nil && got != "" && got != "s256:"+challenge && got != "plain:"+challenge {
			t.Errorf("got %q for %q, %q", got, challenge, method)
		}
		if err == nil && (got == "") != (challenge == "" && method == "") || err != nil && got != "" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
