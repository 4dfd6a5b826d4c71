package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const receiptsPath = "/api/receipts"

// Each act leaves one receipt that anybody can check, names who did what to what,
// and is shown to its subject.
func TestActsLeaveReceipts(t *testing.T) {
	type act struct{ kind, actor, object, outcome string }
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		again := s.login(t, jane)
		k := s.createKey(t, jane, obj{})
		s.as(jane).post(t, keysPath+"/"+k.id+"/rotate", nil)
		s.as(jane).delete(t, keysPath+"/"+k.id).want(t, http.StatusOK)
		s.as(jane).patch(t, mePath, obj{"name": "Jane Doe"}).want(t, http.StatusOK)
		s.as(again).post(t, logoutPath, nil).want(t, http.StatusOK)

		me, mine := "usr_"+jane.id, []act{
			{"account.created", "", "usr_" + jane.id, "done"},
			{"session.started", "", "ses_" + sid(t, again), "done"},
			{"api_key.created", "usr_" + jane.id, "", "done"},
			{"api_key.rotated", "usr_" + jane.id, "key_" + k.id, "done"},
			{"api_key.revoked", "usr_" + jane.id, "key_" + k.id, "done"},
			{"account.changed", "usr_" + jane.id, "usr_" + jane.id, "done"},
			{"session.ended", "usr_" + jane.id, "", "done"},
		}
		for _, want := range mine {
			st := s.receiptOf(t, s.as(jane), want.kind)
			got := act{want.kind, st.about("actor.id"), st.about("object.id"), st.about("outcome")}
			if want.actor == "" {
				got.actor = ""
			}
			if want.object == "" {
				got.object = ""
			}
			if got != want || st.about("subject") != me {
				t.Errorf("receipt %s\ngot  %+v\nwant %+v", st.raw, got, want)
			}
		}
	})
}

func TestSignOutReceiptListsWhatWasRevoked(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		out := s.as(s.login(t, jane)).post(t, logoutPath, nil).want(t, http.StatusOK)
		st := s.receiptOf(t, s.as(jane), "session.ended")
		details, _ := st.receipt.(obj)["details"].(obj)
		revoked, _ := details["revoked"].([]any)
		if len(revoked) != len(unwound) {
			t.Fatalf("details.revoked has %d entries, want %d: %s", len(revoked), len(unwound), st.raw)
		}
		for i, r := range revoked {
			if o, _ := r.(obj); o["type"] != kinds(t, out)[i] {
				t.Errorf("entry %d is %v, want %s", i, r, kinds(t, out)[i])
			}
		}
	})
}

func TestAdminActsLeaveReceipts(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, jane := s.member(t, "admin", "admin"), s.register(t, "jane")
		at := "/api/admin/users/" + jane.id
		s.as(admin).patch(t, at, obj{"role": "operator"}).want(t, http.StatusOK)
		s.as(admin).patch(t, at, obj{"disabled": true}).want(t, http.StatusOK)
		s.as(admin).post(t, "/api/admin/keys/rotate", obj{"use": "receipt"}).want(t, http.StatusOK, http.StatusCreated)
		s.as(admin).delete(t, at).want(t, http.StatusOK)
		for _, kind := range []string{"role.changed", "account.disabled", "account.erased", "key.rotated"} {
			st := s.receiptOf(t, s.as(admin), kind)
			if got := st.about("actor.id"); got != "usr_"+admin.id {
				t.Errorf("%s was done by %q, want the admin", kind, got)
			}
		}
	})
}

func TestRefusedSignInLeavesAReceipt(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		s.nobody().post(t, loginPath, obj{"email": jane.email, "password": "not-her-password"}).want(t, http.StatusUnauthorized)
		st := s.receiptOf(t, s.as(s.login(t, jane)), "session.refused")
		if st.about("outcome") != "refused" || st.about("subject") != "usr_"+jane.id {
			t.Errorf("receipt %s", st.raw)
		}
	})
}

func TestRefreshReuseLeavesAReceipt(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		second := s.nobody().refresh(t, jane.refresh).text(t, "refreshToken")
		s.nobody().refresh(t, second).want(t, http.StatusOK)
		s.nobody().refresh(t, jane.refresh).refused(t, http.StatusUnauthorized, "refresh_token_reused")
		all := s.receipts(t, s.as(s.login(t, jane)), receiptsPath)
		found := slices.ContainsFunc(all, func(st statement) bool { return strings.Contains(string(st.raw), "reuse") })
		if !found {
			t.Error("no receipt tells of the reuse")
		}
	})
}

