package oauth

import (
	"net/url"
	"strings"
	"testing"
)

func TestRedirectFault(t *testing.T) {
	good := []string{
		"https://a.example", "https://a.example/", "https://a.example/cb?x=1&y=%20", "https://a.example:8443/cb",
		"http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", "http://[::1]/cb", "http://localhost:3000/cb",
		"com.example.app:/cb", "com.example.app:/", "https://xn--bcher-kva.example/cb",
	}
	bad := []string{
		"", "/cb", "//a.example/cb", "a.example/cb", "https:", "https:/cb", "https://", "https:///cb", "https://:443/cb",
		"http://a.example/cb", "http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/", "http://10.0.0.1/cb",
		"https://a.example/cb#", "https://a.example/cb#x", "https://user@a.example/cb", "https://user:pw@a.example/", "https://@a.example/",
		"https://a.example\\@evil.example/", "https://a.example/../cb", "https://a.example/./cb", "https://a.example/%2e%2e/cb",
		"https://*.a.example/cb", "https://a.example/*", "https://a.example/c b", "https://a.example/cb\n", " https://a.example/cb",
		"HTTPS://a.example/cb", "https:a.example/cb", "javascript:alert(1)", "data:text/html,x", "app:/cb", "com.example.app://host/cb",
		"com.example.app:cb", "file:///etc/passwd", "https://a.example:/cb", "https://a.example:x/cb", "https://bücher.example/cb",
		"https://a.example/" + strings.Repeat("x", 2048), "https://a.example/<", "https://[::1", "https://a.example/%zz",
	}
	for _, text := range good {
		if fault := redirectFault(text); fault != "" {
			t.Errorf("%q %s", text, fault)
		}
	}
	for _, text := range bad {
		if redirectFault(text) == "" {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestResourceFault(t *testing.T) {
	for text, want := range map[string]bool{
		"https://a.example": true, "https://a.example/api?tenant=1": true, "http://127.0.0.1:8080/api": true,
		"http://a.example": false, "urn:example:api": false, "com.example.app:/x": false, "https://a.example/#x": false, "": false,
		"https://u@a.example": false,
	} {
		if got := resourceFault(text) == ""; got != want {
			t.Errorf("%q: accepted %v, want %v", text, got, want)
		}
	}
}

// What is accepted leads where it says, in one spelling, and over no open wire.
func FuzzRedirectFault(f *testing.F) {
	f.Add("https://a.example/cb")
	f.Add("http://[::1]:80/x")
	f.Add("com.example.app:/cb")
	f.Fuzz(func(t *testing.T, text string) {
		if redirectFault(text) != "" {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.User != nil || u.Fragment != "" || strings.ContainsAny(text, "#\\ \r\n") ||
			u.Scheme == "http" && !isLoopback(u.Hostname()) || u.Scheme == "javascript" {
			t.Errorf("accepted %q", text)
		}
	})
}
