package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// enterApp signs in at the door of apps.
func (h *hookHouse) enterApp(t *testing.T, email, password string) (*auth.Grant, error) {
	t.Helper()
	return h.Login(t.Context(), auth.PasswordLogin{Email: email, Password: password, From: home, Surface: auth.AppSurface})
}

func TestAHookChangesWhatATokenSays(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.CustomAccessToken: claimsWith(t, `{"plan":"gold","role":"editor","user_metadata":null}`)})
	h.person(t, ada, headykey.RoleUser)
	g, err := h.enterApp(t, ada, password)
	check(t, err)
	claims := saysOf(t, g.Access)
	if claims["plan"] != "gold" || claims["role"] != "editor" || claims["user_metadata"] != nil || claims["sub"] != string(g.User.ID) {
		t.Errorf("got %v", claims)
	}
	if by, _, err := h.BySession(t.Context(), g.Access, home); err != nil || by.User != g.User.ID || by.Role != headykey.RoleUser {
		t.Errorf("the token is read as %+v, %v", by, err)
	}
	again, err := h.RefreshSession(t.Context(), g.Refresh, home)
	check(t, err)
	if got := saysOf(t, again.Access)["plan"]; got != "gold" {
		t.Errorf("after a refresh: plan %v", got)
	}
	var methods []string
	for _, v := range []hookVisit{h.next(t, hook.CustomAccessToken), h.next(t, hook.CustomAccessToken)} {
		methods = append(methods, string(v.in["authentication_method"]))
		if got := string(v.in["user_id"]); got != `"`+string(g.User.ID)+`"` {
			t.Errorf("user_id %s", got)
		}
		if meta := string(v.in["metadata"]); !strings.Contains(meta, `"ip_address":"198.51.100.7"`) {
			t.Errorf("metadata %s", meta)
		}
	}
	if want := []string{`"password"`, `"token_refresh"`}; !slices.Equal(methods, want) {
		t.Errorf("methods %v, want %v", methods, want)
	}
}

func TestTokensOfOtherSurfacesAreNoHooks(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.CustomAccessToken: hookRefuses})
	h.person(t, ada, headykey.RoleUser)
	h.signIn(t, ada)
	if n := h.seen(hook.CustomAccessToken); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestAHookMayShortenATokensLife(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{
		hook.CustomAccessToken: claimsWith(t, fmt.Sprintf(`{"exp":%d}`, time.Now().Add(5*time.Minute).Unix())),
	})
	h.person(t, ada, headykey.RoleUser)
	g, err := h.enterApp(t, ada, password)
	check(t, err)
	if g.Life > 5*time.Minute || g.Life < 4*time.Minute {
		t.Errorf("the token is said to live %v", g.Life)
	}
}

// Whatever a hook gets wrong, there is no token, and no session is left behind.
func TestAMistakenHookMakesNoToken(t *testing.T) {
	big := `"` + strings.Repeat("x", 8<<10) + `"`
	tests := []struct {
		name   string
		answer hookAnswer
		want   *headykey.Error
	}{
		{"another person", claimsWith(t, `{"sub":"`+string(headykey.NewID())+`"}`), headykey.ErrInternal},
		{"another session", claimsWith(t, `{"session_id":"`+string(headykey.NewID())+`"}`), headykey.ErrInternal},
		{"a better proof", claimsWith(t, `{"aal":"aal2"}`), headykey.ErrInternal},
		{"another audience", claimsWith(t, `{"aud":"https://api.test"}`), headykey.ErrInternal},
		{"many audiences", claimsWith(t, `{"aud":["authenticated"]}`), headykey.ErrInternal},
		{"another issuer", claimsWith(t, `{"iss":"https://id.test"}`), headykey.ErrInternal},
		{"a later end", claimsWith(t, `{"exp":4102444800}`), headykey.ErrInternal},
		{"an end before now", claimsWith(t, `{"exp":1}`), headykey.ErrInternal},
		{"a later beginning", claimsWith(t, `{"iat":4102444800}`), headykey.ErrInternal},
		{"an agent", claimsWith(t, `{"identity_type":"agent"}`), headykey.ErrInternal},
		{"no role", claimsWith(t, `{"role":""}`), headykey.ErrInternal},
		{"a number for a role", claimsWith(t, `{"role":7}`), headykey.ErrInternal},
		{"a required claim is gone", claimsWith(t, `{"email":null}`), headykey.ErrInternal},
		{"claims twice", saying(http.StatusOK, `{"claims":{"sub":"a","sub":"b"}}`), headykey.ErrInternal},
		{"no claims", saying(http.StatusOK, `{}`), headykey.ErrInternal},
		{"too much", claimsWith(t, `{"big":`+big+`}`), headykey.ErrHookTooLarge},
		{"a refusal", hookRefuses, headykey.ErrHookRefused},
		{"a failure", hookFails, headykey.ErrInternal},
	}
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.CustomAccessToken: hookMute}, func(c *auth.Config) { c.Throttle = false })
	user := h.person(t, ada, headykey.RoleUser)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.say(hook.CustomAccessToken, tt.answer)
			g, err := h.enterApp(t, ada, password)
			if g != nil || !headykey.Explain(err).Is(tt.want) {
				t.Errorf("got %v, %v; want %v", g, err, tt.want)
			}
			if n := h.liveSessions(t, user.ID); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
}

