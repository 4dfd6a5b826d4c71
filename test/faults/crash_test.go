package faults

import (
	"encoding/json"
	"testing"
	"time"
)

const crashes = 30

// Killed again and again under load, the server has everything that it ever
// acknowledged, and nothing that it ended comes back.
func TestKilledUnderLoadKeepsWhatItAcknowledged(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		rng := chance(t)
		s := start(t, h, config{})
		admin := s.admin(t)
		all := trails(t, s, rng, 6)
		for round := range crashes {
			began := time.Now()
			wait := walk(all, s, nil)
			time.Sleep(time.Duration(20+rng.IntN(300)) * time.Millisecond) // the moment of the crash
			s.Kill()
			wait()
			s = start(t, h, config{})
			checkRound(t, s, all, round == crashes-1)
			all[rng.IntN(len(all))].showGrandparent(t, s.nobody())
			s.haveReceipts(t, admin, all, began.Add(-2*time.Second))
			if t.Failed() {
				t.Fatalf("after crash %d", round+1)
			}
		}
		checkAccounts(t, s, all)
		s.ledgersAgree(t, admin)
		report(t, all)
	})
}

// checkRound checks what each trail did since the last crash, or, at last, ever.
func checkRound(t *testing.T, s *server, all []*trail, last bool) {
	t.Helper()
	c := s.nobody()
	for _, tr := range all {
		if tr.access != "" { // first of all: a lost answer is repeated for 10 s only
			tr.keptSession(t, c)
		}
	}
	for _, tr := range all {
		keys, sessions := max(0, len(tr.revoked)-34), max(0, len(tr.ended)-8)
		if last {
			keys, sessions = 0, 0
		}
		tr.kept(t, c, keys, sessions)
	}
	registrar := all[0]
	s.login(t, registrar.accounts[len(registrar.accounts)-1])
}

// checkAccounts signs in to every account that was ever acknowledged.
func checkAccounts(t *testing.T, s *server, all []*trail) {
	t.Helper()
	for _, tr := range all {
		for _, email := range tr.accounts {
			if a := s.nobody().try("POST", loginPath, credentials(email)); a.status != 200 {
				t.Errorf("the account %s was lost: %s", email, a)
			}
		}
	}
}

func report(t *testing.T, all []*trail) {
	t.Helper()
	var asked, acts, accounts int
	for _, tr := range all {
		asked, acts, accounts = asked+tr.asked, acts+len(tr.acts), accounts+len(tr.accounts)
	}
	t.Logf("%d requests, %d acknowledged acts with receipts, %d accounts", asked, acts, accounts)
}

// haveReceipts marks the test failed unless every act since then has one receipt,
// and each receipt is signed. Acts that are found are forgotten.
func (s *server) haveReceipts(t *testing.T, admin person, all []*trail, since time.Time) {
	t.Helper()
	found := map[act]int{}
	for _, st := range s.receipts(t, admin, since) {
		if st.kind != "session.ended" {
			found[act{st.kind, st.object}]++
			continue
		}
		for _, id := range st.ended() {
			found[act{st.kind, "ses_" + id}]++
		}
	}
	for _, tr := range all {
		for _, a := range tr.acts[tr.told:] {
			if found[a] != 1 {
				t.Errorf("%s was acknowledged to %s and has %d receipts", a, tr.name, found[a])
			}
		}
		tr.told = len(tr.acts)
	}
}

// ledgersAgree marks the test failed unless receipts and state tell the same:
// no act without its receipt, no receipt without its act, none twice.
func (s *server) ledgersAgree(t *testing.T, admin person) {
	t.Helper()
	began, over := map[string]map[string]int{}, map[string]bool{}
	for _, kind := range []string{"account.created", "session.started", "api_key.created"} {
		began[kind] = map[string]int{}
	}
	for _, st := range s.receipts(t, admin, time.Time{}) {
		switch st.kind {
		case "session.ended":
			for _, id := range st.ended() {
				over["ses_"+id] = true
			}
		case "api_key.revoked":
			over[st.object] = true
		case "account.created", "session.started", "api_key.created":
			began[st.kind][st.object]++
		}
	}
	for _, list := range []struct{ kind, name, path, prefix string }{
		{"account.created", "users", "/api/admin/users", "usr_"},
		{"session.started", "sessions", "/api/admin/sessions", "ses_"},
		{"api_key.created", "keys", "/api/admin/api-keys", "key_"},
	} {
		state := map[string]bool{}
		for _, raw := range s.as(admin).pages(t, list.path, list.name) {
			var item struct{ ID string }
			if err := json.Unmarshal(raw, &item); err != nil || item.ID == "" {
				t.Fatalf("%s: %v\n%s", list.path, err, raw)
			}
			state[list.prefix+item.ID] = true
		}
		agree(t, list.kind, began[list.kind], over, state)
	}
}

// agree compares what began and was not over with what is.
func agree(t *testing.T, kind string, began map[string]int, over, state map[string]bool) {
	t.Helper()
	for id, n := range began {
		if n != 1 {
			t.Errorf("%s of %s has %d receipts", kind, id, n)
		}
		if !over[id] && !state[id] {
			t.Errorf("the receipt %s of %s has no act", kind, id)
		}
		if over[id] && state[id] {
			t.Errorf("%s lives although a receipt says that it was ended", id)
		}
	}
	for id := range state {
		if began[id] == 0 {
			t.Errorf("%s exists without the receipt %s", id, kind)
		}
	}
}
