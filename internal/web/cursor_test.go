package web_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

func cursors(key string) web.Cursors {
	return web.NewCursors(func(data []byte) []byte {
		m := hmac.New(sha256.New, []byte(key))
		m.Write(data)
		return m.Sum(nil)
	})
}

func TestCursorsComeBackWhole(t *testing.T) {
	c := cursors("key")
	for _, parts := range [][]string{nil, {""}, {"2026-01-02T03:04:05Z", "id"}, {"a", "", "ü\x00", strings.Repeat("x", 300)}} {
		mark := c.Encode("users", parts...)
		got, err := c.Decode("users", mark)
		if err != nil || !slices.Equal(got, parts) {
			t.Errorf("%q: got %q, %v", parts, got, err)
		}
		if strings.Trim(mark, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%q needs escaping in a URL", mark)
		}
	}
}

func TestACursorIsGoodForOneListOnly(t *testing.T) {
	c := cursors("key")
	mark := c.Encode("users", "a", "b")
	tests := map[string]struct{ kind, mark string }{
		"another list":              {"keys", mark},
		"a list whose name is ours": {"users\x01a", c.Encode("users", "a")},
		"another server":            {"users", cursors("other").Encode("users", "a", "b")},
		"parts joined another way":  {"users", c.Encode("user", "s", "a")},
		"with a line end":           {"users", mark[:4] + "\n" + mark[4:]},
		"padded":                    {"users", mark + "="},
		"empty":                     {"users", ""},
		"too short for a MAC":       {"users", mark[:20]},
		"too long":                  {"users", c.Encode("users", strings.Repeat("x", 4096))},
		"cut":                       {"users", mark[:len(mark)-1]},
		"SQL":                       {"users", "' OR 1=1 --"},
	}
	for name, tt := range tests {
		if got, err := c.Decode(tt.kind, tt.mark); !errors.Is(err, headykey.ErrInvalidCursor) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for i := range mark {
		for _, with := range "A_9" {
			changed := mark[:i] + string(with) + mark[i+1:]
			if got, err := c.Decode("users", changed); changed != mark && err == nil {
				t.Errorf("%s for %s: got %q", changed, mark, got)
			}
		}
	}
}

// What is accepted is what we made: no second spelling of a mark exists.
func FuzzCursor(f *testing.F) {
	c := cursors("key")
	f.Add("users", c.Encode("users", "a", "b"))
	f.Add("users", "")
	f.Add("", strings.Repeat("A", 40))
	f.Fuzz(func(t *testing.T, kind, mark string) {
		parts, err := c.Decode(kind, mark)
		if err != nil {
			return
		}
		if again := c.Encode(kind, parts...); again != mark {
			t.Errorf("%q and %q say the same", mark, again)
		}
	})
}

func TestLimit(t *testing.T) {
	tests := []struct {
		query string
		want  int
	}{
		{"", 21}, {"?cursor=x", 21}, {"?limit=1", 1}, {"?limit=100", 100}, {"?limit=101", 100},
		{"?limit=99999999999999999999", 100},
		{"?limit=0", 0}, {"?limit=-1", 0}, {"?limit=", 0}, {"?limit=ten", 0}, {"?limit=%2B5", 0},
		{"?limit=1e1", 0}, {"?limit=1.5", 0}, {"?limit=5&limit=6", 0},
	}
	for _, tt := range tests {
		got, err := web.Limit(httptest.NewRequest("GET", "/"+tt.query, nil))
		if got != tt.want || (tt.want == 0) != errors.Is(err, headykey.ErrInvalid) {
			t.Errorf("%q: got %d, %v, want %d", tt.query, got, err, tt.want)
		}
		if e, ok := errors.AsType[*headykey.Error](err); ok && e.Fields[0].Name != "limit" {
			t.Errorf("%q: blames %v", tt.query, e.Fields)
		}
	}
}
