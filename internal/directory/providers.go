package directory

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/upstream"
)

const (
	maxProviders  = 89
	maxTitle      = 255     // characters of a name for people
	maxList       = 55      // entries of a list or an object
	maxEntry      = 1 << 10 // bytes of one of them
	secretPurpose = "custom provider "
)

// providerName is what a custom provider may be called.
var providerName = regexp.MustCompile(`^custom:[a-z0-9][a-z0-9_-]{0,49}$`)

// A ProviderChange says what to change of a provider; nil fields stay.
type ProviderChange struct {
	Title         *string
	ClientID      *string
	Secret        *string
	ClientIDs     *[]string
	Scopes        *[]string
	PKCE          *bool
	Mapping       *map[string]any
	Claims        *[]string
	Parameters    *map[string]any
	Enabled       *bool
	EmailOptional *bool
	Issuer        *string
	DiscoveryURL  *string
	SkipNonce     *bool
	AuthorizeURL  *string
	TokenURL      *string
	UserinfoURL   *string
	KeysURL       *string
}

// Providers returns the providers of a kind ("": of any), the newest first, without
// their secrets.
func (s *Service) Providers(ctx context.Context, by headykey.Caller, kind string) ([]*headykey.CustomProvider, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.read"); err != nil {
		return nil, err
	}
	all := []*headykey.CustomProvider{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for p, err := range tx.CustomProviders() {
			if err != nil {
				return err
			}
			if kind == "" || p.Kind == kind {
				all = append(all, withoutSecret(p))
			}
		}
		return nil
	})
	return all, err
}

// Provider returns the provider called name without its secret, or
// headykey.ErrNotFound.
func (s *Service) Provider(ctx context.Context, by headykey.Caller, name string) (*headykey.CustomProvider, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.read"); err != nil {
		return nil, err
	}
	var p *headykey.CustomProvider
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.CustomProvider(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return withoutSecret(p), nil
}

func withoutSecret(p *headykey.CustomProvider) *headykey.CustomProvider {
	p.Secret = nil
	return p
}

// AddProvider adds a provider of a kind, called name, of which c says the rest. It is
// enabled and speaks PKCE unless c says otherwise.
//
// It fails with headykey.ErrInvalid, ErrMissingField, ErrConflict if there is one of
// that name, and ErrTooManyProviders. The receipt is "configuration.changed".
func (s *Service) AddProvider(ctx context.Context, by headykey.Caller, kind, name string, c ProviderChange) (*headykey.CustomProvider, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	if c.Secret == nil || *c.Secret == "" {
		return nil, headykey.ErrMissingField.Saying("client_secret is required.").About("client_secret")
	}
	p := headykey.CustomProvider{ID: headykey.NewID(), Kind: kind, Name: name, PKCE: true, Enabled: true}
	c.apply(&p)
	if err := s.checkProvider(&p); err != nil {
		return nil, err
	}
	p.Secret = s.sealer.Seal(secretPurpose+name, []byte(*c.Secret))
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		all, err := store.Collect(tx.CustomProviders())
		switch {
		case err != nil:
			return err
		case slices.ContainsFunc(all, func(o *headykey.CustomProvider) bool { return o.Name == p.Name }):
			return headykey.ErrConflict.Saying("There is a custom provider of this name already.")
		case len(all) >= maxProviders:
			return headykey.ErrTooManyProviders
		}
		p.Created, p.Updated = tx.Now, tx.Now
		if err := tx.PutCustomProvider(&p); err != nil {
			return err
		}
		return s.noteProvider(ctx, tx, by, p.Name, "added")
	})
	if err != nil {
		return nil, err
	}
	return withoutSecret(&p), nil
}

// ChangeProvider changes the provider called name. It fails with
// headykey.ErrNotFound, ErrInvalid and ErrMissingField. The receipt is
// "configuration.changed".
func (s *Service) ChangeProvider(ctx context.Context, by headykey.Caller, name string, c ProviderChange) (*headykey.CustomProvider, error) {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return nil, err
	}
	var p *headykey.CustomProvider
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if p, err = tx.CustomProvider(name); err != nil {
			return err
		}
		c.apply(p)
		if err := s.checkProvider(p); err != nil {
			return err
		}
		if c.Secret != nil && *c.Secret != "" {
			p.Secret = s.sealer.Seal(secretPurpose+p.Name, []byte(*c.Secret))
		}
		p.Updated = tx.Now
		if err := tx.PutCustomProvider(p); err != nil {
			return err
		}
		return s.noteProvider(ctx, tx, by, p.Name, "changed")
	})
	if err != nil {
		return nil, err
	}
	return withoutSecret(p), nil
}

// DropProvider deletes the provider called name, or returns headykey.ErrNotFound.
// Identities by it stay, and open nothing. The receipt is "configuration.changed".
func (s *Service) DropProvider(ctx context.Context, by headykey.Caller, name string) error {
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteCustomProvider(name); err != nil {
			return err
		}
		return s.noteProvider(ctx, tx, by, name, "deleted")
	})
}

func (s *Service) noteProvider(ctx context.Context, tx *store.Tx, by headykey.Caller, name, what string) error {
	_, err := s.receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "configuration.changed", By: by, Object: headykey.Party{Type: "provider", ID: name},
		Details: map[string]any{"setting": "custom_providers", "change": what},
	})
	return err
}

