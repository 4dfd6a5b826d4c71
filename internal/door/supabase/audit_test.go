package supabase_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// audit returns one line for each entry: who, what, and of which kind.
func (h *admHouse) audit(t *testing.T, query string) (lines []string, answer admReply) {
	t.Helper()
	answer = h.ask("GET", "/admin/audit"+query, "").want(t, query, http.StatusOK, "")
	var entries []struct {
		ID      string
		Created string `json:"created_at"`
		Address string `json:"ip_address"`
		Payload map[string]any
	}
	admCheck(t, json.Unmarshal(answer.Body.Bytes(), &entries))
	for _, e := range entries {
		if e.ID == "" || e.Created == "" || e.Address != "" || e.Payload["actor_via_sso"] != false || e.Payload["actor_id"] == "" {
			t.Errorf("%s: got %+v", query, e)
		}
		lines = append(lines, strings.Join([]string{e.Payload["actor_username"].(string), e.Payload["action"].(string), e.Payload["log_type"].(string)}, " "))
	}
	return lines, answer
}

func TestTheAuditSaysWhoDidWhat(t *testing.T) {
	h := admBuild(t)
	id := h.make(t, `{"email":"ada@example.com","password":"`+admPassword+`","email_confirm":true,"user_metadata":{"full_name":"Countess"}}`)
	h.signIn("ada@example.com", admPassword)
	h.ask("POST", "/invite", `{"email":"bob@example.com"}`).want(t, "invite", http.StatusOK, "")
	h.ask("PUT", "/admin/users/"+id, `{"password":"another"}`).want(t, "password", http.StatusOK, "")
	all := []string{
		"service_role logout account", "service_role user_updated_password user", "service_role user_invited team",
		"service_role user_signedup team", "ada@example.com login account", "service_role user_signedup team",
	}
	for query, want := range map[string][]string{
		"":                         all,
		"?query=":                  all,
		"?page=2&per_page=4":       all[4:],
		"?query=action:login":      {all[4]},
		"?query=action:LOG":        {all[0], all[4]},
		"?query=action:user_%25":   nil,
		"?query=type:team":         {all[2], all[3], all[5]},
		"?query=author:ada":        {all[4]},
		"?query=author:count":      {all[4]},
		"?query=author:service_ro": {all[0], all[1], all[2], all[3], all[5]},
		"?query=author:bob":        nil,
		"?query=author:nobody":     nil,
		"?query=author:":           all,
		"?query=action:nothing":    nil,
	} {
		if got, _ := h.audit(t, query); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", query, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	_, answer := h.audit(t, "?per_page=2&query=type%3Auser")
	if got, want := answer.Header().Get("Link"), `</auth/v1/admin/audit?page=1&per_page=2&query=type%3Auser>; rel="last"`; got != want || answer.Header().Get("X-Total-Count") != "1" {
		t.Errorf("got %s and %s, want %s", got, answer.Header().Get("X-Total-Count"), want)
	}
	if _, answer := h.audit(t, "?query=action:nothing"); answer.Body.String() != "[]" {
		t.Errorf("nothing: got %s", answer.Body)
	}
	if _, answer := h.audit(t, "?query=action:updated_password"); !strings.Contains(answer.Body.String(), `"actor_id":"00000000-0000-0000-0000-000000000000"`) || !strings.Contains(answer.Body.String(), `"traits":{"user_id":"`+id+`"}`) {
		t.Errorf("by an operator: got %s", answer.Body)
	}
	if _, answer := h.audit(t, "?query=action:login"); !strings.Contains(answer.Body.String(), `"actor_id":"`+id+`","actor_username":"ada@example.com","actor_name":"Countess"`) || strings.Contains(answer.Body.String(), "traits") {
		t.Errorf("by herself: got %s", answer.Body)
	}
	for _, query := range []string{"?query=login", "?query=who:ada", "?query=:ada", "?page=x"} {
		h.ask("GET", "/admin/audit"+query, "").want(t, query, http.StatusBadRequest, "validation_failed")
	}
	h.ask("DELETE", "/admin/users/"+id, "")
	if got, _ := h.audit(t, "?query=action:login"); strings.Join(got, "") != " login account" {
		t.Errorf("somebody who is nobody any more: got %q", got)
	}
}
