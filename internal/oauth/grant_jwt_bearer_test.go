package oauth_test

import (
	"errors"
	"maps"
	"net/url"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
)

const bearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// grantClaims are those of a good assertion of c about subject.
func grantClaims(c *headykey.Client, subject string) map[string]any {
	return map[string]any{
		"iss": string(c.ID), "sub": subject, "aud": issuer, "exp": time.Now().Add(time.Minute).Unix(), "jti": string(headykey.NewID()),
	}
}

func (h *house) bear(t testing.TB, c *headykey.Client, text string) (oauth.Issued, error) {
	t.Helper()
	return h.Token(t.Context(), c, oauth.Request{Grant: bearerGrant, Form: url.Values{"assertion": {text}}})
}

// standing registers a client that signs, and that may act for people who are away.
func (h *house) standing(t testing.TB, key pen, wish oauth.ClientWish) oauth.NewClient {
	t.Helper()
	wish.AuthMethod, wish.Details.JWKS = oauth.PrivateKeyJWT, jwks(t, key)
	wish.Grants = []string{"authorization_code", "refresh_token", bearerGrant}
	return h.codeApp(t, wish)
}

func TestAnAssertionStandsForWhoIsAwayAndAllowedIt(t *testing.T) {
	h := build(t)
	key := newPen(t, jose.ES256, "k")
	c, by := h.standing(t, key, oauth.ClientWish{}), h.signedIn(t)
	about := func() string { return key.sign(t, grantClaims(&c.Record, string(by.User))) }
	if _, err := h.bear(t, &c.Record, about()); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Fatalf("nobody was asked: %v", err)
	}
	h.allow(t, by, asking(c, map[string]string{"scope": "openid email"}))
	if _, err := h.bear(t, &c.Record, about()); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("not allowed while away: %v", err)
	}
	h.allow(t, by, asking(c, map[string]string{"scope": "openid email offline_access", "prompt": "consent"}))
	out, err := h.bear(t, &c.Record, about())
	check(t, err)
	if out.ID != "" || out.Refresh != "" || out.Scope != "openid email offline_access" {
		t.Errorf("got %+v", out)
	}
	info, err := h.Userinfo(t.Context(), out.Access, oauth.Possession{Scheme: "Bearer"})
	if err != nil || info.Claims["sub"] != string(by.User) {
		t.Errorf("got %+v, %v", info, err)
	}
	check(t, h.Withdraw(t.Context(), by, by.User, c.Record.ID))
	if _, err := h.Userinfo(t.Context(), out.Access, oauth.Possession{Scheme: "Bearer"}); !errors.Is(err, headykey.ErrInvalidToken) {
		t.Errorf("after it was withdrawn: %v", err)
	}
	if _, err := h.bear(t, &c.Record, about()); !errors.Is(err, headykey.ErrGrantSpent) {
		t.Errorf("after it was withdrawn, another: %v", err)
	}
}

func TestTheRulesOfGrantAssertions(t *testing.T) {
	h := build(t)
	key, other := newPen(t, jose.ES256, "k"), newPen(t, jose.ES256, "k")
	c := h.standing(t, key, oauth.ClientWish{Scopes: []string{"read"}}).Record
	own := grantClaims(&c, string(c.ID))
	with := func(name string, value any) string {
		all := maps.Clone(own)
		all["jti"] = string(headykey.NewID())
		if all[name] = value; value == nil {
			delete(all, name)
		}
		return key.sign(t, all)
	}
	now := time.Now().Unix()
	first := key.sign(t, own)
	tests := []struct {
		name, text string
		want       error
	}{
		{"for itself", first, nil},
		{"the same again", first, headykey.ErrGrantSpent},
		{"for the token endpoint", with("aud", issuer+"/token"), nil},
		{"of another key", other.sign(t, grantClaims(&c, string(c.ID))), headykey.ErrGrantSpent},
		{"of another issuer", with("iss", "https://other.example"), headykey.ErrGrantSpent},
		{"for another server", with("aud", "https://other.example"), headykey.ErrGrantSpent},
		{"for nobody", with("aud", nil), headykey.ErrGrantSpent},
		{"about nobody", with("sub", nil), headykey.ErrGrantSpent},
		{"about a stranger", with("sub", string(headykey.NewID())), headykey.ErrGrantSpent},
		{"about a name", with("sub", "ada"), headykey.ErrGrantSpent},
		{"without end", with("exp", nil), headykey.ErrGrantSpent},
		{"too late", with("exp", now-60), headykey.ErrGrantSpent},
		{"for an hour", with("exp", now+3600), headykey.ErrGrantSpent},
		{"too early", with("nbf", now+600), headykey.ErrGrantSpent},
		{"without a name", with("jti", nil), headykey.ErrGrantSpent},
		{"of another type", key.sign(t, grantClaims(&c, string(c.ID)), "typ", "at+jwt"), headykey.ErrGrantSpent},
		{"no JWT", "x", headykey.ErrGrantSpent},
		{"nothing", "", headykey.ErrMissingField},
	}
	for _, tt := range tests {
		if _, err := h.bear(t, &c, tt.text); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}
