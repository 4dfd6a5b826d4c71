package supabase

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a header holds, it is looked at without harm, and what shows several tokens
// is OAuth's, which refuses it.
func FuzzShownBy(f *testing.F) {
	const session = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzZXNzaW9uX2lkIjoieCJ9.AA"
	const client = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzZXNzaW9uX2lkIjoieCJ9.AA"
	for _, text := range []string{"", "Bearer", "Bearer x", "bearer " + session, "Bearer " + client, "DPoP " + session, "Bearer  " + session, "Basic eDp5", "Bearer ..", "Bearer {}.{}.{}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest("GET", "/auth/v1/user", nil)
		r.Header["Authorization"] = []string{text}
		one := shownBy(r)
		if one == sessionToken && !strings.HasPrefix(strings.ToLower(text), "bearer ") {
			t.Errorf("%q shows a session", text)
		}
		r.Header["Authorization"] = []string{text, text}
		if shownBy(r) != clientToken {
			t.Errorf("twice %q is not OAuth's", text)
		}
	})
}

func TestWhatATokenLooksLike(t *testing.T) {
	for text, want := range map[string]int{
		"": otherToken, "Bearer x": otherToken, "Basic eDp5": otherToken, "DPoP x": clientToken,
		"bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzZXNzaW9uX2lkIjoieCJ9.AA":                 sessionToken,
		"Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzZXNzaW9uX2lkIjoiIn0.AA":                  otherToken,
		"Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzZXNzaW9uX2lkIjoxfQ.AA":                   otherToken,
		"Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzZXNzaW9uX2lkIjoieCJ9.AA":             clientToken,
		"Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkFUK0pXVCJ9.e30.AA":                                  clientToken,
		"Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImFwcGxpY2F0aW9uL2F0K2p3dCJ9.e30.AA":                  clientToken,
		"Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9." + strings.Repeat("A", maxShown) + ".AA":    otherToken,
		"Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzZXNzaW9uX2lkIjoieCJ9.AA and another one": otherToken,
	} {
		r := httptest.NewRequest("GET", "/auth/v1/user", nil)
		if text != "" {
			r.Header.Set("Authorization", text)
		}
		if got := shownBy(r); got != want {
			t.Errorf("%.80q: got %d, want %d", text, got, want)
		}
	}
}
