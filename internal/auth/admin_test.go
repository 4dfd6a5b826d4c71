package auth_test

import (
	"errors"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// The matrix: every rule, asked at every level.
func TestOnlyAdministratorsMakeAccountsOfOthers(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	ctx, fresh := t.Context(), func() string { return string(headykey.NewID()) + "@example.com" }
	for name, ask := range map[string]func(by headykey.Caller) error{
		"create": func(by headykey.Caller) error {
			_, err := h.CreateAccount(ctx, by, auth.AccountWish{Email: fresh()})
			return err
		},
		"amend": func(by headykey.Caller) error {
			_, err := h.AmendAccount(ctx, by, user.ID, auth.AccountWish{TokenRole: "editor"})
			return err
		},
		"invite": func(by headykey.Caller) error { _, err := h.Invite(ctx, by, fresh(), nil, auth.Asking{}); return err },
		"link": func(by headykey.Caller) error {
			_, err := h.MakeLink(ctx, by, auth.LinkWish{Kind: auth.LinkSignIn, Email: ada})
			return err
		},
	} {
		for who, c := range map[string]struct {
			by   headykey.Caller
			want error
		}{
			"a stranger":             {headykey.Caller{}, headykey.ErrNotSignedIn},
			"a person":               {headykey.Caller{User: user.ID, Role: headykey.RoleUser, Method: headykey.ByToken}, headykey.ErrInsufficientRole},
			"an operator":            {headykey.Caller{User: user.ID, Role: headykey.RoleOperator, Method: headykey.ByToken}, headykey.ErrInsufficientRole},
			"a key for other things": {headykey.Caller{User: user.ID, Role: headykey.RoleAdmin, Method: headykey.ByAPIKey, Scopes: []string{"admin.read"}}, headykey.ErrInsufficientScope},
			"an administrator":       {headykey.Caller{User: user.ID, Role: headykey.RoleAdmin, Method: headykey.ByToken}, nil},
			"the secret key":         {headykey.Caller{Role: headykey.RoleAdmin, Method: headykey.ByService}, nil},
		} {
			if err := ask(c.by); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: got %v, want %v", name, who, err, c.want)
			}
		}
	}
}

func TestABanNeedsWhoKnowsTheRule(t *testing.T) {
	h := build(t)
	day := 24 * time.Hour
	if _, err := h.CreateAccount(t.Context(), headykey.System, auth.AccountWish{Email: ada, Ban: &day}); !errors.Is(err, headykey.ErrFeatureOff) {
		t.Errorf("got %v", err)
	}
	if _, err := h.try(t, ada, password); !errors.Is(err, headykey.ErrBadCredentials) {
		t.Errorf("the account is there: %v", err)
	}
}

// A letter that is under way to an address must not open the account that has moved
// on to another.
func TestAnAddressGivenByAnOperatorVoidsLetters(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	link, err := h.MakeLink(t.Context(), headykey.System, auth.LinkWish{Kind: auth.LinkRecovery, Email: ada})
	check(t, err)
	_, err = h.AmendAccount(t.Context(), headykey.System, user.ID, auth.AccountWish{Email: "countess@example.com"})
	check(t, err)
	if _, err := h.Redeem(t.Context(), auth.Redemption{Type: "recovery", Token: link.Token, From: home}); !errors.Is(err, headykey.ErrSpentProof) {
		t.Errorf("got %v, want ErrSpentProof", err)
	}
}

func TestANumberThatAnAccountGaveUpIsFree(t *testing.T) {
	h := build(t)
	a, err := h.CreateAccount(t.Context(), headykey.System, auth.AccountWish{Phone: "+4930123456"})
	check(t, err)
	if a.Email != "" || a.Profile.Phone != "4930123456" || !a.Profile.PhoneVerified.IsZero() || len(a.Identities) != 1 || a.Identities[0].Provider != "phone" {
		t.Errorf("got %+v", a)
	}
	if _, err := h.CreateAccount(t.Context(), headykey.System, auth.AccountWish{Phone: "4930123456"}); !errors.Is(err, headykey.ErrPhoneTaken) {
		t.Errorf("while it is taken: got %v", err)
	}
	a, err = h.AmendAccount(t.Context(), headykey.System, a.ID, auth.AccountWish{Phone: "4930654321", PhoneVerified: true})
	check(t, err)
	if a.Profile.Phone != "4930654321" || a.Profile.PhoneVerified.IsZero() || len(a.Identities) != 1 {
		t.Errorf("got %+v", a)
	}
	_, err = h.CreateAccount(t.Context(), headykey.System, auth.AccountWish{Phone: "4930123456"})
	check(t, err)
}
