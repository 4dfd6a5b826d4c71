package captcha

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
)

var home = netip.MustParseAddr("203.0.113.7")

// out returns a way out that may reach this machine.
func out(t *testing.T) *fetch.Client {
	t.Helper()
	c, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// asking returns a Checker whose service is h, and what it logs.
func asking(t *testing.T, h http.HandlerFunc) (*Checker, *bytes.Buffer) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(out(t), Config{Provider: "hcaptcha", Secret: "hush", URL: s.URL + "/siteverify"})
	if err != nil {
		t.Fatal(err)
	}
	return c, logged(t)
}

// logged catches the log until the test ends.
func logged(t *testing.T) *bytes.Buffer {
	t.Helper()
	before, log := slog.Default(), &bytes.Buffer{}
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestTheServiceIsAsked(t *testing.T) {
	tests := []struct {
		name    string
		address netip.Addr
		want    url.Values
	}{
		{"with an address", home, url.Values{"secret": {"hush"}, "response": {"a b&c"}, "remoteip": {"203.0.113.7"}}},
		{"with one in disguise", netip.MustParseAddr("::ffff:203.0.113.7"), url.Values{"secret": {"hush"}, "response": {"a b&c"}, "remoteip": {"203.0.113.7"}}},
		{"with one of a zone", netip.MustParseAddr("fe80::1%eth0"), url.Values{"secret": {"hush"}, "response": {"a b&c"}, "remoteip": {"fe80::1"}}},
		{"without", netip.Addr{}, url.Values{"secret": {"hush"}, "response": {"a b&c"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, log := asking(t, func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil || r.Method != "POST" || r.URL.Path != "/siteverify" || r.URL.RawQuery != "" || !reflect.DeepEqual(r.PostForm, tt.want) {
					t.Errorf("got %s %s %v, %v", r.Method, r.URL, r.PostForm, err)
				}
				says(http.StatusOK, `{"success":true,"challenge_ts":"2026-08-01T12:00:00Z","hostname":"id.test","error-codes":[]}`)(w, r)
			})
			if err := c.Check(t.Context(), "a b&c", tt.address); err != nil || log.Len() > 0 {
				t.Errorf("got %v, logged %s", err, log)
			}
		})
	}
}

func TestWhatFails(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		logged     string // empty: nothing
	}{
		{"a wrong response", `{"success":false,"error-codes":["invalid-input-response"]}`, 200, ""},
		{"a stale response", `{"success":false,"error-codes":["timeout-or-duplicate"]}`, 200, ""},
		{"no reason", `{"success":false}`, 200, ""},
		{"an empty answer", `{}`, 200, ""},
		{"our secret", `{"success":false,"error-codes":["invalid-input-secret"]}`, 200, "invalid-input-secret"},
		{"our secret and the response", `{"success":false,"error-codes":["invalid-input-response","invalid-input-secret"]}`, 200, "invalid-input-secret"},
		{"a code that lies in the log", `{"success":false,"error-codes":["x\nlevel=INFO"]}`, 200, `x\\nlevel=INFO`},
		{"success in words", `{"success":"true"}`, 200, "something else"},
		{"success twice", `{"success":false,"success":true}`, 200, "something else"},
		{"success in capitals", `{"Success":true}`, 200, ""},
		{"more behind it", `{"success":true}{}`, 200, "something else"},
		{"no JSON", `<html>`, 200, "something else"},
		{"nothing", ``, 200, "something else"},
		{"success, and a failure's status", `{"success":true}`, 500, "status 500"},
		{"success, and a redirect's", `{"success":true}`, 307, "status 307"},
		{"success, and 201", `{"success":true}`, 201, "status 201"},
		{"too much", `{"success":true,"x":"` + strings.Repeat("x", most) + `"}`, 200, "too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, log := asking(t, says(tt.status, tt.body))
			ctx := headykey.WithRequestID(t.Context(), "req_1")
			if err := c.Check(ctx, "response", home); err != headykey.ErrCaptcha {
				t.Errorf("got %v", err)
			}
			if got := log.String(); (tt.logged == "") != (got == "") || !strings.Contains(got, tt.logged) ||
				got != "" && (!strings.Contains(got, "requestId=req_1") || strings.Count(got, "\n") != 1) {
				t.Errorf("logged %q, want %q", got, tt.logged)
			}
			if strings.Contains(log.String(), "hush") || strings.Contains(log.String(), "response=") {
				t.Errorf("logged a secret: %s", log)
			}
		})
	}
}

