package auth_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/upstream"
)

func TestAStrangerOfAProviderGetsAnAccount(t *testing.T) {
	h := buildWays(t)
	g, err := h.google(t, nil)
	check(t, err)
	a := h.account(t, g.User.ID)
	if a.Email != "jane@example.com" || a.Name != "Jane Doe" || a.Verified.IsZero() || a.Anonymous || !slices.Equal(providersOf(a), []string{"google"}) {
		t.Errorf("got %+v", a)
	}
	var said map[string]any
	check(t, json.Unmarshal(a.Identities[0].Data, &said))
	want := map[string]any{
		"iss": h.provider.url, "sub": "1", "email": "jane@example.com", "email_verified": true, "phone_verified": false, "name": "Jane Doe",
		"full_name": "Jane Doe", "picture": "https://pics.example/1.png", "avatar_url": "https://pics.example/1.png", "provider_id": "1",
	}
	if !reflect.DeepEqual(said, want) {
		t.Errorf("identity: got %v, want %v", said, want)
	}
	if string(a.AppMetadata()) != `{"provider":"google","providers":["google"]}` {
		t.Errorf("app_metadata: got %s", a.AppMetadata())
	}
	by := h.caller(t, g)
	var ways []headykey.Way
	check(t, h.db.View(t.Context(), func(tx *store.Tx) error {
		p, err := tx.ProofBySession(by.User, by.Session)
		ways = p.Session.Ways
		return err
	}))
	if len(ways) != 1 || ways[0].Method != headykey.ByOAuth || ways[0].Provider != "google" {
		t.Errorf("ways: got %+v", ways)
	}
	if got := h.bodies(t, "account.created"); len(got) != 1 {
		t.Errorf("receipts: got %+v", got)
	}

	again, err := h.google(t, map[string]any{"email": "jane@elsewhere.example", "name": "Jane Roe"})
	check(t, err)
	b := h.account(t, again.User.ID)
	if b.ID != a.ID || b.Email != a.Email || b.Identities[0].Email != "jane@elsewhere.example" || b.Identities[0].LastSignIn.IsZero() {
		t.Errorf("the same person with another address: got %+v", b)
	}
}

