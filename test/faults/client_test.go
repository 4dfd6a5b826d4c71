package faults

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	registerPath = "/api/auth/register"
	loginPath    = "/api/auth/login"
	refreshPath  = "/api/auth/refresh"
	logoutPath   = "/api/auth/logout"
	verifyPath   = "/api/auth/verify"
	keysPath     = "/api/auth/api-keys"

	goodPassword  = "heron-wades-at-dusk-21"
	sessionCookie = "__heady_session"
)

// obj is a JSON object.
type obj = map[string]any

// A client speaks to one server with one set of headers.
type client struct {
	url    string
	header http.Header
	http   *http.Client
}

// nobody returns a client without credentials.
func (s *server) nobody() client {
	return client{s.URL, http.Header{}, &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second},
	}}
}

func (c client) with(name, value string) client {
	c.header = c.header.Clone()
	c.header.Set(name, value)
	return c
}

func (c client) bearer(token string) client { return c.with("Authorization", "Bearer "+token) }
func (c client) apiKey(key string) client   { return c.with("X-API-Key", key) }
func (c client) cookie(value string) client { return c.with("Cookie", sessionCookie+"="+value) }

// An answer is one response, read to its end. Status 0 is none at all.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error         // why there is no answer
	took   time.Duration // from the sending of the request
	sent   time.Time
}

// try sends body as JSON (nil: none) and takes what comes: under faults a request
// may well find nobody.
func (c client) try(method, path string, body any) answer {
	if body == nil {
		return c.send(method, path, "", nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return answer{err: err}
	}
	return c.send(method, path, "application/json", text)
}

// send is try with a body of another kind; "": it has none.
func (c client) send(method, path, kind string, body []byte) (a answer) {
	a.sent = time.Now()
	defer func() { a.took = time.Since(a.sent) }()
	req, err := http.NewRequestWithContext(context.Background(), method, c.url+path, bytes.NewReader(body))
	if err != nil {
		a.err = err
		return a
	}
	req.Header = c.header.Clone()
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := c.http.Do(req)
	if err != nil {
		a.err = err
		return a
	}
	defer res.Body.Close()
	if a.body, a.err = io.ReadAll(res.Body); a.err == nil {
		a.status, a.header = res.StatusCode, res.Header
	}
	return a
}

// do is try where nothing may go wrong but what is wanted.
func (c client) do(t *testing.T, method, path string, body any, want ...int) answer {
	t.Helper()
	a := c.try(method, path, body)
	if !slices.Contains(want, a.status) {
		t.Fatalf("%s %s: %s, want %v", method, path, a, want)
	}
	return a
}

// String describes a for the reader of a failed test.
func (a answer) String() string {
	if a.status == 0 {
		return fmt.Sprintf("no answer after %v: %v", a.took.Round(time.Millisecond), a.err)
	}
	return fmt.Sprintf("%d %.300s", a.status, a.body)
}

// text returns the string at the dotted path of the body, or "".
func (a answer) text(path string) string {
	var at any
	_ = json.Unmarshal(a.body, &at) // what is no JSON has no text
	for name := range strings.SplitSeq(path, ".") {
		o, _ := at.(obj)
		at = o[name]
	}
	s, _ := at.(string)
	return s
}

func (a answer) code() string { return a.text("code") }

// A person is an account and what its last sign-in gave.
type person struct {
	id, email               string
	access, refresh, cookie string
	session                 string
}

func signedIn(email string, a answer) person {
	p := person{id: a.text("user.id"), email: email, access: a.text("accessToken"), refresh: a.text("refreshToken")}
	p.session = sessionOf(p.access)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == sessionCookie {
			p.cookie = c.Value
		}
	}
	return p
}

// sessionOf returns the session's id in an access token.
func sessionOf(access string) string {
	parts := strings.Split(access, ".")
	if len(parts) != 3 {
		return ""
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[1]) // bad tokens have no session
	var claims struct{ Sid string }
	_ = json.Unmarshal(text, &claims)
	return claims.Sid
}

func address(name string) string { return name + "@example.com" }

func credentials(email string) obj { return obj{"email": email, "password": goodPassword} }

// register makes the person called name, signed in.
func (s *server) register(t *testing.T, name string) person {
	t.Helper()
	return signedIn(address(name), s.nobody().do(t, "POST", registerPath, credentials(address(name)), 201))
}

func (s *server) login(t *testing.T, email string) person {
	t.Helper()
	return signedIn(email, s.nobody().do(t, "POST", loginPath, credentials(email), 200))
}

// admin makes an administrator by the command line and signs them in.
func (s *server) admin(t *testing.T) person {
	t.Helper()
	s.Operate(t, goodPassword+"\n", &obj{}, "users", "create", "--email", address("admin"), "--role", "admin", "--password-stdin")
	return s.login(t, address("admin"))
}

// as returns a client that shows p's access token.
func (s *server) as(p person) client { return s.nobody().bearer(p.access) }

// A key is an API key as it was shown once.
type key struct{ id, secret string }

func (c client) createKey(t *testing.T) key {
	t.Helper()
	a := c.do(t, "POST", keysPath, obj{}, 201)
	return key{a.text("id"), a.text("key")}
}

// pages returns all items of the list called name at path.
func (c client) pages(t *testing.T, path, name string) []json.RawMessage {
	t.Helper()
	var all []json.RawMessage
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	for cursor := ""; ; {
		a := c.do(t, "GET", path+mark+"limit=100"+cursor, nil, 200)
		var page map[string]json.RawMessage
		var items []json.RawMessage
		if err := json.Unmarshal(a.body, &page); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(page[name], &items); err != nil {
			t.Fatalf("%s: %v\n%.300s", path, err, a.body)
		}
		all = append(all, items...)
		next := a.text("next")
		if next == "" {
			return all
		}
		cursor = "&cursor=" + next
	}
}
