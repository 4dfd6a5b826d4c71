package directory_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/store"
)

var waysRoot = headykey.Caller{Method: headykey.ByService, Role: headykey.RoleAdmin}

// waysChange is a provider of the kind oidc that can be used, but for what change makes of it.
func waysChange(change func(*directory.ProviderChange)) directory.ProviderChange {
	c := directory.ProviderChange{
		Title: new("Acme"), ClientID: new("ours"), Secret: new("hush"), Issuer: new("https://id.example"), Scopes: &[]string{"openid"},
	}
	change(&c)
	return c
}

func same(*directory.ProviderChange) {}

func TestCustomProvidersLive(t *testing.T) {
	h := build(t, nil)
	made, err := h.AddProvider(t.Context(), waysRoot, headykey.OpenIDProvider, "custom:acme", waysChange(same))
	check(t, err)
	want := &headykey.CustomProvider{
		ID: made.ID, Kind: headykey.OpenIDProvider, Name: "custom:acme", Title: "Acme", ClientID: "ours", Scopes: []string{"openid"},
		PKCE: true, Enabled: true, Issuer: "https://id.example", Created: made.Created, Updated: made.Created,
	}
	if !reflect.DeepEqual(made, want) {
		t.Errorf("got %+v, want %+v", made, want)
	}
	check(t, h.db.View(t.Context(), func(tx *store.Tx) error {
		p, err := tx.CustomProvider("custom:acme")
		if len(p.Secret) == 0 || bytes.Contains(p.Secret, []byte("hush")) {
			t.Errorf("the secret is kept as %q", p.Secret)
		}
		return err
	}))
	changed, err := h.ChangeProvider(t.Context(), waysRoot, "custom:acme", directory.ProviderChange{Enabled: new(false), Title: new("Other")})
	check(t, err)
	if changed.Enabled || changed.Title != "Other" || changed.ClientID != "ours" || changed.Secret != nil {
		t.Errorf("got %+v", changed)
	}
	got, err := h.Provider(t.Context(), waysRoot, "custom:acme")
	check(t, err)
	if got.ID != made.ID || got.Enabled || got.Secret != nil {
		t.Errorf("got %+v", got)
	}
	for kind, n := range map[string]int{"": 1, headykey.OpenIDProvider: 1, headykey.OAuthProvider: 0} {
		if all, err := h.Providers(t.Context(), waysRoot, kind); err != nil || len(all) != n {
			t.Errorf("%q: got %v, %v", kind, all, err)
		}
	}
	check(t, h.DropProvider(t.Context(), waysRoot, "custom:acme"))
	for name, err := range map[string]error{
		"dropped twice": h.DropProvider(t.Context(), waysRoot, "custom:acme"),
		"read":          func() error { _, err := h.Provider(t.Context(), waysRoot, "custom:acme"); return err }(),
		"changed": func() error {
			_, err := h.ChangeProvider(t.Context(), waysRoot, "custom:acme", directory.ProviderChange{})
			return err
		}(),
	} {
		if !errors.Is(err, headykey.ErrNotFound) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	receipts, err := h.receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Type: "configuration.changed", Limit: 10})
	check(t, err)
	if len(receipts) != 3 {
		t.Errorf("got %d receipts", len(receipts))
	}
}

func TestCustomProvidersAreForAdministrators(t *testing.T) {
	h := build(t, nil)
	by := h.person(t, "op@example.com", headykey.RoleOperator)
	_, list := h.Providers(t.Context(), by, "")
	_, read := h.Provider(t.Context(), by, "custom:acme")
	_, add := h.AddProvider(t.Context(), by, headykey.OpenIDProvider, "custom:acme", waysChange(same))
	_, change := h.ChangeProvider(t.Context(), by, "custom:acme", directory.ProviderChange{})
	for name, err := range map[string]error{
		"list": list, "read": read, "add": add, "change": change, "drop": h.DropProvider(t.Context(), by, "custom:acme"),
	} {
		if !errors.Is(err, headykey.ErrInsufficientRole) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWhatACustomProviderMustBe(t *testing.T) {
	h := build(t, nil)
	tests := []struct {
		name, kind, called string
		change             func(*directory.ProviderChange)
		want               error
		field              string
	}{
		{"of another kind", "saml", "custom:a", same, headykey.ErrInvalid, "provider_type"},
		{"not custom", "oidc", "google", same, headykey.ErrInvalid, "identifier"},
		{"without a name", "oidc", "custom:", same, headykey.ErrInvalid, "identifier"},
		{"without a title", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Title = nil }, headykey.ErrInvalid, "name"},
		{"without a client", "oidc", "custom:a", func(c *directory.ProviderChange) { c.ClientID = nil }, headykey.ErrInvalid, "client_id"},
		{"without a secret", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Secret = new("") }, headykey.ErrMissingField, "client_secret"},
		{"without an issuer", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Issuer = nil }, headykey.ErrMissingField, "issuer"},
		{"private", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Issuer = new("https://10.0.0.1") }, headykey.ErrInvalid, "issuer"},
		{"not secret on its way", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Issuer = new("http://id.example") }, headykey.ErrInvalid, "issuer"},
		{"an issuer with a query", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Issuer = new("https://id.example?a") }, headykey.ErrInvalid, "issuer"},
		{"keys on this machine", "oidc", "custom:a", func(c *directory.ProviderChange) { c.KeysURL = new("https://localhost/k") }, headykey.ErrInvalid, "jwks_uri"},
		{"without addresses", "oauth2", "custom:a", same, headykey.ErrMissingField, "authorization_url"},
		{"our own parameter", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Parameters = &map[string]any{"State": "x"} }, headykey.ErrInvalid, "authorization_params"},
		{"our own member", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Mapping = &map[string]any{"role": "x"} }, headykey.ErrInvalid, "attribute_mapping"},
		{"an empty scope", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Scopes = &[]string{""} }, headykey.ErrInvalid, "scopes"},
		{"a long scope", "oidc", "custom:a", func(c *directory.ProviderChange) { c.Scopes = &[]string{strings.Repeat("x", 2000)} }, headykey.ErrInvalid, "scopes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.AddProvider(t.Context(), waysRoot, tt.kind, tt.called, waysChange(tt.change))
			e := headykey.Explain(err)
			if !errors.Is(err, tt.want) || len(e.Fields) != 1 || e.Fields[0].Name != tt.field {
				t.Errorf("got %v about %v, want %v about %s", err, e.Fields, tt.want, tt.field)
			}
		})
	}
	_, err := h.AddProvider(t.Context(), waysRoot, headykey.OpenIDProvider, "custom:a", waysChange(same))
	check(t, err)
	if _, err := h.AddProvider(t.Context(), waysRoot, headykey.OpenIDProvider, "custom:a", waysChange(same)); !errors.Is(err, headykey.ErrConflict) {
		t.Errorf("twice: got %v", err)
	}
	if _, err := h.ChangeProvider(t.Context(), waysRoot, "custom:a", directory.ProviderChange{Issuer: new("http://evil")}); !errors.Is(err, headykey.ErrInvalid) {
		t.Errorf("changed to what it may not be: got %v", err)
	}
}
