package auth_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

// onPostgres is a house whose transactions meet, and are run again.
func onPostgres(t *testing.T, c auth.Config) *house {
	t.Helper()
	dsn := os.Getenv("HEADYKEY_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("HEADYKEY_TEST_POSTGRES names no server")
	}
	admin, err := sql.Open("pgx", dsn)
	check(t, err)
	name := "t_" + strings.ReplaceAll(string(headykey.NewID()), "-", "")
	_, err = admin.Exec("CREATE DATABASE " + name)
	check(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		check(t, errors.Join(err, admin.Close()))
	})
	u, err := url.Parse(dsn)
	check(t, err)
	u.Path = "/" + name

	log := slog.New(slog.DiscardHandler)
	h := &house{mailbox: mail.NewMailbox("headykey@example.com"), pool: secret.NewPool(2, 34, time.Minute)}
	t.Cleanup(h.pool.Close)
	h.db, err = store.Open(t.Context(), store.Options{DSN: u.String(), Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, h.db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	ring, err := keyring.New(t.Context(), h.db, sealer, nil, log)
	check(t, err)
	h.receipts, h.box = receipt.New(h.db, ring, "id.example.com"), outbox.New(h.db, sealer, log, nil)
	h.Service, err = auth.New(auth.Parts{
		DB: h.db, Receipts: h.receipts, Outbox: h.box, Pool: h.pool, Sealer: sealer, Log: log,
		Tokens: token.New(h.db, ring, token.Config{Issuer: base, Audience: base + "/api", OAuthIssuer: appsURL, Access: time.Hour, Refresh: time.Hour}),
	}, c)
	check(t, err)
	return h
}

// together runs f eight times at once and returns how often it succeeded; the others
// must fail with want.
func together(t *testing.T, want error, f func(i int) error) int {
	t.Helper()
	var good atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := f(i); err == nil {
				good.Add(1)
			} else {
				wants(t, fmt.Sprint(i), err, want)
			}
		})
	}
	wg.Wait()
	return int(good.Load())
}

func TestATransactionThatRunsTwiceDoesAllOnce(t *testing.T) {
	h := onPostgres(t, auth.Config{BaseURL: base, AppsURL: appsURL, Lifetimes: lives, Apps: auth.Apps{Anonymous: true}})
	sign := func(int) error {
		_, _, err := h.SignUp(t.Context(), auth.Registration{Email: ada, Password: password, From: home, Surface: auth.AppSurface})
		return err
	}
	if n := together(t, headykey.ErrEmailTaken, sign); n != 1 {
		t.Errorf("%d signed up", n)
	}
	g, err := h.Login(t.Context(), auth.PasswordLogin{Email: ada, Password: password, From: home, Surface: auth.AppSurface})
	check(t, err)
	by := h.callerOf(t, g)
	n := together(t, nil, func(i int) error {
		return h.changeOwn(t, by, auth.AccountChange{Data: jsontext.Value(fmt.Sprintf(`{"k%d":%d}`, i, i))})
	})
	a := h.account(t, g.User.ID)
	var said map[string]any
	check(t, json.Unmarshal(a.Profile.UserData, &said))
	if n != 8 || len(said) != 8+4 || len(a.Identities) != 1 { // four are of the address
		t.Errorf("%d changed it: got %+v", n, a)
	}
	n = together(t, headykey.ErrEmailTaken, func(int) error {
		anonymous, err := h.SignUpAnonymously(t.Context(), nil, home)
		if err != nil {
			return err
		}
		return h.changeOwn(t, h.callerOf(t, anonymous), auth.AccountChange{Email: newAda})
	})
	if n != 1 {
		t.Errorf("%d have the address", n)
	}
	for kind, want := range map[string]int{"account.created": 9, "session.started": 10, "account.changed": 8, "email.changed": 1} {
		if got := len(h.bodies(t, kind)); got != want {
			t.Errorf("%s: got %d receipts, want %d", kind, got, want)
		}
	}
}

// Of many wrong codes at once no sixth is looked at, on this engine as on the other.
func TestWrongCodesAtOnceAreAllCounted(t *testing.T) {
	h := onPostgres(t, auth.Config{BaseURL: base, AppsURL: appsURL, ConfirmEmail: true, Lifetimes: lives})
	h.signUp(t, ada, password, "")
	n := together(t, headykey.ErrSpentProof, func(i int) error {
		_, err := h.byCode(t, "signup", ada, fmt.Sprintf("%07d", i)) // a digit too many
		return err
	})
	if n != 0 {
		t.Errorf("%d came in", n)
	}
	check(t, h.db.View(t.Context(), func(tx *store.Tx) error {
		u, err := tx.UserByKey(ada)
		if err != nil {
			return err
		}
		links, err := tx.Links(u.ID, "email.confirm")
		if len(links) != 1 || links[0].Tries != 8 {
			t.Errorf("got %+v", links)
		}
		return err
	}))
}
