package receipt_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A house is a ledger over its own database.
type house struct {
	*receipt.Ledger
	db   *store.DB
	ring *keyring.Ring
}

func build(t testing.TB) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	ring, err := keyring.New(t.Context(), db, sealer, nil, log)
	check(t, err)
	return &house{receipt.New(db, ring, "id.example.com"), db, ring}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// person stores an account, since salts belong to accounts alone.
func (h *house) person(t testing.TB, email string) headykey.ID {
	t.Helper()
	user := &headykey.User{ID: headykey.NewID(), Email: email, Role: headykey.RoleUser, Type: headykey.Human}
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		user.Created = tx.Now
		return tx.InsertUser(user, email, "")
	}))
	return user.ID
}

// leave appends the receipt of act and returns it as it lies in the store.
func (h *house) leave(t testing.TB, act headykey.Act) *headykey.Receipt {
	t.Helper()
	var id headykey.ID
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) (err error) {
		id, err = h.Append(tx, "4f2a", act)
		return err
	}))
	r, err := h.Show(t.Context(), headykey.System, receipt.IDPrefix+string(id))
	check(t, err)
	return r
}

// envelope is what r is shown and passed on as.
func envelope(t testing.TB, r *headykey.Receipt) []byte {
	t.Helper()
	text, err := json.Marshal(receipt.Seal(r))
	check(t, err)
	return text
}

// act is one of the kind that most are: with nested details, and all of them used.
func act(subject headykey.ID) headykey.Act {
	return headykey.Act{
		Type: "api_key.created", Subject: subject, Object: headykey.Party{Type: "api_key", ID: string(headykey.NewID())},
		By: headykey.Caller{User: subject, Role: headykey.RoleUser, Method: headykey.BySession},
		Details: map[string]any{
			"role": "user", "scopes": []string{"receipts.read"},
			"nested": map[string]any{"deep": map[string]any{"deeper": []any{1, true, nil, "é"}}},
		},
		Personal: map[string]string{"address": "198.51.100.7"},
	}
}

// verdict is the checks in short: the names of those that failed.
func verdict(text []byte, keys []receipt.PublicKey) (failed string, ok bool) {
	checks, ok := receipt.Verify(text, keys)
	var names []string
	for _, c := range checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " "), ok
}
