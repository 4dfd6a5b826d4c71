package oauth_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

func TestAClientIsProvenByItsOwnMethodAlone(t *testing.T) {
	h := build(t)
	basic, post := h.program(t, oauth.ClientWish{}), h.program(t, oauth.ClientWish{AuthMethod: oauth.SecretPost})
	if basic.Secret == post.Secret || len(basic.Secret) != 68 {
		t.Errorf("secrets %q and %q", basic.Secret, post.Secret)
	}
	id := string(basic.Record.ID)
	tests := []struct {
		name  string
		proof oauth.Proof
		want  error
	}{
		{"its own", oauth.Proof{Method: oauth.SecretBasic, Client: id, Secret: basic.Secret}, nil},
		{"another method", oauth.Proof{Method: oauth.SecretPost, Client: id, Secret: basic.Secret}, headykey.ErrBadClient},
		{"no method", oauth.Proof{Client: id, Secret: basic.Secret}, headykey.ErrBadClient},
		{"another's secret", oauth.Proof{Method: oauth.SecretBasic, Client: id, Secret: post.Secret}, headykey.ErrBadClient},
		{"no secret", oauth.Proof{Method: oauth.SecretBasic, Client: id}, headykey.ErrBadClient},
		{"a byte short", oauth.Proof{Method: oauth.SecretBasic, Client: id, Secret: basic.Secret[:67]}, headykey.ErrBadClient},
		{"upper case", oauth.Proof{Method: oauth.SecretBasic, Client: id, Secret: strings.ToUpper(basic.Secret)}, headykey.ErrBadClient},
		{"the id in upper case", oauth.Proof{Method: oauth.SecretBasic, Client: strings.ToUpper(id), Secret: basic.Secret}, headykey.ErrBadClient},
		{"nobody", oauth.Proof{Method: oauth.SecretBasic, Client: string(headykey.NewID()), Secret: basic.Secret}, headykey.ErrBadClient},
		{"the hash as secret", oauth.Proof{Method: oauth.SecretBasic, Client: id, Secret: string(basic.Record.Secret)}, headykey.ErrBadClient},
	}
	for range 2 { // once from the store, once from memory
		for _, tt := range tests {
			c, err := h.Authenticate(t.Context(), tt.proof)
			if !errors.Is(err, tt.want) || (err == nil) != (c != nil && c.ID == basic.Record.ID) {
				t.Errorf("%s: got %v, %v, want %v", tt.name, c, err, tt.want)
			}
		}
	}
}

// A client without a secret is proven by nothing, not by everything.
func TestNoSecretIsNoProof(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{}).Record
	c.Secret = nil
	h.update(t, &c)
	for _, secret := range []string{"", "x"} {
		if _, err := h.Authenticate(t.Context(), oauth.Proof{Method: oauth.SecretBasic, Client: string(c.ID), Secret: secret}); !errors.Is(err, headykey.ErrBadClient) {
			t.Errorf("%q: got %v", secret, err)
		}
	}
}

func TestWhatMayBeRegistered(t *testing.T) {
	h := build(t)
	many := func(n int, text string) []string {
		return strings.Fields(strings.Repeat(text+" ", n))
	}
	tests := []struct {
		name  string
		wish  oauth.ClientWish
		field string // "": it may
	}{
		{"a name alone", oauth.ClientWish{Name: "x"}, ""},
		{"everything", oauth.ClientWish{Name: "x", AuthMethod: oauth.SecretPost, Grants: []string{"client_credentials"}, Scopes: []string{"a", "b:c"},
			Redirects: []string{"https://a.example/cb"}, Resources: []string{"https://b.example"}}, ""},
		{"no name", oauth.ClientWish{}, "name"},
		{"a long name", oauth.ClientWish{Name: strings.Repeat("x", 201)}, "name"},
		{"codes to nowhere", oauth.ClientWish{Name: "x", Grants: []string{"authorization_code"}}, "redirect_uris"},
		{"the password grant", oauth.ClientWish{Name: "x", Grants: []string{"client_credentials", "password"}}, "grant_types"},
		{"tokens of its own without proof", oauth.ClientWish{Name: "x", AuthMethod: "none"}, "grant_types"},
		{"a way to prove itself that does not exist", oauth.ClientWish{Name: "x", AuthMethod: "password"}, "token_endpoint_auth_method"},
		{"two words in one scope", oauth.ClientWish{Name: "x", Scopes: []string{"a b"}}, "scopes"},
		{"a scope with a quote", oauth.ClientWish{Name: "x", Scopes: []string{`a"`}}, "scopes"},
		{"an empty scope", oauth.ClientWish{Name: "x", Scopes: []string{""}}, "scopes"},
		{"90 scopes", oauth.ClientWish{Name: "x", Scopes: many(90, "a")}, "scopes"},
		{"long scopes", oauth.ClientWish{Name: "x", Scopes: many(20, strings.Repeat("a", 89))}, "scopes"},
		{"a plain redirect", oauth.ClientWish{Name: "x", Redirects: []string{"http://a.example"}}, "redirect_uris"},
		{"35 redirects", oauth.ClientWish{Name: "x", Redirects: many(35, "https://a.example")}, "redirect_uris"},
		{"the HeadyKey API", oauth.ClientWish{Name: "x", Resources: []string{base + "/api"}}, "resources"},
		{"a name as resource", oauth.ClientWish{Name: "x", Resources: []string{"urn:x"}}, "resources"},
	}
	for _, tt := range tests {
		_, err := h.CreateClient(t.Context(), headykey.System, tt.wish)
		if tt.field == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		e := headykey.Explain(err)
		if e.Kind != headykey.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != tt.field {
			t.Errorf("%s: got %v, want a fault of %s", tt.name, err, tt.field)
		}
	}
}

