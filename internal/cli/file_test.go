package cli

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestFilesAreStrict(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"comment", "# nothing", nil},
		{"empty table of ours", "[mail]", nil},
		{"unknown key", "lisen = 'x'", []string{"lisen (file f) is not a setting; the nearest is listen"}},
		{"unknown key of a table", "[lifetimes]\nacces = '1h'",
			[]string{"lifetimes.acces (file f) is not a setting; the nearest is lifetimes.access"}},
		{"unknown table", "[mial]", []string{"mial (file f) is not a setting; the nearest is mail"}},
		{"table as a value", "mail = 'x'", []string{"mail (file f) must be a table"}},
		{"array of tables", "[[mail]]\nsmtp = 'x'", []string{"mail (file f) must be a table"}},
		{"quoted dot is no path", "'mail.smtp' = 'x'", []string{`"mail.smtp" (file f) is not a setting; the nearest is mail.smtp`}},
		{"upper case", "Listen = 'x'", []string{"Listen (file f) is not a setting; the nearest is listen"}},
		{"number for a string", "listen = 1618", []string{"listen (file f) must be a string in quotes"}},
		{"number for a time", "shutdown = 21", []string{"shutdown (file f) must be a string in quotes"}},
		{"string for a switch", "dev = 'true'", []string{"dev (file f) must be true or false, without quotes"}},
		{"string for a list", "trust_proxy = '10.0.0.0/8'",
			[]string{"trust_proxy (file f) must be an array of strings without commas"}},
		{"number in a list", "trust_proxy = [10]", []string{"trust_proxy (file f) must be an array of strings without commas"}},
		{"two in one", "cors_origins = ['a,b']", []string{"cors_origins (file f) must be an array of strings without commas"}},
		{"a twin is a string", "jwt_secret_file = true", []string{"jwt_secret_file (file f) must be a string in quotes"}},
		{"no twin of what is no secret", "listen_file = 'x'",
			[]string{"listen_file (file f) is not a setting; the nearest is listen"}},
		{"one table for several", "[registration]\nstatement_issuers = {issuer = 'x'}",
			[]string{"registration.statement_issuers.issuer (file f) is not a setting; the nearest is registration.statement_issuers"}},
		{"strings for tables", "[registration]\nstatement_issuers = ['x']",
			[]string{"registration.statement_issuers (file f) must be tables in double brackets"}},
		{"a setting and its table", "[registration]\nwho = 'open'\n[[registration.statement_issuers]]\nissuer = 'x'", nil},
		{"a setting without its table", "registration = 'open'", nil},
		{"all at once", "dev = 1\nlisten = 2", []string{
			"dev (file f) must be true or false, without quotes", "listen (file f) must be a string in quotes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, faults := parseFile("f", []byte(tt.text)); !slices.Equal(sentences(faults), tt.want) {
				t.Errorf("got  %q\nwant %q", sentences(faults), tt.want)
			}
		})
	}
}

func TestDamageIsFoundByLine(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no quotes", "dev = true\n\nlisten = localhost\n", "f (line 3) is damaged: "},
		{"twice", "dev = true\ndev = false\n", "f (line 2) is damaged: "},
		{"open table", "[mail", "f (line 1) is damaged: "},
		{"not UTF-8", "data = '\xff'", "f (line 1) is damaged: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			said, faults := parseFile("f", []byte(tt.text))
			if len(said) > 0 || len(faults) != 1 || !strings.HasPrefix(faults[0].String(), tt.want) {
				t.Errorf("got %v, %q; want %q …", said, sentences(faults), tt.want)
			}
		})
	}
}

// Whatever the file holds, it says the same each time it is read, and each thing
// it says is a setting.
func FuzzParseFile(f *testing.F) {
	f.Add([]byte("listen = '127.0.0.1:1618'\n[mail]\nsmtp = 'mail.example:25'\n"))
	f.Add([]byte("trust_proxy = ['10.0.0.0/8']\nmail = { smtp = 'x', 'mail.from' = 'y' }"))
	f.Add([]byte("mail.smtp = 'x'\n'mail.smtp' = 'y'"))
	f.Add([]byte("[[mail]]\n[lifetimes]\naccess = 1979-05-27T07:32:00Z"))
	f.Add([]byte("dev = tru"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if strings.Contains(string(b), "_file") {
			return // would read files of this machine
		}
		said, faults := parseFile("f", b)
		for path, g := range said {
			if _, twin, ok := find(path, asIs); !ok || twin || g.from != (source{"file", "f"}) {
				t.Errorf("said %q: %+v", path, g)
			}
		}
		again, same := parseFile("f", b)
		if !reflect.DeepEqual(again, said) || !slices.Equal(same, faults) {
			t.Errorf("got %v %v, then %v %v", said, faults, again, same)
		}
	})
}