func TestAnIDTokenThatDoesNotCount(t *testing.T) {
	h := buildWays(t)
	good := h.idToken(t, nil)
	with := func(change func(*auth.IDToken)) auth.IDToken { in := good; change(&in); return in }
	for name, tt := range map[string]struct {
		in   auth.IDToken
		want error
	}{
		"an unknown provider":              {with(func(in *auth.IDToken) { in.Provider = "apple" }), headykey.ErrUnknownProvider},
		"a custom one that is not there":   {with(func(in *auth.IDToken) { in.Provider = "custom:acme" }), headykey.ErrUnknownProvider},
		"another issuer":                   {with(func(in *auth.IDToken) { in.Provider, in.Issuer, in.ClientID = "", "https://evil.example", waysApp }), headykey.ErrUnknownProvider},
		"an app that is not ours":          {with(func(in *auth.IDToken) { in.Provider, in.Issuer, in.ClientID = "", h.provider.url, "evil" }), headykey.ErrUnknownProvider},
		"for another of our apps":          {with(func(in *auth.IDToken) { in.Provider, in.Issuer, in.ClientID = "", h.provider.url, "phone."+waysApp }), headykey.ErrBadIdentityToken},
		"no nonce":                         {with(func(in *auth.IDToken) { in.Nonce = "" }), headykey.ErrBadIdentityNonce},
		"another nonce":                    {with(func(in *auth.IDToken) { in.Nonce = "twice" }), headykey.ErrBadIdentityNonce},
		"for somebody else's app":          {h.idToken(t, map[string]any{"aud": "evil"}), headykey.ErrBadIdentityToken},
		"of another day":                   {h.idToken(t, map[string]any{"exp": 1}), headykey.ErrBadIdentityToken},
		"by another issuer":                {h.idToken(t, map[string]any{"iss": "https://evil.example"}), headykey.ErrBadIdentityToken},
		"no address where one is demanded": {h.idToken(t, map[string]any{"email": nil}), headykey.ErrBadIdentityToken},
		"no token":                         {with(func(in *auth.IDToken) { in.Text = "x" }), headykey.ErrBadIdentityToken},
	} {
		if _, err := h.SignInFederated(t.Context(), tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if _, err := h.SignInFederated(t.Context(), with(func(in *auth.IDToken) { in.Provider, in.Issuer, in.ClientID = "", h.provider.url, waysApp })); err != nil {
		t.Errorf("by issuer and app: %v", err)
	}
}

func TestIssuerWhoseKeysCannotBeHad(t *testing.T) {
	h := buildWays(t, func(c *auth.Config) {
		c.Apps.Issuers = []upstream.Issuer{{Provider: "google", Issuer: "https://127.0.0.1:1", ClientIDs: []string{waysApp}}}
	})
	if _, err := h.google(t, nil); !errors.Is(err, headykey.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestOneAddressProvenByBothSidesIsOneAccount(t *testing.T) {
	h := buildWays(t)
	jane := h.person(t, "jane@example.com", headykey.RoleUser)
	g, err := h.google(t, map[string]any{"email": "Jane@example.com"})
	check(t, err)
	if g.User.ID != jane.ID {
		t.Fatal("another account")
	}
	letter := <-h.letters
	if letter.To != "jane@example.com" || !strings.Contains(letter.Text, "Google") {
		t.Errorf("got %+v", letter)
	}
	if got := h.bodies(t, "identity.linked"); len(got) != 1 {
		t.Errorf("receipts: got %+v", got)
	}
	if _, err := h.try(t, "jane@example.com", password); err != nil {
		t.Errorf("her password: %v", err)
	}
}

// Whoever signs up with somebody's address before them must not sit in the account
// that its owner comes into.
func TestWhoWasFirstWithAnAddressKeepsNothingOfIt(t *testing.T) {
	h := buildWays(t)
	_, squatter, err := h.SignUp(t.Context(), auth.Registration{
		Email: "jane@example.com", Password: password, Data: []byte(`{"full_name":"Mallory","x":1}`), App: &auth.Asking{}, From: home, Surface: auth.AppSurface,
	})
	check(t, err)
	letter := <-h.letters
	g, err := h.google(t, nil)
	check(t, err)
	a := h.account(t, g.User.ID)
	if a.ID != squatter.ID || a.Verified.IsZero() || a.Name != "Jane Doe" || !slices.Equal(providersOf(a), []string{"google"}) || strings.Contains(string(a.Profile.UserData), `"x"`) {
		t.Errorf("got %+v, %s", a, a.Profile.UserData)
	}
	if _, err := h.try(t, "jane@example.com", password); !errors.Is(err, headykey.ErrBadCredentials) {
		t.Errorf("the squatter's password: %v", err)
	}
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(letter.Subject)
	if _, err := h.Redeem(t.Context(), auth.Redemption{Type: "signup", Code: code, Email: "jane@example.com", From: home}); !errors.Is(err, headykey.ErrSpentProof) {
		t.Errorf("the squatter's letter: %v", err)
	}
}

func TestAnAccountSomebodyIsInIsNotGivenAway(t *testing.T) {
	h := buildWays(t, func(c *auth.Config) { c.ConfirmEmail = false })
	first, err := h.Register(t.Context(), auth.Registration{Email: "jane@example.com", Password: password, From: home, Surface: auth.AppSurface})
	check(t, err)
	g, err := h.google(t, nil)
	check(t, err)
	if a := h.account(t, g.User.ID); a.ID == first.User.ID || a.Email != "" || a.Identities[0].Email != "jane@example.com" {
		t.Errorf("got %+v", a)
	}
	if _, err := h.try(t, "jane@example.com", password); err != nil {
		t.Errorf("who was there: %v", err)
	}
}

func TestAnAddressThatNobodyVouchesForLinksNothing(t *testing.T) {
	h := buildWays(t)
	jane := h.person(t, "jane@example.com", headykey.RoleUser)
	if _, err := h.google(t, map[string]any{"email_verified": false}); !errors.Is(err, headykey.ErrEmailUnproven) {
		t.Errorf("got %v", err)
	}
	if letter := <-h.letters; letter.To != "jane@example.com" || !strings.Contains(letter.Subject, "already") {
		t.Errorf("the owner is told: got %+v", letter)
	}
	if a := h.account(t, jane.ID); len(a.Identities) != 0 {
		t.Errorf("got %+v", a.Identities)
	}
}

func TestAnAddressIsProvenByLetterWhereTheProviderDoesNotVouch(t *testing.T) {
	h := buildWays(t)
	unvouched := map[string]any{"email_verified": false}
	for range 2 { // the second asks for no second letter
		if _, err := h.google(t, unvouched); !errors.Is(err, headykey.ErrEmailUnproven) {
			t.Fatalf("got %v", err)
		}
	}
	letter := <-h.letters
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(letter.Text)
	_, err := h.Redeem(t.Context(), auth.Redemption{Type: "email_change", Code: code, Email: "jane@example.com", From: home})
	check(t, err)
	g, err := h.google(t, unvouched)
	check(t, err)
	if a := h.account(t, g.User.ID); a.Email != "jane@example.com" || a.Verified.IsZero() {
		t.Errorf("got %+v", a)
	}
	select {
	case extra := <-h.letters:
		t.Errorf("one letter too many: %+v", extra)
	default:
	}
}

func TestForeignersWhereSignUpIsClosed(t *testing.T) {
	h := buildWays(t, func(c *auth.Config) { c.Closed = true })
	if _, err := h.google(t, nil); !errors.Is(err, headykey.ErrSignUpClosed) {
		t.Errorf("new: got %v", err)
	}
	h.person(t, "jane@example.com", headykey.RoleUser)
	if _, err := h.google(t, nil); err != nil {
		t.Errorf("with an account: %v", err)
	}
}

func TestADisabledAccountIsShutForForeigners(t *testing.T) {
	h := buildWays(t)
	g, err := h.google(t, nil)
	check(t, err)
	h.update(t, func(tx *store.Tx) error {
		u, err := tx.User(g.User.ID)
		if err != nil {
			return err
		}
		u.Disabled = tx.Now
		return tx.UpdateUser(u, "")
	})
	if _, err := h.google(t, nil); !errors.Is(err, headykey.ErrAccountDisabled) {
		t.Errorf("got %v", err)
	}
	if got := h.bodies(t, "session.refused"); len(got) != 1 {
		t.Errorf("receipts: got %+v", got)
	}
}

func TestCustomProvidersCount(t *testing.T) {
	h := buildWays(t)
	p := headykey.CustomProvider{
		ID: headykey.NewID(), Kind: headykey.OpenIDProvider, Name: "custom:acme", Title: "Acme", ClientID: waysApp, Enabled: true,
		Issuer: h.provider.url, Claims: []string{"department"},
	}
	put := func() {
		h.update(t, func(tx *store.Tx) error {
			p.Created, p.Updated = tx.Now, tx.Now
			return tx.PutCustomProvider(&p)
		})
	}
	put()
	in := h.idToken(t, map[string]any{"department": "tea"})
	in.Provider = p.Name
	g, err := h.SignInFederated(t.Context(), in)
	check(t, err)
	if a := h.account(t, g.User.ID); !slices.Equal(providersOf(a), []string{"custom:acme"}) || !strings.Contains(string(a.Identities[0].Data), `"custom_claims":{"department":"tea"}`) {
		t.Errorf("got %+v", a)
	}
	p.Enabled = false
	put()
	if _, err := h.SignInFederated(t.Context(), in); !errors.Is(err, headykey.ErrUnknownProvider) {
		t.Errorf("disabled: got %v", err)
	}
	p.Enabled, p.Kind = true, headykey.OAuthProvider
	put()
	if _, err := h.SignInFederated(t.Context(), in); !errors.Is(err, headykey.ErrUnknownProvider) {
		t.Errorf("of the other kind: got %v", err)
	}
}

func TestLinkingByHand(t *testing.T) {
	h := buildWays(t, func(c *auth.Config) { c.Apps.Anonymous = true })
	anonymous, err := h.SignUpAnonymously(t.Context(), nil, home)
	check(t, err)
	by := h.caller(t, anonymous)
	g, err := h.LinkFederated(t.Context(), by, h.idToken(t, nil))
	check(t, err)
	if a := h.account(t, g.User.ID); a.ID != by.User || a.Anonymous || a.Email != "jane@example.com" || a.Verified.IsZero() {
		t.Errorf("got %+v", a)
	}
	if letter := <-h.letters; letter.To != "jane@example.com" {
		t.Errorf("got %+v", letter)
	}
	if _, err := h.LinkFederated(t.Context(), by, h.idToken(t, nil)); !errors.Is(err, headykey.ErrIdentityTaken) {
		t.Errorf("twice: got %v", err)
	}
	other, err := h.SignUpAnonymously(t.Context(), nil, home)
	check(t, err)
	if _, err := h.LinkFederated(t.Context(), h.caller(t, other), h.idToken(t, nil)); !errors.Is(err, headykey.ErrIdentityTaken) {
		t.Errorf("of somebody else: got %v", err)
	}
	if a := h.account(t, other.User.ID); !a.Anonymous || a.Email != "" {
		t.Errorf("who was refused has changed: %+v", a)
	}
	if _, err := h.LinkFederated(t.Context(), headykey.Caller{}, h.idToken(t, nil)); !errors.Is(err, headykey.ErrNotSignedIn) {
		t.Errorf("a stranger: got %v", err)
	}
}
