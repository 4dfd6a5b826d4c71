package web_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

const formType = "application/x-www-form-urlencoded"

func decodeForm(contentType, body string) (url.Values, error) {
	r := httptest.NewRequest("POST", "/token?grant_type=query", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return web.DecodeForm(httptest.NewRecorder(), r, "resource")
}

func TestDecodeForm(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		want                    url.Values
		err                     error
	}{
		{"nothing", formType, "", url.Values{}, nil},
		{"pairs", formType, "a=1&b=x%20y+z", url.Values{"a": {"1"}, "b": {"x y z"}}, nil},
		{"without a value it is left out", formType, "a=&b&c=1", url.Values{"c": {"1"}}, nil},
		{"UTF-8", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=%C3%BC", url.Values{"a": {"ü"}}, nil},
		{"one that may come often", formType, "resource=a&resource=&resource=b", url.Values{"resource": {"a", "b"}}, nil},
		{"twice", formType, "a=1&a=1", nil, headykey.ErrInvalid},
		{"twice, once empty", formType, "a=1&a=", nil, headykey.ErrInvalid},
		{"a broken escape", formType, "a=%zz", nil, headykey.ErrInvalid},
		{"a semicolon", formType, "a=1;b=2", nil, headykey.ErrInvalid},
		{"not UTF-8", formType, "a=%ff", nil, headykey.ErrInvalid},
		{"a name that is not", formType, "%ff=1", nil, headykey.ErrInvalid},
		{"no type", "", "a=1", nil, web.ErrUnsupportedMediaType},
		{"JSON", "application/json", `{"a":1}`, nil, web.ErrUnsupportedMediaType},
		{"another alphabet", formType + "; charset=latin1", "a=1", nil, web.ErrUnsupportedMediaType},
		{"several parts", "multipart/form-data; boundary=x", "a=1", nil, web.ErrUnsupportedMediaType},
		{"64 KiB and a byte", formType, "a=" + strings.Repeat("x", 64<<10-1), nil, web.ErrBodyTooLarge},
	}
	for _, tt := range tests {
		got, err := decodeForm(tt.contentType, tt.body)
		if !errors.Is(err, tt.err) || (tt.err == nil) != (err == nil) || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, %v, want %v, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// What a form says is said once, in UTF-8, and says something.
func FuzzDecodeForm(f *testing.F) {
	for _, body := range []string{"a=1&b=2", "a=1&a=2", "resource=a&resource=b", "%ff=%ff", ";", "&&=&", "a=%"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		in, err := decodeForm(formType, body)
		if err != nil && in != nil {
			t.Errorf("%q: got %v and %v", body, in, err)
		}
		for name, values := range in {
			if len(values) == 0 || len(values) > 1 && name != "resource" || strings.ToValidUTF8(name+strings.Join(values, ""), "") != name+strings.Join(values, "") {
				t.Errorf("%q: %q is %q", body, name, values)
			}
		}
	})
}

func TestASpentBudgetIsSeenAndNotTaken(t *testing.T) {
	l := web.NewLimiter()
	defer l.Close()
	a := httptest.NewRequest("GET", "/", nil)
	address := web.Proxies(nil).Address(a)
	for range 200 {
		if _, spent := l.Spent(address); spent {
			t.Fatal("looking takes from the budget")
		}
	}
	for range 89 {
		l.Allow(address)
	}
	if wait, spent := l.Spent(address); !spent || wait <= 0 {
		t.Errorf("got %v, %v, want a wait", wait, spent)
	}
	if _, spent := (*web.Limiter)(nil).Spent(address); spent {
		t.Error("no limiter limits")
	}
}
