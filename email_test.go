package headykey_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"headykey.com/headykey"
)

func TestParseEmail(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := []struct{ name, in, address, key string }{
		{"plain", "ada@example.com", "ada@example.com", "ada@example.com"},
		{"the local part keeps its case, the key does not", "Ada.Lovelace@Example.COM", "Ada.Lovelace@example.com", "ada.lovelace@example.com"},
		{"white space around", " \tada@example.com\r\n", "ada@example.com", "ada@example.com"},
		{"a tag", "ada+shop@example.com", "ada+shop@example.com", "ada+shop@example.com"},
		{"one letter", "a@b.co", "a@b.co", "a@b.co"},
		{"decomposed letters are composed", "jose\u0301@example.com", "jos\u00e9@example.com", "jos\u00e9@example.com"},
		{"capital outside ASCII", "\u00c9mile@example.com", "\u00c9mile@example.com", "\u00e9mile@example.com"},
		{"international domain", "ada@b\u00fccher.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"the longest local part", long + "a@example.com", long + "a@example.com", long + "a@example.com"},
		{"digits in the domain", "ada@4711.example", "ada@4711.example", "ada@4711.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, key, err := headykey.ParseEmail(tt.in)
			if err != nil || address != tt.address || key != tt.key {
				t.Errorf("got %q, %q, %v, want %q, %q", address, key, err, tt.address, tt.key)
			}
		})
	}
}

func TestParseEmailRefuses(t *testing.T) {
	label := strings.Repeat("a", 63)
	for name, in := range map[string]string{
		"empty":                   "",
		"no at":                   "ada.example.com",
		"nothing before the at":   "@example.com",
		"nothing behind it":       "ada@",
		"two ats":                 "ada@evil.example@example.com",
		"one label":               "ada@localhost",
		"quoted local part":       `"ada l"@example.com`,
		"address literal":         "ada@[127.0.0.1]",
		"an IPv4 address":         "ada@127.0.0.1",
		"space inside":            "ada l@example.com",
		"no-break space inside":   "ada\u00a0l@example.com",
		"control character":       "ada\x00@example.com",
		"line break for a header": "ada@example.com\r\nBcc: all@example.com",
		"zero-width space":        "ad\u200ba@example.com",
		"right-to-left override":  "ad\u202ea@example.com",
		"broken UTF-8":            "ad\xff@example.com",
		"dot first":               ".ada@example.com",
		"dot last":                "ada.@example.com",
		"two dots":                "ada..l@example.com",
		"empty label":             "ada@example..com",
		"dot at the end":          "ada@example.com.",
		"hyphen first":            "ada@-example.com",
		"hyphen last":             "ada@example-.com",
		"underscore":              "ada@ex_ample.com",
		"local part of 65":        label + "aa@example.com",
		"label of 64":             "ada@" + label + "a.com",
		"address of 255":          "adaada@" + strings.Repeat(label+".", 3) + strings.Repeat("a", 52) + ".com",
		"a list":                  "ada@example.com, eve@example.com",
		"a display name":          "Ada <ada@example.com>",
		"percent hack":            "ada(comment)@example.com",
		"bad punycode":            "ada@xn--a.example",
	} {
		address, key, err := headykey.ParseEmail(in)
		if e := headykey.Explain(err); address != "" || key != "" || !errors.Is(err, headykey.ErrInvalidEmail) || e.Fields[0].Name != "email" {
			t.Errorf("%s: got %q, %q, %v, want ErrInvalidEmail about email", name, address, key, err)
		}
	}
}

func TestFoldNeverLeadsFromOutsideASCIIInto(t *testing.T) {
	tests := []struct{ in, want string }{
		{"ADA", "ada"}, {"\u00c9mile", "\u00e9mile"}, {"\u03a3", "\u03c3"},
		{"\u212a", "\u212a"}, // Kelvin sign: not k
		{"\u0130", "\u0130"}, // capital I with a dot: not i
		{"\u017f", "\u017f"}, // long s: not s
	}
	for _, tt := range tests {
		if got := headykey.Fold(tt.in); got != tt.want {
			t.Errorf("%+q: got %+q, want %+q", tt.in, got, tt.want)
		}
	}
}

