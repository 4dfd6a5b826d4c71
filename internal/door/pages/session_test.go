package pages_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

const sessionCookie = "__heady_session"

// caller returns whose session the browser holds.
func (b *browser) caller(t *testing.T) headykey.Caller {
	t.Helper()
	c := b.cookies[sessionCookie]
	if c == nil {
		t.Fatalf("no session among %v", b.cookies)
	}
	by, err := b.house.auth.ByCookie(t.Context(), c.Value, headykey.From{})
	check(t, err)
	return by
}

func TestANewProofIsOfTheSameSession(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	c, b := h.app(t), h.visitor()
	_, a := b.atConsent(t, c)
	b.post("/consent", a.fill("scope", "email", "duration", "34d", "decision", "allow")).sent(t)
	first := b.caller(t)

	at, a := b.follow(t, asking(c, "prompt", "login"))
	if !strings.HasPrefix(at, "/sign-in?") {
		t.Fatalf("at %s", at)
	}
	a.want(t, http.StatusOK, "You are signed in as <strong>ada@example.com</strong>. Sign in again to go on.", `value="ada@example.com"`)
	if to, _ := b.follow(t, b.signIn(t, a, email)); wantAnswer(t, to, callback).Get("code") == "" {
		t.Errorf("sent to %s", to)
	}
	if again := b.caller(t); again.Session != first.Session || !again.Proven.After(first.Proven) {
		t.Errorf("got %+v after %+v", again, first)
	}

	_, a = b.follow(t, asking(c, "prompt", "login", "login_hint", "grace@example.com"))
	a.want(t, http.StatusOK, `value="grace@example.com"`)
	h.person(t, "grace@example.com")
	b.signIn(t, a, "grace@example.com")
	if other := b.caller(t); other.Session == first.Session || other.Email != "grace@example.com" {
		t.Errorf("another person goes on with %+v", other)
	}
}

func TestTwoTabsDoNotDisturbEachOther(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	c, d, b := h.app(t), h.app(t, func(w *oauth.ClientWish) { w.Name = "Other" }), h.visitor()
	at1, one := b.follow(t, asking(c))
	at2, two := b.follow(t, asking(d))
	_, consent1 := b.follow(t, b.signIn(t, one, email))
	session := b.caller(t).Session
	b.get(at2).want(t, http.StatusOK, "You are signed in as", `>Continue as ada@example.com</a>`, "Other")
	_, consent2 := b.follow(t, b.signIn(t, two, email))
	if got := b.caller(t).Session; got != session {
		t.Errorf("session %s, then %s", session, got)
	}
	consent2.want(t, http.StatusOK, "Other")
	wantAnswer(t, b.post("/consent", consent1.fill("decision", "deny")).sent(t), callback, "error", "access_denied")
	wantAnswer(t, b.post("/consent", consent2.fill("scope", "email", "decision", "allow")).sent(t), callback, "error", "")
	b.get(at1).want(t, http.StatusBadRequest, "This link has run out", "If you finished it in another tab, nothing is lost.")
}

func TestOnlyTheBrowserThatBeganGoesOn(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	c, b := h.app(t), h.visitor()
	at, _ := b.follow(t, asking(c))
	other := h.visitor()
	other.get("/")
	for _, path := range []string{"/sign-in", "/sign-up", "/sign-up/sent", "/select-account", "/consent"} {
		u, err := url.Parse(at)
		check(t, err)
		other.get(path+"?"+u.RawQuery).want(t, http.StatusBadRequest, "This link has run out").lacks(t, "Acme Notes")
		if path == "/consent" || path == "/select-account" {
			other.get(path).want(t, http.StatusBadRequest, "This link has run out")
		}
	}
	_, a := b.atConsent(t, c)
	for _, path := range []string{"/consent", "/consent/leave", "/select-account", "/sign-in", "/sign-up"} {
		in := a.fill("decision", "allow")
		in.Del("csrf_token")
		b.post(path, in).want(t, http.StatusForbidden, "This form is out of date")
		b.do(posting(path, a.fill("decision", "allow"), "Origin", "https://evil.example")).want(t, http.StatusForbidden)
		other.post(path, a.fill("decision", "allow")).want(t, http.StatusForbidden)
	}
}

