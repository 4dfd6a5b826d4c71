package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const confirmPath = "/api/auth/email/verify"

func confirming() config { return config{more: []string{"--confirm-email"}} }

// A letter is one mail of the mailbox.
type letter struct{ Subject, Text, HTML string }

// mail returns the letters to the address once there are n of them.
func (s *server) mail(t *testing.T, to string, n int) []letter {
	t.Helper()
	var letters []letter
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		s.nobody().get(t, "/mailbox.json?to="+url.QueryEscape(to)).want(t, http.StatusOK).into(t, &letters)
		if len(letters) >= n {
			return letters
		}
		time.Sleep(20 * time.Millisecond) // between two looks, not to be in step
	}
	t.Fatalf("%d letters to %s, want %d", len(letters), to, n)
	return nil
}

// token finds the value of the token parameter of the link in the letter.
func (l letter) token(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`[?&#]token=([A-Za-z0-9_.-]+)`).FindStringSubmatch(l.Text)
	if found == nil {
		t.Fatalf("no link with a token in: %s", l.Text)
	}
	return found[1]
}

func TestConfirmEmail(t *testing.T) {
	serving(t, confirming(), func(t *testing.T, s *server) {
		body := obj{"email": address("jane"), "password": goodPassword}
		a := s.nobody().post(t, registerPath, body).want(t, http.StatusAccepted)
		if a.setCookie() != nil {
			t.Error("signed in before the address was confirmed")
		}
		s.nobody().post(t, loginPath, body).refused(t, http.StatusForbidden, "email_not_confirmed")

		link := s.mail(t, address("jane"), 1)[0].token(t)
		done := s.nobody().post(t, confirmPath, obj{"token": link}).want(t, http.StatusOK)
		sameJSON(t, "answer", done.object(t), obj{"status": "email_confirmed"})
		s.nobody().post(t, confirmPath, obj{"token": link}).refused(t, http.StatusUnauthorized, "invalid_token")

		access := s.nobody().post(t, loginPath, body).want(t, http.StatusOK).text(t, "accessToken")
		user := s.nobody().bearer(access).get(t, mePath).object(t)["user"].(obj)
		if user["email_verified"] != true {
			t.Errorf("the address is not confirmed: %v", user)
		}
	})
}

// Whoever signs up must not learn whether the address is taken; its owner does.
func TestConfirmEmailHidesTakenAddresses(t *testing.T) {
	serving(t, confirming(), func(t *testing.T, s *server) {
		s.home.create(t, "jane", "user")
		fresh := s.nobody().post(t, registerPath, obj{"email": address("john"), "password": goodPassword})
		taken := s.nobody().post(t, registerPath, obj{"email": address("jane"), "password": goodPassword})
		sameJSON(t, "answers", taken.want(t, http.StatusAccepted).object(t), fresh.want(t, http.StatusAccepted).object(t))

		s.mail(t, address("john"), 1)
		if told := s.mail(t, address("jane"), 1)[0]; strings.Contains(told.Text, "token=") {
			t.Errorf("the owner of a taken address got a confirmation link: %s", told.Text)
		}
	})
}

func TestConfirmEmailRefusesBadTokens(t *testing.T) {
	serving(t, confirming(), func(t *testing.T, s *server) {
		s.nobody().post(t, registerPath, obj{"email": address("jane"), "password": goodPassword}).want(t, http.StatusAccepted)
		link := s.mail(t, address("jane"), 1)[0].token(t)
		for _, bad := range []string{link[:len(link)-1], link + "0", strings.ToUpper(link) + "x", "x", strings.Repeat("0", 68)} {
			s.nobody().post(t, confirmPath, obj{"token": bad}).refused(t, http.StatusUnauthorized, "invalid_token")
		}
		s.nobody().post(t, confirmPath, obj{}).refused(t, http.StatusBadRequest, "missing_field").blames(t, "token")
		s.nobody().post(t, confirmPath, obj{"token": link}).want(t, http.StatusOK)
	})
}

func TestMailboxIsForDevelopment(t *testing.T) {
	serving(t, config{production: true, more: []string{"--no-confirm-email"}}, func(t *testing.T, s *server) {
		s.nobody().get(t, "/mailbox").refused(t, http.StatusNotFound, "not_found")
		s.nobody().get(t, "/mailbox.json?to=x").refused(t, http.StatusNotFound, "not_found")
	})
	serving(t, config{}, func(t *testing.T, s *server) {
		s.nobody().get(t, "/mailbox").want(t, http.StatusOK)
		s.nobody().get(t, "/mailbox.json?to="+address("jane")).want(t, http.StatusOK)
	})
}
