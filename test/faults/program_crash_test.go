package faults

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"
)

// An errand is a program that one person lets in again and again, and what both were
// answered.
type errand struct {
	program
	jane    person
	rng     *rand.Rand
	now     *held   // nil: none
	fetched string  // a code whose redemption was not answered: it may be spent or not
	past    []*held // left as they were
	ended   []*held // revoked
	broken  []string
	asked   int
}

// answered is that of a trail: a fault excuses no answer at all.
func (e *errand) answered(what string, a answer, want int) (ok, lost bool) {
	if a.status != want && a.status != 0 {
		e.broken = append(e.broken, fmt.Sprintf("%s: %s, want %d", what, a, want))
	}
	return a.status == want, a.status == 0
}

// step asks one thing and reports whether it was answered.
func (e *errand) step(c client) bool {
	e.asked++
	switch n := e.rng.IntN(100); {
	case e.now == nil:
		return e.begin(c)
	case n < 70:
		return e.renew(c)
	case n < 90:
		e.past, e.now = append(e.past, e.now), nil
		return true
	}
	return e.revoke(c)
}

func (e *errand) begin(c client) bool {
	a := c.at(e.jane.cookie).try("GET", authorization(e.program, "openid offline_access"), nil)
	ok, lost := e.answered("authorization", a, 303)
	if !ok {
		return !lost
	}
	e.fetched = codeIn(a)
	a = c.redeem(e.program, e.fetched)
	ok, lost = e.answered("redemption of a code", a, 200)
	if ok {
		e.now, e.fetched = &held{code: e.fetched}, ""
		e.now.takes(a)
	}
	return !lost
}

func (e *errand) renew(c client) bool {
	a := c.renew(e.program, e.now.refresh)
	ok, lost := e.answered("renewal", a, 200)
	if ok {
		e.now.takes(a)
	}
	return !lost
}

func (e *errand) revoke(c client) bool {
	old := e.now
	e.now = nil // without an answer nobody knows whether it lives
	a := c.form(e.program, oauthEndPath, url.Values{"token": {old.refresh}})
	ok, lost := e.answered("revocation", a, 200)
	if ok {
		e.ended = append(e.ended, old)
	}
	return !lost
}

// kept marks the test failed unless the server remembers the errand after a crash.
func (e *errand) kept(t *testing.T, c client) {
	t.Helper()
	if e.now != nil { // first of all: a lost answer is repeated for 10 s only
		if e.renew(c); !isActive(c.introspect(e.program, e.now.access)) {
			t.Errorf("the program lost %s", e.now)
		}
	}
	if e.fetched != "" {
		first, second := c.redeem(e.program, e.fetched), c.redeem(e.program, e.fetched)
		if first.status != 200 && !isSpent(first) || !isSpent(second) {
			t.Errorf("a code that may have been redeemed: %s, then %s", first, second)
		}
		e.fetched = ""
	}
	for _, one := range e.ended[max(0, len(e.ended)-3):] {
		one.gone(t, c, e.program)
	}
	e.showOld(t, c)
	for _, text := range e.broken {
		t.Error(text)
	}
	e.broken = nil
}

// showOld shows the code or an old refresh token of what was left behind: neither
// comes back, and that it was shown ends the rest.
func (e *errand) showOld(t *testing.T, c client) {
	t.Helper()
	if len(e.past) == 0 {
		return
	}
	old := e.past[len(e.past)-1]
	e.past = e.past[:len(e.past)-1]
	if !isActive(c.introspect(e.program, old.access)) {
		t.Errorf("the program lost %s", old)
	}
	a := answer{}
	if len(old.spent) >= 2 {
		a = c.renew(e.program, old.spent[e.rng.IntN(len(old.spent)-1)])
	} else {
		a = c.redeem(e.program, old.code)
	}
	if !isSpent(a) {
		t.Errorf("what was used came back: %s", a)
	}
	old.gone(t, c, e.program)
}

// Killed again and again while people let programs in, the server has every
// authorization that it acknowledged, and gives nothing for what was used.
func TestKilledUnderLoadKeepsWhatItGavePrograms(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		rng := chance(t)
		s := start(t, h, config{})
		all := make([]*errand, 4)
		for i := range all {
			all[i] = &errand{
				program: h.program(t, "--trusted"), jane: s.register(t, fmt.Sprintf("jane%d", i)), rng: rand.New(rand.NewPCG(rng.Uint64(), 0)),
			}
		}
		for round := range crashes / 3 {
			var wg sync.WaitGroup
			for _, e := range all {
				wg.Go(func() {
					for c := s.nobody(); e.step(c); {
					}
				})
			}
			time.Sleep(time.Duration(20+rng.IntN(300)) * time.Millisecond) // the moment of the crash
			s.Kill()
			wg.Wait()
			s = start(t, h, config{})
			for _, e := range all {
				e.kept(t, s.nobody())
			}
			if t.Failed() {
				t.Fatalf("after crash %d", round+1)
			}
		}
		asked, ended := 0, 0
		for _, e := range all {
			asked, ended = asked+e.asked, ended+len(e.ended)
			for _, one := range e.ended {
				one.gone(t, s.nobody(), e.program)
			}
		}
		t.Logf("%d requests, %d revocations", asked, ended)
	})
}
