package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const widgetPath = "/api/session/start"

const known = "google github microsoft apple discord slack huggingface gitlab linkedin twitter facebook notion atlassian " +
	"okta auth0 salesforce zoom spotify reddit twitch figma shopify stripe onelogin bitbucket"

func TestWidgetSignIn(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		body := obj{"email": jane.email, "password": jane.password}
		a := s.nobody().post(t, widgetPath, body).want(t, http.StatusOK)
		if got := a.text(t, "returnUrl"); !strings.HasPrefix(got, "https://headyme.com") {
			t.Errorf("returnUrl %q, want the first allowed origin", got)
		}
		c := a.setCookie()
		if c == nil {
			t.Fatal("no cookie")
		}
		for _, proof := range []client{s.nobody().bearer(a.text(t, "accessToken")), s.nobody().cookie(c.Value)} {
			if got := proof.get(t, "/api/auth/verify").text(t, "userId"); got != jane.id {
				t.Errorf("signed in as %s, want %s", got, jane.id)
			}
		}
		out := kinds(t, s.nobody().bearer(a.text(t, "accessToken")).post(t, logoutPath, nil))
		if len(out) == 0 || out[0] != "widget" {
			t.Errorf("revoked %v, want the widget session first", out)
		}
	})
}

func TestWidgetReturnsToAllowedOriginsOnly(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		body := obj{"email": jane.email, "password": jane.password, "returnUrl": "https://www.headyme.com/a?b=c"}
		if got := s.nobody().post(t, widgetPath, body).want(t, http.StatusOK).text(t, "returnUrl"); got != body["returnUrl"] {
			t.Errorf("returnUrl %q, want %q", got, body["returnUrl"])
		}
		for _, bad := range []string{
			"https://evil.example/", "https://headyme.com.evil.example/", "https://headyme.com@evil.example/", "//evil.example",
			"https:/\\evil.example", "javascript:alert(1)", "http://headyme.com/", "https://headyme.com:8443/", "\\\\evil.example", "/\\evil",
		} {
			body["returnUrl"] = bad
			a := s.nobody().post(t, widgetPath, body).refused(t, http.StatusBadRequest, "invalid_return_url")
			if a.setCookie() != nil {
				t.Errorf("%s: signed in although refused", bad)
			}
		}
	})
}

func TestWidgetRefusals(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		s.nobody().post(t, widgetPath, obj{"email": jane.email, "password": "x"}).refused(t, http.StatusUnauthorized, "invalid_credentials")
		s.nobody().post(t, widgetPath, obj{"email": jane.email}).refused(t, http.StatusBadRequest, "missing_field")
		s.nobody().post(t, widgetPath, obj{}).refused(t, http.StatusBadRequest, "missing_field")
		for name := range strings.FieldsSeq(known) {
			s.nobody().post(t, widgetPath, obj{"provider": name}).refused(t, http.StatusConflict, "provider_not_configured")
		}
		for _, name := range []string{"gogle", "GOOGLE", "../google", ""} {
			s.nobody().post(t, widgetPath, obj{"provider": name, "idToken": "x.y.z"}).refused(t, http.StatusBadRequest, "unknown_provider", "missing_field")
		}
	})
}
