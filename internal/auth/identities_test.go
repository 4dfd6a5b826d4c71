package auth_test

import (
	"errors"
	"slices"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// identity returns the id of an account's identity at a provider.
func (h *waysHouse) identity(t *testing.T, user headykey.ID, provider string) headykey.ID {
	t.Helper()
	i := h.account(t, user).Identity(provider)
	if i == nil {
		t.Fatalf("no identity at %s", provider)
	}
	return i.ID
}

// both returns the grant of an account that is known by its address and by Google.
func (h *waysHouse) both(t *testing.T, change map[string]any) *auth.Grant {
	t.Helper()
	g, err := h.Register(t.Context(), auth.Registration{Email: "jane@example.com", Password: password, From: home, Surface: auth.AppSurface})
	check(t, err)
	g, err = h.LinkFederated(t.Context(), h.caller(t, g), h.idToken(t, change))
	check(t, err)
	return g
}

func unconfirmed(c *auth.Config) { c.ConfirmEmail = false }

func TestTheAddressStaysWhereAProviderGoes(t *testing.T) {
	h := buildWays(t, unconfirmed)
	g := h.both(t, nil)
	by := h.caller(t, g)
	id := h.identity(t, by.User, "google")
	check(t, h.Unlink(t.Context(), by, id))
	a := h.account(t, by.User)
	if a.Email != "jane@example.com" || !slices.Equal(providersOf(a), []string{"email"}) {
		t.Errorf("got %+v", a)
	}
	if got := h.bodies(t, "identity.unlinked"); len(got) != 1 {
		t.Errorf("receipts: got %+v", got)
	}
	if err := h.Unlink(t.Context(), by, h.identity(t, by.User, "email")); !errors.Is(err, headykey.ErrLastIdentity) {
		t.Errorf("the last one: got %v", err)
	}
	again, err := h.google(t, map[string]any{"email": "jane@elsewhere.example"})
	check(t, err)
	if again.User.ID == by.User {
		t.Error("the provider still opens the account")
	}
}

func TestWithTheAddressGoesThePassword(t *testing.T) {
	h := buildWays(t, unconfirmed)
	g := h.both(t, map[string]any{"email": "jane@gmail.example"})
	by := h.caller(t, g)
	check(t, h.Unlink(t.Context(), by, h.identity(t, by.User, "email")))
	if a := h.account(t, by.User); a.Email != "jane@gmail.example" || a.Verified.IsZero() || !slices.Equal(providersOf(a), []string{"google"}) {
		t.Errorf("got %+v", a)
	}
	for _, email := range []string{"jane@example.com", "jane@gmail.example"} {
		if _, err := h.try(t, email, password); !errors.Is(err, headykey.ErrBadCredentials) {
			t.Errorf("%s: got %v", email, err)
		}
	}
	if _, err := h.Register(t.Context(), auth.Registration{Email: "jane@example.com", Password: password, From: home, Surface: "api"}); err != nil {
		t.Errorf("the address is not free: %v", err)
	}
}

func TestAnAddressIsNotTakenFromAnotherAccountByUnlinking(t *testing.T) {
	h := buildWays(t, unconfirmed)
	h.person(t, "jane@gmail.example", headykey.RoleUser)
	by := h.caller(t, h.both(t, map[string]any{"email": "jane@gmail.example"}))
	if err := h.Unlink(t.Context(), by, h.identity(t, by.User, "email")); !errors.Is(err, headykey.ErrEmailTaken) {
		t.Errorf("got %v", err)
	}
	if a := h.account(t, by.User); a.Email != "jane@example.com" || len(a.Identities) != 2 {
		t.Errorf("got %+v", a)
	}
}

func TestAWalletAloneHasNoAddress(t *testing.T) {
	h := buildWays(t)
	g, err := h.wallet(t, waysMessage{})
	check(t, err)
	by := h.caller(t, g)
	_, err = h.LinkFederated(t.Context(), by, h.idToken(t, nil))
	check(t, err)
	if a := h.account(t, by.User); a.Email != "jane@example.com" {
		t.Errorf("with Google: got %+v", a)
	}
	check(t, h.Unlink(t.Context(), by, h.identity(t, by.User, "google")))
	if a := h.account(t, by.User); a.Email != "" || !a.Verified.IsZero() || !slices.Equal(providersOf(a), []string{"web3"}) {
		t.Errorf("without: got %+v", a)
	}
}

func TestIdentitiesOfOthersAreNotThere(t *testing.T) {
	h := buildWays(t, unconfirmed)
	by := h.caller(t, h.both(t, nil))
	other, err := h.google(t, map[string]any{"sub": "2", "email": "joe@example.com"})
	check(t, err)
	if err := h.Unlink(t.Context(), by, h.identity(t, other.User.ID, "google")); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := h.Unlink(t.Context(), headykey.Caller{}, headykey.NewID()); !errors.Is(err, headykey.ErrNotSignedIn) {
		t.Errorf("a stranger: got %v", err)
	}
}