// apply makes the changes of c to p, but for the secret.
func (c ProviderChange) apply(p *headykey.CustomProvider) {
	set(&p.Title, c.Title)
	set(&p.ClientID, c.ClientID)
	set(&p.ClientIDs, c.ClientIDs)
	set(&p.Scopes, c.Scopes)
	set(&p.PKCE, c.PKCE)
	set(&p.Mapping, c.Mapping)
	set(&p.Claims, c.Claims)
	set(&p.Parameters, c.Parameters)
	set(&p.Enabled, c.Enabled)
	set(&p.EmailOptional, c.EmailOptional)
	set(&p.Issuer, c.Issuer)
	set(&p.DiscoveryURL, c.DiscoveryURL)
	set(&p.SkipNonce, c.SkipNonce)
	set(&p.AuthorizeURL, c.AuthorizeURL)
	set(&p.TokenURL, c.TokenURL)
	set(&p.UserinfoURL, c.UserinfoURL)
	set(&p.KeysURL, c.KeysURL)
}

// set puts wish in the place of what is there, unless it is nil.
func set[T any](there, wish *T) {
	if wish != nil {
		*there = *wish
	}
}

// checkProvider fails with headykey.ErrInvalid or ErrMissingField if p cannot be used.
func (s *Service) checkProvider(p *headykey.CustomProvider) error {
	switch {
	case p.Kind != headykey.OAuthProvider && p.Kind != headykey.OpenIDProvider:
		return badProvider("provider_type", "A provider_type is oauth2 or oidc.")
	case !providerName.MatchString(p.Name):
		return badProvider("identifier", "An identifier is custom: and up to 50 of the characters a to z, 0 to 9, _ and -.")
	case p.ClientID == "" || len(p.ClientID) > maxEntry:
		return badProvider("client_id", "client_id is required.")
	}
	title, err := headykey.CleanName(p.Title)
	if err != nil || title == "" || len(p.Title) > maxTitle {
		return badProvider("name", "name is required, with at most 200 characters.")
	}
	p.Title = title
	if err := checkLists(p); err != nil {
		return err
	}
	return s.checkURLs(p)
}

func badProvider(field, text string) error { return headykey.ErrInvalid.Saying(text).About(field) }

func checkLists(p *headykey.CustomProvider) error {
	for _, list := range []struct {
		name  string
		words []string
	}{{"acceptable_client_ids", p.ClientIDs}, {"scopes", p.Scopes}, {"custom_claims_allowlist", p.Claims}} {
		tooLong := func(w string) bool { return w == "" || len(w) > maxEntry }
		if len(list.words) > maxList || slices.ContainsFunc(list.words, tooLong) {
			return badProvider(list.name, list.name+" has too many entries, or one that is empty or too long.")
		}
	}
	if len(p.Mapping) > maxList || len(p.Parameters) > maxList {
		return badProvider("attribute_mapping", "attribute_mapping and authorization_params may have at most 55 members each.")
	}
	for name := range p.Parameters {
		if slices.Contains(reserved, strings.ToLower(name)) {
			return badProvider("authorization_params", name+" is set by this server and cannot be an authorization parameter.")
		}
	}
	for name := range p.Mapping {
		if slices.Contains(protected, strings.ToLower(name)) {
			return badProvider("attribute_mapping", name+" is set by this server and cannot be mapped.")
		}
	}
	return nil
}

// reserved are the parameters of an authorization request that are ours to set, and
// protected what no provider may say of an account.
var (
	reserved = []string{
		"client_id", "client_secret", "redirect_uri", "response_type", "state", "code_challenge", "code_challenge_method", "code_verifier", "nonce",
	}
	protected = []string{
		"id", "aud", "role", "app_metadata", "is_anonymous", "created_at", "updated_at", "confirmed_at", "email_confirmed_at",
		"phone_confirmed_at", "banned_until", "is_super_admin",
	}
)

// checkURLs looks at the addresses of p: those that its kind needs must be there, and
// we must be allowed to fetch each.
func (s *Service) checkURLs(p *headykey.CustomProvider) error {
	openID := p.Kind == headykey.OpenIDProvider
	for _, one := range []struct {
		name, url string
		needed    bool
	}{
		{"issuer", p.Issuer, openID},
		{"discovery_url", p.DiscoveryURL, false},
		{"authorization_url", p.AuthorizeURL, !openID},
		{"token_url", p.TokenURL, !openID},
		{"userinfo_url", p.UserinfoURL, !openID},
		{"jwks_uri", p.KeysURL, false},
	} {
		if one.url == "" && one.needed {
			return headykey.ErrMissingField.Saying(one.name + " is required for this provider_type.").About(one.name)
		}
		if one.url == "" {
			continue
		}
		if s.fetch.Check(one.url) != nil {
			return badProvider(one.name, one.name+" must be a public https:// URL.")
		}
	}
	if !openID {
		return nil
	}
	if fault := upstream.OfCustom(p).Fault(); fault != "" {
		return badProvider("issuer", "The provider "+fault+".")
	}
	return nil
}
