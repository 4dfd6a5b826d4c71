package keyring_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// advance rotates the session keys of r.
func advance(t *testing.T, db *store.DB, r *keyring.Ring) {
	t.Helper()
	old, _ := r.Signing(keyring.Session)
	fresh := old.Successor()
	check(t, db.Update(t.Context(), func(tx *store.Tx) error { return r.Advance(tx, fresh, 34*time.Hour) }))
}

// published returns the ids in the key set.
func published(t *testing.T, r *keyring.Ring) []string {
	t.Helper()
	set, err := r.PublicSet()
	check(t, err)
	var doc struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	check(t, json.Unmarshal(set.JSON, &doc))
	var ids []string
	for _, k := range doc.Keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestASessionKeyIsPublishedBeforeItSignsAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openDB(t, t.TempDir())
		r := ring(t, db, nil)
		first, _ := r.Signing(keyring.Session)
		second, ok := r.Next("ES256")
		if !ok || first.ID == second.ID || len(published(t, r)) != 2 {
			t.Fatalf("at first %s signs and %s waits", first.ID, second.ID)
		}
		set, _ := r.PublicSet()
		if again, _ := r.PublicSet(); again != set {
			t.Error("the key set is made for each request")
		}
		time.Sleep(21 * 24 * time.Hour)
		advance(t, db, r)
		third, _ := r.Next("ES256")
		if now, _ := r.Signing(keyring.Session); now.ID != second.ID || third.ID == first.ID || third.ID == second.ID {
			t.Errorf("%s signs and %s waits", now.ID, third.ID)
		}
		time.Sleep(34*time.Hour - time.Microsecond)
		if want := []string{third.ID, first.ID, second.ID}; !sameWords(published(t, r), want) {
			t.Errorf("a microsecond early: got %v, want %v", published(t, r), want)
		}
		time.Sleep(time.Microsecond)
		if _, ok := r.Verifying(keyring.Session, first.ID); ok || !sameWords(published(t, r), []string{third.ID, second.ID}) {
			t.Errorf("the old key outlives its grace: %v", published(t, r))
		}
	})
}

func sameWords(a, b []string) bool {
	set := func(words []string) map[string]bool {
		m := map[string]bool{}
		for _, w := range words {
			m[w] = true
		}
		return m
	}
	return len(a) == len(b) && reflect.DeepEqual(set(a), set(b))
}

// Of one database every node has the same session keys, also after a restart.
func TestSessionKeysAreKept(t *testing.T) {
	db := openDB(t, t.TempDir())
	a, b := ring(t, db, nil), ring(t, db, nil)
	for range 2 {
		x, _ := a.Signing(keyring.Session)
		y, _ := b.Signing(keyring.Session)
		if x.ID != y.ID || !reflect.DeepEqual(x.Signer, y.Signer) || x.Algorithm != "ES256" {
			t.Errorf("%s here, %s there", x.ID, y.ID)
		}
		advance(t, db, a)
	}
	if n := len(a.All(keyring.Session)); n != 4 {
		t.Errorf("%d keys, want the two of before, the present and the next", n)
	}
}
