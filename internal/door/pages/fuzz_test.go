package pages

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A link that is offered to click leads to the web, and nowhere else.
func FuzzProofs(f *testing.F) {
	f.Add("Hello\n\nConfirm address:\nhttps://id.example.com/verify-email?token=0\n\nCode: 123456\n")
	f.Add("javascript:alert(1)\nhttp:\n//x\nhttps://a b\nCode:")
	f.Fuzz(func(t *testing.T, text string) {
		link, code := proofs(text)
		if link != "" {
			u, err := url.Parse(link)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				t.Errorf("link %q", link)
			}
		}
		if !strings.Contains(text, link) || !strings.Contains(text, code) || strings.ContainsAny(link+code, "\n") {
			t.Errorf("link %q, code %q are not of the text", link, code)
		}
	})
}

// Who does not write text/html does not get it.
func FuzzTakesHTML(f *testing.F) {
	f.Add("text/html,application/xhtml+xml,*/*;q=0.8")
	f.Add("text/html;q=0")
	f.Add("TEXT/HTML ; q=nan, ;;")
	f.Fuzz(func(t *testing.T, accept string) {
		r := &http.Request{Header: http.Header{"Accept": {accept}}}
		if takesHTML(r) && !strings.Contains(strings.ToLower(accept), "text/html") {
			t.Errorf("HTML for %q", accept)
		}
	})
}

// What we did not seal says nothing.
func FuzzUnseal(f *testing.F) {
	seal := []byte("sealed:")
	d := &door{Deps: Deps{Open: func(_ string, sealed []byte) ([]byte, error) {
		plain, ok := bytes.CutPrefix(sealed, seal)
		if !ok {
			return nil, errors.New("not sealed")
		}
		return plain, nil
	}}}
	f.Add("")
	f.Add("c2VhbGVkOnsiZm9yIjoiL3NldHVwIiwidW50aWwiOjk5OTk5OTk5OTl9")
	f.Add("c2VhbGVkOnt9")
	f.Fuzz(func(t *testing.T, value string) {
		if told, ok := d.unseal(value); !ok && (told.For != "" || told.Status != "" || told.Values != nil) {
			t.Errorf("%q says %+v", value, told)
		}
	})
}