// A refresh whose token no hook let pass is not lost: the same refresh token is
// answered once the hook is well again.
func TestARefreshOutlivesAFailingHook(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.CustomAccessToken: hookMute})
	h.person(t, ada, headykey.RoleUser)
	g, err := h.enterApp(t, ada, password)
	check(t, err)
	h.say(hook.CustomAccessToken, hookFails)
	if _, err := h.RefreshSession(t.Context(), g.Refresh, home); !headykey.Explain(err).Is(headykey.ErrInternal) {
		t.Errorf("got %v", err)
	}
	h.say(hook.CustomAccessToken, hookMute)
	if again, err := h.RefreshSession(t.Context(), g.Refresh, home); err != nil || again.Access == "" {
		t.Errorf("got %v, %v", again, err)
	}
}

// beginnings are the ways to an account of one's own.
var beginnings = []struct {
	name     string
	provider string
	begin    func(t *testing.T, h *hookHouse) error
}{
	{"at the HeadyKey API", headykey.ByEmail, func(t *testing.T, h *hookHouse) error {
		_, err := h.Register(t.Context(), auth.Registration{Email: "new@example.com", Password: password, From: home, Surface: "api"})
		return err
	}},
	{"by an app", headykey.ByEmail, func(t *testing.T, h *hookHouse) error {
		_, _, err := h.SignUp(t.Context(), auth.Registration{
			Email: "new@example.com", Password: password, App: &auth.Asking{}, From: home, Surface: auth.AppSurface,
		})
		return err
	}},
	{"anonymously", "", func(t *testing.T, h *hookHouse) error {
		_, err := h.SignUpAnonymously(t.Context(), nil, home)
		return err
	}},
}

func anonymousToo(c *auth.Config) { c.Apps.Anonymous = true }

func TestAHookIsAskedBeforeEveryAccountOfOnesOwn(t *testing.T) {
	for _, way := range beginnings {
		for _, confirm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, confirmed %t", way.name, confirm), func(t *testing.T) {
				h := buildHooked(t, map[hook.Name]hookAnswer{hook.BeforeUserCreated: hookRefuses},
					anonymousToo, func(c *auth.Config) { c.ConfirmEmail = confirm })
				err := way.begin(t, h)
				no, ok := errors.AsType[*hook.Refusal](err)
				if !ok || *no != (hook.Refusal{Status: 403, Message: "Not on a Sunday."}) {
					t.Fatalf("got %v", err)
				}
				if got := h.bodies(t, "account.created"); len(got) != 0 {
					t.Errorf("%d accounts were made", len(got))
				}
				h.say(hook.BeforeUserCreated, hookMute)
				check(t, way.begin(t, h))
				if got := h.bodies(t, "account.created"); len(got) != 1 {
					t.Errorf("%d accounts were made, want 1", len(got))
				}
				var user struct {
					ID   headykey.ID `json:"id"`
					Meta struct {
						Provider string `json:"provider"`
					} `json:"app_metadata"`
					Identities []any `json:"identities"`
				}
				check(t, json.Unmarshal(h.next(t, hook.BeforeUserCreated).in["user"], &user))
				if user.ID == "" || user.Meta.Provider != way.provider || len(user.Identities) != 0 {
					t.Errorf("the hook got %+v", user)
				}
			})
		}
	}
}

// A hook that answers late, or is not there, has not agreed.
func TestAFailingHookMakesNoAccount(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.BeforeUserCreated: hookFails}, anonymousToo)
	for _, way := range beginnings {
		if err := way.begin(t, h); !headykey.Explain(err).Is(headykey.ErrInternal) {
			t.Errorf("%s: got %v", way.name, err)
		}
	}
	if got := h.bodies(t, "account.created"); len(got) != 0 {
		t.Errorf("%d accounts were made", len(got))
	}
}

// Where addresses are confirmed, a refusal does not tell whether one is taken.
func TestAHookIsAskedForTakenAddressesToo(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.BeforeUserCreated: hookRefuses}, func(c *auth.Config) { c.ConfirmEmail = true })
	h.person(t, "new@example.com", headykey.RoleUser)
	if _, ok := errors.AsType[*hook.Refusal](beginnings[0].begin(t, h)); !ok || h.seen(hook.BeforeUserCreated) != 1 {
		t.Error("a taken address is answered otherwise")
	}
}

