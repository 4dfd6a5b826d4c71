package oauth

import (
	"encoding/base64"
	"net/url"
	"slices"
	"testing"
)

// Whatever a request object says, it becomes parameters that any request could have
// had, or nothing: no claim of the object itself, no other object, nothing empty.
func FuzzRequestObject(f *testing.F) {
	for _, text := range []string{
		`{"iss":"c","aud":["a","b"],"exp":1e9,"client_id":"c","max_age":55,"claims":{"id_token":{"acr":null}}}`,
		`{"resource":["https://a.example"],"state":"","nonce":null,"authorization_details":[{"type":"x"}]}`,
		`{"request":"x"}`, `{"request_uri":"x"}`, `{"aud":{}}`, `{"exp":"1"}`, `{"resource":[1]}`, `{"a":1,"a":2}`, `[]`, `null`, `{`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, in, fault := readRequestObject(text)
		if fault != "" {
			if in != nil {
				t.Errorf("%q: got %v, which %s", text, in, fault)
			}
			return
		}
		for name, values := range in {
			if slices.Contains(ofItself, name) || name == "request" || name == "request_uri" || len(values) == 0 {
				t.Errorf("%q: %s is %q", text, name, values)
			}
			if len(values) > 1 && name != "resource" {
				t.Errorf("%q: %s is given %d times", text, name, len(values))
			}
		}
		if again, err := url.ParseQuery(in.Encode()); err != nil || len(again) != len(in) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// A token that says it is unsigned is found out whatever follows, and no signed one
// is.
func FuzzIsUnsigned(f *testing.F) {
	for _, head := range []string{`{"alg":"none"}`, `{"alg":"NoNe","x":{}}`, `{"alg":"ES256"}`, `{"alg":1}`, `{}`, ``, `x`} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(head)), "e30.")
	}
	f.Fuzz(func(t *testing.T, head, rest string) {
		if got := isUnsigned(head + "." + rest); got != isUnsigned(head+".") && len(head) < maxRequestObject {
			t.Errorf("%q, %q: got %v", head, rest, got)
		}
	})
}
