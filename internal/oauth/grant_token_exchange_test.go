package oauth_test

import (
	"errors"
	"net/url"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessType    = "urn:ietf:params:oauth:token-type:access_token"
	notes         = "https://notes.example"
)

// service registers a client that may exchange tokens, for a resource of its own.
func (h *house) service(t testing.TB, wish oauth.ClientWish) oauth.NewClient {
	t.Helper()
	wish.Grants = []string{exchangeGrant, "client_credentials"}
	if wish.Details.Serves == nil {
		wish.Details.Serves = append([]string{own}, wish.Resources...)
	}
	if wish.Scopes == nil {
		wish.Scopes = []string{"email", "notes.read"}
	}
	return h.program(t, wish)
}

func (h *house) exchange(t testing.TB, c oauth.NewClient, subject string, change map[string]string) (oauth.Issued, error) {
	t.Helper()
	form := url.Values{"subject_token": {subject}, "subject_token_type": {accessType}}
	for name, value := range change {
		form.Set(name, value)
		if value == "" {
			form.Del(name)
		}
	}
	req := oauth.Request{Grant: exchangeGrant, Scope: form.Get("scope"), Form: form}
	if r := form.Get("resource"); r != "" {
		req.Resources = []string{r}
	}
	return h.Token(t.Context(), &c.Record, req)
}

// What a service gets for a person's token says who acts, and is no more than both
// may have.
func TestAnExchangeNarrowsAndNamesWhoActs(t *testing.T) {
	h := build(t)
	by, app := h.signedIn(t), h.codeApp(t, oauth.ClientWish{Scopes: []string{"openid", "email", "notes.read", "notes.write"}})
	first := h.service(t, oauth.ClientWish{})
	second := h.service(t, oauth.ClientWish{Resources: []string{notes, own}, Scopes: []string{"notes.read"}})
	given := h.allowed(t, app, by, map[string]string{"scope": "openid email notes.read notes.write"})

	one, err := h.exchange(t, first, given.Access, nil)
	check(t, err)
	a, err := h.tokens.ReadClientAccess(one.Access)
	check(t, err)
	wantAct := `{"sub":"` + string(first.Record.ID) + `","client_id":"` + string(first.Record.ID) + `","iss":"` + issuer + `"}`
	if a.Scope != "email notes.read" || string(a.Act) != wantAct || a.Client != first.Record.ID || a.Subject != string(by.User) ||
		one.Kind != accessType || one.Refresh != "" || one.ID != "" {
		t.Errorf("got %+v, %+v", one, a)
	}
	two, err := h.exchange(t, second, one.Access, map[string]string{"audience": notes})
	check(t, err)
	b, err := h.tokens.ReadClientAccess(two.Access)
	check(t, err)
	wantAct = `{"sub":"` + string(second.Record.ID) + `","client_id":"` + string(second.Record.ID) + `","iss":"` + issuer + `","act":` + wantAct + `}`
	if b.Scope != "notes.read" || string(b.Act) != wantAct || len(b.Audience) != 1 || b.Audience[0] != notes {
		t.Errorf("got %+v", b)
	}
	first1, _ := h.tokens.ReadClientAccess(given.Access)
	if b.Expires > first1.Expires {
		t.Error("time was gained by an exchange")
	}
}

