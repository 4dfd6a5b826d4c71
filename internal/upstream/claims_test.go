package upstream

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

var apple = Issuer{Provider: "apple", Issuer: "https://id.example", ClientIDs: []string{"app"}, EmailOptional: true}

var now = time.Unix(15e8, 0)

const good = `"iss":"https://id.example","sub":"1","aud":"app","exp":2e9,"iat":1e9`

// What is not as it should be, and decides nothing, is left out.
func TestWhatIsKept(t *testing.T) {
	tests := []struct {
		name, said string
		want       map[string]any // besides iss and sub
	}{
		{"nothing", ``, nil},
		{"an address that is theirs", `"email":"j@acme.example","email_verified":true`, map[string]any{"email": "j@acme.example", "email_verified": true}},
		{"in a string", `"email":"j@acme.example","email_verified":"true"`, map[string]any{"email": "j@acme.example", "email_verified": true}},
		{"not theirs", `"email":"j@acme.example","email_verified":"false"`, map[string]any{"email": "j@acme.example", "email_verified": false}},
		{"nobody knows", `"email":"j@acme.example"`, map[string]any{"email": "j@acme.example", "email_verified": false}},
		{"neither yes nor no", `"email":"j@acme.example","email_verified":1`, map[string]any{"email": "j@acme.example", "email_verified": false}},
		{"verified in a list", `"email":"j@acme.example","email_verified":[true]`, map[string]any{"email": "j@acme.example", "email_verified": false}},
		{"no address, yet verified", `"email":"j@acme","email_verified":true`, nil},
		{"two addresses", `"email":["j@acme.example"],"email_verified":true`, nil},
		{"a name that turns text around", `"name":"J\u202eane\n\u0000"`, map[string]any{"name": "Jane"}},
		{"a name without end", `"name":"` + strings.Repeat("x", 201) + `"`, nil},
		{"a name that is none", `"name":{"first":"Jane"},"nickname":7`, nil},
		{"a picture that is a program", `"picture":"javascript:alert(1)","website":"data:text/html,x"`, nil},
		{"a picture with a space", `"picture":"https://pictures.example/a b"`, nil},
		{"a profile", `"profile":"https://jane.example/?a=b"`, map[string]any{"profile": "https://jane.example/?a=b"}},
		{"what Apple says of its addresses", `"is_private_email":true`, map[string]any{"custom_claims": map[string]any{"is_private_email": true}}},
		{"in a string, as Apple does", `"is_private_email":"true"`, map[string]any{"custom_claims": map[string]any{"is_private_email": "true"}}},
		{"what another provider says", `"hd":"acme.example","custom_claims":{"admin":true}`, nil},
		{"what would be power", `"role":"service_role","groups":["admins"],"app_metadata":{},"phone_number":"+1"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read([]byte("{" + strings.TrimSuffix(good+","+tt.said, ",") + "}"))
			if err != nil {
				t.Fatal(err)
			}
			if fault := c.fault(apple, now); fault != "" {
				t.Fatal(fault)
			}
			want := map[string]any{"iss": apple.Issuer, "sub": "1"}
			maps.Copy(want, tt.want)
			who := c.identity(apple)
			if !reflect.DeepEqual(who.Claims, want) {
				t.Errorf("got %v, want %v", who.Claims, want)
			}
			if who.EmailVerified != (want["email_verified"] == true) {
				t.Errorf("got %+v", who)
			}
		})
	}
}

// Whatever a token says, what is kept of it is text on one line and switches, under
// names that are known; and only what counts for our app at this time has a subject.
func FuzzClaims(f *testing.F) {
	for _, said := range []string{
		``, `,"email":"j@acme.example","email_verified":"true","name":"J","picture":"https://p.example"`,
		`,"nonce":null,"azp":"app","nbf":0,"events":{}`, `,"is_private_email":1,"hd":"x"`, `,"name":"\ud800"`,
	} {
		f.Add([]byte("{" + good + said + "}"))
	}
	for _, text := range []string{`{"aud":["app","b"]}`, `{"aud":[null]}`, `{"exp":1e999}`, `{"exp":"1"}`, `{"a":1,"a":2}`, `[]`, `null`, `{`, ``} {
		f.Add([]byte(text))
	}
	known := slices.Concat([]string{"iss", "sub", "email", "email_verified", "custom_claims"}, texts, addresses)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := read(text)
		if err != nil {
			if c != nil || !errors.Is(err, ErrToken) {
				t.Errorf("%q: got %v, %v", text, c, err)
			}
			return
		}
		c.answers("")
		if c.fault(apple, now) != "" {
			return
		}
		who := c.identity(apple)
		if who.Subject == "" || who.Issuer != apple.Issuer || !slices.Contains(c.Audience, "app") || who.EmailVerified && who.Email == "" {
			t.Errorf("%q: got %+v", text, who)
		}
		for name, v := range who.Claims {
			s, _ := v.(string)
			if !slices.Contains(known, name) || strings.ContainsFunc(s, unicode.IsControl) || v == nil {
				t.Errorf("%q: %s is %q", text, name, v)
			}
		}
		if _, err := json.Marshal(who.Claims); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
