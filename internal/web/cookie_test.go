package web_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

func TestSessionCookieAttributes(t *testing.T) {
	tests := []struct{ got, want string }{
		{web.SessionCookie("abc", 8*time.Hour, true).String(), "__heady_session=abc; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Strict"},
		{web.SessionCookie("abc", 8*time.Hour, false).String(), "__heady_session=abc; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict"},
		{web.ClearSessionCookie(true).String(), "__heady_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"},
		{web.ClearSessionCookie(false).String(), "__heady_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %s\nwant %s", tt.got, tt.want)
		}
	}
}

func TestReadSessionCookie(t *testing.T) {
	tests := []struct {
		name   string
		header []string
		want   string
		err    error
	}{
		{"none", nil, "", nil},
		{"another", []string{"theme=dark"}, "", nil},
		{"one", []string{"theme=dark; __heady_session=abc"}, "abc", nil},
		{"the same twice", []string{"__heady_session=abc; __heady_session=abc"}, "abc", nil},
		{"a planted one behind", []string{"__heady_session=abc; __heady_session=xyz"}, "", headykey.ErrInvalidToken},
		{"a planted one before", []string{"__heady_session=xyz; __heady_session=abc"}, "", headykey.ErrInvalidToken},
		{"in two headers", []string{"__heady_session=abc", "__heady_session=xyz"}, "", headykey.ErrInvalidToken},
		{"empty", []string{"__heady_session="}, "", headykey.ErrInvalidToken},
		{"empty beside a good one", []string{"__heady_session=abc; __heady_session="}, "", headykey.ErrInvalidToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["Cookie"] = tt.header
			got, err := web.ReadSessionCookie(r)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}
