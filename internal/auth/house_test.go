package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

const (
	base     = "https://id.example.com"
	password = "verdigris under brass"
	ada      = "ada@example.com"
)

// lives are the lifetimes of the contract.
var lives = headykey.Lifetimes{
	Access: time.Hour, Refresh: 30 * 24 * time.Hour, Session: 8 * time.Hour, SessionMax: 89 * 24 * time.Hour,
	KeyGrace: 34 * time.Hour, SetupLink: 34 * time.Minute, EmailLink: 21 * time.Minute,
}

// A house is the rules over their own database, with a mailbox.
type house struct {
	*auth.Service
	db       *store.DB
	receipts *receipt.Ledger
	box      *outbox.Outbox
	mailbox  *mail.Mailbox
	pool     *secret.Pool
}

// build returns a house; change, if any, makes its rules others than usual.
func build(t *testing.T, change ...func(*auth.Config)) *house {
	t.Helper()
	h := &house{mailbox: mail.NewMailbox("headykey@example.com"), pool: secret.NewPool(1, 34, time.Minute)}
	t.Cleanup(h.pool.Close)
	log := slog.New(slog.DiscardHandler)
	var err error
	h.db, err = store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, h.db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	ring, err := keyring.New(t.Context(), h.db, sealer, nil, log)
	check(t, err)
	h.receipts = receipt.New(h.db, ring, "id.example.com")
	h.box = outbox.New(h.db, sealer, log, map[string]outbox.Sender{"mail": h.send})
	c := auth.Config{BaseURL: base, Throttle: true, Lifetimes: lives}
	for _, f := range change {
		f(&c)
	}
	h.Service, err = auth.New(auth.Parts{
		DB: h.db, Receipts: h.receipts, Outbox: h.box, Pool: h.pool, Sealer: sealer, Log: log,
		Tokens: token.New(h.db, ring, token.Config{
			Issuer: base, Audience: base + "/api", Access: c.Lifetimes.Access, Refresh: c.Lifetimes.Refresh,
		}),
	}, c)
	check(t, err)
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) send(ctx context.Context, payload []byte) error {
	var m mail.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return err
	}
	return h.mailbox.Send(ctx, m)
}

// deliver runs the outbox for two seconds of the bubble.
func (h *house) deliver() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.box.Run(ctx) }()
	time.Sleep(2 * time.Second)
	cancel()
	<-done
}

func (h *house) update(t *testing.T, fn func(tx *store.Tx) error) {
	t.Helper()
	check(t, h.db.Update(t.Context(), fn))
}

// person stores an account with the password of all, hashed as elsewhere and
// cheaply.
func (h *house) person(t *testing.T, email string, role headykey.Role) headykey.User {
	t.Helper()
	user := headykey.User{ID: headykey.NewID(), Email: email, Role: role, Type: headykey.Human}
	h.update(t, func(tx *store.Tx) error {
		user.Created, user.Verified = tx.Now, tx.Now
		return tx.InsertUser(&user, email, "")
	})
	h.cheapPassword(t, user.ID)
	return user
}

func (h *house) cheapPassword(t *testing.T, user headykey.ID) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	check(t, err)
	h.update(t, func(tx *store.Tx) error { return tx.SetPassword(user, string(hash)) })
}

// change writes what f does to an account.
func (h *house) change(t *testing.T, id headykey.ID, f func(u *headykey.User, now time.Time)) {
	t.Helper()
	h.update(t, func(tx *store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		f(u, tx.Now)
		return tx.UpdateUser(u, "")
	})
}

// key stores an API key for user and returns it with its record's id.
func (h *house) key(t *testing.T, user headykey.ID, role headykey.Role, expires time.Time) (key string, id headykey.ID) {
	t.Helper()
	key, id = headykey.NewAPIKey(), headykey.NewOrderedID()
	hash, err := headykey.HashAPIKey(key)
	check(t, err)
	h.update(t, func(tx *store.Tx) error {
		return tx.InsertAPIKey(&headykey.APIKey{
			ID: id, User: user, Role: role, Prefix: key[:12], Hash: hash[:], Created: tx.Now, Expires: expires,
		})
	})
	return key, id
}

func from(address string) headykey.From {
	return headykey.From{Address: netip.MustParseAddr(address), Agent: "curl/8.5.0"}
}

var home = from("198.51.100.7")

// try signs in from home.
func (h *house) try(t *testing.T, email, password string) (*auth.Grant, error) {
	t.Helper()
	return h.Login(t.Context(), auth.PasswordLogin{Email: email, Password: password, From: home, Surface: "api"})
}

func (h *house) signIn(t *testing.T, email string) *auth.Grant {
	t.Helper()
	g, err := h.try(t, email, password)
	check(t, err)
	return g
}

// bodies returns the receipts of a type, the oldest first.
func (h *house) bodies(t *testing.T, kind string) []receipt.Body {
	t.Helper()
	all, err := h.receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Type: kind, Limit: 100})
	check(t, err)
	var out []receipt.Body
	for _, r := range slices.Backward(all) {
		var b receipt.Body
		check(t, json.Unmarshal(r.Body, &b))
		out = append(out, b)
	}
	return out
}
