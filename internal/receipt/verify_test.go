package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/store"
)

func TestAReceiptVerifies(t *testing.T) {
	h := build(t)
	r := h.leave(t, act(h.person(t, "ada@example.com")))
	checks, ok := receipt.Verify(envelope(t, r), h.Keys())
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
		if !c.OK || c.Detail != nil {
			t.Errorf("%s: got %t, %v", c.Name, c.OK, c.Detail)
		}
	}
	if want := []string{"schema", "canonical_hash", "key_known", "key_valid_at_time", "signature"}; !ok || !slices.Equal(names, want) {
		t.Errorf("got %t, %v, want %v", ok, names, want)
	}
}

// Each bit of each byte of what was signed, and of what says so, is looked at. The
// hex of the signature stands apart: its letters have two cases.
func TestEveryChangedByteIsFound(t *testing.T) {
	h := build(t)
	text := envelope(t, h.leave(t, act(h.person(t, "ada@example.com"))))
	keys := h.Keys()
	value := bytes.Index(text, []byte(`"value":"`)) + len(`"value":"`)
	for i := range text {
		for bit := range 8 {
			if bit == 5 && i >= value && i < value+2*ed25519.SignatureSize {
				continue
			}
			changed := bytes.Clone(text)
			changed[i] ^= 1 << bit
			if failed, ok := verdict(changed, keys); ok || failed == "" {
				t.Errorf("byte %d, bit %d (%q): got %q, %t", i, bit, text[max(0, i-9):i+1], failed, ok)
			}
		}
	}
}

// edit changes an envelope by its members and keeps everything else.
func edit(t *testing.T, text []byte, path string, value any) []byte {
	t.Helper()
	var whole map[string]any
	check(t, json.Unmarshal(text, &whole))
	at, names := whole, strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		at = at[name].(map[string]any)
	}
	if at[names[len(names)-1]] = value; value == nil {
		delete(at, names[len(names)-1])
	}
	out, err := json.Marshal(whole)
	check(t, err)
	return out
}

func TestTheFailedCheckIsNamed(t *testing.T) {
	h := build(t)
	r := h.leave(t, act(h.person(t, "ada@example.com")))
	text := envelope(t, r)
	stranger, _, err := ed25519.GenerateKey(nil)
	check(t, err)
	swapped := slices.Clone(h.Keys())
	swapped[0].Key = hex.EncodeToString(stranger)
	later := slices.Clone(h.Keys())
	later[0].NotBefore = r.SignedAt.Add(time.Millisecond).Format(time.RFC3339Nano)
	ended := slices.Clone(h.Keys())
	end := r.SignedAt.Add(-time.Second).Format(time.RFC3339Nano)
	ended[0].NotAfter = &end

	tests := []struct {
		name   string
		text   []byte
		keys   []receipt.PublicKey
		failed string
	}{
		{"as it is", text, h.Keys(), ""},
		{"its members in another order, with spaces", edit(t, text, "added", map[string]any{"x": 1}), h.Keys(), ""},
		{"another type", edit(t, text, "receipt.type", "role.changed"), h.Keys(), "canonical_hash signature"},
		{"another actor", edit(t, text, "receipt.actor.id", "usr_eve"), h.Keys(), "canonical_hash signature"},
		{"a nested detail", edit(t, text, "receipt.details.nested.deep.deeper", []any{2, true, nil, "é"}), h.Keys(), "canonical_hash signature"},
		{"a nested detail gone", edit(t, text, "receipt.details.nested.deep", nil), h.Keys(), "canonical_hash signature"},
		{"a nested detail more", edit(t, text, "receipt.details.nested.deep.x", 1), h.Keys(), "canonical_hash signature"},
		{"a member more", edit(t, text, "receipt.x", 1), h.Keys(), "schema"},
		{"an outcome turned round, and its hash, too", rehash(t, edit(t, text, "receipt.outcome", "refused")), h.Keys(), "signature"},
		{"another version", edit(t, text, "receipt.v", 2), h.Keys(), "schema"},
		{"another time of signing", edit(t, text, "signature.signedAt", "2026-01-01T00:00:00.000Z"), h.Keys(), "schema"},
		{"another algorithm", edit(t, text, "signature.algorithm", "none"), h.Keys(), "schema"},
		{"no signature", edit(t, text, "signature", nil), h.Keys(), "schema"},
		{"no way to check", edit(t, text, "verification", nil), h.Keys(), "schema"},
		{"two names of a key", edit(t, text, "signature.keyId", "headykey-receipt-00000000"), h.Keys(), "schema"},
		{"an empty signature", edit(t, text, "signature.value", ""), h.Keys(), "signature"},
		{"zeros for a signature", edit(t, text, "signature.value", strings.Repeat("0", 128)), h.Keys(), "signature"},
		{"an unknown key", text, nil, "key_known"},
		{"somebody else's key under the name", text, swapped, "signature"},
		{"signed before the key was in use", text, later, "key_valid_at_time"},
		{"signed after its retirement", text, ended, "key_valid_at_time"},
		{"nothing", nil, h.Keys(), "schema"},
		{"no object", []byte("[]"), h.Keys(), "schema"},
		{"longer than any", append(bytes.Clone(text), bytes.Repeat([]byte(" "), 64<<10)...), h.Keys(), "schema"},
		{"a member twice", bytes.Replace(text, []byte(`"v":1`), []byte(`"v":1,"v":1`), 1), h.Keys(), "schema"},
	}
	for _, tt := range tests {
		if failed, ok := verdict(tt.text, tt.keys); failed != tt.failed || ok != (tt.failed == "") {
			t.Errorf("%s: got %q, %t, want %q", tt.name, failed, ok, tt.failed)
		}
	}
}

