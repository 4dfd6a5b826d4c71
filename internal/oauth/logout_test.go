package oauth_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// Whatever a request says, it leads to a registered address or nowhere, and without
// an ID token of ours only who confirms it is sent there.
func FuzzBeginLogout(f *testing.F) {
	h := build(f)
	const after = "https://app.example/after"
	wish := oauth.ClientWish{
		Name: "x", AuthMethod: headykey.AuthNone, Redirects: []string{"https://app.example/cb"},
		Details: headykey.ClientDetails{LogoutRedirects: []string{after}},
	}
	c, err := h.CreateClient(f.Context(), headykey.System, wish)
	check(f, err)
	const id = "the client" // each process that fuzzes has another
	f.Add("", id, after, "s")
	f.Add("eyJhbGciOiJub25lIn0.e30.", id, after, "")
	f.Add("", "", after, "a&b")
	f.Add("", id, after+"?x", "#")
	f.Add("x", "x", "javascript:", "\r\n")
	f.Fuzz(func(t *testing.T, hint, client, redirect, state string) {
		if client == id {
			client = string(c.Record.ID)
		}
		l, err := h.BeginLogout(t.Context(), url.Values{
			"id_token_hint": {hint}, "client_id": {client}, "post_logout_redirect_uri": {redirect}, "state": {state},
		})
		if err != nil {
			if e := headykey.Explain(err); l != nil || e.Kind == headykey.Internal {
				t.Errorf("got %+v, %v", l, err)
			}
			return
		}
		if l.Session != "" || l.Back(false) != "" {
			t.Errorf("believed: %+v", l)
		}
		back := l.Back(true)
		rest, ok := strings.CutPrefix(back, after)
		query, err := url.ParseQuery(strings.TrimPrefix(rest, "?"))
		if back != "" && (!ok || err != nil || query.Get("state") != state || strings.ContainsAny(back, "\r\n\"' ")) {
			t.Errorf("sent to %q", back)
		}
	})
}

func TestALogoutOfADisabledClientIsNone(t *testing.T) {
	h := build(t)
	c := h.app(t, func(d *headykey.ClientDetails) { d.LogoutRedirects = []string{"https://app.example/after"} })
	off := true
	_, err := h.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Disabled: &off})
	check(t, err)
	_, err = h.BeginLogout(t.Context(), url.Values{"client_id": {string(c.ID)}, "post_logout_redirect_uri": {"https://app.example/after"}})
	if !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("got %v", err)
	}
}
