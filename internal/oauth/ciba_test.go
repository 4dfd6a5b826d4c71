package oauth_test

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

const cibaGrant = "urn:openid:params:grant-type:ciba"

// bank registers a confidential client that asks people elsewhere.
func (h *house) bank(t testing.TB, d headykey.ClientDetails) *headykey.Client {
	t.Helper()
	c := h.program(t, oauth.ClientWish{Grants: []string{cibaGrant, "refresh_token"}, Details: d})
	return &c.Record
}

// question is a usual request for ada, and what is given in pairs.
func question(more ...string) url.Values {
	in := url.Values{"scope": {"openid email"}, "login_hint": {"ada@example.com"}}
	for i := 0; i < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	return in
}

func (h *house) askPerson(t testing.TB, c *headykey.Client, in url.Values) oauth.Asked {
	t.Helper()
	out, err := h.AskPerson(t.Context(), c, in, "", couch)
	check(t, err)
	return out
}

func (h *house) pollCIBA(t testing.TB, c *headykey.Client, id string) (oauth.Issued, error) {
	t.Helper()
	return h.Token(t.Context(), c, oauth.Request{Grant: cibaGrant, Form: url.Values{"auth_req_id": {id}}})
}

// waiting returns the only question that by is asked.
func (h *house) waiting(t testing.TB, by headykey.Caller) *oauth.Waiting {
	t.Helper()
	all, err := h.Approvals(t.Context(), by)
	check(t, err)
	if len(all) != 1 {
		t.Fatalf("%d questions wait", len(all))
	}
	return all[0]
}

func TestAPersonAllowsAnAppElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		c, ada := h.bank(t, headykey.ClientDetails{}), h.person(t, "ada@example.com")
		asked := h.askPerson(t, c, question("binding_message", "1234 品川 👍🏿"))
		if asked.Life != 610*time.Second || asked.Pause != 5*time.Second {
			t.Errorf("got %+v", asked)
		}
		_, err := h.pollCIBA(t, c, asked.ID)
		want(t, "before the answer", err, headykey.ErrPending)
		_, err = h.pollCIBA(t, c, asked.ID)
		want(t, "at once again", err, headykey.ErrSlowDown)

		w := h.waiting(t, ada)
		if w.Message != "1234 品川 👍🏿" || w.Client.ID != c.ID || !reflect.DeepEqual(w.Ask.Scopes, []string{"openid", "email"}) {
			t.Errorf("the page says %+v", w)
		}
		check(t, h.AnswerApproval(t.Context(), ada, w.ID, yes))
		want(t, "answered twice", h.AnswerApproval(t.Context(), ada, w.ID, nil), headykey.ErrBadRequestURI)
		out, err := h.pollCIBA(t, c, asked.ID)
		check(t, err)
		if out.ID == "" || out.Refresh == "" || out.Scope != "openid email" || !h.active(t, out.Access) {
			t.Errorf("got %+v", out)
		}
		_, err = h.pollCIBA(t, c, asked.ID)
		want(t, "a second time", err, headykey.ErrGrantSpent)
	})
}

