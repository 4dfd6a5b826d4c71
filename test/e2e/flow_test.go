package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const (
	authorizePath = "/auth/v1/authorize"
	userinfoPath  = "/auth/v1/user"
	consentPath   = "/consent"
	callback      = "https://app.example/cb"
	verifier      = "a-code-verifier-of-the-tests-that-is-long-enough-0123456789"
)

// app registers a program that people sign in to.
func (h home) app(t *testing.T, args ...string) program {
	t.Helper()
	return h.program(t, append([]string{
		"--redirect-uri", callback, "--scope", "openid", "--scope", "email", "--scope", "offline_access",
	}, args...)...)
}

// challenge is the S256 of verifier (RFC 7636 §4.2).
func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorization is an authorization request of p, with more name=value pairs.
func authorization(p program, more ...string) string {
	in := url.Values{
		"client_id": {p.ID}, "response_type": {"code"}, "scope": {"openid email offline_access"}, "redirect_uri": {callback},
		"state": {"s1"}, "nonce": {"n1"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		in.Set(name, value)
	}
	return authorizePath + "?" + in.Encode()
}

// visitor is p at a browser, which has the cookie of forms, too.
func (s *server) visitor(p person) client {
	return s.nobody().cookie(p.cookie+"; __heady_csrf=ABCDEFGHIJKLMNOPQRSTUVWXYZ").with("Accept", "text/html")
}

// back is what the redirect a tells the program.
func (a answer) back(t *testing.T, s *server) url.Values {
	t.Helper()
	to, err := url.Parse(a.want(t, http.StatusSeeOther).header.Get("Location"))
	if err != nil || !strings.HasPrefix(to.String(), callback+"?") {
		t.Fatalf("%s: leads to %q, want %s", a.call, a.header.Get("Location"), callback)
	}
	in := to.Query()
	if in.Get("state") != "s1" || in.Get("iss") != s.URL+"/auth/v1" {
		t.Errorf("%s: state %q, iss %q", a.call, in.Get("state"), in.Get("iss"))
	}
	return in
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)"`)

// fill opens the page at path and posts its form to action, with what it hides and
// the name=value pairs.
func (s *server) fill(t *testing.T, p person, path, action string, pairs ...string) answer {
	t.Helper()
	_, text, _ := strings.Cut(string(s.visitor(p).get(t, path).want(t, http.StatusOK).body), ` action="`+action+`"`)
	text, _, _ = strings.Cut(text, "</form>")
	for _, field := range hidden.FindAllStringSubmatch(text, -1) {
		pairs = append(pairs, field[1]+"="+html.UnescapeString(field[2]))
	}
	return s.visitor(p).form(t, action, pairs...)
}

// consents answers the consent page that a leads to.
func (s *server) consents(t *testing.T, p person, a answer, decision string) url.Values {
	t.Helper()
	to := a.want(t, http.StatusSeeOther).header.Get("Location")
	if !strings.HasPrefix(to, consentPath+"?") {
		t.Fatalf("%s: leads to %q, want the consent page", a.call, to)
	}
	return s.fill(t, p, to, consentPath, "decision="+decision, "duration=34d", "scope=email", "scope=offline_access").back(t, s)
}

// code asks for an app in the name of p, who allows it if asked, and returns the code.
func (s *server) code(t *testing.T, p person, app program, more ...string) string {
	t.Helper()
	a := s.visitor(p).get(t, authorization(app, more...))
	var in url.Values
	if strings.HasPrefix(a.header.Get("Location"), callback) {
		in = a.back(t, s)
	} else {
		in = s.consents(t, p, a, "allow")
	}
	if in.Get("code") == "" {
		t.Fatalf("no code: %v", in)
	}
	return in.Get("code")
}

// A held is what a program holds after a code or a refresh token was redeemed.
type held struct{ access, refresh, id string }

func heldOf(t *testing.T, a answer) held {
	t.Helper()
	a.want(t, http.StatusOK)
	return held{a.text(t, "access_token"), a.text(t, "refresh_token"), a.text(t, "id_token")}
}

// signsIn lets app in, in the name of p.
func (s *server) signsIn(t *testing.T, p person, app program) held {
	t.Helper()
	return heldOf(t, s.redeem(t, app, s.code(t, p, app)))
}

func (s *server) redeem(t *testing.T, p program, code string) answer {
	t.Helper()
	return s.nobody().is(p).form(t, tokenPath, "grant_type=authorization_code", "code="+code, "redirect_uri="+callback, "code_verifier="+verifier)
}

func (s *server) renew(t *testing.T, p program, token string) answer {
	t.Helper()
	return s.nobody().is(p).form(t, tokenPath, "grant_type=refresh_token", "refresh_token="+token)
}

func unescaped(t *testing.T, query string) string {
	t.Helper()
	text, err := url.QueryUnescape(query)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
