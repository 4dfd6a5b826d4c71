package pages_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
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
		page := b.get("/approvals").want(t, http.StatusOK, `aria-label="Request of Bank &lt;1&gt;"`, "Order &lt;42&gt;",
			"<li>Know that you are you", "<li>See your email address", "Nobody has checked this name.", ">Allow</button>", "Don’t allow</button>", "signed in as <strong>"+email)
		b.post("/approvals", page.fill("decision", tt.decision)).leads(t, "/approvals")
		b.get("/approvals").want(t, http.StatusOK, tt.status, "No app waits for your permission.").lacks(t, "Bank")
		if err := h.answerOf(t, c, id); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.decision, err)
		}
		b.post("/approvals", page.fill("decision", "allow")).leads(t, "/approvals")
		b.get("/approvals").want(t, http.StatusOK, "This request has run out, or was answered already.")
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
