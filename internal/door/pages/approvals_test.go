package pages_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

const cibaGrant = "urn:openid:params:grant-type:ciba"

// ask lets a client ask the person behind email, and waits for the letter.
func (h *house) ask(t *testing.T, email string) (c *headykey.Client, id string) {
	t.Helper()
	made, err := h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{Name: "Bank <1>", Grants: []string{cibaGrant}})
	check(t, err)
	asked, err := h.oauth.AskPerson(t.Context(), &made.Record, url.Values{
		"scope": {"openid email"}, "login_hint": {email}, "binding_message": {"Order <42>"},
	}, "", headykey.From{})
	check(t, err)
	<-h.arrived
	return &made.Record, asked.ID
}

func (h *house) answerOf(t *testing.T, c *headykey.Client, id string) error {
	t.Helper()
	_, err := h.oauth.Token(t.Context(), c, oauth.Request{Grant: cibaGrant, Form: url.Values{"auth_req_id": {id}}})
	return err
}

func TestAnswerAnAppThatAsks(t *testing.T) {
	for _, tt := range []struct {
		decision, status string
		want             error
	}{
		{"allow", "You allowed it.", nil},
		{"deny", "You did not allow it.", headykey.ErrAccessDenied},
		{"", "You did not allow it.", headykey.ErrAccessDenied},
	} {
		h := build(t, plan{})
		h.register(t, email)
		c, id := h.ask(t, email)
		b := h.visitor()
		b.get("/approvals").want(t, http.StatusOK, `http-equiv="refresh"`, "heady_bounced") // the cookie may have been kept back
		b.get("/approvals?heady_bounced=1").leads(t, "/sign-in?to=approvals")
		if to := b.enter(t, "/sign-in?to=approvals", email); to != "/approvals" {
			t.Fatalf("after the sign-in: %s", to)
		}
		page := b.get("/approvals").want(t, http.StatusOK, `aria-label="Request of Bank &lt;1&gt;, 1 of 1"`, "Order &lt;42&gt;",
			"Know that you are you", `name="scope" value="email" checked>`, "See your email address<small class=\"quiet\">"+email,
			"Unverified", "Nobody has checked this name.", "Registered by an administrator on ", base+"/api/v1", `<option value="8h" selected>`, ">Allow</button>", "Don’t allow</button>", "signed in as <strong>"+email)
		page.lacks(t, "Until I remove it", "Sends you back to")
		b.post("/approvals", page.fill("decision", tt.decision, "scope", "email", "duration", "8h")).leads(t, "/approvals")
		b.get("/approvals").want(t, http.StatusOK, tt.status, "No app waits for your permission.").lacks(t, "Bank")
		if err := h.answerOf(t, c, id); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.decision, err)
		}
		b.post("/approvals", page.fill("decision", "allow")).leads(t, "/approvals")
		b.get("/approvals").want(t, http.StatusOK, "This request has run out, or was answered already.")
	}
}