func TestTheAnswerIsOfWhoWasAsked(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	h.person(t, "eve@example.com")
	c, b := h.app(t), h.visitor()
	at, a := b.atConsent(t, c)
	b.post("/sign-in", b.get("/sign-in").want(t, http.StatusOK, "You are signed in as <strong>ada@example.com</strong>.").
		fill("email", "eve@example.com", "password", goodPassword)).leads(t, "/")
	b.post("/consent", a.fill("decision", "allow", "scope", "email")).leads(t, at)
	b.get(at).want(t, http.StatusOK, "eve@example.com").lacks(t, email)

	delete(b.cookies, sessionCookie)
	b.post("/consent", a.fill("decision", "allow")).leads(t, at)
	if to := b.get(at).sent(t); !strings.HasPrefix(to, "/sign-in?") {
		t.Errorf("sent to %s", to)
	}
}

func TestNotYouSignsOutAndKeepsTheRequest(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	h.person(t, "grace@example.com")
	b := h.visitor()
	at, a := b.atConsent(t, h.app(t))
	by, old := b.caller(t), b.cookies[sessionCookie].Value
	leave := url.Values{}
	form := regexp.MustCompile(`(?s)<form method="post" action="/consent/leave".*?</form>`).FindString(a.Body.String())
	for _, found := range regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		leave.Set(found[1], found[2])
	}
	stranger := url.Values{"csrf_token": leave["csrf_token"], "request": leave["request"], "session": {string(headykey.NewID())}}
	b.post("/consent/leave", stranger).leads(t, at)
	if got := b.caller(t); got.Session != by.Session {
		t.Errorf("got %+v", got)
	}
	to := b.post("/consent/leave", leave).sent(t)
	if _, err := h.auth.ByCookie(t.Context(), old, headykey.From{}); err == nil || b.cookies[sessionCookie] != nil {
		t.Error("the session lives on")
	}
	page := b.get(to).want(t, http.StatusOK, "Acme Notes").lacks(t, "You are signed in")
	_, page = b.follow(t, b.signIn(t, page, "grace@example.com"))
	page.want(t, http.StatusOK, "grace@example.com", ">Allow</button>")
}

func TestAPersonChoosesTheirAccount(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	h.person(t, "grace@example.com")
	c, b := h.app(t), h.visitor()
	_, _ = b.atConsent(t, c) // who signs in for it has chosen by that
	at, a := b.follow(t, asking(c, "prompt", "select_account"))
	if !strings.HasPrefix(at, "/select-account?") {
		t.Fatalf("at %s", at)
	}
	a.want(t, http.StatusOK, "<h1>Choose an account</h1>", ">Continue as ada@example.com</button>", ">Use another account</a>", "Acme Notes")
	changed := a.fill("session", string(headykey.NewID()))
	b.post("/select-account", changed).leads(t, at)
	to := b.post("/select-account", a.fill()).sent(t)
	b.get(to).want(t, http.StatusOK, ">Allow</button>")

	_, a = b.follow(t, asking(c, "prompt", "select_account"))
	other := regexp.MustCompile(`href="(/sign-in\?request=[^"]+)"`).FindStringSubmatch(a.Body.String())[1]
	a = b.get(other).want(t, http.StatusOK, "You are signed in as <strong>ada@example.com</strong>.", "Continue as ada@example.com")
	if b.caller(t).Email != email {
		t.Error("the way to another account ended the session")
	}
	_, a = b.follow(t, b.signIn(t, a, "grace@example.com"))
	a.want(t, http.StatusOK, "grace@example.com", ">Allow</button>")

	fresh := h.visitor()
	_, a = fresh.follow(t, asking(c, "prompt", "select_account"))
	_, a = fresh.follow(t, fresh.signIn(t, a, email))
	a.want(t, http.StatusOK, ">Allow</button>")
}

