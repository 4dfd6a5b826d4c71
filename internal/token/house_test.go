package token_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

const base = "https://id.example.com"

// lives are the lifetimes of the contract.
var lives = token.Config{Issuer: base, Audience: base + "/api", OAuthIssuer: base + "/auth/v1", Access: time.Hour, Refresh: 30 * 24 * time.Hour}

// A house is a token service over its own database, with one person signed in.
type house struct {
	*token.Service
	db    *store.DB
	ring  *keyring.Ring
	dir   string
	proof headykey.Proof
}

func build(t testing.TB, jwtSecret []byte) *house {
	t.Helper()
	h := &house{dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	var err error
	h.db, err = store.Open(t.Context(), store.Options{Dir: h.dir, Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, h.db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	h.ring, err = keyring.New(t.Context(), h.db, sealer, jwtSecret, log)
	check(t, err)
	h.Service = token.New(h.db, h.ring, lives)
	h.proof = h.signIn(t, "ada@example.com")
	return h
}

// signIn stores a person with one session of 89 days.
func (h *house) signIn(t testing.TB, email string) headykey.Proof {
	t.Helper()
	user := headykey.User{ID: headykey.NewID(), Email: email, Role: headykey.RoleUser, Type: headykey.Human}
	session := headykey.Session{ID: headykey.NewOrderedID(), User: user.ID, AMR: []string{"pwd"}, AAL: "aal1", Surface: "api"}
	h.update(t, func(tx *store.Tx) error {
		user.Created = tx.Now
		session.Created, session.Proven, session.LastUsed, session.Ends = tx.Now, tx.Now, tx.Now, tx.Now.Add(89*24*time.Hour)
		if err := tx.InsertUser(&user, email, ""); err != nil {
			return err
		}
		return tx.InsertSession(&session, nil)
	})
	return headykey.Proof{User: user, Session: session}
}

// family stores the first refresh token of the house's session.
func (h *house) family(t testing.TB) string {
	t.Helper()
	first := token.NewRefreshToken()
	h.update(t, func(tx *store.Tx) error { return h.NewRefresh(tx, h.proof.User.ID, h.proof.Session.ID, first) })
	return first
}

func (h *house) update(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	check(t, h.db.Update(t.Context(), fn))
}

// rotate replaces the HS256 secret; the old one verifies for overlap more.
func (h *house) rotate(t testing.TB, overlap time.Duration) {
	t.Helper()
	old, _ := h.ring.Signing(keyring.Heady)
	fresh := old.Successor()
	h.update(t, func(tx *store.Tx) error { return h.ring.Replace(tx, fresh, overlap) })
}

// advance rotates the key of client tokens.
func (h *house) advance(t testing.TB) {
	t.Helper()
	old, _ := h.ring.Signing(keyring.Session)
	fresh := old.Successor()
	h.update(t, func(tx *store.Tx) error { return h.ring.Advance(tx, fresh, time.Hour) })
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
