package oauth_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

// wrongRedirects are spellings that a careless eye, or a careless parser, takes for
// https://app.example/cb.
var wrongRedirects = []string{
	"https://app.example/cb/", "https://app.example/cb?", "https://app.example/cb?x=1", "https://app.example/cb#", "https://app.example/cb#x",
	"https://app.example/CB", "https://app.example/cb%20", "https://app.example/%63b", "https://app.example//cb", "https://app.example/./cb",
	"https://app.example/x/../cb", "https://app.example/cb;x", "https://app.example:443/cb", "https://app.example:8443/cb", "https://app.example.:443/cb",
	"https://app.example./cb", "https://APP.example/cb", "HTTPS://app.example/cb", "http://app.example/cb", "https://user@app.example/cb",
	"https://app.example@evil.example/cb", "https://evil.example/https://app.example/cb", "https://evil.example#https://app.example/cb",
	"https://evil.example\\@app.example/cb", "https://sub.app.example/cb", "https://app.example.evil.example/cb", "https://appxexample/cb",
	"https:/app.example/cb", "https:app.example/cb", "//app.example/cb", "/cb", "https://app.example/cb ", " https://app.example/cb",
	"https://app.example/cb\n", "https://app.example/cb\x00", "https://xn--app-.example/cb", "javascript:https://app.example/cb", "data:text/html,https://app.example/cb",
}

func TestAWrongRedirectURIIsRefusedEverywhere(t *testing.T) {
	h := build(t)
	by, c := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	for _, wrong := range wrongRedirects {
		if p, err := h.Begin(t.Context(), asking(c, map[string]string{"redirect_uri": wrong})); p != nil || !errors.Is(err, headykey.ErrBadRedirect) {
			t.Errorf("by the browser, %q: %v, %v", wrong, p, err)
		}
		if _, err := h.Push(t.Context(), &c.Record, asking(c, map[string]string{"redirect_uri": wrong}), ""); err == nil {
			t.Errorf("pushed, %q: taken", wrong)
		}
		answer := h.allow(t, by, asking(c, nil))
		answer.Redirect = wrong
		if _, err := h.redeem(t, c, answer); !errors.Is(err, headykey.ErrGrantSpent) {
			t.Errorf("with the code, %q: %v", wrong, err)
		}
	}
	twice := asking(c, nil)
	twice.Add("redirect_uri", callback)
	if p, err := h.Begin(t.Context(), twice); p != nil || !errors.Is(err, headykey.ErrBadRedirect) {
		t.Errorf("twice: %v, %v", p, err)
	}
}

// Only the port of a loopback address may be another (RFC 8252 §7.3).
func TestTheLoopbackPortRule(t *testing.T) {
	h := build(t)
	c := h.codeApp(t, oauth.ClientWish{Redirects: []string{"http://127.0.0.1/cb", "http://[::1]:80/cb", "http://localhost:3000/cb", callback}})
	for text, good := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://127.0.0.1:52731/cb": true, "http://[::1]:52731/cb": true, "http://[::1]/cb": true,
		"http://localhost:3000/cb": true, "http://localhost:52731/cb": false, "http://127.0.0.1:52731/cb?x": false,
		"http://127.0.0.1:52731/other": false, "http://127.0.0.2:52731/cb": false, "https://127.0.0.1:52731/cb": false,
		"http://127.0.0.1:/cb": false, "http://127.0.0.1:x/cb": false, "http://u@127.0.0.1:52731/cb": false, "http://127.1:52731/cb": false,
		"https://app.example:8443/cb": false,
	} {
		_, err := h.Begin(t.Context(), asking(c, map[string]string{"redirect_uri": text}))
		if refused := errors.Is(err, headykey.ErrBadRedirect); refused == good {
			t.Errorf("%s: %v, want it taken: %t", text, err, good)
		}
	}
}