// What nobody vouched for may change nothing unless the person says so, wherever they
// are asked, and each question has fields of its own.
func TestEveryPageAsksAlike(t *testing.T) {
	h := build(t, plan{})
	user := h.person(t, email)
	b := h.visitor()
	b.enter(t, "/sign-in", email)
	wish := oauth.ClientWish{
		Name: "Bank <1>", Grants: []string{cibaGrant, deviceGrant, "authorization_code"}, Redirects: []string{callback},
		Scopes: []string{"openid", "notes.read", "notes.write"}, Details: headykey.ClientDetails{
			DetailTypes: []string{"payment"}, PolicyURI: "https://app.example/privacy", LogoURI: "https://app.example/logo.png"},
	}
	made, err := h.oauth.CreateClient(t.Context(), headykey.System, wish)
	check(t, err)
	c := &made.Record
	in := url.Values{
		"scope": {"openid notes.read notes.write"}, "authorization_details": {`[{"type":"payment","to":"Eve<b>"}]`}, "login_hint": {email},
	}
	see := func() map[string]answer {
		code, err := h.oauth.AskDevice(t.Context(), c, in, "", headykey.From{})
		check(t, err)
		_, consent := b.follow(t, asking(c, "scope", in.Get("scope"), "authorization_details", in.Get("authorization_details"), "prompt", "consent",
			"code_challenge", strings.Repeat("A", 43), "code_challenge_method", "S256"))
		device, _ := b.walk(t, b.post("/device", b.get("/device").fill("user_code", code.User)).Header().Get("Location"))
		return map[string]answer{"consent": consent, "device": device, "approvals": b.get("/approvals")}
	}
	for range 2 {
		_, err = h.oauth.AskPerson(t.Context(), c, in, "", headykey.From{})
		check(t, err)
		<-h.arrived
	}
	unverified := []string{`<span class="badge warn dot">Unverified</span>`, `value="notes.read" checked>`, `value="notes.write">`, "Can change data",
		"Asked for, off until you turn it on.", `<option value="8h" selected>`, `<option value="34d">`, "Nobody has checked ", "Bank &lt;1&gt;",
		"<b>payment</b>", "<dt>to</dt><dd>Eve&lt;b&gt;</dd>", "This cannot be allowed in part.", ">Its privacy policy</a>", " data-calm>"}
	logo := `<img src="/client-logo/` + string(c.ID) + "/" + oauth.LogoVersion(c) + `" alt="Bank &lt;1&gt;"`
	for name, page := range see() {
		page.want(t, http.StatusOK, unverified...).lacks(t, "Until I remove it", "Already allowed", "<1>")
		if got, want := strings.Contains(page.Body.String(), logo), name == "consent"; got != want {
			t.Errorf("%s: a logo that nobody vouched for: %v", name, got)
		}
	}
	page := b.get("/approvals").Body.String()
	for _, id := range regexp.MustCompile(` id="[^"]+"`).FindAllString(page, -1) {
		if strings.Count(page, id) != 1 {
			t.Errorf("approvals: %s is there more than once", id)
		}
	}

	yes := true
	_, err = h.oauth.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Verified: &yes})
	check(t, err)
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutConsent(&headykey.Consent{User: user.ID, Client: c.ID, Scopes: []string{"notes.read"}, Created: tx.Now, Updated: tx.Now})
	}))
	for _, page := range see() {
		page.want(t, http.StatusOK, `<span class="badge good dot">Verified</span>`, `value="notes.write" checked>`, `<option value="34d" selected>`,
			"Until I remove it", "Already allowed", logo).lacks(t, "Nobody has checked", "off until you turn it on")
	}
}

func TestAWrongPasswordKeepsTheWay(t *testing.T) {
	h := build(t, plan{})
	b := h.visitor()
	b.post("/sign-in", b.get("/sign-in?to=approvals").fill("email", email, "password", "wrong")).leads(t, "/sign-in?to=approvals")
}

func TestAQuestionIsForOnePersonAlone(t *testing.T) {
	h := build(t, plan{})
	h.register(t, email)
	h.register(t, "eve@example.com")
	c, id := h.ask(t, email)
	b, eve := h.visitor(), h.visitor()
	b.enter(t, "/sign-in", email)
	eve.enter(t, "/sign-in", "eve@example.com")
	page := b.get("/approvals")
	eve.get("/approvals").want(t, http.StatusOK, "No app waits").lacks(t, "Bank")

	b.post("/approvals", url.Values{"decision": {"allow"}, "request": {page.fill().Get("request")}}).want(t, http.StatusForbidden)
	b.do(posting("/approvals", page.fill("decision", "allow"), "Origin", "https://evil.example")).want(t, http.StatusForbidden)
	forged := page.fill("decision", "allow")
	eve.post("/approvals", forged).want(t, http.StatusForbidden)

	b.enter(t, "/sign-in", "eve@example.com") // at the same browser, the page of ada is still open
	b.post("/approvals", page.fill("decision", "allow")).leads(t, "/approvals")
	inside := b.get("/approvals").fill()
	b.post("/approvals", page.fill("decision", "allow", "session", inside.Get("session"))).leads(t, "/approvals")
	if err := h.answerOf(t, c, id); !errors.Is(err, headykey.ErrPending) {
		t.Errorf("the client: %v", err)
	}
}

func TestSignInGoesToPagesOfOursAlone(t *testing.T) {
	h := build(t, plan{})
	h.register(t, email)
	for _, to := range []string{"https://evil.example", "//evil.example", "/approvals", "device"} {
		b := h.visitor()
		page := b.get("/sign-in?"+url.Values{"to": {to}}.Encode()).want(t, http.StatusOK)
		b.post("/sign-in", page.fill("email", email, "password", goodPassword, "to", to)).leads(t, "/")
	}
}