func TestAServiceThatIsNotThereLetsNobodyIn(t *testing.T) {
	c, err := New(out(t), Config{Provider: "turnstile", Secret: "hush", URL: "http://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	log := logged(t)
	if err := c.Check(t.Context(), "response", home); !errors.Is(err, headykey.ErrCaptcha) || !strings.Contains(log.String(), "cannot be reached") {
		t.Errorf("got %v, logged %s", err, log)
	}
}

func TestAServiceThatSaysNothingLetsNobodyIn(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	c, log := asking(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the other side is gone
		leave()
		<-r.Context().Done()
	})
	if err := c.Check(ctx, "response", home); !errors.Is(err, headykey.ErrCaptcha) || log.Len() == 0 {
		t.Errorf("got %v, logged %s", err, log)
	}
}

func TestAResponseThatCannotBeOneIsNotSent(t *testing.T) {
	var asked atomic.Int64
	c, log := asking(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		says(http.StatusOK, `{"success":true}`)(w, r)
	})
	for _, response := range []string{"", strings.Repeat("x", most+1)} {
		if err := c.Check(t.Context(), response, home); !errors.Is(err, headykey.ErrCaptcha) {
			t.Errorf("%d bytes: got %v", len(response), err)
		}
	}
	if n := asked.Load(); n != 0 || log.Len() > 0 {
		t.Errorf("asked %d times, logged %s", n, log)
	}
	if err := c.Check(t.Context(), strings.Repeat("x", most), home); err != nil || asked.Load() != 1 {
		t.Errorf("the longest: got %v", err)
	}
}

func TestNoCheckerChecksNothing(t *testing.T) {
	var c *Checker
	if err := c.Check(t.Context(), "", netip.Addr{}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestNew(t *testing.T) {
	tests := []struct {
		name string
		c    Config
		want string // the service, or the failure
	}{
		{"hCaptcha", Config{Provider: "hcaptcha", Secret: "hush"}, "https://api.hcaptcha.com/siteverify"},
		{"Turnstile", Config{Provider: "turnstile", Secret: "hush"}, "https://challenges.cloudflare.com/turnstile/v0/siteverify"},
		{"another address", Config{Provider: "turnstile", Secret: "hush", URL: "https://captcha.example/verify"}, "https://captcha.example/verify"},
		{"no provider", Config{Secret: "hush"}, "captcha provider must be hcaptcha or turnstile"},
		{"another provider", Config{Provider: "recaptcha", Secret: "hush"}, "captcha provider must be hcaptcha or turnstile"},
		{"no secret", Config{Provider: "hcaptcha"}, "captcha secret is missing"},
		{"plain http", Config{Provider: "hcaptcha", Secret: "hush", URL: "http://captcha.example/"}, "captcha URL: address may not be fetched: it is not https"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(out(t), tt.c)
			got := ""
			switch {
			case err != nil && c == nil:
				got = err.Error()
			case err == nil:
				got = c.url
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Only a service that says yes lets anybody in.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"success":true}`, `{"success":false,"error-codes":["invalid-input-secret"]}`, `{"success":null}`, `[]`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		solved, err := read(body)
		if solved && (err != nil || !bytes.Contains(body, []byte("true"))) {
			t.Errorf("%q let somebody in: %v", body, err)
		}
		if err != nil && len(err.Error()) > 12*maxLogged {
			t.Errorf("%q: said %d bytes", body, len(err.Error()))
		}
	})
}