// Each grant that stands for a person, as something that can be tried once.
func (h *house) grants(t *testing.T, by headykey.Caller) map[string]func() error {
	t.Helper()
	key := newPen(t, jose.ES256, "k")
	const poll = "urn:ietf:params:oauth:grant-type:device_code"
	wish := oauth.ClientWish{AuthMethod: oauth.PrivateKeyJWT, Scopes: []string{"openid", "email", "offline_access"}, Redirects: []string{callback}}
	wish.Details.JWKS = jwks(t, key)
	wish.Grants = []string{"authorization_code", "refresh_token", bearerGrant, exchangeGrant, poll}
	c := h.program(t, wish)
	with := map[string]string{"scope": "openid email offline_access"}
	waiting := h.allow(t, by, asking(c, with))
	refreshed, exchanged := h.allowed(t, c, by, with), h.allowed(t, c, by, with)
	device := h.connectedDevice(t, &c.Record, by)
	return map[string]func() error{
		"authorization_code": func() error { _, err := h.redeem(t, c, waiting); return err },
		"refresh_token":      func() error { _, err := h.refresh(t, c, refreshed.Refresh); return err },
		"token-exchange":     func() error { _, err := h.exchange(t, c, exchanged.Access, nil); return err },
		"jwt-bearer": func() error {
			_, err := h.bear(t, &c.Record, key.sign(t, grantClaims(&c.Record, string(by.User))))
			return err
		},
		"device_code": func() error {
			_, err := h.Token(t.Context(), &c.Record, oauth.Request{Grant: poll, Form: url.Values{"device_code": {device}}})
			return err
		},
		"userinfo": func() error {
			_, err := h.Userinfo(t.Context(), exchanged.Access, oauth.Possession{Scheme: "Bearer"})
			return err
		},
	}
}

// connectedDevice returns the code of a device that by allowed.
func (h *house) connectedDevice(t *testing.T, c *headykey.Client, by headykey.Caller) string {
	t.Helper()
	code, err := h.AskDevice(t.Context(), c, url.Values{"scope": {"openid email offline_access"}}, "", headykey.From{})
	check(t, err)
	id, err := h.TypeCode(t.Context(), code.User, "browser", headykey.From{})
	check(t, err)
	p, err := h.Resume(t.Context(), id, "browser")
	check(t, err)
	check(t, h.AnswerDevice(t.Context(), p, by, &oauth.Decision{Scopes: p.Ask.Scopes, Remember: true}))
	return code.Device
}

// Whatever ends a person's access, or a client's, ends it on every way to a token.
// Most holes of this field are a rule that one of these forgot.
func TestNoGrantOutlivesWhatItStandsOn(t *testing.T) {
	yes := true
	ends := map[string]func(t *testing.T, h *house, by headykey.Caller, client headykey.ID){
		"nothing": nil,
		"the account is disabled": func(t *testing.T, h *house, by headykey.Caller, _ headykey.ID) {
			check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
				u, err := tx.User(by.User)
				if err != nil {
					return err
				}
				u.Disabled = tx.Now
				return tx.UpdateUser(u, strings.ToLower(u.Name))
			}))
		},
		"the account is erased": func(t *testing.T, h *house, by headykey.Caller, _ headykey.ID) {
			check(t, h.db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteUser(by.User) }))
		},
		"the consent is withdrawn": func(t *testing.T, h *house, by headykey.Caller, client headykey.ID) {
			check(t, h.Withdraw(t.Context(), by, by.User, client))
		},
		"the client is disabled": func(t *testing.T, h *house, _ headykey.Caller, client headykey.ID) {
			_, err := h.ChangeClient(t.Context(), headykey.System, client, headykey.ClientChange{Disabled: &yes})
			check(t, err)
		},
		"the client is deleted": func(t *testing.T, h *house, _ headykey.Caller, client headykey.ID) {
			check(t, h.DeleteClient(t.Context(), headykey.System, client))
		},
	}
	for what, end := range ends {
		t.Run(what, func(t *testing.T) {
			h := build(t)
			by := h.signedIn(t)
			all := h.grants(t, by)
			clients, err := h.Clients(t.Context(), headykey.System, headykey.Mark{}, 1)
			check(t, err)
			if end != nil {
				end(t, h, by, clients[0].ID)
			}
			for name, try := range all {
				if err := try(); (err == nil) != (end == nil) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