// An id_token_hint of another person asks for them.
func TestTheAppMayAskForAnotherAccount(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	grace := h.person(t, "grace@example.com")
	c, b := h.app(t, func(w *oauth.ClientWish) {
		w.Grants = []string{"authorization_code", "implicit"}
		w.Details.Responses = []string{"code", "id_token"}
	}), h.visitor()
	_, a := b.follow(t, asking(c, "response_type", "id_token", "scope", "openid"))
	_, a = b.follow(t, b.signIn(t, a, email))
	to := b.post("/consent", a.fill("decision", "allow")).sent(t)
	u, err := url.Parse(to)
	check(t, err)
	in, err := url.ParseQuery(u.Fragment)
	check(t, err)
	hint := in.Get("id_token")
	_ = grace

	other := h.visitor()
	other.post("/sign-in", other.get("/sign-in").fill("email", "grace@example.com", "password", goodPassword)).leads(t, "/")
	_, a = other.follow(t, asking(c, "id_token_hint", hint))
	a.want(t, http.StatusOK, "You are signed in as <strong>grace@example.com</strong>, but the app asks for another account.").
		lacks(t, `value="grace@example.com"`, "Continue as")
}

func TestRefusalsOfTheSignInPage(t *testing.T) {
	h := build(t, plan{confirm: true})
	_, err := h.auth.Register(t.Context(), auth.Registration{Email: "new@example.com", Password: goodPassword})
	check(t, err)
	gone := h.person(t, "gone@example.com")
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		u, err := tx.User(gone.ID)
		if err != nil {
			return err
		}
		u.Disabled = tx.Now
		return tx.UpdateUser(u, "")
	}))
	b := h.visitor()
	try := func(email, password string) answer {
		b.post("/sign-in", b.get("/sign-in").fill("email", email, "password", password)).leads(t, "/sign-in")
		return b.get("/sign-in")
	}
	try("new@example.com", "wrong"+goodPassword).want(t, http.StatusOK, "The email or password is not right.")
	try("new@example.com", goodPassword).want(t, http.StatusOK, "Check new@example.com for a link to confirm your address.")
	try("gone@example.com", "wrong"+goodPassword).want(t, http.StatusOK, "The email or password is not right.")
	try("gone@example.com", goodPassword).want(t, http.StatusOK, "This account is suspended. Ask your administrator.")

	for _, email := range []string{"nobody@example.com", "new@example.com"} {
		var last answer
		for range 21 {
			if last = try(email, "wrong"); last.Code != http.StatusOK {
				break
			}
			last.want(t, http.StatusOK, "The email or password is not right.")
		}
		told := regexp.MustCompile(`Too many tries\. Wait (a second|\d+ seconds)\.`).FindString(last.Body.String())
		if last.Code != http.StatusTooManyRequests || told == "" || last.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d, Retry-After %q: %s", email, last.Code, last.Header().Get("Retry-After"), last.Body)
		}
		b.get("/sign-in").want(t, http.StatusOK).lacks(t, "Too many tries")
	}
}

// register sends the form of a new account and returns where it leads.
func (b *browser) register(t *testing.T, a answer, email, password string) string {
	t.Helper()
	return b.post("/sign-up", a.fill("name", "New Person", "email", email, "password", password)).sent(t)
}

func TestANewPersonGoesOnToTheApp(t *testing.T) {
	h := build(t, plan{})
	h.person(t, "taken@example.com")
	c, b := h.app(t), h.visitor()
	at, a := b.follow(t, asking(c, "prompt", "create", "login_hint", email))
	if !strings.HasPrefix(at, "/sign-up?") {
		t.Fatalf("at %s", at)
	}
	a.want(t, http.StatusOK, "<h1>Create an account</h1>", "Acme Notes", `value="ada@example.com"`, `href="/sign-in?request=`)
	for password, fault := range map[string]string{"": "Choose a password.", "password": "This password is among the first that anybody tries."} {
		if to := b.register(t, a, email, password); to != at {
			t.Errorf("sent to %s", to)
		}
		b.get(at).want(t, http.StatusOK, fault, `value="New Person"`, `aria-invalid="true"`)
	}
	if to := b.register(t, a, "taken@example.com", goodPassword); to != at {
		t.Errorf("sent to %s", to)
	}
	b.get(at).want(t, http.StatusOK, "An account with this email address exists already.")

	at, a = b.follow(t, b.register(t, a, email, goodPassword))
	if !strings.HasPrefix(at, "/consent?") || b.caller(t).Email != email {
		t.Fatalf("at %s", at)
	}
	a.want(t, http.StatusOK, "New Person")
	other := h.visitor()
	if to := other.register(t, other.get("/sign-up"), "alone@example.com", goodPassword); to != "/" {
		t.Errorf("without an app: sent to %s", to)
	}
}

