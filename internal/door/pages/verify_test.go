package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func letterLink(kind, target string) string {
	return letterPath + "?" + url.Values{"token": {`pkce_"<b>`}, "type": {kind}, "redirect_to": {target}}.Encode()
}

// The page of a link says what the click does, and brings all that the click needs.
func TestThePageOfALettersLink(t *testing.T) {
	b := build(t, plan{}).visitor()
	const target = "https://app.example.com/in?a=1&b=2"
	for kind, texts := range map[string][]string{
		"signup":       {"<h1>Confirm your email address</h1>", "Confirm email address"},
		"email":        {"<h1>Confirm your email address</h1>", "Confirm email address"},
		"magiclink":    {"<h1>Sign in</h1>", "Sign in"},
		"recovery":     {"<h1>Choose a new password</h1>", "Go on"},
		"invite":       {"<h1>Accept the invitation</h1>", "Accept"},
		"email_change": {"<h1>Change your email address</h1>", "Confirm the change"},
	} {
		a := b.get(letterLink(kind, target)).want(t, http.StatusOK, append(texts, `action="`+letterPath+`"`, `method="post"`)...)
		a.lacks(t, "<b>", "ZgotmplZ")
		in := a.fill()
		in.Del("csrf_token")
		want := url.Values{"token": {`pkce_&#34;&lt;b&gt;`}, "type": {kind}, "redirect_to": {"https://app.example.com/in?a=1&amp;b=2"}}
		if !reflect.DeepEqual(in, want) {
			t.Errorf("%s: the form brings %v, want %v", kind, in, want)
		}
		h := a.Header()
		if h.Get("Content-Security-Policy") != policy+" https://app.example.com" || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", kind, h)
		}
	}
}

func TestTheFormOfALetterMayLeadToItsAppAlone(t *testing.T) {
	b := build(t, plan{}).visitor()
	for target, more := range map[string]string{
		"":                              "",
		"http://127.0.0.1:5173/cb":      " http://127.0.0.1:5173",
		"myapp://callback":              " myapp://callback",
		"com.example.app:/callback":     " com.example.app:",
		"http://[::1]:3000/cb":          " http:",
		"https://a.example;script-src/": " https:",
	} {
		a := b.get(letterLink("signup", target)).want(t, http.StatusOK)
		if got := strings.TrimPrefix(a.Header().Get("Content-Security-Policy"), policy); got != more {
			t.Errorf("%s: the policy adds %q, want %q", target, got, more)
		}
	}
}

func TestALettersLinkOfNoKind(t *testing.T) {
	h := build(t, plan{})
	for _, kind := range []string{"", "x", "sms", "phone_change", "reauthentication", "SIGNUP"} {
		a := h.visitor().get(letterLink(kind, "https://app.example.com/")).want(t, http.StatusBadRequest, "<h1>", "There are no letters of this type.")
		a.lacks(t, "<form", "app.example.com")
	}
	r := httptest.NewRequest(http.MethodHead, letterLink("signup", ""), nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("HEAD: got %d", w.Code)
	}
}
