package pages_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// television registers a client for devices.
func (h *house) television(t *testing.T) *headykey.Client {
	t.Helper()
	c, err := h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
		Name: "Television <1>", AuthMethod: headykey.AuthNone, Grants: []string{deviceGrant},
	})
	check(t, err)
	return &c.Record
}

func (h *house) device(t *testing.T, c *headykey.Client) oauth.DeviceCode {
	t.Helper()
	code, err := h.oauth.AskDevice(t.Context(), c, url.Values{"scope": {"openid email"}}, "", headykey.From{})
	check(t, err)
	return code
}

// tokens asks once for the tokens of a device.
func (h *house) tokens(t *testing.T, c *headykey.Client, code oauth.DeviceCode) (oauth.Issued, error) {
	t.Helper()
	return h.oauth.Token(t.Context(), c, oauth.Request{Grant: deviceGrant, Form: url.Values{"device_code": {code.Device}}})
}

// register makes an account that can sign in.
func (h *house) register(t *testing.T, email string) {
	t.Helper()
	_, err := h.auth.Register(t.Context(), auth.Registration{Email: email, Password: goodPassword})
	check(t, err)
}

// enter fills in the sign-in page at path and returns where it leads.
func (b *browser) enter(t *testing.T, path, email string) string {
	t.Helper()
	page := b.get(path).want(t, http.StatusOK, `aria-label="Sign in"`)
	answer := b.post("/sign-in", page.fill("email", email, "password", goodPassword))
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("sign-in: %d %s", answer.Code, answer.Body)
	}
	return answer.Header().Get("Location")
}

// walk goes where redirects lead and returns the page at the end, with its path.
func (b *browser) walk(t *testing.T, path string) (answer, string) {
	t.Helper()
	for range 5 {
		a := b.get(path)
		if a.Code != http.StatusSeeOther {
			return a, path
		}
		path = a.Header().Get("Location")
	}
	t.Fatalf("redirects without end: %s", path)
	return answer{}, ""
}

func TestConnectADevice(t *testing.T) {
	h := build(t, plan{})
	h.register(t, email)
	c := h.television(t)
	code := h.device(t, c)
	b := h.visitor()

	page := b.get("/device").want(t, http.StatusOK, `aria-label="Connect a device"`, `<label for="user_code">Code</label>`,
		`autocomplete="off" autocapitalize="characters" spellcheck="false"`, ">Continue</button>",
		"Only continue if this code is on a screen in front of you.")
	typed := b.post("/device", page.fill("user_code", strings.ToLower(code.User)))
	signIn, path := b.walk(t, typed.Header().Get("Location"))
	signIn.want(t, http.StatusOK, "to continue to <strong><bdi>Television &lt;1&gt;</bdi></strong>")

	ask, path := b.walk(t, b.enter(t, path, email))
	if !strings.HasPrefix(path, "/device/allow?request=") {
		t.Fatalf("after the sign-in: %s", path)
	}
	ask.want(t, http.StatusOK, "Only continue if this code is on a screen in front of you.", code.User, "Television &lt;1&gt;",
		"signed in as <strong>"+email, `<input type="hidden" name="scope" value="openid">`, "Know that you are you", `value="email"`, "Nobody has checked this name.", ">Allow</button>", "Don’t allow</button>")
	if _, err := h.tokens(t, c, code); !errors.Is(err, headykey.ErrPending) {
		t.Fatalf("before the answer: %v", err)
	}
	b.post("/device/allow", ask.fill("decision", "allow", "scope", "email", "duration", "session")).leads(t, "/device/done")
	b.get("/device/done").want(t, http.StatusOK, "You can close this page.", "It is connected now.")
	out, err := h.tokens(t, c, code)
	check(t, err)
	if out.Scope != "openid email" || out.ID == "" {
		t.Errorf("got %+v", out)
	}
	b.get(path).want(t, http.StatusBadRequest, "has run out, or was answered already")
}

func TestRefuseADevice(t *testing.T) {
	h := build(t, plan{})
	h.register(t, email)
	c := h.television(t)
	code, b := h.device(t, c), h.visitor()
	b.enter(t, "/sign-in", email)
	ask, _ := b.walk(t, b.post("/device", b.get("/device").fill("user_code", code.User)).Header().Get("Location"))
	b.post("/device/allow", ask.fill("decision", "deny")).leads(t, "/device/done")
	b.get("/device/done").want(t, http.StatusOK, "You can close this page.", "You did not allow it.")
	if _, err := h.tokens(t, c, code); !errors.Is(err, headykey.ErrAccessDenied) {
		t.Errorf("the device: %v", err)
	}
	b.post("/device/allow", ask.fill("decision", "allow")).want(t, http.StatusBadRequest, "has run out, or was answered already")
}

func TestALinkFillsTheCodeInAndSendsNothing(t *testing.T) {
	h := build(t, plan{})
	code, b := h.device(t, h.television(t)), h.visitor()
	b.get(strings.TrimPrefix(code.Link, base)).want(t, http.StatusOK, `value="`+code.User+`"`, `aria-label="Connect a device"`)
	b.get("/device?user_code=%22%3E%3Cscript%3E").want(t, http.StatusOK).lacks(t, "script&gt;", "<script>")
}

func TestAWrongCodeIsSaidInTheForm(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	for range 5 {
		b.post("/device", b.get("/device").fill("user_code", "bbbb-bbbb")).leads(t, "/device")
	}
	b.get("/device").want(t, http.StatusOK, "This code is not right, or has run out.", `value="bbbb-bbbb"`)
	b.post("/device", b.get("/device").fill("user_code", "BBBBBBBB")).leads(t, "/device")
	b.get("/device").want(t, http.StatusOK, "Too many tries.")
}

// Whoever sees a page answers it: no other session, browser or site can.
func TestADeviceIsAnsweredByWhoSawThePage(t *testing.T) {
	h := build(t, plan{})
	h.register(t, email)
	h.register(t, "eve@example.com")
	c := h.television(t)
	code, b := h.device(t, c), h.visitor()
	b.enter(t, "/sign-in", email)
	ask, path := b.walk(t, b.post("/device", b.get("/device").fill("user_code", code.User)).Header().Get("Location"))
	ask.want(t, http.StatusOK)

	eve := h.visitor()
	eve.enter(t, "/sign-in", "eve@example.com")
	eve.get(path).want(t, http.StatusBadRequest)
	forged := ask.fill("decision", "allow")
	forged.Set("csrf_token", eve.get("/device").fill().Get("csrf_token"))
	eve.post("/device/allow", forged).want(t, http.StatusForbidden)

	b.do(posting("/device/allow", ask.fill("decision", "allow"), "Origin", "https://evil.example")).want(t, http.StatusForbidden)
	b.enter(t, "/sign-in", "eve@example.com") // at the same browser
	b.post("/device/allow", ask.fill("decision", "allow")).leads(t, path)
	b.get(path).want(t, http.StatusOK, "signed in as <strong>eve@example.com")
	id := strings.TrimPrefix(path, "/device/allow?request=")
	b.get("/consent?request="+id).leads(t, path)
	b.get("/device/allow").want(t, http.StatusBadRequest)
	if _, err := h.tokens(t, c, code); !errors.Is(err, headykey.ErrPending) {
		t.Errorf("the device: %v", err)
	}
}
