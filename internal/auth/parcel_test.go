package auth_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/store"
)

// app is one that asks for letters.
var app = auth.Asking{Target: "https://app.example/in"}

// A sentLetter is what the hook that sends letters got.
type sentLetter struct {
	hook.EmailData
	user struct {
		ID       headykey.ID `json:"id"`
		Email    string      `json:"email"`
		NewEmail string      `json:"new_email"`
	}
}

func (h *hookHouse) nextLetter(t *testing.T) (l sentLetter) {
	t.Helper()
	in := h.next(t, hook.SendEmail).in
	check(t, json.Unmarshal(in["email_data"], &l.EmailData, json.RejectUnknownMembers(true)))
	check(t, json.Unmarshal(in["user"], &l.user))
	if !strings.Contains(string(in["metadata"]), `"ip_address":"198.51.100.7"`) {
		t.Errorf("metadata %s", in["metadata"])
	}
	return l
}

func buildSending(t *testing.T, answer hookAnswer) *hookHouse {
	return buildHooked(t, map[hook.Name]hookAnswer{hook.SendEmail: answer}, func(c *auth.Config) {
		c.ConfirmEmail, c.AppsURL, c.Throttle = true, base+"/auth/v1", false
	})
}

// shape is a letter with its secrets as marks: c a code, h the token of a link.
func (l sentLetter) shape() hook.EmailData {
	d := l.EmailData
	for _, code := range []*string{&d.Token, &d.TokenNew} {
		if regexp.MustCompile(`^[0-9]{6}$`).MatchString(*code) {
			*code = "c"
		}
	}
	for _, token := range []*string{&d.TokenHash, &d.TokenHashNew} {
		if len(*token) > 40 {
			*token = "h"
		}
	}
	return d
}

func TestTheHookSendsWhatAppsAskFor(t *testing.T) {
	h := buildSending(t, saying(http.StatusOK, "{}"))
	user := h.person(t, ada, headykey.RoleUser)
	h.work(t)
	by := headykey.Caller{User: user.ID, Email: ada, Session: headykey.NewID(), Role: headykey.RoleUser, Method: headykey.ByToken, From: home}
	site := base + "/auth/v1"
	tests := []struct {
		name string
		ask  func() error
		to   string
		want hook.EmailData
	}{
		{"sign-up", func() error {
			_, _, err := h.SignUp(t.Context(), auth.Registration{Email: "new@example.com", Password: password, App: &app, From: home, Surface: auth.AppSurface})
			return err
		}, "new@example.com", hook.EmailData{Token: "c", TokenHash: "h", RedirectTo: app.Target, EmailActionType: "signup", SiteURL: site}},
		{"a link to sign in", func() error {
			return h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: ada, App: app, From: home})
		}, ada, hook.EmailData{Token: "c", TokenHash: "h", RedirectTo: app.Target, EmailActionType: "magiclink", SiteURL: site}},
		{"recovery", func() error {
			return h.Knock(t.Context(), auth.Knock{Wish: auth.KnockRecovery, Email: ada, App: app, From: home})
		}, ada, hook.EmailData{Token: "c", TokenHash: "h", RedirectTo: app.Target, EmailActionType: "recovery", SiteURL: site}},
		{"a code alone", func() error { return h.SendCode(t.Context(), by) }, ada,
			hook.EmailData{Token: "c", EmailActionType: "reauthentication", SiteURL: site}},
		{"another address", func() error {
			_, err := h.ChangeAccount(t.Context(), by, auth.AccountChange{Email: "ada@example.org", App: app, From: home})
			return err
		}, ada, hook.EmailData{
			Token: "c", TokenHash: "h", TokenNew: "c", TokenHashNew: "h", OldEmail: ada,
			RedirectTo: app.Target, EmailActionType: "email_change", SiteURL: site,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, tt.ask())
			l := h.nextLetter(t)
			if got := l.shape(); got != tt.want || l.user.Email != tt.to {
				t.Errorf("got  %+v to %s\nwant %+v to %s", got, l.user.Email, tt.want, tt.to)
			}
		})
	}
	if all := h.mailbox.List(""); len(all) != 0 {
		t.Errorf("%d letters went by mail, too", len(all))
	}
}