// The Kelvin sign is by NFC the letter K. Whoever types it means the account of
// the K, and no other: the address that letters go to is the one that is claimed.
func TestTheKelvinSignClaimsNobodyElsesAddress(t *testing.T) {
	address, key, err := headykey.ParseEmail("\u212aay@example.com")
	if err != nil || address != "Kay@example.com" || key != "kay@example.com" {
		t.Errorf("got %+q, %+q, %v", address, key, err)
	}
	if a, _, err := headykey.ParseEmail("a@\u212aay.example"); err == nil && a != "a@kay.example" {
		t.Errorf("in the domain: got %+q", a)
	}
}

func TestCleanName(t *testing.T) {
	tests := []struct {
		name, in, want string
		ok             bool
	}{
		{"plain", "Ada Lovelace", "Ada Lovelace", true},
		{"empty", "", "", true},
		{"trimmed", "  Ada\t", "Ada", true},
		{"composed", "E\u0301mile", "\u00c9mile", true},
		{"200 characters", strings.Repeat("\u00e9", 200), strings.Repeat("\u00e9", 200), true},
		{"201 characters", strings.Repeat("a", 201), "", false},
		{"line break", "Ada\nBcc: eve", "", false},
		{"NUL", "Ada\x00", "", false},
		{"broken UTF-8", "Ad\xff", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := headykey.CleanName(tt.in)
			if got != tt.want || (err == nil) != tt.ok || err != nil && !errors.Is(err, headykey.ErrInvalid) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestShownName(t *testing.T) {
	for in, want := range map[string]string{
		"Acme Notes":                     "Acme Notes",
		"  Acme\n\tNotes ":               "Acme Notes",
		"Acme\u202eeton\u202c":           "Acmeeton",
		"A\u200bc\ufeffme\u2060\x00":     "Acme",
		"E\u200be\u0301":                 "E\u00e9",
		"Ad\xffa":                        "Ada",
		"\u0645\u06cc\u200c\u062e\u0648": "\u0645\u06cc\u200c\u062e\u0648",
		"\u202e":                         "",
		strings.Repeat("\u00e9", 64):     strings.Repeat("\u00e9", 64),
		strings.Repeat("\u00e9", 65):     strings.Repeat("\u00e9", 63) + "\u2026",
	} {
		if got := headykey.ShownName(in); got != want {
			t.Errorf("ShownName(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

// An accepted address is accepted again as it stands and has the same key: what
// signs in once signs in always, and one person has one key.
func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{
		"Ada@Example.COM", "jose\u0301@b\u00fccher.example", "\u212aay@example.com", "\u0130@x.co", "a@\u017f.example", " a@b.co ",
		"a@xn--bcher-kva.example", "\u1e9e@x.co", "a@B\u00dcCHER.example", "a@\u3002.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		address, key, err := headykey.ParseEmail(in)
		if err != nil {
			return
		}
		again, sameKey, err := headykey.ParseEmail(address)
		if err != nil || again != address || sameKey != key {
			t.Errorf("%+q gives %+q, which gives %+q, %v", in, address, again, err)
		}
		if !utf8.ValidString(key) || headykey.Fold(key) != key || strings.ContainsAny(key, " \r\n\t\x00<>,") {
			t.Errorf("%+q has the key %+q", in, key)
		}
		ascii := strings.Trim(address, "\x00\x01\x7f") == address && len(address) == utf8.RuneCountInString(address)
		if ascii && key != strings.ToLower(address) {
			t.Errorf("%+q has the key %+q", address, key)
		}
	})
}

func FuzzCleanName(f *testing.F) {
	f.Add("  E\u0301mile ")
	f.Fuzz(func(t *testing.T, in string) {
		name, err := headykey.CleanName(in)
		if err != nil {
			return
		}
		if again, err := headykey.CleanName(name); err != nil || again != name {
			t.Errorf("%+q gives %+q, which gives %+q, %v", in, name, again, err)
		}
	})
}
