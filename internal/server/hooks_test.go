package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"headykey.com/headykey/internal/hook"
)

// A hookEndpoint is the operator's own server, which vouches for itself.
type hookEndpoint struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]string // by path; none: 204
	asked   chan string       // paths
}

func (e *hookEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.asked <- r.URL.Path
	e.mu.Lock()
	body, ok := e.answers[r.URL.Path]
	e.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

// say has path answer body from now on.
func (e *hookEndpoint) say(path, body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers[path] = body
}

// runHooked starts a server that asks every hook at an endpoint of a certificate that
// extra_ca vouches for.
func runHooked(t *testing.T) (*running, *hookEndpoint, *book) {
	t.Helper()
	e := &hookEndpoint{answers: map[string]string{}, asked: make(chan string, 100)}
	e.Server = httptest.NewTLSServer(e)
	t.Cleanup(e.Close)
	c := settings(t.TempDir())
	c.RateLimit, c.ExtraCA = false, filepath.Join(t.TempDir(), "roots.pem")
	check(t, os.WriteFile(c.ExtraCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Certificate().Raw}), 0o600))
	secret := "v1,whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
	at := func(path string) hook.Config { return hook.Config{URI: e.URL + path, Secrets: []string{secret}} }
	c.Hooks.CustomAccessToken, c.Hooks.PasswordVerificationAttempt = at("/token"), at("/password")
	c.Hooks.BeforeUserCreated, c.Hooks.AfterUserCreated, c.Hooks.SendEmail = at("/before"), at("/after"), at("/letter")
	log := &book{}
	return run(t, c, log.logger()), e, log
}

const wordsVersion = "X-Supabase-Api-Version: 2024-01-01"

// spelled is an answer on one line, as far as failures go.
func spelled(status int, in map[string]any) string {
	text, _ := json.Marshal(map[string]any{"status": status, "code": in["code"], "message": in["message"]})
	return string(text)
}

func TestWhatHooksSayReachesPeople(t *testing.T) {
	s, e, log := runHooked(t)
	const ada = `{"email":"ada@example.com","password":"` + password + `"}`
	post := func(path, body string) string {
		status, in := s.ask(t, "POST", path, body, wordsVersion)
		return spelled(status, in)
	}
	want := func(name, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
	e.say("/before", `{"error":{"http_code":418,"message":"Not on a Sunday."}}`)
	want("sign-up at the door of apps", post("/auth/v1/signup", ada), `{"code":"unknown","message":"Not on a Sunday.","status":418}`)
	status, in := s.ask(t, "POST", "/api/auth/register", ada)
	if status != http.StatusForbidden || in["code"] != "hook_refused" {
		t.Errorf("at the HeadyKey API: %d %v", status, in)
	}
	e.say("/before", `{}`)
	if got := post("/auth/v1/signup", ada); !strings.Contains(got, `"status":200`) {
		t.Fatalf("got %s", got)
	}
	const signIn = "/auth/v1/token?grant_type=password"
	e.say("/password", `{"decision":"reject","message":"Come back on Monday."}`)
	want("a rejected password", post(signIn, ada), `{"code":"invalid_credentials","message":"Come back on Monday.","status":400}`)
	e.say("/password", `{"decision":"continue"}`)
	want("a wrong password", post(signIn, `{"email":"ada@example.com","password":"not this one"}`),
		`{"code":"invalid_credentials","message":"Invalid login credentials","status":400}`)
	e.say("/token", `{"claims":{"sub":"somebody else"}}`)
	want("a token of somebody else", post(signIn, ada), `{"code":"unexpected_failure","message":"Something went wrong on our side. Try again; if it goes on, tell us the request id.","status":500}`)
	e.say("/token", strings.Repeat(" ", 201<<10)+"{}")
	want("too large an answer", post(signIn, ada),
		`{"code":"hook_payload_over_size_limit","message":"A service that this server asks first answered with too much.","status":422}`)
	check(t, s.stop())
	if told := log.String(); !strings.Contains(told, "customize-access-token") || strings.Contains(told, "somebody else") || strings.Contains(told, "ada@example") {
		t.Error("the log does not tell of the hook, or tells of a person")
	}
	close(e.asked)
	told := 0
	for path := range e.asked {
		if path == "/after" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told of %d accounts, want 1", told)
	}
}

// Without a server for its letters, an app's still leave: by the hook.
func TestTheHookOfLettersNeedsNoMailServer(t *testing.T) {
	s, e, _ := runHooked(t)
	if status, in := s.ask(t, "POST", "/auth/v1/otp", `{"email":"new@example.com"}`); status != http.StatusOK {
		t.Fatalf("got %d %v", status, in)
	}
	late := time.After(30 * time.Second)
	for {
		select {
		case path := <-e.asked:
			if path == "/letter" {
				return
			}
		case <-late:
			t.Fatal("no letter came")
		}
	}
}