func TestARetiredKeyVerifiesWhatItSignedInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		before := h.leave(t, act(""))
		old, _ := h.ring.Signing(keyring.Receipt)
		time.Sleep(time.Hour)
		fresh := old.Successor()
		check(t, h.db.Update(t.Context(), func(tx *store.Tx) error { return h.RotateKey(tx, fresh, "", headykey.System) }))
		time.Sleep(time.Hour)
		after := h.leave(t, act(""))
		if before.KeyID != old.ID || after.KeyID != fresh.ID {
			t.Errorf("signed by %s, then %s", before.KeyID, after.KeyID)
		}
		keys := h.Keys()
		for name, r := range map[string]*headykey.Receipt{"before": before, "after": after} {
			if failed, ok := verdict(envelope(t, r), keys); !ok {
				t.Errorf("the receipt %s: %s", name, failed)
			}
		}
		if len(keys) != 2 || keys[0].NotAfter != nil || keys[1].NotAfter == nil {
			t.Fatalf("got %+v", keys)
		}
	})
}

// A node that has not heard of a rotation signs on for a moment: 21 seconds count,
// a moment more does not.
func TestARetiredKeySignsNoMoreAfterItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		old, _ := h.ring.Signing(keyring.Receipt)
		check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
			return h.RotateKey(tx, old.Successor(), "", headykey.System)
		}))
		for _, tt := range []struct {
			wait   time.Duration
			failed string
		}{{21 * time.Second, ""}, {time.Millisecond, "key_valid_at_time"}} {
			time.Sleep(tt.wait)
			if failed, _ := verdict(signedBy(t, old, time.Now()), h.Keys()); failed != tt.failed {
				t.Errorf("signed at %v: got %q, want %q", time.Now(), failed, tt.failed)
			}
		}
	})
}

// The old key signs the statement, the new one signs its own taking over.
func TestARotationIsVouchedForByBothKeys(t *testing.T) {
	h := build(t)
	old, _ := h.ring.Signing(keyring.Receipt)
	fresh := old.Successor()
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error { return h.RotateKey(tx, fresh, "4f2a", headykey.System) }))
	all, err := h.List(t.Context(), headykey.System, headykey.ReceiptFilter{Type: "key.rotated", Limit: 10})
	check(t, err)
	if len(all) != 1 || all[0].KeyID != old.ID || !ed25519.Verify(old.Public, all[0].Body, all[0].Sig) {
		t.Fatalf("got %+v", all)
	}
	var body struct {
		Object  headykey.Party
		Details struct{ Use, Successor, SuccessorKey, SuccessorSignature string }
	}
	check(t, json.Unmarshal(all[0].Body, &body))
	d := body.Details
	if body.Object.ID != old.ID || d.Use != "receipt" || d.Successor != fresh.ID || d.SuccessorKey != hex.EncodeToString(fresh.Public) {
		t.Errorf("got %+v", body)
	}
	sig, err := hex.DecodeString(d.SuccessorSignature)
	check(t, err)
	statement := "headykey receipt key\n" + old.ID + "\n" + fresh.ID + "\n" + d.SuccessorKey + "\n"
	if !ed25519.Verify(fresh.Public, []byte(statement), sig) {
		t.Error("the new key did not sign its taking over")
	}
	if failed, ok := verdict(envelope(t, all[0]), h.Keys()); !ok {
		t.Errorf("its own envelope: %s", failed)
	}
}

func FuzzVerify(f *testing.F) {
	h := build(f)
	good := envelope(f, h.leave(f, act("")))
	keys := h.Keys()
	var want receipt.Envelope
	check(f, json.Unmarshal(good, &want))
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"receipt":{"v":1},"signature":{},"verification":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		checks, ok := receipt.Verify(text, keys)
		if len(checks) == 0 || checks[0].Name != "schema" {
			t.Fatalf("got %+v", checks)
		}
		var got receipt.Envelope
		if ok && (json.Unmarshal(text, &got) != nil || got.Signature.CanonicalHash != want.Signature.CanonicalHash) {
			t.Errorf("accepted %q", text)
		}
	})
}
