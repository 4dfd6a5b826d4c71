package oauth_test

import (
	"errors"
	"maps"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

const callback = "https://app.example/cb"

// signedIn adds an account with a live session and returns it as a caller.
func (h *house) signedIn(t testing.TB) headykey.Caller {
	t.Helper()
	by := headykey.Caller{
		User: headykey.NewID(), Session: headykey.NewOrderedID(), Role: headykey.RoleUser, Method: headykey.BySession,
		AMR: []string{"pwd"}, AAL: "aal1", Proven: time.Now(),
	}
	by.Email = string(by.User) + "@example.com"
	now := time.Now()
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		u := &headykey.User{ID: by.User, Email: by.Email, Name: "Ada", Role: by.Role, Type: headykey.Human, Verified: now, Created: now}
		if err := tx.InsertUser(u, by.Email, "ada"); err != nil {
			return err
		}
		return tx.InsertSession(&headykey.Session{
			ID: by.Session, User: by.User, AMR: by.AMR, AAL: by.AAL, Created: now, Proven: now, LastUsed: now,
			CookieExpires: now.Add(8 * time.Hour), Ends: now.Add(24 * time.Hour),
		}, nil)
	}))
	return by
}

// codeApp registers a client that gets codes.
func (h *house) codeApp(t testing.TB, wish oauth.ClientWish) oauth.NewClient {
	t.Helper()
	if wish.Redirects == nil {
		wish.Redirects = []string{callback}
	}
	return h.program(t, wish)
}

// asking is an authorization request of c, with what is to be different in it.
func asking(c oauth.NewClient, change map[string]string) url.Values {
	in := url.Values{
		"client_id": {string(c.Record.ID)}, "response_type": {"code"}, "redirect_uri": {c.Record.Redirects[0]},
		"scope": {"openid email"}, "state": {"s"}, "nonce": {"n"},
	}
	for name, value := range change {
		in.Set(name, value)
	}
	return in
}

// allow lets by allow all that a request asks for, and returns the answer.
func (h *house) allow(t testing.TB, by headykey.Caller, in url.Values) *oauth.Answer {
	t.Helper()
	p, err := h.Begin(t.Context(), in)
	check(t, err)
	answer, err := h.Allow(t.Context(), p, by, &oauth.Decision{Scopes: p.Ask.Scopes, Remember: true})
	check(t, err)
	return answer
}

// redeem redeems the code of an answer.
func (h *house) redeem(t testing.TB, c oauth.NewClient, answer *oauth.Answer) (oauth.Issued, error) {
	t.Helper()
	return h.Token(t.Context(), &c.Record, oauth.Request{Grant: "authorization_code", Form: url.Values{
		"code": {answer.Params.Get("code")}, "redirect_uri": {answer.Redirect},
	}})
}

// tokens are those that by allows c.
func (h *house) allowed(t testing.TB, c oauth.NewClient, by headykey.Caller, change map[string]string) oauth.Issued {
	t.Helper()
	out, err := h.redeem(t, c, h.allow(t, by, asking(c, change)))
	check(t, err)
	return out
}

func TestACodeIsGoodOnceAndItsReplayEndsWhatItMade(t *testing.T) {
	h := build(t)
	by, c := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	answer := h.allow(t, by, asking(c, nil))
	if answer.Params.Get("state") != "s" || answer.Params.Get("iss") != issuer || answer.Redirect != callback || answer.Mode != "query" {
		t.Errorf("got %+v", answer)
	}
	first, err := h.redeem(t, c, answer)
	check(t, err)
	if first.Scope != "openid email" || first.Refresh == "" || first.ID == "" || first.Type != "Bearer" {
		t.Errorf("got %+v", first)
	}
	if _, err := h.Userinfo(t.Context(), first.Access, oauth.Possession{Scheme: "Bearer"}); err != nil {
		t.Errorf("a fresh token: %v", err)
	}
	if _, err := h.redeem(t, c, answer); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("the second time: %v", err)
	}
	if _, err := h.Userinfo(t.Context(), first.Access, oauth.Possession{Scheme: "Bearer"}); !errors.Is(err, headykey.ErrInvalidToken) {
		t.Errorf("a token of a replayed code: %v", err)
	}
	if _, err := h.refresh(t, c, first.Refresh); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("a refresh token of a replayed code: %v", err)
	}
}

// A refreshed ID token tells of the same sign-in, and repeats no nonce: nobody waits
// for it (OpenID Connect Core §12.2).
func TestARefreshedIDTokenHasNoNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		by, app := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
		given := h.allowed(t, app, by, nil)
		time.Sleep(time.Minute)
		again, err := h.refresh(t, app, given.Refresh)
		check(t, err)
		read := func(text string) (claims map[string]any) {
			_, raw, err := jose.Peek(text, 8<<10)
			check(t, err)
			check(t, json.Unmarshal(raw, &claims))
			return claims
		}
		first, second := read(given.ID), read(again.ID)
		want := maps.Clone(first)
		delete(want, "nonce")
		for _, name := range []string{"iat", "exp"} {
			want[name] = first[name].(float64) + 60
		}
		want["at_hash"] = second["at_hash"]
		if first["nonce"] != "n" || second["at_hash"] == first["at_hash"] || !reflect.DeepEqual(second, want) {
			t.Errorf("got %v, then %v", first, second)
		}
	})
}

func (h *house) refresh(t testing.TB, c oauth.NewClient, text string) (oauth.Issued, error) {
	t.Helper()
	return h.Token(t.Context(), &c.Record, oauth.Request{Grant: "refresh_token", Form: url.Values{"refresh_token": {text}}})
}

func TestARefreshTokenRotates(t *testing.T) {
	h := build(t)
	by, app := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	given := h.allowed(t, app, by, nil)
	one, err := h.refresh(t, app, given.Refresh)
	check(t, err)
	again, err := h.refresh(t, app, given.Refresh)
	check(t, err)
	if one.Refresh == given.Refresh || again.Refresh != one.Refresh {
		t.Errorf("successors %q and %q", one.Refresh, again.Refresh)
	}
	two, err := h.refresh(t, app, one.Refresh)
	check(t, err)
	if _, err := h.refresh(t, h.codeApp(t, oauth.ClientWish{}), two.Refresh); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("another client: %v", err)
	}
	if _, err := h.refresh(t, app, two.Refresh); err != nil {
		t.Errorf("it was spent by another client's try: %v", err)
	}
	made := given.Refresh[:64] + strings.Repeat("0", len(given.Refresh)-64)
	if _, err := h.refresh(t, app, made); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("one that somebody made up: %v", err)
	}
	three, err := h.refresh(t, app, two.Refresh)
	check(t, err) // the spent one was answered again: nothing ended by what was made up
	if _, err := h.refresh(t, app, given.Refresh); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("one from long ago: %v", err)
	}
	if _, err := h.refresh(t, app, three.Refresh); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("the present one after one from long ago: %v", err)
	}
}