func TestReceiptsHoldNothingPersonal(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		k := s.createKey(t, jane, obj{"description": "for my laptop"})
		s.as(s.login(t, jane)).post(t, logoutPath, nil).want(t, http.StatusOK)
		secrets := []string{jane.email, jane.password, jane.access, jane.refresh, jane.cookie, k.secret, "127.0.0.1", "jane@"}
		for _, st := range s.receipts(t, s.as(jane), receiptsPath) {
			for _, secret := range secrets {
				if strings.Contains(string(st.raw), secret) {
					t.Errorf("the receipt shows %.12q…: %s", secret, st.raw)
				}
			}
		}
	})
}

func TestReceiptsBelongToTheirSubject(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, jane, john := s.member(t, "admin", "admin"), s.register(t, "jane"), s.register(t, "john")
		created := s.receiptOf(t, s.as(jane), "account.created")
		one := receiptsPath + "/" + created.id
		s.as(jane).get(t, one).want(t, http.StatusOK)
		s.as(admin).get(t, one).want(t, http.StatusOK)
		s.as(john).get(t, one).refused(t, http.StatusNotFound, "not_found")
		for _, id := range []string{"rcp_" + nowhere, nowhere, "x"} {
			s.as(jane).get(t, receiptsPath+"/"+id).refused(t, http.StatusNotFound, "not_found")
		}
		for _, st := range s.receipts(t, s.as(john), receiptsPath) {
			if st.about("subject") != "usr_"+john.id {
				t.Errorf("John sees %s", st.raw)
			}
		}
		all := s.receipts(t, s.as(admin), "/api/admin/receipts?limit=100")
		if !slices.ContainsFunc(all, func(st statement) bool { return st.id == created.id }) {
			t.Error("the admin does not see Jane's receipt")
		}
	})
}

// Operators read the console's list; their own list is their own.
func TestReceiptsOfAnOperatorAreTheirs(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		op := s.member(t, "op", "operator")
		s.register(t, "jane")
		for _, st := range s.receipts(t, s.as(op), receiptsPath+"?limit=100") {
			if st.about("subject") != "usr_"+op.id {
				t.Errorf("the operator's own list shows %s of %s", st.kind, st.about("subject"))
			}
		}
	})
}

func TestReceiptsPageNewestFirst(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for range 4 {
			s.createKey(t, jane, obj{})
		}
		all := pages(t, s.as(jane), receiptsPath+"?limit=100", "receipts")
		sameJSON(t, "by twos", pages(t, s.as(jane), receiptsPath+"?limit=2", "receipts"), all)
		if typed := pages(t, s.as(jane), receiptsPath+"?limit=3&type=api_key.created", "receipts"); len(typed) != 4 {
			t.Errorf("%d receipts of four keys", len(typed))
		}
		times := []string{}
		for _, st := range s.receipts(t, s.as(jane), receiptsPath+"?limit=100") {
			times = append(times, st.about("ts"))
		}
		if !slices.IsSortedFunc(times, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("not newest first: %v", times)
		}
		if since := s.receipts(t, s.as(jane), receiptsPath+"?since=2999-01-01T00:00:00Z"); len(since) != 0 {
			t.Errorf("%d receipts from the future", len(since))
		}
	})
}

func TestCursorsAreSigned(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane, john := s.register(t, "jane"), s.register(t, "john")
		for range 2 {
			s.createKey(t, jane, obj{})
		}
		next := s.as(jane).get(t, receiptsPath+"?limit=1").text(t, "next")
		bad := []string{"x", next[:len(next)-2], next + "AA", strings.Repeat("A", len(next)), "' OR 1=1 --"}
		for _, cursor := range bad {
			path := receiptsPath + "?limit=1&cursor=" + queryEscape(cursor)
			s.as(jane).get(t, path).refused(t, http.StatusBadRequest, "invalid_cursor")
		}
		for _, limit := range []string{"0", "-1", "x"} {
			s.as(jane).get(t, receiptsPath+"?limit="+limit).refused(t, http.StatusBadRequest)
		}
		for _, st := range s.receipts(t, s.as(john), receiptsPath+"?limit=100") {
			if st.about("subject") != "usr_"+john.id {
				t.Errorf("John sees %s", st.raw)
			}
		}
	})
}