func TestWhatMayNotBeExchanged(t *testing.T) {
	h := build(t)
	by, app := h.signedIn(t), h.codeApp(t, oauth.ClientWish{Scopes: []string{"openid", "email"}})
	far := h.service(t, oauth.ClientWish{Details: headykey.ClientDetails{Serves: []string{notes}}})
	client := h.service(t, oauth.ClientWish{Resources: []string{own}, Details: headykey.ClientDetails{Serves: []string{notes}}})
	near := h.service(t, oauth.ClientWish{})
	given := h.allowed(t, app, by, nil)
	robot := h.program(t, oauth.ClientWish{})
	robots := h.earn(t, robot, oauth.Request{})
	idle := h.program(t, oauth.ClientWish{})
	tests := []struct {
		name    string
		c       oauth.NewClient
		subject string
		change  map[string]string
		want    error
	}{
		{"by whom it was sent to", near, given.Access, nil, nil},
		{"by a stranger", far, given.Access, nil, headykey.ErrBadAuthorization},
		{"by another client of the resource", client, given.Access, nil, headykey.ErrBadAuthorization},
		{"by a client without the grant", idle, given.Access, nil, headykey.ErrGrantNotAllowed},
		{"nothing", near, "", map[string]string{"subject_token": ""}, headykey.ErrMissingField},
		{"no token", near, "x", nil, headykey.ErrBadAuthorization},
		{"an ID token", near, given.ID, nil, headykey.ErrBadAuthorization},
		{"a refresh token", near, given.Refresh, nil, headykey.ErrBadAuthorization},
		{"another type", near, given.Access, map[string]string{"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, headykey.ErrBadAuthorization},
		{"for a refresh token", near, given.Access, map[string]string{"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, headykey.ErrBadAuthorization},
		{"of no person", near, robots, nil, headykey.ErrBadAuthorization},
		{"for more scopes", near, given.Access, map[string]string{"scope": "email openid"}, headykey.ErrScopeNotAllowed},
		{"for scopes that the token has not", near, given.Access, map[string]string{"scope": "notes.read"}, headykey.ErrScopeNotAllowed},
		{"for a foreign resource", near, given.Access, map[string]string{"resource": notes}, headykey.ErrBadResource},
		{"with an actor of no type", near, given.Access, map[string]string{"actor_token": robots}, headykey.ErrBadAuthorization},
		{"with another client's actor", near, given.Access, map[string]string{"actor_token": robots, "actor_token_type": accessType}, headykey.ErrBadAuthorization},
	}
	for _, tt := range tests {
		if _, err := h.exchange(t, tt.c, tt.subject, tt.change); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// Whatever ends the first token's authorization ends all that was made of it.
func TestAnExchangedTokenEndsWithItsFirst(t *testing.T) {
	yes := true
	ends := map[string]func(h *house, by headykey.Caller, app oauth.NewClient, refresh string) error{
		"the refresh token revoked": func(h *house, _ headykey.Caller, app oauth.NewClient, refresh string) error {
			return h.Revoke(t.Context(), &app.Record, headykey.From{}, refresh)
		},
		"the consent withdrawn": func(h *house, by headykey.Caller, app oauth.NewClient, _ string) error {
			return h.Withdraw(t.Context(), by, by.User, app.Record.ID)
		},
		"the first client disabled": func(h *house, _ headykey.Caller, app oauth.NewClient, _ string) error {
			_, err := h.ChangeClient(t.Context(), headykey.System, app.Record.ID, headykey.ClientChange{Disabled: &yes})
			return err
		},
		"the first client deleted": func(h *house, _ headykey.Caller, app oauth.NewClient, _ string) error {
			return h.DeleteClient(t.Context(), headykey.System, app.Record.ID)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			h := build(t)
			by, app := h.signedIn(t), h.codeApp(t, oauth.ClientWish{Scopes: []string{"openid", "email"}})
			given := h.allowed(t, app, by, nil)
			one, err := h.exchange(t, h.service(t, oauth.ClientWish{}), given.Access, nil)
			check(t, err)
			two, err := h.exchange(t, h.service(t, oauth.ClientWish{}), one.Access, nil)
			check(t, err)
			asking := h.service(t, oauth.ClientWish{})
			good := func(text string) bool {
				a, err := h.Introspect(t.Context(), &asking.Record, text)
				check(t, err)
				return a != nil
			}
			if !good(one.Access) || !good(two.Access) {
				t.Fatal("fresh tokens are not good")
			}
			check(t, end(h, by, app, given.Refresh))
			if good(one.Access) || good(two.Access) {
				t.Error("it lives on")
			}
			if _, err := h.exchange(t, asking, one.Access, nil); !errors.Is(err, headykey.ErrBadAuthorization) {
				t.Errorf("it can be exchanged: %v", err)
			}
		})
	}
}

// A client that an operator lets act, and nobody else, though the token was sent there.
func TestAMayActNamesWhoMayAct(t *testing.T) {
	h := build(t)
	by := h.signedIn(t)
	actor, server := h.service(t, oauth.ClientWish{Details: headykey.ClientDetails{Serves: []string{notes}}}), h.service(t, oauth.ClientWish{})
	app := h.codeApp(t, oauth.ClientWish{Details: headykey.ClientDetails{TokenExchangeActors: []string{string(actor.Record.ID)}}})
	given := h.allowed(t, app, by, nil)
	if _, err := h.exchange(t, actor, given.Access, nil); err != nil {
		t.Errorf("who is named: %v", err)
	}
	if _, err := h.exchange(t, server, given.Access, nil); !errors.Is(err, headykey.ErrBadAuthorization) {
		t.Errorf("who is not: %v", err)
	}
}

// A bound token of one's own is exchanged with its key alone.
func TestABoundTokenIsExchangedByItsKey(t *testing.T) {
	h := build(t)
	by := h.signedIn(t)
	app := h.codeApp(t, oauth.ClientWish{Grants: []string{"authorization_code", exchangeGrant}, Scopes: []string{"openid", "email"}})
	answer := h.allow(t, by, asking(app, nil))
	mine := oauth.Possession{JKT: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
	given, err := h.Token(t.Context(), &app.Record, oauth.Request{Grant: "authorization_code", Possession: mine, Form: url.Values{
		"code": {answer.Params.Get("code")}, "redirect_uri": {answer.Redirect},
	}})
	check(t, err)
	for _, tt := range []struct {
		shown oauth.Possession
		want  error
	}{{oauth.Possession{}, headykey.ErrBadProof}, {oauth.Possession{JKT: "x"}, headykey.ErrBadProof}, {mine, nil}} {
		_, err := h.Token(t.Context(), &app.Record, oauth.Request{Grant: exchangeGrant, Possession: tt.shown, Form: url.Values{
			"subject_token": {given.Access}, "subject_token_type": {accessType},
		}})
		if !errors.Is(err, tt.want) {
			t.Errorf("%+v: got %v, want %v", tt.shown, err, tt.want)
		}
	}
}