func TestNoHookIsAskedAboutAccountsThatOperatorsMake(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.BeforeUserCreated: hookRefuses, hook.AfterUserCreated: hookMute})
	link, err := h.NewSetupLink(t.Context())
	check(t, err)
	_, token, _ := strings.Cut(link, "token=")
	root, err := h.SetUp(t.Context(), token, auth.Registration{Email: "root@example.com", Password: password, From: home, Surface: "api"})
	check(t, err)
	by := headykey.Caller{User: root.User.ID, Role: headykey.RoleAdmin, Method: headykey.BySession}
	_, err = h.CreateUser(t.Context(), by, auth.NewUser{Email: ada, Role: headykey.RoleUser})
	check(t, err)
	if n := h.seen(hook.BeforeUserCreated); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestARefusedKnockMakesNoAccountAndSendsNoLetter(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.BeforeUserCreated: hookRefuses})
	h.person(t, ada, headykey.RoleUser)
	for _, email := range []string{"new@example.com", ada} {
		check(t, h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: email, Create: true, From: home}))
	}
	h.work(t)
	h.next(t, hook.BeforeUserCreated)
	h.eventually(t, "the known person's letter", func() bool { return len(h.mailbox.List(ada)) == 1 })
	if h.exists(t, "new@example.com") || len(h.mailbox.List("new@example.com")) != 0 || h.seen(hook.BeforeUserCreated) != 1 {
		t.Error("a refused knock did something, or the hook was asked about a known address")
	}
	h.say(hook.BeforeUserCreated, hookMute)
	check(t, h.Knock(t.Context(), auth.Knock{Wish: auth.KnockSignIn, Email: "late@example.com", Create: true, From: home}))
	h.eventually(t, "the new person's letter", func() bool { return len(h.mailbox.List("late@example.com")) == 1 })
}

// eventually returns once there is what is waited for.
func (h *hookHouse) eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	end := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !there() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come", what)
		}
	}
}

func TestAHookIsToldOfANewAccount(t *testing.T) {
	for _, way := range beginnings {
		t.Run(way.name, func(t *testing.T) {
			h := buildHooked(t, map[hook.Name]hookAnswer{hook.AfterUserCreated: hookRefuses}, anonymousToo)
			check(t, way.begin(t, h))
			h.Close() // it is told by then
			if n := h.seen(hook.AfterUserCreated); n != 1 {
				t.Fatalf("told %d times", n)
			}
			var user struct {
				ID         headykey.ID      `json:"id"`
				Created    time.Time        `json:"created_at"`
				Identities []jsontext.Value `json:"identities"`
			}
			check(t, json.Unmarshal(h.next(t, hook.AfterUserCreated).in["user"], &user))
			identities := 1
			if way.provider == "" {
				identities = 0
			}
			if made := h.bodies(t, "account.created"); len(made) != 1 || user.ID == "" || user.Created.IsZero() || len(user.Identities) != identities {
				t.Errorf("told of %+v", user)
			}
		})
	}
}

// Who hangs up is told of nevertheless; who gets no account is not.
func TestAHookIsToldThoughNobodyWaits(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.BeforeUserCreated: hookMute, hook.AfterUserCreated: hookMute}, anonymousToo)
	ctx, cancel := context.WithCancel(t.Context())
	h.say(hook.AfterUserCreated, func(map[string]jsontext.Value) (int, string) { cancel(); return http.StatusNoContent, "" })
	_, err := h.SignUpAnonymously(ctx, nil, home)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h.next(t, hook.AfterUserCreated)
	h.say(hook.BeforeUserCreated, hookRefuses)
	if err := beginnings[2].begin(t, h); err == nil {
		t.Error("not refused")
	}
	h.Close()
	if n := h.seen(hook.AfterUserCreated); n != 1 {
		t.Errorf("told %d times of one account", n)
	}
}

