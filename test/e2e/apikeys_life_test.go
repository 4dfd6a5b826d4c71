package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestAPIKeyRevoked(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		s := start(t, h, config{})
		jane := s.register(t, "jane")
		k := s.createKey(t, jane, obj{})
		s.nobody().apiKey(k.secret).get(t, mePath).want(t, http.StatusOK)
		a := s.as(jane).delete(t, keysPath+"/"+k.id).want(t, http.StatusOK)
		sameJSON(t, "answer", a.object(t), obj{"status": "revoked", "id": k.id})
		s.nobody().apiKey(k.secret).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_api_key")
		s.Stop(t, patience)

		s = start(t, h, config{})
		s.nobody().apiKey(k.secret).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_api_key")
	})
}

func TestAPIKeyRotated(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		old := s.createKey(t, jane, obj{"description": "CI", "scopes": []string{"reports:read"}})
		a := s.as(jane).post(t, keysPath+"/"+old.id+"/rotate", nil).want(t, http.StatusCreated, http.StatusOK)
		fresh := readKey(t, a)
		if fresh.secret == old.secret || a.text(t, "description") != "CI" || a.text(t, "role") != "user" {
			t.Errorf("the new key is not a twin of the old one: %s", a.body)
		}
		for _, k := range []key{old, fresh} {
			s.nobody().apiKey(k.secret).get(t, "/api/auth/verify").want(t, http.StatusOK)
		}
	})
}

func TestAPIKeyAudit(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		k := s.createKey(t, jane, obj{})
		s.nobody().apiKey(k.secret).with("User-Agent", "robot/1").get(t, mePath).want(t, http.StatusOK)
		s.as(jane).delete(t, keysPath+"/"+k.id).want(t, http.StatusOK)
		s.nobody().apiKey(k.secret).with("User-Agent", "robot/2").get(t, mePath).refused(t, http.StatusUnauthorized)

		events := s.history(t, s.as(jane), k, 4)
		types := []string{}
		for _, e := range events {
			types = append(types, fmt.Sprint(e["type"]))
			if e["type"] == "created" || e["type"] == "revoked" {
				id, _ := e["receiptId"].(string)
				s.as(jane).get(t, "/api/receipts/"+id).want(t, http.StatusOK)
			}
		}
		slices.Sort(types)
		sameJSON(t, "types", types, []string{"created", "refused", "revoked", "used"})
	})
}

// history returns the events of k once there are n: uses are told a little later.
func (s *server) history(t *testing.T, c client, k key, n int) []obj {
	t.Helper()
	var events []obj
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		events = c.get(t, keysPath+"/"+k.id+"/audit").want(t, http.StatusOK).list(t, "events")
		if len(events) >= n {
			break
		}
	}
	return events
}

func TestAPIKeysOfOthersDoNotExist(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane, john := s.register(t, "jane"), s.register(t, "john")
		k := s.createKey(t, jane, obj{})
		for _, id := range []string{k.id, nowhere, "not-an-id"} {
			at := keysPath + "/" + id
			s.as(john).get(t, at+"/audit").refused(t, http.StatusNotFound, "not_found")
			s.as(john).post(t, at+"/rotate", nil).refused(t, http.StatusNotFound, "not_found")
			s.as(john).delete(t, at).refused(t, http.StatusNotFound, "not_found")
		}
		if keys := s.as(john).get(t, keysPath).list(t, "keys"); len(keys) != 0 {
			t.Errorf("John sees %v", keys)
		}
		s.nobody().apiKey(k.secret).get(t, mePath).want(t, http.StatusOK)
	})
}

func TestAPIKeysPageNewestFirst(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		var want []string
		for i := range 5 {
			k := s.createKey(t, jane, obj{"description": fmt.Sprint(i)})
			want = append([]string{k.id}, want...)
		}
		sameJSON(t, "ids", pages(t, s.as(jane), keysPath+"?limit=2", "keys"), want)
	})
}

func TestAPIKeyIsUsedAlready(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		k := s.createKey(t, jane, obj{"ttl": 3600})
		first := s.as(jane).get(t, keysPath).list(t, "keys")[0]
		if first["last_used_at"] != nil || first["id"] != k.id || first["key_prefix"] != k.prefix {
			t.Errorf("a fresh key is listed as %v", first)
		}
	})
}

// pages walks a list to its end and returns the ids in order, each once.
func pages(t *testing.T, c client, path, name string) []string {
	t.Helper()
	ids, cursor := []string{}, ""
	for range 100 {
		a := c.get(t, path+cursor).want(t, http.StatusOK)
		for _, item := range a.list(t, name) {
			ids = append(ids, idOf(item))
		}
		next := a.text(t, "next")
		if next == "" {
			return ids
		}
		cursor = "&cursor=" + next
	}
	t.Fatal("the list has no end")
	return nil
}

// idOf returns the id of a listed thing; a receipt keeps its id inside.
func idOf(item obj) string {
	if r, ok := item["receipt"].(obj); ok {
		item = r
	}
	return fmt.Sprint(item["id"])
}
