package hook

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	keys := []string{secret(1)}
	tests := []struct {
		name string
		c    Config
		want string // in the error; empty: none
	}{
		{"none", Config{}, ""},
		{"none, with a secret", Config{Secrets: keys}, ""},
		{"https", Config{"https://hooks.id.test/a?code=x", keys}, ""},
		{"upper case", Config{"HTTPS://Hooks.ID.test:8443/a", keys}, ""},
		{"in a private network", Config{"https://10.0.0.1/a", keys}, ""},
		{"this machine", Config{"http://localhost:9000/a", keys}, ""},
		{"this machine by number", Config{"http://127.0.0.1/a", keys}, ""},
		{"this machine by IPv6", Config{"http://[::1]:9000/a", keys}, ""},
		{"two secrets", Config{"https://id.test", []string{secret(1), secret(2)}}, ""},
		{"plain http", Config{"http://hooks.id.test/a", keys}, "must be an https:// address"},
		{"plain http in a private network", Config{"http://10.0.0.1/a", keys}, "must be an https:// address"},
		{"this machine in name only", Config{"http://localhost.id.test/a", keys}, "must be an https:// address"},
		{"a function", Config{"pg-functions://postgres/public/hook", keys}, "calls no functions of a database"},
		{"a function in capitals", Config{"PG-Functions://postgres/public/hook", keys}, "calls no functions of a database"},
		{"another scheme", Config{"ftp://id.test/a", keys}, "must be an https:// address"},
		{"no scheme", Config{"id.test/a", keys}, "must be an https:// address"},
		{"no address", Config{"https://%zz", keys}, "must be an https:// address"},
		{"no host", Config{"https:///a", keys}, "must have a good host and port"},
		{"a bad port", Config{"https://id.test:0/a", keys}, "must have a good host and port"},
		{"a zone", Config{"https://[fe80::1%25eth0]/a", keys}, "must have a good host and port"},
		{"a user", Config{"https://jane:x@id.test/a", keys}, "must be a plain address"},
		{"a fragment", Config{"https://id.test/a#b", keys}, "must be a plain address"},
		{"no secret", Config{"https://id.test/a", nil}, "must have a secret"},
		{"a bad secret", Config{"https://id.test/a", []string{secret(1), "x"}}, "number 2 is none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.c.Check()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseSecrets(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // nil: refused, unless the text is empty
	}{
		{"none", "", nil},
		{"one", secret(1), []string{secret(1)}},
		{"two", secret(1) + "|" + secret(2), []string{secret(1), secret(2)}},
		{"of 24 bytes", "v1,whsec_" + strings.Repeat("AAAA", 8), []string{"v1,whsec_" + strings.Repeat("AAAA", 8)}},
		{"of 64 bytes", "v1,whsec_" + strings.Repeat("AAAA", 21) + "AA==", []string{"v1,whsec_" + strings.Repeat("AAAA", 21) + "AA=="}},
		{"too short", "v1,whsec_" + strings.Repeat("AAAA", 7) + "AAA=", nil},
		{"too long", "v1,whsec_" + strings.Repeat("AAAA", 22), nil},
		{"without its version", strings.TrimPrefix(secret(1), "v1,"), nil},
		{"an asymmetric one", "v1a,whsk_" + strings.Repeat("AAAA", 11), nil},
		{"another alphabet", "v1,whsec_" + strings.Repeat("A-_A", 8), nil},
		{"no padding", strings.TrimSuffix(secret(1), "="), nil},
		{"a bar at the end", secret(1) + "|", nil},
		{"a space between", secret(1) + " | " + secret(2), nil},
		{"a new line", secret(1) + "\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseSecrets(tt.text)
			if !reflect.DeepEqual(got, tt.want) || (err == nil) != (tt.want != nil || tt.text == "") {
				t.Errorf("got %q, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), strings.TrimPrefix(tt.text, "v1,whsec_")) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{"https://id.test/a", []string{secret(1)}}
	for name, configs := range map[string]map[Name]Config{
		"an unknown hook": {AfterUserCreated: good, "send-pigeon": good},
		"a bad one":       {AfterUserCreated: good, SendEmail: {"http://id.test/a", good.Secrets}},
	} {
		if h, err := New(configs, nil, slog.Default()); h != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, h, err)
		}
	}
}

// Secrets that are read are those that were written, and each can sign.
func FuzzParseSecrets(f *testing.F) {
	f.Add(secret(1))
	f.Add(secret(1) + "|" + secret(2))
	f.Add("v1,whsec_|")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseSecrets(text)
		if err != nil {
			return
		}
		if keys, err := signers(got); err != nil || len(keys) != len(got) || strings.Join(got, "|") != text {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	})
}

// What may be a hook has a host to which alone its client may go.
func FuzzHostOf(f *testing.F) {
	f.Add("https://id.test/a")
	f.Add("http://localhost:9000")
	f.Add("http://[::1]:1/")
	f.Add("pg-functions://postgres/a/b")
	f.Fuzz(func(t *testing.T, uri string) {
		host, err := hostOf(uri)
		if (host == "") != (err != nil) || err == nil && !strings.HasPrefix(strings.ToLower(uri), "http") {
			t.Errorf("%q: got %q, %v", uri, host, err)
		}
	})
}
