package faults

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headykey.com/headykey/test/house"
)

// bound is how soon every node refuses what one has revoked.
const bound = time.Second

// twoNodes starts two servers on one PostgreSQL database. The second has a copy of
// the first one's master key.
func twoNodes(t *testing.T, c config) (a, b *server) {
	t.Helper()
	dsn := house.Database(t)
	first, second := homeIn(t.TempDir(), dsn), homeIn(t.TempDir(), dsn)
	a = start(t, first, c)
	copyKey(t, first, second)
	return a, start(t, second, c)
}

func copyKey(t *testing.T, from, to home) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(from.Data, "master.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to.Data, "master.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A watch asks one node without a pause whether a proof still counts.
type watch struct {
	last atomic.Int64 // when the last request that was still admitted was sent, Unix nanoseconds
	stop chan struct{}
	wg   sync.WaitGroup
}

// watching begins to watch, and returns once the proof was admitted.
func watching(t *testing.T, c client, admitted func(answer) bool) *watch {
	t.Helper()
	c.http.Timeout = answerBound
	return watchingBy(t, func() answer { return c.try("GET", verifyPath, nil) }, admitted)
}

// watchingBy is watching by another question.
func watchingBy(t *testing.T, ask func() answer, admitted func(answer) bool) *watch {
	t.Helper()
	w := &watch{stop: make(chan struct{})}
	w.wg.Go(func() {
		for {
			if a := ask(); admitted(a) {
				w.last.Store(a.sent.UnixNano())
			}
			select {
			case <-w.stop:
				return
			default:
			}
		}
	})
	eventually(t, patience, "a first admission", func() bool { return w.last.Load() > 0 })
	return w
}

// end watches for as long as bound and half of it more, and returns how long after
// revoked the last request that was still admitted was sent.
func (w *watch) end(revoked time.Time) time.Duration {
	time.Sleep(time.Until(revoked.Add(bound + bound/2)))
	close(w.stop)
	w.wg.Wait()
	return max(0, time.Unix(0, w.last.Load()).Sub(revoked))
}

func TestEveryNodeRefusesWhatOneRevoked(t *testing.T) {
	a, b := twoNodes(t, config{})
	admin := a.admin(t)
	byToken := func(s *server, p person) client { return s.as(p) }
	byCookie := func(s *server, p person) client { return s.nobody().cookie(p.cookie) }
	admitted := func(a answer) bool { return a.status == 200 }
	user := func(p person) string { return "/api/admin/users/" + p.id }
	tests := []struct {
		name     string
		proof    func(*server, person) client
		revoke   func(t *testing.T, p person)
		admitted func(answer) bool
	}{
		{"signed out", byToken, func(t *testing.T, p person) { a.as(p).do(t, "POST", logoutPath, nil, 200) }, admitted},
		{"signed out everywhere", byCookie, func(t *testing.T, p person) {
			a.as(p).do(t, "POST", logoutPath, obj{"scope": "global"}, 200)
		}, admitted},
		{"session revoked", byToken, func(t *testing.T, p person) {
			a.as(admin).do(t, "DELETE", "/api/admin/sessions/"+p.session, nil, 200)
		}, admitted},
		{"user disabled", byCookie, func(t *testing.T, p person) {
			a.as(admin).do(t, "PATCH", user(p), obj{"disabled": true}, 200)
		}, admitted},
		{"user erased", byToken, func(t *testing.T, p person) { a.as(admin).do(t, "DELETE", user(p), nil, 200) }, admitted},
		{"token reused", byToken, func(t *testing.T, p person) {
			next := a.nobody().do(t, "POST", refreshPath, obj{"refreshToken": p.refresh}, 200).text("refreshToken")
			a.nobody().do(t, "POST", refreshPath, obj{"refreshToken": next}, 200)
			a.nobody().do(t, "POST", refreshPath, obj{"refreshToken": p.refresh}, 401)
		}, admitted},
		{"role taken", byToken, func(t *testing.T, p person) {
			a.as(admin).do(t, "PATCH", user(p), obj{"role": "guest"}, 200)
		}, func(a answer) bool { return a.text("role") == "user" }},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			jane := a.register(t, "jane"+string(rune('a'+i)))
			w := watching(t, tt.proof(b, jane), tt.admitted)
			tt.revoke(t, jane)
			w.judge(t, time.Now())
			if tt.admitted(tt.proof(a, jane).try("GET", verifyPath, nil)) {
				t.Error("the node that revoked it still admits it")
			}
		})
	}
	t.Run("API key revoked", func(t *testing.T) {
		jane := a.register(t, "jane")
		k := a.as(jane).createKey(t)
		w := watching(t, b.nobody().apiKey(k.secret), admitted)
		a.as(jane).do(t, "DELETE", keysPath+"/"+k.id, nil, 200)
		w.judge(t, time.Now())
		a.nobody().apiKey(k.secret).do(t, "GET", verifyPath, nil, 401)
	})
}

