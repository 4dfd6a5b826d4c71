package faults

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// A trail is one client and what it was answered: all that the server may never
// forget again. What it asked without being answered may have happened or not.
type trail struct {
	person             // its session as it last heard of it; no access token: none
	name      string   // unique
	spent     []string // refresh tokens before the present one, oldest first
	keys      []key    // live API keys
	accounts  []string // e-mail addresses that it registered
	revoked   []key
	ended     []person // sessions that it signed out
	acts      []act    // each must have its receipt
	told      int      // acts whose receipts were found already
	broken    []string // answers that no fault excuses
	outages   bool     // answers of 5xx are excused, and the server is asked again
	rng       *rand.Rand
	registers bool // makes accounts now and then
	asked     int
}

// An act is what a receipt must tell.
type act struct{ kind, object string }

// trails returns n clients who have signed in to accounts of their own.
func trails(t *testing.T, s *server, rng *rand.Rand, n int) []*trail {
	t.Helper()
	all := make([]*trail, n)
	for i := range all {
		name := fmt.Sprintf("client%d", i)
		tr := &trail{name: name, rng: rand.New(rand.NewPCG(rng.Uint64(), 0)), registers: i == 0}
		tr.person = s.register(t, name)
		tr.accounts = []string{tr.email}
		tr.acts = []act{{"account.created", "usr_" + tr.id}, {"session.started", "ses_" + tr.session}}
		all[i] = tr
	}
	return all
}

