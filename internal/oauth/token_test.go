package oauth_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

func (h *house) update(t testing.TB, c *headykey.Client) {
	t.Helper()
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateClient(c, nil) }))
}

func TestATokenSaysWhoMayDoWhatWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		const a, b = "https://a.example", "https://b.example"
		plain := h.program(t, oauth.ClientWish{Scopes: []string{"read", "write"}})
		wide := h.program(t, oauth.ClientWish{Resources: []string{a, b, own}})
		two := h.program(t, oauth.ClientWish{Resources: []string{a, b}})
		tests := []struct {
			name  string
			c     oauth.NewClient
			req   oauth.Request
			scope string
			aud   token.Audience
			want  error
		}{
			{"all that it may", plain, oauth.Request{}, "read write", token.Audience{own}, nil},
			{"less", plain, oauth.Request{Scope: "write"}, "write", token.Audience{own}, nil},
			{"the same twice", plain, oauth.Request{Scope: "write write"}, "write", token.Audience{own}, nil},
			{"more", plain, oauth.Request{Scope: "write admin"}, "", nil, headykey.ErrScopeNotAllowed},
			{"two spaces", plain, oauth.Request{Scope: "read  write"}, "", nil, headykey.ErrScopeNotAllowed},
			{"a part of a word", plain, oauth.Request{Scope: "rea"}, "", nil, headykey.ErrScopeNotAllowed},
			{"a scope of none", two, oauth.Request{Scope: "read", Resources: []string{a}}, "", nil, headykey.ErrScopeNotAllowed},
			{"its own by name", plain, oauth.Request{Scope: "read", Resources: []string{own}}, "read", token.Audience{own}, nil},
			{"not registered", plain, oauth.Request{Resources: []string{a}}, "", nil, headykey.ErrBadResource},
			{"with a slash more", two, oauth.Request{Resources: []string{a + "/"}}, "", nil, headykey.ErrBadResource},
			{"one good, one bad", two, oauth.Request{Resources: []string{a, own}}, "", nil, headykey.ErrBadResource},
			{"of many the usual", wide, oauth.Request{}, "", token.Audience{own}, nil},
			{"of many none named", two, oauth.Request{}, "", nil, headykey.ErrBadResource},
			{"both", two, oauth.Request{Resources: []string{b, a, b}}, "", token.Audience{b, a}, nil},
			{"more than a token holds", two, oauth.Request{Resources: strings.Fields(strings.Repeat(a+" ", 200))}, "", nil, headykey.ErrBadResource},
			{"another grant", plain, oauth.Request{Grant: "authorization_code"}, "", nil, headykey.ErrGrantNotAllowed},
			{"a grant that does not exist", plain, oauth.Request{Grant: "password"}, "", nil, headykey.ErrUnknownGrant},
			{"no grant", plain, oauth.Request{Grant: " "}, "", nil, headykey.ErrUnknownGrant},
		}
		for _, tt := range tests {
			if tt.req.Grant == "" {
				tt.req.Grant = "client_credentials"
			}
			out, err := h.Token(t.Context(), &tt.c.Record, tt.req)
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
			if tt.want != nil || err != nil {
				continue
			}
			got, err := h.tokens.ReadClientAccess(out.Access)
			now := time.Now().Unix()
			want := token.ClientAccess{
				Issuer: issuer, Subject: string(tt.c.Record.ID), Audience: tt.aud, Client: tt.c.Record.ID, Scope: tt.scope,
				ID: got.ID, Issued: now, Expires: now + 3600,
			}
			if err != nil || !reflect.DeepEqual(got, want) || out.Scope != tt.scope || out.Life != time.Hour {
				t.Errorf("%s: got %+v %+v, %v, want %+v", tt.name, out, got, err, want)
			}
		}
		unregistered := plain.Record
		unregistered.Grants = nil
		h.update(t, &unregistered)
		if _, err := h.Token(t.Context(), &unregistered, oauth.Request{Grant: "client_credentials"}); !errors.Is(err, headykey.ErrGrantNotAllowed) {
			t.Errorf("not registered for the grant: %v", err)
		}
	})
}