func TestAQuestionEndsWithoutTokens(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, h *house, ada headykey.Caller, id string)
		want error
	}{
		{"the person says no", func(t *testing.T, h *house, ada headykey.Caller, id string) {
			check(t, h.AnswerApproval(t.Context(), ada, id, nil))
		}, headykey.ErrAccessDenied},
		{"nobody answers", func(t *testing.T, h *house, ada headykey.Caller, id string) {
			time.Sleep(10 * time.Second)
			want(t, "late", h.AnswerApproval(t.Context(), ada, id, yes), headykey.ErrBadRequestURI)
		}, headykey.ErrRequestExpired},
		{"another person answers", func(t *testing.T, h *house, _ headykey.Caller, id string) {
			eve := h.person(t, "eve@example.com")
			want(t, "eve", h.AnswerApproval(t.Context(), eve, id, yes), headykey.ErrBadRequestURI)
		}, headykey.ErrPending},
		{"an API key answers", func(t *testing.T, h *house, ada headykey.Caller, id string) {
			ada.Session = ""
			want(t, "the key", h.AnswerApproval(t.Context(), ada, id, yes), headykey.ErrNotSignedIn)
		}, headykey.ErrPending},
		{"the account is disabled after the answer", func(t *testing.T, h *house, ada headykey.Caller, id string) {
			check(t, h.AnswerApproval(t.Context(), ada, id, yes))
			h.disable(t, ada)
		}, headykey.ErrGrantSpent},
		{"the account is erased after the answer", func(t *testing.T, h *house, ada headykey.Caller, id string) {
			check(t, h.AnswerApproval(t.Context(), ada, id, yes))
			check(t, h.db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteUser(ada.User) }))
		}, headykey.ErrGrantSpent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t)
				c, ada := h.bank(t, headykey.ClientDetails{}), h.person(t, "ada@example.com")
				asked := h.askPerson(t, c, question("requested_expiry", "10"))
				tt.do(t, h, ada, h.waiting(t, ada).ID)
				_, err := h.pollCIBA(t, c, asked.ID)
				want(t, "the client", err, tt.want)
			})
		})
	}
}

func TestAnAuthReqIDIsBoundToItsClientAndKind(t *testing.T) {
	h := build(t)
	c, other, ada := h.bank(t, headykey.ClientDetails{}), h.bank(t, headykey.ClientDetails{}), h.person(t, "ada@example.com")
	asked := h.askPerson(t, c, question())
	check(t, h.AnswerApproval(t.Context(), ada, h.waiting(t, ada).ID, yes))
	_, err := h.pollCIBA(t, other, asked.ID)
	want(t, "another client", err, headykey.ErrGrantSpent)
	_, err = h.pollCIBA(t, c, "")
	want(t, "none", err, headykey.ErrMissingField)
	both := *c
	both.Grants = append(both.Grants, deviceGrant)
	h.update(t, &both)
	_, err = h.poll(t, &both, asked.ID, oauth.Possession{})
	want(t, "as a device code", err, headykey.ErrGrantSpent)
	_, err = h.pollCIBA(t, c, asked.ID)
	check(t, err)
}

