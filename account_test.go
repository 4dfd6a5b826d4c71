package headykey_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

func TestMergeData(t *testing.T) {
	const kib5 = 5 << 10
	full := `{"a":"` + strings.Repeat("x", kib5-8) + `"}`
	tests := []struct {
		name, base, patch, want string
	}{
		{"nothing", `{"a":1}`, ``, `{"a":1}`},
		{"null", `{"a":1}`, `null`, `{"a":1}`},
		{"no members", `{"a":1}`, `{}`, `{"a":1}`},
		{"one more", `{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		{"in place", `{"a":1,"b":2}`, `{"a":[3]}`, `{"a":[3],"b":2}`},
		{"taken away", `{"a":1,"b":2}`, `{"a":null}`, `{"b":2}`},
		{"taken away, though not there", `{}`, `{"a":null}`, `{}`},
		{"null inside stays", `{}`, `{"a":{"b":null}}`, `{"a":{"b":null}}`},
		{"shallow", `{"a":{"b":1}}`, `{"a":{"c":2}}`, `{"a":{"c":2}}`},
		{"sorted", `{"b":1}`, `{"c":1,"a":1}`, `{"a":1,"b":1,"c":1}`},
		{"on nothing", ``, `{"a":1}`, `{"a":1}`},
		{"as much as there may be", `{}`, full, full},
		{"a byte more", `{}`, `{"a":"x` + full[6:], ""},
		{"more by two", `{"b":1}`, full, ""},
		{"a list", `{}`, `[]`, ""},
		{"a text", `{}`, `"a"`, ""},
		{"not JSON", `{}`, `{"a"`, ""},
		{"a member twice", `{}`, `{"a":1,"a":2}`, ""},
		{"a member twice inside", `{}`, `{"a":{"b":1,"b":2}}`, ""},
		{"not UTF-8", `{}`, "{\"a\":\"\xff\"}", ""},
		{"two values", `{}`, `{} {}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := jsontext.Value(tt.base)
			got, err := headykey.MergeData(base, jsontext.Value(tt.patch))
			if string(got) != tt.want || (tt.want == "") != errors.Is(err, headykey.ErrInvalid) || string(base) != tt.base {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

// What comes out is an object of at most 5 KiB, and merging it with nothing leaves it.
func FuzzMergeData(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":null,"b":{"c":null}}`, `[]`, `null`, ``, `{"a":1,"a":2}`} {
		f.Add(`{"a":{"x":1}}`, s)
		f.Add(s, `{"a":2}`)
	}
	f.Fuzz(func(t *testing.T, base, patch string) {
		got, err := headykey.MergeData(jsontext.Value(base), jsontext.Value(patch))
		if err != nil {
			if !errors.Is(err, headykey.ErrInvalid) || got != nil {
				t.Errorf("got %s, %v", got, err)
			}
			return
		}
		if patch == "" || jsontext.Value(patch).Kind() == 'n' {
			return // the base as it is
		}
		var members map[string]jsontext.Value
		if err := json.Unmarshal(got, &members); err != nil || members == nil || len(got) > 5<<10 {
			t.Fatalf("got %s, %v", got, err)
		}
		again, err := headykey.MergeData(got, jsontext.Value(`{}`))
		if err != nil || string(again) != string(got) {
			t.Errorf("again: got %s, %v, want %s", again, err, got)
		}
	})
}

func TestParsePhone(t *testing.T) {
	for text, want := range map[string]string{
		"+4930123456": "4930123456", "4930123456": "4930123456", " +15551234567\n": "15551234567", "+1234567": "1234567", "123456789012345": "123456789012345",
		"": "", "+": "", "++4930123456": "", "+49 30 123456": "", "+49-30-123456": "", "04930123456": "", "+123456": "", "1234567890123456": "",
		"+٤٩٣٠١٢٣٤٥٦": "", "tel:4930123456": "", "4930123456x": "", "49\x0030123456": "",
	} {
		got, err := headykey.ParsePhone(text)
		if got != want || (want == "") != errors.Is(err, headykey.ErrInvalid) {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

// A number has one spelling here, or two accounts could have it.
func FuzzParsePhone(f *testing.F) {
	f.Add("+4930123456")
	f.Add(" 4930123456")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := headykey.ParsePhone(text)
		if err != nil {
			return
		}
		again, err := headykey.ParsePhone("+" + got)
		if again != got || err != nil || strings.Trim(got, "0123456789") != "" || len(got) > 15 {
			t.Errorf("%q: got %q, then %q, %v", text, got, again, err)
		}
	})
}

func TestKeysOfAccountsNeverMeet(t *testing.T) {
	keys := map[string]string{}
	for _, i := range []headykey.Identity{
		{Provider: "google", Subject: "1"}, {Provider: "github", Subject: "1"}, {Provider: "web3", Subject: "web3:ethereum:0x1"}, {Provider: "google", Subject: "a@example.com"},
	} {
		keys[i.Key()] = i.Provider
	}
	for _, i := range []headykey.Identity{{Provider: headykey.ByEmail, Subject: "x"}, {Provider: "phone", Subject: "x"}} {
		if got := i.Key(); got != "" {
			t.Errorf("%+v: got %q", i, got)
		}
	}
	keys[headykey.PhoneKey("1")] = "phone"
	if len(keys) != 5 {
		t.Errorf("got %v", keys)
	}
	for key, provider := range keys {
		if _, _, err := headykey.ParseEmail(key); err == nil {
			t.Errorf("the key %q of %s is an address", key, provider)
		}
	}
}

func TestAMRSaysEachWordOnce(t *testing.T) {
	got := headykey.AMR([]headykey.Way{
		{Method: headykey.ByRecovery}, {Method: headykey.ByPassword}, {Method: headykey.ByMagicLink}, {Method: headykey.Anonymously},
		{Method: "unheard of"}, {Method: headykey.ByOAuth}, {Method: headykey.ByWeb3},
	})
	if want := []string{"otp", "pwd", "fed", "pop"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := headykey.AMR(nil); got == nil || len(got) != 0 {
		t.Errorf("got %v, want an empty list", got)
	}
}

// What the server says of an account cannot be said by its data, and is not lost for
// want of room.
func TestAppMetadataNamesTheProviders(t *testing.T) {
	a := &headykey.Account{Profile: headykey.NewProfile()}
	a.Profile.AppData = jsontext.Value(`{"plan":"pro","provider":"forged"}`)
	a.Identities = []headykey.Identity{{Provider: "email"}, {Provider: "google"}, {Provider: "email"}}
	if got, want := string(a.AppMetadata()), `{"plan":"pro","provider":"email","providers":["email","google"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(a.Profile.AppData); !strings.Contains(got, "forged") {
		t.Errorf("the account was changed: %s", got)
	}
	a.Anonymous = true
	if got := string(a.AppMetadata()); got != string(a.Profile.AppData) {
		t.Errorf("anonymous: got %s", got)
	}
}
