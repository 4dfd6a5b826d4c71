package oauth

import (
	"strings"
	"testing"

	"headykey.com/headykey"
)

func TestSessionStateIsTheHashOfSessionManagement(t *testing.T) {
	// printf '%s' "<client> https://app.example:8443 browser salt" | sha256sum
	const client = "5f0f7a0e-4a0b-4d2c-9b1e-1f2d3c4b5a69"
	want := "75b8c51d74188a206ee2d2c0fe4c3e58f66e49cf622ca9e54e10db485778fcbb.salt"
	if got := stateFor(client, "https://app.example:8443", "browser", "salt"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhichAnswersHaveASessionState(t *testing.T) {
	p := Pending{Client: &headykey.Client{ID: "c"}, Browser: "b", Ask: Ask{Redirect: "https://app.example/cb", Scopes: []string{"openid"}}}
	one, two := p.sessionState(), p.sessionState()
	_, salt, _ := strings.Cut(one, ".")
	if one == two || one != stateFor("c", "https://app.example", "b", salt) || strings.Contains(one, " ") {
		t.Errorf("got %q and %q", one, two)
	}
	for name, change := range map[string]func(*Pending){
		"no browser":        func(p *Pending) { p.Browser = "" },
		"no OpenID Connect": func(p *Pending) { p.Ask.Scopes = []string{"email"} },
		"no page":           func(p *Pending) { p.Ask.Redirect = "com.example.app:/cb" },
	} {
		q := p
		change(&q)
		if got := q.sessionState(); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestOriginsAreSpelledAsBrowsersDo(t *testing.T) {
	for address, want := range map[string]string{
		"https://App.Example:443/cb?x": "https://app.example", "http://127.0.0.1:80/": "http://127.0.0.1", "https://app.example:80/": "https://app.example:80",
		"https://[::1]:8443/": "https://[::1]:8443", "com.example.app:/cb": "", "%": "",
	} {
		if got := originOf(address); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}