func TestAQuestionIsRead(t *testing.T) {
	h := build(t)
	c, ada := h.bank(t, headykey.ClientDetails{}), h.person(t, "ada@example.com")
	pinged := h.bank(t, headykey.ClientDetails{CIBADelivery: "ping", CIBANotify: "https://bank.example/ping"})
	pairwise := h.bank(t, headykey.ClientDetails{SubjectType: "pairwise"})
	gone := h.person(t, "gone@example.com")
	h.disable(t, gone)
	public := h.television(t)
	tests := []struct {
		name string
		c    *headykey.Client
		in   url.Values
		want error
	}{
		{"by the account's id", c, question("login_hint", string(ada.User)), nil},
		{"by another spelling of the address", c, question("login_hint", "Ada@EXAMPLE.com"), nil},
		{"no hint", c, question("login_hint", ""), headykey.ErrBadAuthorization},
		{"two hints", c, question("id_token_hint", "x"), headykey.ErrBadAuthorization},
		{"a login_hint_token", c, question("login_hint", "", "login_hint_token", "x"), headykey.ErrBadAuthorization},
		{"no ID token", c, question("login_hint", "", "id_token_hint", "x"), headykey.ErrBadAuthorization},
		{"nobody", c, question("login_hint", "nobody@example.com"), headykey.ErrUnknownUser},
		{"nobody's id", c, question("login_hint", string(headykey.NewID())), headykey.ErrUnknownUser},
		{"no address", c, question("login_hint", "+49 30 1234"), headykey.ErrUnknownUser},
		{"a disabled account", c, question("login_hint", "gone@example.com"), headykey.ErrUnknownUser},
		{"the id, to a client that may not know it", pairwise, question("login_hint", string(ada.User)), headykey.ErrUnknownUser},
		{"the pairwise subject alone", pairwise, question("login_hint", h.Subject(pairwise, ada.User)), headykey.ErrUnknownUser},
		{"no openid", c, question("scope", "email"), headykey.ErrScopeNotAllowed},
		{"no scope", c, question("scope", ""), headykey.ErrScopeNotAllowed},
		{"another resource", c, question("resource", "https://x.example"), headykey.ErrBadResource},
		{"a message with a line break", c, question("binding_message", "a\nb"), headykey.ErrBadMessage},
		{"a message that turns around", c, question("binding_message", "a\u202eb"), headykey.ErrBadMessage},
		{"a message that is not UTF-8", c, question("binding_message", "\xff"), headykey.ErrBadMessage},
		{"a long message", c, question("binding_message", strings.Repeat("x", 90)), headykey.ErrBadMessage},
		{"no time", c, question("requested_expiry", "0"), headykey.ErrBadAuthorization},
		{"time in words", c, question("requested_expiry", "soon"), headykey.ErrBadAuthorization},
		{"time in parts", c, question("requested_expiry", "10.5"), headykey.ErrBadAuthorization},
		{"no token for the ping", pinged, question(), headykey.ErrBadAuthorization},
		{"a long token for the ping", pinged, question("client_notification_token", strings.Repeat("x", 1025)), headykey.ErrBadAuthorization},
		{"a token that splits a header", pinged, question("client_notification_token", "a\r\nb"), headykey.ErrBadAuthorization},
		{"a token for the ping", pinged, question("client_notification_token", strings.Repeat("x", 1000)), nil},
		{"a public client", public, question(), headykey.ErrGrantNotAllowed},
	}
	for _, tt := range tests {
		_, err := h.AskPerson(t.Context(), tt.c, tt.in, "", couch)
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	for text, life := range map[string]time.Duration{"1": 10, "30": 30, "610": 610, "86400": 610, "": 610} {
		if got := h.askPerson(t, c, question("requested_expiry", text)).Life; got != life*time.Second {
			t.Errorf("requested_expiry %s: got %s", text, got)
		}
	}
}

func TestAnIDTokenSaysWhoIsAsked(t *testing.T) {
	for _, kind := range []string{"public", "pairwise"} {
		h := build(t)
		d := headykey.ClientDetails{SubjectType: kind}
		c, other, ada := h.bank(t, d), h.bank(t, d), h.person(t, "ada@example.com")
		asked := h.askPerson(t, c, question())
		check(t, h.AnswerApproval(t.Context(), ada, h.waiting(t, ada).ID, yes))
		out, err := h.pollCIBA(t, c, asked.ID)
		check(t, err)
		hint := question("login_hint", "", "id_token_hint", out.ID)
		h.askPerson(t, c, hint)
		h.waiting(t, ada)
		_, err = h.AskPerson(t.Context(), other, hint, "", couch)
		want(t, kind+" of another client", err, headykey.ErrBadAuthorization)
	}
}

func TestNobodyIsWornDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		c := h.bank(t, headykey.ClientDetails{})
		h.person(t, "ada@example.com")
		for range 8 {
			h.askPerson(t, c, question())
		}
		_, err := h.AskPerson(t.Context(), c, question(), "", couch)
		want(t, "the ninth", err, headykey.ErrRateLimited)
		h.askPerson(t, h.bank(t, headykey.ClientDetails{}), question())
		time.Sleep(610 * time.Second)
		h.askPerson(t, c, question())
	})
}

