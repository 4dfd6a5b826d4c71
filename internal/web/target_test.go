package web_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"headykey.com/headykey/internal/web"
)

func targets(t testing.TB, site string, patterns ...string) *web.Targets {
	t.Helper()
	out, err := web.NewTargets(site, patterns)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestABrowserIsSentToTheSiteAndTheListAlone(t *testing.T) {
	const site = "https://app.example.com"
	all := targets(t, site+"/", "https://*.preview.example.com/**", "https://pr-?.example.com/cb", "com.example.app://callback",
		"https://other.example/welcome#top", "https://any.example/**", "http://192.168.1.5:3000/**", "https://*.dev/cb")
	for wish, want := range map[string]bool{
		site:                             true,
		site + "/welcome?next=/a":        true,
		"https://APP.example.com/":       true,
		"HTTPS://app.example.com/":       true,
		"https://app.example.com:443/":   true,
		"http://127.0.0.1:5173/cb":       true,
		"http://[::1]:5173/cb":           true,
		"com.example.app://callback":     true,
		"https://other.example/welcome":  true,
		"https://any.example/a/b.c/d?e":  true,
		"http://192.168.1.5:3000/x":      true,
		"https://pr-7.example.com/cb":    true,
		"https://a.preview.example.com/": true,

		"":                                        false,
		"/welcome":                                false,
		"//evil.example":                          false,
		"///evil.example":                         false,
		"http://app.example.com/":                 false,
		"https://app.example.com:8443/":           false,
		"https://app.example.com:x/":              false,
		"https://app.example.com./":               false,
		"https://app.example.com.evil/":           false,
		"https://evil.example/":                   false,
		"https:app.example.com":                   false,
		"https:/app.example.com":                  false,
		"https:///app.example.com":                false,
		"https://app.example.com@evil/":           false,
		"https://u:p@app.example.com/":            false,
		"https://@app.example.com/":               false,
		"https://evil\\@app.example.com":          false,
		"https://evil\\.app.example.com":          false,
		"https://app.example.com\\@evil":          false,
		"\thttps://app.example.com/":              false,
		"https://app.exam\nple.com/":              false,
		" https://app.example.com/":               false,
		"java\tscript://app.example.com":          false,
		"javascript://any.example/%0aalert(1)":    false,
		"JavaScript:alert(1)//any.example":        false,
		"data:text/html,https://any.example/":     false,
		"view-source:https://any.example/":        false,
		"https://%65vil.example/":                 false,
		"https://app%2Eexample.com/":              false,
		"https://a\u3002b.preview.example.com/":   false,
		"https://a%E3%80%82b.preview.example.com": false,
		"https://\uff41pp.example.com/":           false,
		"http://169.254.169.254/":                 false,
		"http://10.0.0.1/":                        false,
		"http://2130706433/":                      false,
		"http://0x7f000001/":                      false,
		"http://127.1/":                           false,
		"http://0177.0.0.1/":                      false,
		"http://[::1%25eth0]/":                    false,
		"http://[fe80::1]/":                       false,
		"http://localhost/":                       false,
		"http://localhost.evil.example/":          false,

		"https://evil/.preview.example.com/":           false,
		"https://evil.example/.preview.example.com/":   false,
		"https://evil?.preview.example.com/":           false,
		"https://2130706433?.preview.example.com/":     false,
		"https://evil#.preview.example.com/":           false,
		"https://a.b.preview.example.com/":             false,
		"https://preview.example.com/":                 false,
		"https://pr-77.example.com/cb":                 false,
		"https://pr-7.example.com/cb2":                 false,
		"https://any.example.evil.example/":            false,
		"https://any.exampleXevil/":                    false,
		"https://other.example/welcome?more":           false,
		"com.example.app://callback.evil":              false,
		"https://2130706433?.dev/cb":                   false,
		"https://ai?.dev/cb":                           false,
		"http://192.168.1.5:3001/x":                    false,
		"http://192.168.1.5/x":                         false,
		"https://" + strings.Repeat("a", 9999) + ".x/": false,
	} {
		bare, _, _ := strings.Cut(wish, "#")
		if !want {
			bare = site + "/"
		}
		if got := all.Accept(wish); got != bare {
			t.Errorf("%q: got %q, want %q", wish, got, bare)
		}
	}
}

func TestASiteOnThisMachineHasAnyPort(t *testing.T) {
	local := targets(t, "http://localhost:3000")
	for wish, want := range map[string]bool{
		"http://localhost:5173/cb": true, "http://localhost": true, "http://LOCALHOST:1/": true, "http://127.0.0.1:1/": true,
		"https://localhost:3000/": false, "http://evil.localhost/": false, "ftp://localhost:3000/": false,
	} {
		if got := local.Accept(wish) == wish; got != want {
			t.Errorf("%q: got %t", wish, got)
		}
	}
	lan := targets(t, "http://192.168.1.5:8080")
	for wish, want := range map[string]bool{
		"http://192.168.1.5:8080/welcome": true, "http://192.168.1.5:8081/welcome": false, "http://192.168.1.6:8080/": false,
	} {
		if got := lan.Accept(wish) == wish; got != want {
			t.Errorf("%q: got %t", wish, got)
		}
	}
}

func TestTheFirstAcceptedWishCounts(t *testing.T) {
	all := targets(t, "https://app.example.com", "https://good.example/**")
	const good, bad, site = "https://good.example/", "https://evil.example/", "https://app.example.com"
	for _, tt := range []struct{ name, header, query, referer, want string }{
		{"none", "", "", "", site},
		{"the header first", good + "h", good + "q", good + "r", good + "h"},
		{"then the parameter", "", good + "q", good + "r", good + "q"},
		{"then the page", "", "", good + "r", good + "r"},
		{"one that is refused is passed over", bad, bad, good + "r", good + "r"},
		{"all refused", bad, bad, bad, site},
	} {
		r := httptest.NewRequest("GET", "/auth/v1/otp?redirect_to="+url.QueryEscape(tt.query), nil)
		r.Header.Set("redirect_to", tt.header)
		r.Header.Set("Referer", tt.referer)
		if got := all.Choose(r); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPagesOfTheListAreOurs(t *testing.T) {
	all := targets(t, "https://app.example.com/home", "https://good.example/**", "https://*.example.net", "myapp://x", "http://[::1]:3000/")
	for origin, want := range map[string]bool{
		"https://app.example.com": true, "https://good.example": true, "https://a.example.net": false,
		"https://*.example.net": false, "myapp://x": false, "null": false, "": false, "https://evil.example": false,
	} {
		if got := all.Owns(origin); got != want {
			t.Errorf("%q: got %t", origin, got)
		}
	}
}

func TestASiteMustBeAnAddress(t *testing.T) {
	for _, site := range []string{"", "app.example.com", "/home", "https://", "http://[::1", "mailto:a@example.com"} {
		if _, err := web.NewTargets(site, nil); err == nil {
			t.Errorf("%q is taken", site)
		}
	}
}

// Whatever is accepted, a browser that goes there is at the site, at this machine, or
// under a host of the list.
func FuzzTargets(f *testing.F) {
	for _, s := range []string{"https://a.b.example/x", "https://evil?.b.example/", "https://evil\\@b.example", "http://[::1]:3000", "https:b.example", "//x"} {
		f.Add(s)
	}
	const site = "https://app.example.com"
	all := targets(f, site, "https://*.b.example/**", "https://**.c.example/cb")
	f.Fuzz(func(t *testing.T, wish string) {
		got := all.Accept(wish)
		if got == site {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.Fragment != "" || strings.ContainsAny(got, "\\\t\r\n ") {
			t.Fatalf("%q gives %q", wish, got)
		}
		host := strings.ToLower(u.Hostname())
		ours := host == "app.example.com" || strings.HasPrefix(host, "127.") || host == "::1" || strings.HasPrefix(host, "::ffff:") || strings.Trim(host, "0:1") == "" ||
			strings.HasSuffix(host, ".b.example") || strings.HasSuffix(host, ".c.example")
		if !ours || u.Scheme != "https" && u.Scheme != "http" {
			t.Errorf("%q gives %q", wish, got)
		}
	})
}
