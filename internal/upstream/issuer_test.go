package upstream_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey/internal/upstream"
)

func TestWhatAnIssuerMustBe(t *testing.T) {
	tests := []struct {
		name   string
		change func(*upstream.Issuer)
		want   string // the beginning
	}{
		{"good", func(*upstream.Issuer) {}, ""},
		{"custom", func(i *upstream.Issuer) { i.Provider = "custom:acme-2" }, ""},
		{"keys at an address", func(i *upstream.Issuer) { i.KeysURL = "https://keys.example/1" }, ""},
		{"a path", func(i *upstream.Issuer) { i.Issuer = "https://id.example/realms/acme" }, ""},
		{"no provider", func(i *upstream.Issuer) { i.Provider = "" }, "must have as provider"},
		{"our own", func(i *upstream.Issuer) { i.Provider = "email" }, "must have as provider"},
		{"custom without a name", func(i *upstream.Issuer) { i.Provider = "custom:" }, "must have as provider"},
		{"custom in capitals", func(i *upstream.Issuer) { i.Provider = "custom:Acme" }, "must have as provider"},
		{"a line behind it", func(i *upstream.Issuer) { i.Provider = "custom:acme\n" }, "must have as provider"},
		{"a long name", func(i *upstream.Issuer) { i.Provider = "custom:" + strings.Repeat("a", 51) }, "must have as provider"},
		{"no issuer", func(i *upstream.Issuer) { i.Issuer = "" }, "must have as issuer"},
		{"a name as issuer", func(i *upstream.Issuer) { i.Issuer = "accounts.google.com" }, "must have as issuer"},
		{"a query", func(i *upstream.Issuer) { i.Issuer += "?a=b" }, "must have as issuer"},
		{"a fragment", func(i *upstream.Issuer) { i.Issuer += "#" }, "must have as issuer"},
		{"a user", func(i *upstream.Issuer) { i.Issuer = "https://jane@id.example" }, "must have as issuer"},
		{"a file as keys", func(i *upstream.Issuer) { i.KeysURL = "file:///etc/keys" }, "must have as jwks_url"},
		{"a document at an address", func(i *upstream.Issuer) { i.DiscoveryURL = "https://id.example/x" }, ""},
		{"a name as document", func(i *upstream.Issuer) { i.DiscoveryURL = "x" }, "must have as discovery_url"},
		{"no app", func(i *upstream.Issuer) { i.ClientIDs = nil }, "must have client_ids"},
		{"an app without a name", func(i *upstream.Issuer) { i.ClientIDs = []string{app, ""} }, "must have client_ids"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := upstream.Issuer{Provider: "google", Issuer: "https://id.example", ClientIDs: []string{app}}
			tt.change(&i)
			got := i.Fault()
			if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheNamesOfAnIssuersMembers(t *testing.T) {
	const text = `{"provider":"apple","issuer":"https://id.example","client_ids":["a"],"jwks_url":"https://id.example/keys","discovery_url":"https://id.example/d","custom_claims":["x"],"skip_nonce":true,"email_optional":true}`
	var got upstream.Issuer
	check(t, json.Unmarshal([]byte(text), &got))
	want := upstream.Issuer{Provider: "apple", Issuer: "https://id.example", ClientIDs: []string{"a"}, KeysURL: "https://id.example/keys", DiscoveryURL: "https://id.example/d", Claims: []string{"x"}, SkipNonce: true, EmailOptional: true}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	again, err := json.Marshal(got)
	check(t, err)
	if string(again) != text {
		t.Errorf("got %s", again)
	}
}
