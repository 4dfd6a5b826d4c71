package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAnObjectIsReadAsAForm(t *testing.T) {
	for text, want := range map[string]url.Values{
		`{}`: {},
		`{"grant_type":"a","scope":"b c","x":null,"resource":["d","e"],"audience":"f"}`: {
			"grant_type": {"a"}, "scope": {"b c"}, "resource": {"d", "e"}, "audience": {"f"},
		},
		`{"a":1}`: nil, `{"a":true}`: nil, `{"a":{}}`: nil, `{"a":["b"]}`: nil, `{"resource":[1]}`: nil, `{"a":"b","a":"c"}`: nil, `[]`: nil, ``: nil,
	} {
		got, err := formFromJSON(objectIn(text))
		if !reflect.DeepEqual(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
}

// objectIn is a request with text as its body, and where its answer would go.
func objectIn(text string) (http.ResponseWriter, *http.Request) {
	r := httptest.NewRequest("POST", "/auth/v1/oauth/token", strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	return httptest.NewRecorder(), r
}

// Only resources and audiences come several times, and what is read survives the way
// through a form.
func FuzzFormFromJSON(f *testing.F) {
	for _, text := range []string{`{}`, `{"grant_type":"a","resource":["b","c"]}`, `{"a":null}`, `{"a":"\u0000&=%"}`, `{"a":["b"]}`, `[1]`, `{`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		form, err := formFromJSON(objectIn(text))
		if err != nil {
			return
		}
		for name, values := range form {
			if len(values) != 1 && !slices.Contains(repeated, name) {
				t.Errorf("%s is %q", name, values)
			}
		}
		again, err := url.ParseQuery(form.Encode())
		for name, values := range form {
			if err != nil || !slices.Equal(again[name], values) {
				t.Errorf("%s: got %q, %v, want %q", name, again[name], err, values)
			}
		}
	})
}