func TestAHookJudgesPasswords(t *testing.T) {
	rejects := saying(http.StatusOK, `{"decision":"reject","message":"Come back on Monday."}`)
	tests := []struct {
		name, password string
		answer         hookAnswer
		want           *headykey.Error
		text           string
	}{
		{"right, and let in", password, saying(http.StatusOK, `{"decision":"continue"}`), nil, ""},
		{"right, and nothing said", password, hookMute, nil, ""},
		{"right, and rejected", password, rejects, headykey.ErrBadCredentials, "Come back on Monday."},
		{"wrong, and let go on", "not this one", saying(http.StatusOK, `{"decision":"continue"}`), headykey.ErrBadCredentials, headykey.ErrBadCredentials.Text},
		{"wrong, and rejected", "not this one", rejects, headykey.ErrBadCredentials, "Come back on Monday."},
		{"right, and no answer", password, hookFails, headykey.ErrInternal, headykey.ErrInternal.Text},
		{"wrong, and no answer", "not this one", hookFails, headykey.ErrInternal, headykey.ErrInternal.Text},
		{"right, and a decision nobody knows", password, saying(http.StatusOK, `{"decision":"maybe"}`), headykey.ErrInternal, headykey.ErrInternal.Text},
		{"right, and an error", password, hookRefuses, headykey.ErrHookRefused, "Not on a Sunday."},
	}
	for _, surface := range []string{"api", "pages", auth.AppSurface} {
		for _, tt := range tests {
			t.Run(surface+": "+tt.name, func(t *testing.T) {
				h := buildHooked(t, map[hook.Name]hookAnswer{hook.PasswordVerificationAttempt: tt.answer})
				user := h.person(t, ada, headykey.RoleUser)
				_, err := h.Login(t.Context(), auth.PasswordLogin{Email: ada, Password: tt.password, From: home, Surface: surface})
				if tt.want == nil {
					check(t, err)
				} else if e := headykey.Explain(err); !e.Is(tt.want) || e.Text != tt.text {
					t.Errorf("got %v, want %v: %s", err, tt.want.Code, tt.text)
				}
				in := h.next(t, hook.PasswordVerificationAttempt).in
				if right := fmt.Sprint(tt.password == password); string(in["valid"]) != right || string(in["user_id"]) != `"`+string(user.ID)+`"` {
					t.Errorf("the hook got user %s, valid %s", in["user_id"], in["valid"])
				}
				refused := len(h.bodies(t, "session.refused"))
				if (refused == 1) != (tt.want != nil) {
					t.Errorf("%d refusals are told", refused)
				}
			})
		}
	}
}

// Whoever has no account has no id to tell; the answer is that of a wrong password.
func TestNoHookIsAskedAboutAddressesOfNobody(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.PasswordVerificationAttempt: hookRefuses})
	if _, err := h.try(t, ada, password); !errors.Is(err, headykey.ErrBadCredentials) || h.seen(hook.PasswordVerificationAttempt) != 0 {
		t.Errorf("got %v after %d questions", err, h.seen(hook.PasswordVerificationAttempt))
	}
}

func TestAHookEndsTheSessionsOfAPersonUnderAttack(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.PasswordVerificationAttempt: hookMute})
	user := h.person(t, ada, headykey.RoleUser)
	h.signIn(t, ada)
	h.say(hook.PasswordVerificationAttempt, saying(http.StatusOK, `{"decision":"reject","should_logout_user":true}`))
	if _, err := h.try(t, ada, "not this one"); !errors.Is(err, headykey.ErrBadCredentials) {
		t.Errorf("got %v", err)
	}
	if n := h.liveSessions(t, user.ID); n != 0 {
		t.Errorf("%d sessions live on", n)
	}
	if ended := h.bodies(t, "session.ended"); len(ended) != 1 || fmt.Sprint(ended[0].Details["reason"]) != "hook" {
		t.Errorf("receipts: %+v", ended)
	}
}

// A password that proves somebody anew is a password that was tried.
func TestAHookJudgesProofsOfPeopleWhoAreSignedIn(t *testing.T) {
	h := buildHooked(t, map[hook.Name]hookAnswer{hook.PasswordVerificationAttempt: hookMute})
	user := h.person(t, ada, headykey.RoleUser)
	g := h.signIn(t, ada)
	by := headykey.Caller{User: user.ID, Email: ada, Session: g.Session, Role: headykey.RoleUser, Method: headykey.BySession, From: home}
	check(t, h.ProveAgain(t.Context(), by, password))
	h.say(hook.PasswordVerificationAttempt, saying(http.StatusOK, `{"decision":"reject"}`))
	if err := h.ProveAgain(t.Context(), by, password); !errors.Is(err, headykey.ErrBadCredentials) {
		t.Errorf("got %v", err)
	}
	if n := h.seen(hook.PasswordVerificationAttempt); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}

func TestAPasswordThatWouldNotBeTakenTodayIsTold(t *testing.T) {
	h := build(t)
	user := h.person(t, ada, headykey.RoleUser)
	g := h.signIn(t, ada)
	if g.Weak != nil {
		t.Errorf("a good password is %v", g.Weak)
	}
	hash, err := h.pool.Hash(t.Context(), "adaada")
	check(t, err)
	h.update(t, func(tx *store.Tx) error { return tx.SetPassword(user.ID, hash) })
	g, err = h.try(t, ada, "adaada")
	check(t, err)
	if !slices.Contains(g.Weak, secret.TooShort) {
		t.Errorf("got %v", g.Weak)
	}
}