func TestATokenIsGoodUntilSomethingEndsIt(t *testing.T) {
	yes := true
	tests := []struct {
		name string
		end  func(t *testing.T, h *house, c *headykey.Client, text string)
		good bool
	}{
		{"nothing", func(*testing.T, *house, *headykey.Client, string) {}, true},
		{"a new secret", func(t *testing.T, h *house, c *headykey.Client, _ string) {
			_, err := h.RotateSecret(t.Context(), headykey.System, c.ID)
			check(t, err)
		}, true},
		{"a millisecond before its end", func(*testing.T, *house, *headykey.Client, string) { time.Sleep(time.Hour - time.Millisecond) }, true},
		{"its time", func(*testing.T, *house, *headykey.Client, string) { time.Sleep(time.Hour) }, false},
		{"revocation", func(t *testing.T, h *house, c *headykey.Client, text string) {
			check(t, h.Revoke(t.Context(), c, headykey.From{}, text))
		}, false},
		{"its client disabled", func(t *testing.T, h *house, c *headykey.Client, _ string) {
			_, err := h.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Disabled: &yes})
			check(t, err)
		}, false},
		{"its client deleted", func(t *testing.T, h *house, c *headykey.Client, _ string) {
			check(t, h.DeleteClient(t.Context(), headykey.System, c.ID))
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t)
				c := h.program(t, oauth.ClientWish{})
				text := h.earn(t, c, oauth.Request{})
				neighbour := h.earn(t, h.program(t, oauth.ClientWish{}), oauth.Request{})
				if !h.active(t, text) || !h.active(t, neighbour) { // remembered from here on
					t.Fatal("a fresh token is not good")
				}
				tt.end(t, h, &c.Record, text)
				if got := h.active(t, text); got != tt.good {
					t.Errorf("good %v, want %v", got, tt.good)
				}
				if got := h.active(t, neighbour); got != (tt.name != "its time") {
					t.Errorf("the neighbour's: good %v", got)
				}
			})
		})
	}
}