// The letter names the app and leads to the page; the ping says which question was
// answered, and to whom it says so.
func TestLettersAndPings(t *testing.T) {
	for _, answer := range []*oauth.Decision{yes, nil} {
		h := build(t)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan struct{})
		go func() { defer close(ran); h.out.Run(ctx) }()
		c := h.bank(t, headykey.ClientDetails{CIBADelivery: "ping", CIBANotify: "https://bank.example/ping"})
		ada := h.person(t, "ada@example.com")
		asked := h.askPerson(t, c, question("client_notification_token", "my-token", "requested_expiry", "60"))
		letter := <-h.posted
		for _, text := range []string{"mail ", "ada@example.com", "Robot asks to act for you", base + "/approvals"} {
			if !strings.Contains(letter, text) {
				t.Errorf("the letter lacks %q: %s", text, letter)
			}
		}
		check(t, h.AnswerApproval(t.Context(), ada, h.waiting(t, ada).ID, answer))
		text, _ := strings.CutPrefix(<-h.posted, "ping ")
		var got oauth.Ping
		check(t, json.Unmarshal([]byte(text), &got))
		wanted := oauth.Ping{URL: "https://bank.example/ping", Token: "my-token", ID: asked.ID, Until: got.Until}
		if got != wanted || time.Until(time.Unix(got.Until, 0)) > time.Minute {
			t.Errorf("got %+v, want %+v", got, wanted)
		}
		cancel()
		<-ran
	}
}

func TestWhoMayBeRegisteredForCIBA(t *testing.T) {
	h := build(t)
	tests := []struct {
		name, field string
		wish        oauth.ClientWish
	}{
		{"a public client", "grant_types", oauth.ClientWish{AuthMethod: headykey.AuthNone}},
		{"tokens pushed", "backchannel_token_delivery_mode", oauth.ClientWish{Details: headykey.ClientDetails{CIBADelivery: "push"}}},
		{"a ping to nowhere", "backchannel_client_notification_endpoint", oauth.ClientWish{Details: headykey.ClientDetails{CIBADelivery: "ping"}}},
		{"a ping to our own network", "backchannel_client_notification_endpoint", oauth.ClientWish{
			Details: headykey.ClientDetails{CIBADelivery: "ping", CIBANotify: "https://10.0.0.1/ping"}}},
		{"requests signed with RS256", "backchannel_authentication_request_signing_alg", oauth.ClientWish{Details: headykey.ClientDetails{CIBARequestAlg: "RS256"}}},
		{"requests not signed", "backchannel_authentication_request_signing_alg", oauth.ClientWish{Details: headykey.ClientDetails{CIBARequestAlg: "none"}}},
		{"user codes", "backchannel_user_code_parameter", oauth.ClientWish{Details: headykey.ClientDetails{CIBAUserCode: true}}},
	}
	for _, tt := range tests {
		tt.wish.Name, tt.wish.Grants = "Bank", []string{cibaGrant}
		_, err := h.CreateClient(t.Context(), headykey.System, tt.wish)
		e := headykey.Explain(err)
		if !e.Is(headykey.ErrInvalid) || len(e.Fields) != 1 || e.Fields[0].Name != tt.field {
			t.Errorf("%s: got %v %+v", tt.name, err, e.Fields)
		}
	}
}

// Each question is a letter from us, to whom the client likes.
func TestWhoRegistersItselfAsksNobodyElsewhere(t *testing.T) {
	h := open(t)
	_, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{"grant_types":["`+cibaGrant+`"]}`)))
	want(t, "registering", err, headykey.ErrBadMetadata)
	made, err := h.Register(t.Context(), headykey.From{}, "", []byte(registration(t, `{}`)))
	check(t, err)
	id := made.Record.ID
	again := registration(t, `{"grant_types":["`+cibaGrant+`"],"client_id":"`+string(id)+`"}`)
	_, err = h.Reregister(t.Context(), headykey.From{}, string(id), made.Token, []byte(again))
	want(t, "changing itself", err, headykey.ErrBadMetadata)

	yes, no, grants := true, false, []string{cibaGrant}
	change := func(c headykey.ClientChange) error {
		_, err := h.ChangeClient(t.Context(), headykey.System, id, c)
		return err
	}
	want(t, "unverified", change(headykey.ClientChange{Grants: &grants}), headykey.ErrInvalid)
	check(t, change(headykey.ClientChange{Grants: &grants, Verified: &yes}))
	want(t, "verified no more", change(headykey.ClientChange{Verified: &no}), headykey.ErrInvalid)
	_, err = h.Reregister(t.Context(), headykey.From{}, string(id), made.Token, []byte(again))
	want(t, "changing itself, which takes its verification", err, headykey.ErrBadMetadata)
}
