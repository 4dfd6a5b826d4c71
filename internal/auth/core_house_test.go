package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

const (
	appsURL = "https://id.example.com/auth/v1"
	eve     = "eve@example.com"
	fresh   = "ultramarine over chalk"
)

// apps is a house whose apps have letters sent.
func apps(t *testing.T, change ...func(*auth.Config)) *house {
	t.Helper()
	ours := func(c *auth.Config) { c.AppsURL, c.ConfirmEmail = appsURL, true }
	return build(t, append([]func(*auth.Config){ours}, change...)...)
}

// coreDeliver delivers letters and answers knocks for three seconds of the bubble.
func (h *house) coreDeliver(t *testing.T) {
	t.Helper()
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	box := outbox.New(h.db, sealer, slog.New(slog.DiscardHandler), map[string]outbox.Sender{"mail": h.send, auth.KnockKind: h.AnswerKnock})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); box.Run(ctx) }()
	time.Sleep(3 * time.Second)
	cancel()
	<-done
}

// A coreLetter is what its reader can use of a letter.
type coreLetter struct{ kind, token, code, target string }

var (
	coreLink = regexp.MustCompile(`https://id\.example\.com/auth/v1/verify\?(\S+)`)
	coreCode = regexp.MustCompile(`Code: ([0-9]{6})\b`)
)

// letters returns those to an address, the newest first.
func (h *house) letters(t *testing.T, to string) (all []coreLetter) {
	t.Helper()
	h.coreDeliver(t)
	for _, m := range h.mailbox.List(to) {
		l := coreLetter{}
		if found := coreLink.FindStringSubmatch(m.Text); found != nil {
			query, err := url.ParseQuery(found[1])
			check(t, err)
			l.kind, l.token, l.target = query.Get("type"), query.Get("token"), query.Get("redirect_to")
		}
		if found := coreCode.FindStringSubmatch(m.Text); found != nil {
			l.code = found[1]
		}
		all = append(all, l)
	}
	return all
}

// newest returns the newest letter to an address.
func (h *house) newest(t *testing.T, to string) coreLetter {
	t.Helper()
	all := h.letters(t, to)
	if len(all) == 0 {
		t.Fatalf("no letter to %s", to)
	}
	return all[0]
}

// signUp asks for an account and returns what the app is told of it.
func (h *house) signUp(t *testing.T, email, password string, data string) *headykey.Account {
	t.Helper()
	g, a, err := h.SignUp(t.Context(), auth.Registration{
		Email: email, Password: password, Data: jsontext.Value(data), App: &auth.Asking{Target: "https://app.example/"}, From: home, Surface: auth.AppSurface,
	})
	if g != nil || err != nil {
		t.Fatalf("got %+v, %v", g, err)
	}
	return a
}

// member signs up, confirms and returns the session.
func (h *house) member(t *testing.T, email string) *auth.Grant {
	t.Helper()
	h.signUp(t, email, password, "")
	g := h.open(t, h.newest(t, email))
	h.mailbox.Clear()
	time.Sleep(time.Minute)
	return g
}

// open uses the link of a letter.
func (h *house) open(t *testing.T, l coreLetter) *auth.Grant {
	t.Helper()
	r, err := h.Redeem(t.Context(), auth.Redemption{Type: l.kind, Token: l.token, From: home})
	check(t, err)
	if r.Grant == nil {
		t.Fatalf("got %+v", r)
	}
	return r.Grant
}

// byCode types the code of a letter.
func (h *house) byCode(t *testing.T, kind, email, code string) (*auth.Redeemed, error) {
	t.Helper()
	return h.Redeem(t.Context(), auth.Redemption{Type: kind, Email: email, Code: code, From: home})
}

// knock asks for a letter.
func (h *house) knock(t *testing.T, wish, email string) {
	t.Helper()
	check(t, h.Knock(t.Context(), auth.Knock{Wish: wish, Email: email, Create: true, App: auth.Asking{Target: "https://app.example/"}, From: home}))
}

// callerOf is who shows the session token of g.
func (h *house) callerOf(t *testing.T, g *auth.Grant) headykey.Caller {
	t.Helper()
	by, _, err := h.BySession(t.Context(), g.Access, home)
	check(t, err)
	return by
}

func (h *house) account(t *testing.T, id headykey.ID) *headykey.Account {
	t.Helper()
	var a *headykey.Account
	check(t, h.db.View(t.Context(), func(tx *store.Tx) (err error) { a, err = tx.Account(id); return err }))
	return a
}

// wrongCode is one that l does not have.
func wrongCode(l coreLetter) string {
	if l.code == "000000" {
		return "000001"
	}
	return "000000"
}

func wants(t *testing.T, name string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) || (want == nil) != (got == nil) {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}
