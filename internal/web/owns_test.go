package web_test

import (
	"testing"

	"headykey.com/headykey/internal/web"
)

// Who may get the outcome of a letter may ask for one: pages of the site and of the
// list, where a host may be a pattern.
func TestOwns(t *testing.T) {
	targets, err := web.NewTargets("https://app.example/home", []string{
		"https://named.example/**", "https://*.preview.example/**", "https://team-?.example", "https://**.deep.example/cb",
		"http://*.plain.example/**", "com.example.app://login", "*://any.example/**", "https://app.example/*",
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{
		"https://app.example":                     true,
		"https://named.example":                   true,
		"https://tide.preview.example":            true,
		"https://team-1.example":                  true,
		"https://a.b.deep.example":                true,
		"https://preview.example":                 false,
		"https://a.b.preview.example":             false,
		"https://tide.preview.example:8443":       false,
		"https://tide.preview.example.evil":       false,
		"https://evil/.preview.example":           false,
		"https://evil#.preview.example":           false,
		"https://evil@tide.preview.example":       false,
		"https://*.preview.example":               false,
		"https://TIDE.preview.example":            false,
		"https://tide.preview.example/":           false,
		"https://evil.example?a.deep.example":     false,
		"https://evil.example\\.deep.example":     false,
		"http://tide.preview.example":             false,
		"http://tide.plain.example":               false, // nobody who is not this machine
		"com.example.app://login":                 false,
		"https://any.example":                     false,
		"https://team-12.example":                 false,
		"https://stranger.example":                false,
		"null":                                    false,
		"":                                        false,
		"https://named.example https://x.example": false,
	}
	for origin, want := range tests {
		if got := targets.Owns(origin); got != want {
			t.Errorf("%q: got %v, want %v", origin, got, want)
		}
	}
}
