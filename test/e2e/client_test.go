package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

const sessionCookie = "__heady_session"

// obj is a JSON object.
type obj = map[string]any

// A client speaks to one server with one set of headers. Its methods return
// changed copies.
type client struct {
	base   string
	header http.Header
	http   *http.Client
}

// nobody returns a client without credentials.
func (s *server) nobody() client {
	return client{base: s.URL, header: http.Header{}, http: dialFrom("")}
}

// dialFrom returns an HTTP client that follows no redirect, keeps no cookie and
// calls from the address; "" is the usual one.
func dialFrom(address string) *http.Client {
	dialer := &net.Dialer{}
	if address != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
	}
	return &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DialContext: dialer.DialContext, IdleConnTimeout: time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c client) with(name, value string) client {
	c.header = c.header.Clone()
	c.header.Set(name, value)
	return c
}

func (c client) bearer(token string) client { return c.with("Authorization", "Bearer "+token) }
func (c client) apiKey(key string) client   { return c.with("X-API-Key", key) }

// cookie signs c in by the session cookie, as a page of our own origin does.
func (c client) cookie(value string) client {
	return c.with("Cookie", sessionCookie+"="+value).with("Origin", c.base).with("Sec-Fetch-Site", "same-origin")
}

func (c client) from(address string) client {
	c.http = dialFrom(address)
	return c
}

func (c client) get(t *testing.T, path string) answer { return c.do(t, "GET", path, nil) }

func (c client) delete(t *testing.T, path string) answer { return c.do(t, "DELETE", path, nil) }

func (c client) post(t *testing.T, path string, body any) answer {
	t.Helper()
	return c.do(t, "POST", path, body)
}

func (c client) patch(t *testing.T, path string, body any) answer {
	t.Helper()
	return c.do(t, "PATCH", path, body)
}

// do sends body as JSON; nil sends none.
func (c client) do(t *testing.T, method, path string, body any) answer {
	t.Helper()
	if body == nil {
		return c.send(t, method, path, nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return c.with("Content-Type", "application/json").send(t, method, path, text)
}

// send sends body as it is and holds the answer against the contract.
func (c client) send(t *testing.T, method, path string, body []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, reader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = c.header.Clone()
	req.Host = c.header.Get("Host") // "" is the usual one
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	a := answer{call: method + " " + path, status: res.StatusCode, header: res.Header, body: text}
	a.checkBasics(t)
	bench.contract.check(t, req, body, a)
	return a
}

func reader(body []byte) io.Reader {
	if body == nil {
		return nil
	}
	return bytes.NewReader(body)
}
