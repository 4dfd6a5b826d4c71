package faults

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const (
	authorizePath  = "/auth/v1/authorize"
	tokenPath      = "/auth/v1/token"
	introspectPath = "/auth/v1/oauth/introspect"
	oauthEndPath   = "/auth/v1/oauth/revoke"
	userinfoPath   = "/auth/v1/user"

	callback = "https://app.example/cb"
	verifier = "a-code-verifier-of-the-tests-that-is-long-enough-0123456789"
)

// A program is an OAuth client and its secret.
type program struct{ id, secret string }

// program registers a client by the command line.
func (h home) program(t *testing.T, args ...string) program {
	t.Helper()
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	h.Operate(t, "", &made, append([]string{
		"clients", "create", "--name", "Robot", "--redirect-uri", callback, "--scope", "openid", "--scope", "email", "--scope", "offline_access",
	}, args...)...)
	return program{made.ID, made.Secret}
}

// form posts in as p proves itself.
func (c client) form(p program, path string, in url.Values) answer {
	pair := base64.StdEncoding.EncodeToString([]byte(p.id + ":" + p.secret))
	return c.with("Authorization", "Basic "+pair).send("POST", path, "application/x-www-form-urlencoded", []byte(in.Encode()))
}

// at is who sits at a browser, signed in by a cookie. It follows no redirect.
func (c client) at(cookie string) client {
	still := *c.http
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &still
	return c.cookie(cookie+"; __heady_csrf=ABCDEFGHIJKLMNOPQRSTUVWXYZ").with("Origin", base).with("Sec-Fetch-Site", "same-origin")
}

// authorization is an authorization request of p.
func authorization(p program, scope string) string {
	sum := sha256.Sum256([]byte(verifier))
	return authorizePath + "?" + url.Values{
		"client_id": {p.id}, "response_type": {"code"}, "scope": {scope}, "redirect_uri": {callback},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// codeIn returns the code that a redirect takes back to the program, or "".
func codeIn(a answer) string {
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || !strings.HasPrefix(to.String(), callback+"?") {
		return ""
	}
	return to.Query().Get("code")
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)"`)

// letIn lets p in, in the name of jane, who says yes if she is asked.
func (s *server) letIn(t *testing.T, jane person, p program, scope string) held {
	t.Helper()
	c := s.nobody().at(jane.cookie)
	a := c.do(t, "GET", authorization(p, scope), nil, 303)
	if codeIn(a) == "" {
		page := c.do(t, "GET", a.header.Get("Location"), nil, 200)
		_, text, _ := strings.Cut(string(page.body), `action="/consent"`)
		in := url.Values{"decision": {"allow"}, "duration": {"34d"}, "scope": strings.Fields(scope)}
		for _, field := range hidden.FindAllStringSubmatch(text, -1) {
			in.Add(field[1], html.UnescapeString(field[2]))
		}
		a = c.send("POST", "/consent", "application/x-www-form-urlencoded", []byte(in.Encode()))
	}
	one := held{code: codeIn(a)}
	if a = s.nobody().redeem(p, one.code); a.status != 200 {
		t.Fatalf("the code %q of %s was answered with %s", one.code, jane.email, a)
	}
	one.takes(a)
	return one
}

// A held is what a program holds of one authorization.
type held struct {
	code            string
	access, refresh string   // the latest
	spent           []string // refresh tokens before, oldest first
}

func (h *held) takes(a answer) {
	if h.refresh != "" {
		h.spent = append(h.spent, h.refresh)
	}
	h.access, h.refresh = a.text("access_token"), a.text("refresh_token")
}

func (c client) redeem(p program, code string) answer {
	return c.form(p, tokenPath, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	})
}

func (c client) renew(p program, token string) answer {
	return c.form(p, tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (c client) introspect(p program, token string) answer {
	return c.form(p, introspectPath, url.Values{"token": {token}})
}

func isActive(a answer) bool { return strings.Contains(string(a.body), `"active":true`) }

// isSpent reports whether a says that a code or token is good no more.
func isSpent(a answer) bool { return a.status == 400 && a.text("error") == "invalid_grant" }

// gone marks the test failed if anything that h holds is still good.
func (h *held) gone(t *testing.T, c client, p program) {
	t.Helper()
	if a := c.introspect(p, h.access); a.status != 200 || isActive(a) {
		t.Errorf("an access token that was ended came back: %s", a)
	}
	if a := c.bearer(h.access).try("GET", userinfoPath, nil); a.status != 401 {
		t.Errorf("userinfo of what was ended: %s", a)
	}
	for what, a := range map[string]answer{"code": c.redeem(p, h.code), "refresh token": c.renew(p, h.refresh)} {
		if !isSpent(a) {
			t.Errorf("a %s that was ended came back: %s", what, a)
		}
	}
}

func (h *held) String() string {
	return fmt.Sprintf("code %.8s with %d renewals", h.code, len(h.spent))
}
