package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A reply is what the provider answered to a program.
type reply struct {
	call   string
	status int
	header http.Header
	body   []byte
}

// send sends one request; headers are "Name: value".
func (p *provider) send(t *testing.T, method, to, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return receive(t, p.http, r)
}

func receive(t *testing.T, by *http.Client, r *http.Request) reply {
	t.Helper()
	res, err := by.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{r.Method + " " + r.URL.Path, res.StatusCode, res.Header, text}
}

func (p *provider) get(t *testing.T, from string, headers ...string) reply {
	t.Helper()
	return p.send(t, http.MethodGet, from, "", headers...)
}

func (p *provider) form(t *testing.T, to string, in url.Values, headers ...string) reply {
	t.Helper()
	return p.send(t, http.MethodPost, to, in.Encode(), append(headers, "Content-Type: application/x-www-form-urlencoded")...)
}

func (p *provider) json(t *testing.T, method, to string, in obj, headers ...string) reply {
	t.Helper()
	return p.send(t, method, to, encode(t, in), append(headers, "Content-Type: application/json")...)
}

func encode(t *testing.T, in any) string {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// want stops the test unless the status is one of these.
func (r reply) want(t *testing.T, statuses ...int) reply {
	t.Helper()
	if !slices.Contains(statuses, r.status) {
		t.Fatalf("%s: %d %s, want %v", r.call, r.status, r.body, statuses)
	}
	return r
}

// object returns the JSON object that the reply is.
func (r reply) object(t *testing.T) obj {
	t.Helper()
	if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("%s: Content-Type %q, want JSON", r.call, kind)
	}
	var out obj
	if err := json.Unmarshal(r.body, &out); err != nil {
		t.Fatalf("%s: %s: %v", r.call, r.body, err)
	}
	return out
}

// refuses marks the test failed unless the reply is a failure of one of the words, as
// RFC 6749 §5.2 spells it: 400, or 401 for a client that is not proven.
func (r reply) refuses(t *testing.T, words ...string) reply {
	t.Helper()
	var f struct{ Error string }
	if json.Unmarshal(r.body, &f) != nil || r.status != 400 && r.status != 401 || !slices.Contains(words, f.Error) {
		t.Errorf("%s: %d %s, want a refusal %v", r.call, r.status, r.body, words)
	}
	if r.status == http.StatusUnauthorized && f.Error != "invalid_client" && f.Error != "invalid_token" && f.Error != "invalid_dpop_proof" && f.Error != "use_dpop_nonce" {
		t.Errorf("%s: 401 for %s", r.call, f.Error)
	}
	return r
}

// text returns a member that must be a string with something in it.
func text(t *testing.T, o obj, name string) string {
	t.Helper()
	s, ok := o[name].(string)
	if !ok || s == "" {
		t.Fatalf("%s is %v, want a text; all: %v", name, o[name], o)
	}
	return s
}

// words returns a member that must be a list of strings.
func words(t *testing.T, o obj, name string) []string {
	t.Helper()
	list, ok := o[name].([]any)
	if !ok {
		t.Errorf("%s is %v, want a list", name, o[name])
	}
	var out []string
	for _, one := range list {
		word, ok := one.(string)
		if !ok {
			t.Errorf("%s holds %v, want text alone", name, one)
		}
		out = append(out, word)
	}
	return out
}