// walk lets every trail ask the server that url names one thing after another,
// until stop is closed or, unless outages are excused, nobody answers any more.
func walk(all []*trail, s *server, stop <-chan struct{}) (wait func()) {
	var wg sync.WaitGroup
	for _, tr := range all {
		wg.Go(func() {
			c := s.nobody()
			c.http.Timeout = 15 * time.Second
			for tr.step(c) || tr.outages {
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	return wg.Wait
}

// step asks one thing and reports whether it was answered.
func (tr *trail) step(c client) bool {
	tr.asked++
	switch n := tr.rng.IntN(100); {
	case tr.access == "":
		return tr.signIn(c)
	case tr.registers && n < 20:
		return tr.register(c)
	case n < 70:
		return tr.rotate(c)
	case n < 83 && len(tr.keys) < 8:
		return tr.makeKey(c)
	case n < 96 && len(tr.keys) > 0:
		return tr.revokeKey(c)
	case n >= 96:
		return tr.signOut(c)
	}
	return tr.rotate(c)
}

// answered sorts an answer: the one that is wanted, none (a fault excuses it), or
// one that breaks a promise.
func (tr *trail) answered(what string, a answer, want int) (ok, lost bool) {
	switch {
	case a.status == want:
		return true, false
	case a.status == 0, tr.outages && a.status >= 500:
		if tr.outages {
			time.Sleep(50 * time.Millisecond) // nobody hammers a server that is down
		}
		return false, true
	}
	tr.broken = append(tr.broken, fmt.Sprintf("%s of %s: %s, want %d", what, tr.name, a, want))
	return false, false
}

func (tr *trail) signIn(c client) bool {
	a := c.try("POST", loginPath, credentials(tr.email))
	ok, lost := tr.answered("sign-in", a, 200)
	if ok {
		tr.person = signedIn(tr.email, a)
		tr.acts = append(tr.acts, act{"session.started", "ses_" + tr.session})
	}
	return !lost
}

func (tr *trail) register(c client) bool {
	email := address(fmt.Sprintf("%s-%d", tr.name, tr.asked))
	a := c.try("POST", registerPath, credentials(email))
	ok, lost := tr.answered("registration", a, 201)
	if ok {
		p := signedIn(email, a)
		tr.accounts = append(tr.accounts, email)
		tr.acts = append(tr.acts, act{"account.created", "usr_" + p.id}, act{"session.started", "ses_" + p.session})
	}
	return !lost
}

// rotate spends the refresh token. Without an answer it may be spent or not: who
// asks again within 10 s gets the same successor.
func (tr *trail) rotate(c client) bool {
	a := c.try("POST", refreshPath, obj{"refreshToken": tr.refresh})
	ok, lost := tr.answered("refresh", a, 200)
	if ok {
		tr.spent = append(tr.spent, tr.refresh)
		tr.access, tr.refresh = a.text("accessToken"), a.text("refreshToken")
	}
	return !lost
}

func (tr *trail) makeKey(c client) bool {
	a := c.bearer(tr.access).try("POST", keysPath, obj{"description": fmt.Sprintf("%s %d", tr.name, tr.asked)})
	ok, lost := tr.answered("making of a key", a, 201)
	if ok {
		k := key{a.text("id"), a.text("key")}
		tr.keys = append(tr.keys, k)
		tr.acts = append(tr.acts, act{"api_key.created", "key_" + k.id})
	}
	return !lost
}

func (tr *trail) revokeKey(c client) bool {
	k := tr.keys[0]
	tr.keys = tr.keys[1:] // without an answer nobody knows whether it lives
	a := c.bearer(tr.access).try("DELETE", keysPath+"/"+k.id, nil)
	ok, lost := tr.answered("revocation of a key", a, 200)
	if ok {
		tr.revoked = append(tr.revoked, k)
		tr.acts = append(tr.acts, act{"api_key.revoked", "key_" + k.id})
	}
	return !lost
}

func (tr *trail) signOut(c client) bool {
	old := tr.person
	tr.access, tr.spent = "", nil // without an answer nobody knows whether it lives
	a := c.bearer(old.access).try("POST", logoutPath, nil)
	ok, lost := tr.answered("sign-out", a, 200)
	if ok {
		tr.ended = append(tr.ended, old)
		tr.acts = append(tr.acts, act{"session.ended", "ses_" + old.session})
	}
	return !lost
}

// kept marks the test failed unless the server remembers the trail: what lives
// works, what was ended is refused. The first seen sessions and keys of those that
// were ended are passed over.
func (tr *trail) kept(t *testing.T, c client, seenKeys, seenSessions int) {
	t.Helper()
	for _, text := range tr.broken {
		t.Error(text)
	}
	tr.broken = nil
	if tr.access != "" {
		tr.keptSession(t, c)
	}
	for _, k := range tr.keys {
		if a := c.apiKey(k.secret).try("GET", verifyPath, nil); a.status != 200 {
			t.Errorf("%s lost the API key %s: %s", tr.name, k.id, a)
		}
	}
	for _, k := range tr.revoked[seenKeys:] {
		if a := c.apiKey(k.secret).try("GET", verifyPath, nil); a.status != 401 {
			t.Errorf("%s: the revoked API key %s came back: %s", tr.name, k.id, a)
		}
	}
	for _, p := range tr.ended[seenSessions:] {
		refused(t, c, p)
	}
}

func (tr *trail) keptSession(t *testing.T, c client) {
	t.Helper()
	if a := c.bearer(tr.access).try("GET", verifyPath, nil); a.status != 200 {
		t.Errorf("%s lost its access token: %s", tr.name, a)
	}
	if !tr.rotate(c) || len(tr.broken) > 0 {
		t.Errorf("%s lost its session: %v", tr.name, tr.broken)
		tr.broken, tr.access = nil, ""
		return
	}
	if a := c.bearer(tr.access).try("GET", verifyPath, nil); a.status != 200 {
		t.Errorf("%s: a fresh access token is refused: %s", tr.name, a)
	}
}

// refused marks the test failed if any proof of an ended session is still good.
func refused(t *testing.T, c client, p person) {
	t.Helper()
	proofs := map[string]answer{
		"access token":  c.bearer(p.access).try("GET", verifyPath, nil),
		"refresh token": c.try("POST", refreshPath, obj{"refreshToken": p.refresh}),
	}
	if p.cookie != "" {
		proofs["cookie"] = c.cookie(p.cookie).try("GET", verifyPath, nil)
	}
	for what, a := range proofs {
		if a.status != 401 {
			t.Errorf("the %s of an ended session of %s came back: %s", what, p.email, a)
		}
	}
}

// showGrandparent shows a token that was spent before the present one's parent. It
// must not come back; that it was shown ends the session.
func (tr *trail) showGrandparent(t *testing.T, c client) {
	t.Helper()
	if tr.access == "" || len(tr.spent) < 2 {
		return
	}
	old := tr.spent[tr.rng.IntN(len(tr.spent)-1)]
	if a := c.try("POST", refreshPath, obj{"refreshToken": old}); a.status != 401 || a.code() != "refresh_token_reused" {
		t.Errorf("%s: a rotated token came back: %s", tr.name, a)
	}
	refused(t, c, tr.person)
	tr.ended = append(tr.ended, tr.person)
	tr.acts = append(tr.acts, act{"session.ended", "ses_" + tr.session}, act{"refresh_token.reused", "ses_" + tr.session})
	tr.access, tr.spent = "", nil
}