func (w *watch) judge(t *testing.T, revoked time.Time) {
	t.Helper()
	took := w.end(revoked)
	if last := time.Unix(0, w.last.Load()); revoked.Sub(last) > bound {
		t.Errorf("the other node admitted nobody in the last second before: last at %v, revoked at %v", last, revoked)
	}
	t.Logf("last admitted %v after the answer", took.Round(time.Millisecond))
	if took >= bound {
		t.Errorf("still admitted %v after it was revoked on the other node", took)
	}
}

// Notifications only make it quicker: a node that hears none looks by itself.
func TestEveryNodeRefusesWhatOneRevokedThoughItHearsNothing(t *testing.T) {
	a, b := twoNodes(t, config{})
	for _, name := range []string{"jane", "john", "jill"} {
		p := a.register(t, name)
		w := watching(t, b.as(p), func(a answer) bool { return a.status == 200 })
		house.Execute(t, a.home.DSN, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
		a.as(p).do(t, "POST", logoutPath, nil, 200)
		w.judge(t, time.Now())
	}
}

// A token is good on every node from the moment that its owner has it, also if a
// key signed it that was made a moment ago.
func TestRotatedKeysVerifyOnEveryNode(t *testing.T) {
	a, b := twoNodes(t, config{})
	admin := a.admin(t)
	before := a.register(t, "before")
	for round := range 5 {
		for _, use := range []string{"heady", "receipt"} {
			a.as(admin).do(t, "POST", "/api/admin/keys/rotate", obj{"use": use}, 200)
		}
		p := signedIn(before.email, a.nobody().do(t, "POST", refreshPath, obj{"refreshToken": before.refresh}, 200))
		if got := b.as(p).try("GET", verifyPath, nil); got.status != 200 {
			t.Errorf("rotation %d: a token of the new key is refused by the other node: %s", round+1, got)
		}
		b.as(before).do(t, "GET", verifyPath, nil, 200) // the old keys still count
		before.refresh, before.access = p.refresh, p.access
	}
	b.register(t, "after")
	b.haveReceipts(t, admin, nil, time.Now().Add(-time.Minute))
	a.ledgersAgree(t, admin)
}

func TestNodesSurviveEachOther(t *testing.T) {
	rng := chance(t)
	a, b := twoNodes(t, config{})
	admin := a.admin(t)
	all := trails(t, a, rng, 4)
	for round := range 4 {
		dies, lives := a, b
		if round%2 == 1 {
			dies, lives = b, a
		}
		began := time.Now()
		stop := make(chan struct{})
		waitDying := walk(all[:2], dies, nil)
		waitLiving := walk(all[2:], lives, stop)
		time.Sleep(time.Duration(100+rng.IntN(200)) * time.Millisecond)
		dies.Kill()
		waitDying()
		time.Sleep(100 * time.Millisecond)
		close(stop)
		waitLiving()
		checkRound(t, lives, all, true) // also what the dead node acknowledged
		lives.haveReceipts(t, admin, all, began.Add(-2*time.Second))
		if again := start(t, dies.home, config{}); round%2 == 1 {
			b = again
		} else {
			a = again
		}
		if t.Failed() {
			t.Fatalf("after crash %d", round+1)
		}
	}
	checkAccounts(t, b, all)
	a.ledgersAgree(t, admin)
	report(t, all)
}

// Who guesses on one node is held back by all.
func TestNodesShareTheCountOfFailures(t *testing.T) {
	a, b := twoNodes(t, config{limits: true})
	jane := a.register(t, "jane")
	wrong := obj{"email": jane.email, "password": "not-her-password"}
	for range 3 {
		a.nobody().do(t, "POST", loginPath, wrong, 401)
	}
	for name, s := range map[string]*server{"this": a, "the other": b} {
		got := s.nobody().try("POST", loginPath, credentials(jane.email))
		if got.status != 429 || got.code() != "rate_limited" || got.header.Get("Retry-After") == "" {
			t.Errorf("after three failures %s node answers %s, want 429 with Retry-After", name, got)
		}
	}
	eventually(t, 5*time.Second, "sign-in after the back-off", func() bool {
		return b.nobody().try("POST", loginPath, credentials(jane.email)).status == 200
	})
	a.nobody().do(t, "POST", loginPath, wrong, 401) // forgiven on both: no back-off before it
}

func TestNodesMayStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	for range 2 {
		dsn := house.Database(t)
		var secret [32]byte
		_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
		c := config{env: []string{"HEADYKEY_MASTER_KEY=" + hex.EncodeToString(secret[:])}}
		nodes := []*server{launch(t, homeIn(t.TempDir(), dsn), c), launch(t, homeIn(t.TempDir(), dsn), c), launch(t, homeIn(t.TempDir(), dsn), c)}
		for _, s := range nodes {
			s.Await(t)
		}
		jane := nodes[0].register(t, "jane")
		for _, s := range nodes {
			s.as(jane).do(t, "GET", verifyPath, nil, 200)
			s.Kill()
		}
	}
}
