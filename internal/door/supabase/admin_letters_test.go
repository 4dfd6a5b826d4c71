package supabase_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey/internal/mail"
)

// letter delivers what is posted and returns the first letter.
func (h *admHouse) letter(t *testing.T) mail.Message {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.auth.Outbox.Run(ctx) }()
	defer func() { cancel(); <-done }()
	select {
	case m := <-h.letters:
		return m
	case <-time.After(time.Minute):
		t.Fatal("no letter came")
		return mail.Message{}
	}
}

// link asks for a link.
func (h *admHouse) link(t *testing.T, wish map[string]any) admReply {
	t.Helper()
	return h.ask("POST", "/admin/generate_link", admJSON(wish)).want(t, admJSON(wish), http.StatusOK, "")
}

// redeem shows the token of a link, or its code.
func (h *admHouse) redeem(body map[string]any) admReply {
	return h.raw("POST", "/verify", admJSON(body))
}

func TestAnInvitationIsALetter(t *testing.T) {
	h := admBuild(t)
	invited := h.ask("POST", "/invite?redirect_to=https%3A%2F%2Fnew.example.com%2Fhello", `{"email":"ADA@example.com","data":{"full_name":"Ada"}}`)
	invited.want(t, "invite", http.StatusOK, "")
	id := invited.text("id")
	if invited.text("invited_at") == "" || invited.text("confirmation_sent_at") == "" || invited.text("email_confirmed_at") != "" || invited.text("email") != "ada@example.com" {
		t.Errorf("got %s", invited.Body)
	}
	m := h.letter(t)
	start := strings.Index(m.Text, admBase+"/auth/v1/verify?")
	if m.To != "ada@example.com" || start < 0 {
		t.Fatalf("got a letter to %s: %s", m.To, m.Text)
	}
	link, err := url.Parse(strings.Fields(m.Text[start:])[0])
	admCheck(t, err)
	if q := link.Query(); q.Get("type") != "invite" || q.Get("redirect_to") != "https://new.example.com/hello" {
		t.Errorf("got the link %s", link)
	}
	again := h.ask("POST", "/invite", `{"email":"ada@example.com"}`).want(t, "invite again", http.StatusOK, "")
	if again.text("id") != id {
		t.Errorf("got another account: %s", again.Body)
	}
	h.redeem(map[string]any{"type": "invite", "token_hash": link.Query().Get("token")}).want(t, "the first letter", http.StatusForbidden, "otp_expired")
	made := h.link(t, map[string]any{"type": "invite", "email": "ada@example.com"})
	in := h.redeem(map[string]any{"type": "invite", "token_hash": made.text("hashed_token")}).want(t, "the last link", http.StatusOK, "")
	if in.text("access_token") == "" {
		t.Errorf("got %s", in.Body)
	}
	h.ask("POST", "/invite", `{"email":"ada@example.com"}`).want(t, "somebody who came", http.StatusUnprocessableEntity, "email_exists")
	for body, code := range map[string]string{
		`{}`: "validation_failed", `{"email":"ada"}`: "validation_failed", `{"email":"bob@example.com","data":[]}`: "validation_failed", `x`: "bad_json",
	} {
		h.ask("POST", "/invite", body).want(t, body, http.StatusBadRequest, code)
	}
	want := []string{"account.created", "account.invited", "account.invited", "account.invited", "link.made", "email.confirmed", "session.started"}
	if got := h.types(t, id); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Somebody who signed up with an address of another holds no key to their account
// once they were invited and came.
func TestAnInvitationVoidsThePasswordOfAStranger(t *testing.T) {
	h := admBuild(t)
	h.raw("POST", "/signup", `{"email":"ada@example.com","password":"`+admPassword+`"}`).want(t, "a stranger", http.StatusOK, "")
	made := h.link(t, map[string]any{"type": "invite", "email": "ada@example.com"})
	h.redeem(map[string]any{"type": "invite", "token_hash": made.text("hashed_token")}).want(t, "its owner", http.StatusOK, "")
	h.signIn("ada@example.com", admPassword).want(t, "the stranger", http.StatusBadRequest, "invalid_credentials")
}

func TestALinkOfEachKindComesInByTokenAndByCode(t *testing.T) {
	h := admBuild(t)
	for name, tt := range map[string]struct {
		wish     map[string]any
		known    bool // the account exists, and is confirmed
		kind     string
		timedBy  string
		password string // signs in afterwards
	}{
		"signup":                {map[string]any{"type": "signup", "password": "12", "data": map[string]any{"n": 1}}, false, "signup", "confirmation_sent_at", "12"},
		"invite":                {map[string]any{"type": "invite"}, false, "invite", "invited_at", ""},
		"magiclink":             {map[string]any{"type": "magiclink"}, true, "magiclink", "", "given"},
		"magiclink for the new": {map[string]any{"type": "magiclink"}, false, "signup", "confirmation_sent_at", ""},
		"recovery":              {map[string]any{"type": "recovery"}, true, "recovery", "recovery_sent_at", "given"},
	} {
		for _, by := range []string{"token", "code"} {
			email := strings.ReplaceAll(name, " ", "") + by + "@example.com"
			if tt.known {
				h.make(t, admJSON(map[string]any{"email": email, "email_confirm": true, "password": "given"}))
			}
			tt.wish["email"], tt.wish["redirect_to"] = strings.ToUpper(email), "https://new.example.com/x"
			made := h.link(t, tt.wish)
			query := url.Values{"token": {made.text("hashed_token")}, "type": {tt.kind}, "redirect_to": {"https://new.example.com/x"}}
			if made.text("email") != email || made.text("verification_type") != tt.kind || made.text("redirect_to") != "https://new.example.com/x" ||
				made.text("action_link") != admBase+"/auth/v1/verify?"+query.Encode() || len(made.text("email_otp")) != 6 || tt.timedBy != "" && made.text(tt.timedBy) == "" {
				t.Errorf("%s: got %s", name, made.Body)
			}
			proof := map[string]any{"type": tt.kind, "token_hash": made.text("hashed_token")}
			if by == "code" {
				proof = map[string]any{"type": tt.kind, "token": made.text("email_otp"), "email": email}
			}
			h.redeem(proof).want(t, name+" by "+by, http.StatusOK, "")
			h.redeem(proof).want(t, name+" by "+by+" again", http.StatusForbidden, "otp_expired")
			if tt.password != "" {
				h.signIn(email, tt.password).want(t, name+" and its password", http.StatusOK, "")
			}
		}
	}
	select {
	case m := <-h.letters:
		t.Errorf("a letter left: %s", m.Subject)
	default:
	}
}

// Whoever signed up first may be a stranger: what the operator says counts.
func TestASignUpLinkForAnAccountThatWaits(t *testing.T) {
	h := admBuild(t)
	h.raw("POST", "/signup", `{"email":"ada@example.com","password":"`+admPassword+`","data":{"a":1,"b":1}}`).want(t, "sign up", http.StatusOK, "")
	made := h.link(t, map[string]any{"type": "signup", "email": "ada@example.com", "password": "12", "data": map[string]any{"b": 2}})
	if data, _ := made.body["user_metadata"].(map[string]any); data["a"] != 1.0 || data["b"] != 2.0 {
		t.Errorf("got %s", made.Body)
	}
	h.redeem(map[string]any{"type": "signup", "token_hash": made.text("hashed_token")}).want(t, "its link", http.StatusOK, "")
	h.signIn("ada@example.com", admPassword).want(t, "the first password", http.StatusBadRequest, "invalid_credentials")
	h.signIn("ada@example.com", "12").want(t, "the operator's", http.StatusOK, "")
}

func TestAnAddressMovesByBothItsLinks(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","email_confirm":true}`)
	wish := func(kind, to string) map[string]any {
		return map[string]any{"type": kind, "email": "ada@example.com", "new_email": to}
	}
	old := h.link(t, wish("email_change_current", "other@example.com"))
	leave, arrive := h.link(t, wish("email_change_current", "NEW@example.com")), h.link(t, wish("email_change_new", "new@example.com"))
	if leave.text("verification_type") != "email_change_current" || leave.text("new_email") != "new@example.com" || !strings.HasSuffix(leave.text("action_link"), "&type=email_change") {
		t.Errorf("got %s", leave.Body)
	}
	h.redeem(map[string]any{"type": "email_change", "token_hash": old.text("hashed_token")}).want(t, "a link for another address", http.StatusForbidden, "otp_expired")
	h.redeem(map[string]any{"type": "email_change", "token_hash": leave.text("hashed_token")}).want(t, "the first", http.StatusOK, "200")
	h.redeem(map[string]any{"type": "email_change", "token_hash": arrive.text("hashed_token")}).want(t, "the second", http.StatusOK, "")
	if got := h.ask("GET", "/admin/users/"+id, ""); got.text("email") != "new@example.com" {
		t.Errorf("got %s", got.Body)
	}
}

func TestALinkThatCannotBeMade(t *testing.T) {
	h := admBuild(t)
	h.make(t, `{"email":"ada@example.com","email_confirm":true}`)
	h.make(t, `{"email":"bob@example.com"}`)
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{}`: {400, "validation_failed"},
		`{"type":"reauthentication","email":"ada@example.com"}`: {400, "validation_failed"},
		`{"type":"magiclink"}`:                        {400, "validation_failed"},
		`{"type":"magiclink","email":"ada"}`:          {400, "validation_failed"},
		`{"type":"signup","email":"eve@example.com"}`: {400, "validation_failed"},
		`{"type":"signup","email":"eve@example.com","password":"` + strings.Repeat("x", 73) + `"}`:     {400, "validation_failed"},
		`{"type":"signup","email":"ada@example.com","password":"12"}`:                                  {422, "email_exists"},
		`{"type":"invite","email":"ada@example.com"}`:                                                  {422, "email_exists"},
		`{"type":"invite","email":"eve@example.com","data":7}`:                                         {400, "validation_failed"},
		`{"type":"recovery","email":"eve@example.com"}`:                                                {404, "user_not_found"},
		`{"type":"email_change_current","email":"eve@example.com","new_email":"eva@example.com"}`:      {404, "user_not_found"},
		`{"type":"email_change_new","email":"eve@example.com","new_email":"eva@example.com"}`:          {404, "user_not_found"},
		`{"type":"email_change_new","email":"ada@example.com"}`:                                        {400, "validation_failed"},
		`{"type":"email_change_new","email":"ada@example.com","new_email":"BOB@example.com"}`:          {422, "email_exists"},
		`{"type":"email_change_current","email":"ada@example.com","new_email":"ada@example.com"}`:      {422, "email_exists"},
		`{"type":"signup","email":"bob@example.com","password":"12","data":{"identity_type":"agent"}}`: {422, "validation_failed"},
	} {
		h.ask("POST", "/admin/generate_link", body).want(t, body, want.status, want.code)
	}
	made := h.link(t, map[string]any{"type": "magiclink", "email": "ada@example.com", "redirect_to": "https://evil.example/x"})
	if made.text("redirect_to") != "https://app.example.com" {
		t.Errorf("a page of strangers: got %s", made.text("redirect_to"))
	}
}