func TestOnlyAdministratorsManageClients(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{})
	id, ctx := c.Record.ID, t.Context()
	acts := map[string]func(by headykey.Caller) error{
		"create": func(by headykey.Caller) error {
			_, err := h.CreateClient(ctx, by, oauth.ClientWish{Name: "x"})
			return err
		},
		"change": func(by headykey.Caller) error {
			_, err := h.ChangeClient(ctx, by, id, headykey.ClientChange{})
			return err
		},
		"rotate": func(by headykey.Caller) error { _, err := h.RotateSecret(ctx, by, id); return err },
		"delete": func(by headykey.Caller) error { return h.DeleteClient(ctx, by, id) },
		"list":   func(by headykey.Caller) error { _, err := h.Clients(ctx, by, headykey.Mark{}, 1); return err },
		"show":   func(by headykey.Caller) error { _, err := h.Client(ctx, by, id); return err },
	}
	for name, act := range acts {
		callers := []headykey.Caller{
			{}, {User: headykey.NewID(), Role: headykey.RoleUser, Method: headykey.ByToken},
			{Client: id, Method: headykey.ByClient},
			{User: headykey.NewID(), Role: headykey.RoleAdmin, Method: headykey.ByAPIKey, Scopes: []string{"api_keys.write"}},
		}
		if name != "list" && name != "show" {
			callers = append(callers, headykey.Caller{User: headykey.NewID(), Role: headykey.RoleOperator, Method: headykey.ByToken})
		}
		for _, by := range callers {
			if err := act(by); headykey.Explain(err).Kind != headykey.Forbidden && !errors.Is(err, headykey.ErrNotSignedIn) {
				t.Errorf("%s by %+v: %v", name, by, err)
			}
		}
	}
	if err := acts["delete"](headykey.System); err != nil {
		t.Error(err)
	}
	for name, act := range acts {
		if err := act(headykey.System); name != "create" && name != "list" && !errors.Is(err, headykey.ErrNotFound) {
			t.Errorf("%s what is gone: %v", name, err)
		}
	}
}

func TestEachChangeLeavesItsReceipt(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{})
	name, yes, no, scopes := "Golem", true, false, []string{"a"}
	for _, change := range []headykey.ClientChange{
		{Name: &name, Scopes: &scopes}, {Name: &name}, {Disabled: &yes}, {Disabled: &yes}, {Disabled: &no}, {},
	} {
		_, err := h.ChangeClient(t.Context(), headykey.System, c.Record.ID, change)
		check(t, err)
	}
	_, err := h.RotateSecret(t.Context(), headykey.System, c.Record.ID)
	check(t, err)
	check(t, h.DeleteClient(t.Context(), headykey.System, c.Record.ID))
	want := []string{"client.created", "client.changed", "client.disabled", "client.enabled", "client.secret_rotated", "client.deleted"}
	if got := h.receipts(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestABadChangeChangesNothing(t *testing.T) {
	h := build(t)
	c := h.program(t, oauth.ClientWish{Scopes: []string{"a"}})
	name, bad := "Golem", []string{"http://a.example"}
	if _, err := h.ChangeClient(t.Context(), headykey.System, c.Record.ID, headykey.ClientChange{Name: &name, Redirects: &bad}); headykey.Explain(err).Kind != headykey.Invalid {
		t.Errorf("got %v", err)
	}
	got, err := h.Client(context.Background(), headykey.System, c.Record.ID)
	if err != nil || got.Name != "Robot" || len(got.Redirects) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// One request to the client's server serves many people, and tells it of none.
func TestTheLogoOfAClient(t *testing.T) {
	h, at := build(t), newSite(t)
	h.reach(t, at)
	var picture bytes.Buffer
	check(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 2, 2))))
	at.say(picture.String())
	c := h.program(t, oauth.ClientWish{Details: headykey.ClientDetails{LogoURI: at.url + "/logo"}}).Record
	plain := h.program(t, oauth.ClientWish{}).Record
	version := oauth.LogoVersion(&c)
	for range 2 {
		got, err := h.Logo(t.Context(), string(c.ID), version)
		check(t, err)
		if got.Type != "image/png" || string(got.Body) != picture.String() {
			t.Errorf("got %+v", got)
		}
	}
	if asked := at.asked.Load(); asked != 1 {
		t.Errorf("the site was asked %d times", asked)
	}
	none := func(what string, id headykey.ID, version string) {
		t.Helper()
		_, err := h.Logo(t.Context(), string(id), version)
		want(t, what, err, headykey.ErrNotFound)
	}
	none("another version", c.ID, "0")
	none("a client without one", plain.ID, oauth.LogoVersion(&plain))
	none("no client", headykey.NewID(), version)
	none("no id", "x", version)

	change := func(uri string) {
		t.Helper()
		details := jsontext.Value(`{"logo_uri":"` + uri + `"}`)
		changed, err := h.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Details: details})
		check(t, err)
		version = oauth.LogoVersion(changed)
	}
	at.say("") // it fails now
	change(at.url + "/new")
	none("out for lunch", c.ID, version)
	at.say(strings.Repeat("x", 256<<10+1))
	change(at.url + "/large")
	none("too large", c.ID, version)
	change("https://10.0.0.1/logo")
	none("in our own network", c.ID, version)
	at.say(picture.String())
	change(at.url + "/good")
	_, err := h.Logo(t.Context(), string(c.ID), version)
	check(t, err)
	yes := true
	_, err = h.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Disabled: &yes})
	check(t, err)
	none("disabled", c.ID, version)
}
