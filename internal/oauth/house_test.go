package oauth_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

const (
	base   = "https://id.example.com"
	issuer = base + "/auth/v1"
	own    = base + "/api/v1"
)

// lives are the lifetimes of the contract.
var lives = token.Config{Issuer: base, Audience: base + "/api", OAuthIssuer: issuer, Access: time.Hour, Refresh: time.Hour}

// A house is the rules over a database of their own.
type house struct {
	*oauth.Service
	db     *store.DB
	ring   *keyring.Ring
	tokens *token.Service
	out    *outbox.Outbox
	posted chan string // kind and payload of what the outbox delivered
}

func build(t testing.TB) *house { return buildIn(t, t.TempDir()) }

// buildIn builds another node over the database in dir.
func buildIn(t testing.TB, dir string) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	h := &house{}
	var err error
	h.db, err = store.Open(t.Context(), store.Options{Dir: dir, Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, h.db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	h.ring, err = keyring.New(t.Context(), h.db, sealer, nil, log)
	check(t, err)
	h.tokens = token.New(h.db, h.ring, lives)
	out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}})
	check(t, err)
	t.Cleanup(out.Close)
	h.Service, err = oauth.New(oauth.Parts{
		DB: h.db, Tokens: h.tokens, Ring: h.ring, Sealer: sealer, Fetch: out, DetailTypes: []string{"payment"}, Outbox: h.box(sealer, log), Receipts: receipt.New(h.db, h.ring, "id.example.com"),
	}, base)
	check(t, err)
	return h
}

// box is an outbox whose letters and pings wait to be delivered.
func (h *house) box(sealer *secret.Sealer, log *slog.Logger) *outbox.Outbox {
	keep := func(kind string) outbox.Sender {
		return func(_ context.Context, payload []byte) error {
			h.posted <- kind + " " + string(payload)
			return nil
		}
	}
	h.posted = make(chan string, 34)
	h.out = outbox.New(h.db, sealer, log, map[string]outbox.Sender{"mail": keep("mail"), oauth.PingKind: keep("ping")})
	return h.out
}

// program registers a client.
func (h *house) program(t testing.TB, wish oauth.ClientWish) oauth.NewClient {
	t.Helper()
	wish.Name = "Robot"
	c, err := h.CreateClient(t.Context(), headykey.System, wish)
	check(t, err)
	return c
}

// earn returns a token of c.
func (h *house) earn(t testing.TB, c oauth.NewClient, req oauth.Request) string {
	t.Helper()
	client, err := h.Authenticate(t.Context(), oauth.Proof{Method: c.Record.AuthMethod, Client: string(c.Record.ID), Secret: c.Secret})
	check(t, err)
	req.Grant = "client_credentials"
	out, err := h.Token(t.Context(), client, req)
	check(t, err)
	return out.Access
}

// active asks whether a token is good.
func (h *house) active(t testing.TB, text string) bool {
	t.Helper()
	a, err := h.Introspect(t.Context(), &headykey.Client{Details: headykey.ClientDetails{Serves: []string{own}}}, text)
	check(t, err)
	return a != nil
}

// receipts returns the types of all receipts, the oldest first.
func (h *house) receipts(t testing.TB) []string {
	t.Helper()
	var types []string
	check(t, h.db.View(t.Context(), func(tx *store.Tx) error {
		all, err := store.Collect(tx.Receipts(headykey.ReceiptFilter{Limit: 100}))
		for _, r := range all {
			types = append([]string{r.Type}, types...)
		}
		return err
	}))
	return types
}

// follow keeps h true to what others commit until the test ends.
func (h *house) follow(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.db.Follow(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