// What the hook was given opens what it is said to open; the halves of a change of
// address are crossed as hooks expect it.
func TestWhatTheHookSendsCanBeUsed(t *testing.T) {
	h := buildSending(t, saying(http.StatusOK, "{}"))
	user := h.person(t, ada, headykey.RoleUser)
	h.work(t)
	check(t, h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: ada, App: app, From: home}))
	link := h.nextLetter(t)
	in, err := h.Redeem(t.Context(), auth.Redemption{Type: link.EmailActionType, Token: link.TokenHash, From: home})
	check(t, err)
	by := headykey.Caller{User: user.ID, Email: ada, Session: in.Grant.Session, Role: headykey.RoleUser, Method: headykey.ByToken, From: home}
	_, err = h.ChangeAccount(t.Context(), by, auth.AccountChange{Email: "ada@example.org", App: app, From: home})
	check(t, err)
	change := h.nextLetter(t)
	if change.user.NewEmail != "ada@example.org" {
		t.Errorf("the hook got %+v", change.user)
	}
	half, err := h.Redeem(t.Context(), auth.Redemption{Type: "email_change", Email: ada, Code: change.Token, From: home})
	if err != nil || !half.Half {
		t.Fatalf("the code for the present address: %+v, %v", half, err)
	}
	_, err = h.Redeem(t.Context(), auth.Redemption{Type: "email_change", Token: change.TokenHashNew, From: home})
	if !headykey.Explain(err).Is(headykey.ErrSpentProof) {
		t.Errorf("token_hash_new is not of the letter to the present address: %v", err)
	}
	if whole, err := h.Redeem(t.Context(), auth.Redemption{Type: "email_change", Email: "ada@example.org", Code: change.TokenNew, From: home}); err != nil || whole.Half {
		t.Errorf("the code for the new address: %+v, %v", whole, err)
	}
	if !h.exists(t, "ada@example.org") || h.exists(t, ada) {
		t.Error("the address was not changed")
	}
}

// Letters of our own pages, and those that prove nothing, go by mail as ever.
func TestTheHookSendsNothingElse(t *testing.T) {
	h := buildSending(t, saying(http.StatusOK, "{}"))
	h.person(t, ada, headykey.RoleUser)
	h.work(t)
	_, err := h.Register(t.Context(), auth.Registration{Email: "new@example.com", Password: password, From: home, Surface: "pages"})
	check(t, err)
	_, _, err = h.SignUp(t.Context(), auth.Registration{Email: ada, Password: password, App: &app, From: home, Surface: auth.AppSurface})
	check(t, err)
	h.eventually(t, "a letter of ours", func() bool { return len(h.mailbox.List("new@example.com")) == 1 })
	h.eventually(t, "word that the address is taken", func() bool { return len(h.mailbox.List(ada)) == 1 })
	if n := h.seen(hook.SendEmail); n != 0 {
		t.Errorf("the hook was asked %d times", n)
	}
}

func TestARefusedLetterIsGivenUpAndAFailedOneIsNot(t *testing.T) {
	h := buildSending(t, hookFails)
	h.person(t, ada, headykey.RoleUser)
	h.work(t)
	check(t, h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: ada, App: app, From: home}))
	h.next(t, hook.SendEmail)
	h.next(t, hook.SendEmail) // once more
	h.say(hook.SendEmail, hookRefuses)
	var dead []store.Parcel
	h.eventually(t, "the end of the letter", func() (there bool) {
		var err error
		dead, err = h.box.Dead(t.Context(), 9)
		check(t, err)
		return len(dead) > 0
	})
	if len(dead) != 1 || dead[0].Kind != auth.LetterKind || !strings.HasPrefix(dead[0].Error, "refused for good") {
		t.Errorf("got %+v", dead)
	}
}

// A server whose hook was taken away does not lose what waits for it.
func TestALetterWithoutItsHookIsNotTaken(t *testing.T) {
	h := build(t)
	if err := h.SendLetter(t.Context(), []byte(`{"user":{},"email_data":{},"from":{}}`)); err == nil {
		t.Error("taken by nobody")
	}
	if err := h.SendLetter(t.Context(), []byte(`{`)); !errors.Is(err, outbox.ErrPermanent) {
		t.Errorf("what cannot be read is tried again: %v", err)
	}
}