// What one node ends, the other refuses within a second, from memory or not.
func TestAnEndIsHeardOfElsewhere(t *testing.T) {
	dir := t.TempDir()
	here, there := buildIn(t, dir), buildIn(t, dir)
	c := here.program(t, oauth.ClientWish{})
	first, second := here.earn(t, c, oauth.Request{}), here.earn(t, c, oauth.Request{})
	there.follow(t)
	if !there.active(t, first) || !there.active(t, second) {
		t.Fatal("the other node does not know the tokens")
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for range 100 {
			if ok() {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Error(what)
	}
	check(t, here.Revoke(t.Context(), &c.Record, headykey.From{}, first))
	await("a revoked token is good elsewhere", func() bool { return !there.active(t, first) })
	if !there.active(t, second) {
		t.Error("its neighbour is not")
	}
	check(t, here.DeleteClient(t.Context(), headykey.System, c.Record.ID))
	await("a deleted client's token is good elsewhere", func() bool { return !there.active(t, second) })
	proof := oauth.Proof{Method: oauth.SecretBasic, Client: string(c.Record.ID), Secret: c.Secret}
	if _, err := there.Authenticate(t.Context(), proof); !errors.Is(err, headykey.ErrBadClient) {
		t.Errorf("a deleted client is proven elsewhere: %v", err)
	}
}

func TestRevocationIsTheOwnersAlone(t *testing.T) {
	h := build(t)
	a, b := h.program(t, oauth.ClientWish{}), h.program(t, oauth.ClientWish{})
	text := h.earn(t, a, oauth.Request{})
	if err := h.Revoke(t.Context(), &b.Record, headykey.From{}, text); !errors.Is(err, headykey.ErrForeignToken) || !h.active(t, text) {
		t.Errorf("another client's: %v", err)
	}
	for range 2 {
		check(t, h.Revoke(t.Context(), &a.Record, headykey.From{}, text))
	}
	for _, none := range []string{"", "x", text + "x", strings.Repeat("a", 9000)} {
		check(t, h.Revoke(t.Context(), &a.Record, headykey.From{}, none))
	}
	want := []string{"client.created", "client.created", "token.revoked"}
	if got := h.receipts(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The keys, the types and the issuers of the two families never meet.
func TestFamiliesDoNotMix(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{})
	text := h.earn(t, c, oauth.Request{})
	if a, err := h.tokens.ReadAccess(text); !errors.Is(err, headykey.ErrInvalidToken) {
		t.Errorf("as a HeadyKey token: %+v, %v", a, err)
	}
	session, _ := h.ring.Signing(keyring.Session)
	heady, _ := h.ring.Signing(keyring.Heady)
	set, err := h.KeySet()
	check(t, err)
	point, err := session.Signer.Public().(*ecdsa.PublicKey).Bytes()
	check(t, err)
	claims := fmt.Sprintf(`{"iss":%q,"sub":%q,"client_id":%q,"aud":%q,"jti":%q,"iat":%d,"exp":%d}`,
		issuer, c.Record.ID, c.Record.ID, own, headykey.NewID(), time.Now().Unix(), time.Now().Unix()+60)
	forge := func(k jose.Key, typ, claims string) string {
		s, err := jose.NewSigner(k, typ)
		check(t, err)
		out, err := s.Sign([]byte(claims))
		check(t, err)
		return out
	}
	if !h.active(t, forge(session.JOSE(), "at+jwt", claims)) {
		t.Fatal("the forger's tool does not work")
	}
	for name, forged := range map[string]string{
		"HS256 with the public key":      forge(jose.Key{ID: session.ID, Algorithm: jose.HS256, Secret: point}, "at+jwt", claims),
		"HS256 with the key set":         forge(jose.Key{ID: session.ID, Algorithm: jose.HS256, Secret: set.JSON}, "at+jwt", claims),
		"the other family's key":         forge(heady.JOSE(), "at+jwt", claims),
		"the other's key under our name": forge(jose.Key{ID: session.ID, Algorithm: jose.HS256, Secret: heady.Secret}, "at+jwt", claims),
		"our key under the other's name": forge(jose.Key{ID: heady.ID, Algorithm: jose.ES256, Private: session.Signer}, "at+jwt", claims),
		"a stranger's key":               forge(session.Successor().JOSE(), "at+jwt", claims),
		"an ID token":                    forge(session.JOSE(), "JWT", claims),
		"another issuer":                 forge(session.JOSE(), "at+jwt", strings.Replace(claims, issuer, base, 1)),
		"no audience":                    forge(session.JOSE(), "at+jwt", strings.Replace(claims, `"aud"`, `"x"`, 1)),
		"another client":                 forge(session.JOSE(), "at+jwt", strings.Replace(claims, `"client_id":"`, `"client_id":"x`, 1)),
		"a client that never was":        forge(session.JOSE(), "at+jwt", strings.ReplaceAll(claims, string(c.Record.ID), string(headykey.NewID()))),
		"a cut signature":                text[:len(text)-4] + "AAAA",
	} {
		if h.active(t, forged) {
			t.Errorf("%s: good", name)
		}
	}
}

func TestTokensAreToldOfTogether(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{})
	check(t, h.FlushIssued(t.Context()))
	for range 5 {
		h.earn(t, c, oauth.Request{})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.FlushIssued(ctx); err == nil {
		t.Error("a receipt was written after the end")
	}
	check(t, h.FlushIssued(t.Context()))
	check(t, h.FlushIssued(t.Context()))
	want := []string{"client.created", "token.issued"}
	if got := h.receipts(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 40 {
		h.earn(t, h.program(t, oauth.ClientWish{}), oauth.Request{})
	}
	check(t, h.FlushIssued(t.Context()))
	n := 0
	for _, kind := range h.receipts(t) {
		if kind == "token.issued" {
			n++
		}
	}
	if n != 1+34+1 {
		t.Errorf("%d receipts of tokens, want one, then one for each of 34 clients and one for the rest", n)
	}
}