// verdict asks the server to check an envelope and returns the checks by name.
func (s *server) verdict(t *testing.T, envelope any) (ok bool, checks map[string]bool) {
	t.Helper()
	a := s.nobody().post(t, "/api/receipts/verify", envelope).want(t, http.StatusOK)
	checks = map[string]bool{}
	for _, c := range a.list(t, "checks") {
		checks[c["name"].(string)], _ = c["ok"].(bool)
	}
	ok, _ = a.object(t)["ok"].(bool)
	return ok, checks
}

func TestReceiptVerify(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		st := s.receiptOf(t, s.as(s.register(t, "jane")), "account.created")
		if ok, checks := s.verdict(t, json.RawMessage(st.raw)); !ok || !checks["signature"] {
			t.Errorf("a good receipt is doubted: %v", checks)
		}
		for name, fake := range forgeries(t, st) {
			t.Run(name, func(t *testing.T) {
				if ok, checks := s.verdict(t, fake.envelope); ok || checks[fake.failing] {
					t.Errorf("ok %v, %s %v, want both false: %v", ok, fake.failing, checks[fake.failing], checks)
				}
			})
		}
	})
}

// A forgery is an envelope that must not pass, and the check that it must fail.
type forgery struct {
	envelope any
	failing  string
}

// forgeries returns st with one thing changed each.
func forgeries(t *testing.T, st statement) map[string]forgery {
	t.Helper()
	change := func(section, name string, value any) any {
		whole := parse(t, st.raw).(obj)
		whole[section].(obj)[name] = value
		return whole
	}
	swapped := strings.Repeat("0", 64)
	return map[string]forgery{
		"another subject":     {change("receipt", "subject", "usr_"+nowhere), "signature"},
		"a nested change":     {change("receipt", "actor", obj{"type": "user", "id": "usr_" + nowhere}), "signature"},
		"an added detail":     {change("receipt", "details", obj{"x": 1}), "signature"},
		"another hash":        {change("signature", "canonicalHash", swapped), "canonical_hash"},
		"another signature":   {change("signature", "value", swapped+swapped), "signature"},
		"an unknown key":      {change("signature", "keyId", "headykey-receipt-00000000"), "key_known"},
		"no key at its time":  {change("signature", "signedAt", "2001-01-01T00:00:00Z"), "key_valid_at_time"},
		"another algorithm":   {change("signature", "algorithm", "none"), "schema"},
		"no receipt at all":   {obj{"signature": obj{}}, "schema"},
		"a receipt of text":   {obj{"receipt": "done", "signature": parse(t, st.raw).(obj)["signature"]}, "schema"},
		"a version to come":   {change("receipt", "v", 2), "schema"},
		"a foreign extension": {change("receipt", "extra", true), "signature"},
	}
}

func TestReceiptKeysCanVerifyTheLog(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		for _, k := range s.nobody().get(t, "/.well-known/receipt-keys").want(t, http.StatusOK).list(t, "keys") {
			if note, _ := k["noteKey"].(string); strings.Count(note, "+") < 2 {
				t.Errorf("key %v has no verifier key of the signed note: %q", k["keyId"], note)
			}
		}
	})
}

func TestReceiptKeysStayAfterRotation(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		before := s.publicKeys(t)
		old := s.receipts(t, s.as(admin), "/api/admin/receipts?limit=100")
		s.as(admin).post(t, "/api/admin/keys/rotate", obj{"use": "receipt"}).want(t, http.StatusOK, http.StatusCreated)
		after := s.publicKeys(t)
		if len(after) != len(before)+1 {
			t.Errorf("%d keys after the rotation, want %d", len(after), len(before)+1)
		}
		s.createKey(t, admin, obj{})
		fresh := s.receiptOf(t, s.as(admin), "api_key.created")
		if _, ok := before[fresh.signature.KeyID]; ok {
			t.Error("the old key signs on after its rotation")
		}
		for _, st := range old {
			st.verified(t, after)
			if ok, checks := s.verdict(t, json.RawMessage(st.raw)); !ok {
				t.Errorf("an old receipt is doubted: %v", checks)
			}
		}
	})
}
