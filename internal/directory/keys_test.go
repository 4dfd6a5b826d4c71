package directory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
)

// signing is which session key signs with each algorithm.
func (h *house) signing() map[string]string {
	ids := map[string]string{}
	for _, k := range h.ring.Present(keyring.Session) {
		ids[k.Algorithm] = k.ID
	}
	return ids
}

func TestKeysOfAccessAndOfIDTokensAreRotatedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		root := h.person(t, "root@example.com", headykey.RoleAdmin)
		check(t, h.ring.Prepare(t.Context()))
		before, next := h.signing(), map[string]string{}
		for algorithm := range before {
			k, _ := h.ring.Next(algorithm)
			next[algorithm] = k.ID
		}
		k, err := h.RotateKey(t.Context(), root, "session")
		check(t, err)
		if now := h.signing(); now["RS256"] != before["RS256"] || now["ES256"] != next["ES256"] {
			t.Errorf("after session: got %v", now)
		}
		if id, err := h.RotateKey(t.Context(), root, "id"); err != nil || id.ID != next["RS256"] {
			t.Errorf("after id: got %s, %v", id.ID, err)
		}
		if k.ID != next["ES256"] || k.Signer != nil || len(next) != 4 {
			t.Errorf("got %s %s, and %d algorithms", k.Algorithm, k.ID, len(next))
		}
		for algorithm, id := range h.signing() {
			waits, ok := h.ring.Next(algorithm)
			if id != next[algorithm] || !ok || waits.ID == id {
				t.Errorf("%s: %s signs, %s waits, want %s to sign", algorithm, id, waits.ID, next[algorithm])
			}
			if _, ok := h.ring.Verifying(keyring.Session, before[algorithm]); !ok {
				t.Errorf("%s: the old key verifies no more", algorithm)
			}
		}
		told, err := h.receipts.List(t.Context(), root, headykey.ReceiptFilter{Type: "key.rotated", Limit: 9})
		if err != nil || len(told) != 4 {
			t.Errorf("got %d receipts, %v", len(told), err)
		}
		all, err := h.SigningKeys(root)
		check(t, err)
		if len(all) != 4*3+3 { // three of each algorithm, and those of the other uses
			t.Errorf("got %d keys", len(all))
		}
		for _, k := range all {
			if k.Secret != nil || k.Private != nil || k.Signer != nil || k.Algorithm == "" {
				t.Errorf("%s shows its private part, or not its algorithm", k.ID)
			}
		}
	})
}

// An algorithm whose first key came later is rotated later.
func TestEachSessionKeyIsReplacedWhenItIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		time.Sleep(time.Hour)
		check(t, h.ring.Prepare(t.Context()))
		first := h.signing()
		for _, tt := range []struct {
			wait       time.Duration
			es, others bool // changed
		}{
			{lives.SessionKey - time.Hour - time.Millisecond, false, false},
			{time.Millisecond, true, false},
			{time.Hour - time.Millisecond, false, false},
			{time.Millisecond, false, true},
			{time.Minute, false, false},
		} {
			time.Sleep(tt.wait)
			check(t, h.RotateDueKeys(t.Context()))
			now := h.signing()
			for algorithm, id := range now {
				want := tt.others
				if algorithm == "ES256" {
					want = tt.es
				}
				if (id != first[algorithm]) != want {
					t.Errorf("after %v more, %s: changed %t, want %t", tt.wait, algorithm, !want, want)
				}
			}
			first = now
		}
	})
}