func TestAnAddressIsConfirmedOnTheWayToTheApp(t *testing.T) {
	h := build(t, plan{confirm: true})
	h.person(t, "taken@example.com")
	c := h.app(t)
	seen := map[string]string{}
	for _, address := range []string{"taken@example.com", "fresh@example.com"} {
		b := h.visitor()
		_, a := b.follow(t, asking(c, "prompt", "create"))
		at, a := b.follow(t, b.register(t, a, address, goodPassword))
		if !strings.HasPrefix(at, "/sign-up/sent?request=") || b.cookies[sessionCookie] != nil {
			t.Fatalf("%s: at %s", address, at)
		}
		<-h.arrived
		a.want(t, http.StatusOK, "<h1>Check your inbox</h1>", address, "Acme Notes", "Open the development mailbox")
		b.get(at).want(t, http.StatusOK, "the address that you gave", "Acme Notes").lacks(t, address)
		hidden := regexp.MustCompile(`request=[0-9a-f]+|<code id="request">[^<]*`).ReplaceAllString(a.Body.String(), "")
		seen[address] = strings.ReplaceAll(hidden, address, "")
		if address != "fresh@example.com" {
			continue
		}
		link := regexp.MustCompile(`/verify-email\?token=[0-9a-f]+`).FindString(h.mailbox.List(address)[0].Text)
		b.post("/verify-email", b.get(link).want(t, http.StatusOK).fill()).leads(t, "/verify-email/done")
		done := b.get("/verify-email/done").want(t, http.StatusOK, "Your address is confirmed", "Acme Notes", ">Sign in</a>")
		next := regexp.MustCompile(`href="(/sign-in\?request=[^"]+)"`).FindStringSubmatch(done.Body.String())
		if next == nil {
			t.Fatalf("no way on: %s", done.Body)
		}
		_, a = b.follow(t, b.signIn(t, b.get(next[1]), address))
		a.want(t, http.StatusOK, ">Allow</button>", address)
	}
	if seen["taken@example.com"] != seen["fresh@example.com"] {
		t.Errorf("the page tells who has an account:\n%s\n%s", seen["taken@example.com"], seen["fresh@example.com"])
	}
	h.visitor().get("/verify-email/done").want(t, http.StatusOK, `href="/sign-in"`).lacks(t, "Acme Notes")
}

// The way back to the app is shown only where the app is what it says.
func TestARequestThatRanOutLeadsBackToTheApp(t *testing.T) {
	for home, back := range map[string]string{
		"https://app.example/start": `<a class="btn primary" href="https://app.example/start" rel="noreferrer">Back to Acme Notes</a>`, "https://evil.example/": "", "": "",
	} {
		h := build(t, plan{})
		h.person(t, email)
		b := h.visitor()
		at, a := b.atConsent(t, h.app(t, func(w *oauth.ClientWish) { w.Details.URI = home }))
		b.post("/consent", a.fill("decision", "deny")).sent(t)
		a = b.get(at).want(t, http.StatusBadRequest, "<h1>This link has run out</h1>", back, ">Go home</a>", "Request ID")
		if back == "" {
			a.lacks(t, "Back to")
		}
	}
}

func TestAnAppThatIsSwitchedOffGetsNobody(t *testing.T) {
	h := build(t, plan{})
	h.person(t, email)
	c, b := h.app(t), h.visitor()
	at, a := b.atConsent(t, c)
	off := true
	_, err := h.oauth.ChangeClient(context.Background(), headykey.System, c.ID, headykey.ClientChange{Disabled: &off})
	check(t, err)
	for _, a := range []answer{b.get(at), b.post("/consent", a.fill("decision", "allow"))} {
		a.want(t, http.StatusBadRequest, "The app that you came from is not known here any more.")
	}
}
