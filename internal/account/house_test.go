package account_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

const password = "verdigris under brass"

// A house is the rules of an account over their own database.
type house struct {
	*account.Service
	db       *store.DB
	receipts *receipt.Ledger
	file     string
}

func build(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{file: filepath.Join(dir, store.SQLiteFile)}
	log := slog.New(slog.DiscardHandler)
	var err error
	h.db, err = store.Open(t.Context(), store.Options{Dir: dir, Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, h.db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	ring, err := keyring.New(t.Context(), h.db, sealer, nil, log)
	check(t, err)
	h.receipts = receipt.New(h.db, ring, "id.example.com")
	pool := secret.NewPool(1, 8, time.Minute)
	t.Cleanup(pool.Close)
	people, err := auth.New(auth.Parts{DB: h.db, Receipts: h.receipts, Pool: pool, Sealer: sealer, Log: log}, auth.Config{})
	check(t, err)
	h.Service = account.New(h.db, h.receipts, 34*time.Hour, people.ProveAgain, people.EndAll)
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) update(t *testing.T, fn func(tx *store.Tx) error) {
	t.Helper()
	check(t, h.db.Update(t.Context(), fn))
}

// person stores an account with the password of all and returns its owner, signed
// in just now.
func (h *house) person(t *testing.T, email string, role headykey.Role) headykey.Caller {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	check(t, err)
	user := &headykey.User{ID: headykey.NewID(), Email: email, Name: "Name of " + email, Role: role, Type: headykey.Human}
	h.update(t, func(tx *store.Tx) error {
		user.Created = tx.Now
		if err := tx.InsertUser(user, email, headykey.Fold(user.Name)); err != nil {
			return err
		}
		return tx.SetPassword(user.ID, string(hash))
	})
	return headykey.Caller{
		User: user.ID, Email: email, Role: role, Method: headykey.ByToken, Session: headykey.NewOrderedID(), Proven: time.Now(),
		From: headykey.From{Address: netip.MustParseAddr("198.51.100.7"), Agent: "curl/8.5.0"},
	}
}

// narrowed is the caller by a key of theirs with these scopes.
func narrowed(by headykey.Caller, scopes ...string) headykey.Caller {
	by.Method, by.Session, by.Key, by.Scopes, by.Proven = headykey.ByAPIKey, "", headykey.NewOrderedID(), scopes, time.Time{}
	return by
}

// types returns the types of all receipts about user, the oldest first.
func (h *house) types(t *testing.T, user headykey.ID) (out []string) {
	t.Helper()
	all, err := h.receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Subject: user, Limit: 100})
	check(t, err)
	for _, r := range slices.Backward(all) {
		out = append(out, r.Type)
	}
	return out
}

// details are those of the newest receipt of a type.
func (h *house) details(t *testing.T, kind string) map[string]any {
	t.Helper()
	all, err := h.receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Type: kind, Limit: 1})
	check(t, err)
	var b receipt.Body
	check(t, json.Unmarshal(all[0].Body, &b))
	return b.Details
}
