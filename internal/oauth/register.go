package oauth

import (
	"context"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// Who may register clients over the network (RFC 7591 §3).
const (
	RegistrationOpen  = "open"  // anybody
	RegistrationToken = "token" // who holds an initial access token
	RegistrationOff   = "off"   // nobody
)

// A RegistrationPolicy says who may register clients over the network, and whose
// word about them counts.
type RegistrationPolicy struct {
	Who     string // RegistrationOpen, RegistrationToken, RegistrationOff; "": nobody
	Issuers []StatementIssuer
}

// Registers reports whether clients can be registered over the network.
func (s *Service) Registers() bool {
	return s.Registration.Who == RegistrationOpen || s.Registration.Who == RegistrationToken
}

// A Registered client is what it learns of itself (RFC 7591 §3.2.1, RFC 7592 §3).
type Registered struct {
	Record    headykey.Client
	Metadata  Metadata
	Secret    string // "" unless it is new: its hash alone is kept
	Token     string // registration access token
	Statement string // software statement, as it was sent; "": there was none
}

// Register registers a client that introduces itself by a JSON object (RFC 7591
// §3.1). initial is its initial access token, which counts only where one is needed.
//
// It fails with headykey.ErrNotSignedIn without one and with ErrInvalidToken with a
// wrong one, ErrBadRedirect, ErrBadMetadata, ErrBadStatement and
// ErrUnapprovedStatement. The receipt is "client.created".
func (s *Service) Register(ctx context.Context, from headykey.From, initial string, text []byte) (*Registered, error) {
	if err := s.admit(ctx, initial); err != nil {
		return nil, err
	}
	c := headykey.Client{ID: headykey.NewID(), Profile: headykey.ProfileOIDC, Origin: headykey.Dynamic}
	wish, err := s.readWish(ctx, text)
	if err == nil {
		err = wish.put(&c)
	}
	if err == nil {
		err = s.vet(ctx, &c)
	}
	if err != nil {
		return nil, asMetadataFault(err)
	}
	out := &Registered{Secret: s.giveSecret(&c), Token: secret.Token(secretSize), Statement: wish.Statement}
	hash := secret.Hash(out.Token)
	c.Registration = hash[:]
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.spendInitial(tx, initial); err != nil {
			return err
		}
		return s.insert(ctx, tx, as(&c, from), &c)
	})
	out.Record, out.Metadata = c, metadataOf(&c)
	return out, err
}

// RegisterOpenly is Register for who sends no documents: anybody may wish, where
// registration is open. The client cannot manage itself later. It fails with
// headykey.ErrFeatureOff, and as CreateClient does. The receipt is "client.created".
func (s *Service) RegisterOpenly(ctx context.Context, from headykey.From, wish ClientWish) (NewClient, error) {
	if s.Registration.Who != RegistrationOpen {
		return NewClient{}, headykey.ErrFeatureOff
	}
	fresh := NewClient{Record: wish.record()}
	c := &fresh.Record
	c.Origin, c.Trusted = headykey.Dynamic, false
	if err := s.vet(ctx, c); err != nil {
		return NewClient{}, err
	}
	fresh.Secret = s.giveSecret(c)
	err := s.DB.Update(ctx, func(tx *store.Tx) error { return s.insert(ctx, tx, as(c, from), c) })
	return fresh, err
}

// A wish is what a registering client says: its metadata, and what it claims to be
// already.
type wish struct {
	Metadata
	ID        string `json:"client_id"`
	Secret    string `json:"client_secret"`
	Statement string `json:"software_statement"`
}

// readWish reads a request, with the claims of its software statement over it.
func (s *Service) readWish(ctx context.Context, text []byte) (w wish, err error) {
	if err := mergeInto(&w, &w.JWKS, text); err != nil {
		return w, err
	}
	if w.Statement == "" {
		return w, nil
	}
	claims, err := s.readStatement(ctx, w.Statement)
	if err != nil {
		return w, err
	}
	if w.Metadata.merge(claims) != nil {
		return w, headykey.ErrBadStatement.Saying("A claim of the software statement has a value of another type.")
	}
	return w, nil
}

// Registered returns what the client under id, which shows its registration
// access token, is registered with (RFC 7592 §2.1). Without that token it is
// headykey.ErrInvalidToken, whether there is such a client or not.
func (s *Service) Registered(ctx context.Context, id, token string) (*Registered, error) {
	c, err := s.registered(ctx, id, token)
	if err != nil {
		return nil, err
	}
	return &Registered{Record: *c, Metadata: metadataOf(c), Token: token}, nil
}

func (s *Service) registered(ctx context.Context, id, token string) (*headykey.Client, error) {
	known, err := headykey.ParseID(id)
	if err != nil {
		return nil, headykey.ErrInvalidToken
	}
	c, err := s.client(ctx, known)
	if isMissing(err) || err == nil && !manages(c, token) {
		return nil, headykey.ErrInvalidToken
	}
	return c, err
}

// manages reports whether token is the registration access token of c, which may
// use it unless it is disabled.
func manages(c *headykey.Client, token string) bool {
	hash := secret.Hash(token)
	return len(c.Registration) > 0 && secret.Equal(hash[:], c.Registration) && c.Disabled.IsZero()
}

// Reregister puts a JSON object in the place of what the client under id is
// registered with (RFC 7592 §2.2). The token stays good; a secret is given only if
// its method needs another than it has. It fails as Registered and Register do. The
// receipt is "client.changed".
func (s *Service) Reregister(ctx context.Context, from headykey.From, id, token string, text []byte) (*Registered, error) {
	known, err := s.registered(ctx, id, token)
	if err != nil {
		return nil, err
	}
	w, err := s.readWish(ctx, text)
	if err == nil {
		err = s.names(w, known)
	}
	if err != nil {
		return nil, asMetadataFault(err)
	}
	out := &Registered{Token: token, Statement: w.Statement}
	c, err := s.revise(ctx, as(known, from), known.ID, func(c *headykey.Client, _ time.Time) (notes, error) {
		if !manages(c, token) {
			return nil, headykey.ErrInvalidToken
		}
		before := *c
		if err := w.put(c); err != nil {
			return nil, err
		}
		if dropSecret(c); c.Secret == nil && c.SealedSecret == nil {
			out.Secret = s.giveSecret(c)
		}
		return replaced(&before, c)
	})
	if isMissing(err) {
		return nil, headykey.ErrInvalidToken
	}
	if err != nil {
		return nil, asMetadataFault(err)
	}
	out.Record, out.Metadata = *c, metadataOf(c)
	return out, nil
}

// names returns nil unless w says that it is another client than c.
func (s *Service) names(w wish, c *headykey.Client) error {
	if w.ID != string(c.ID) {
		return invalid("client_id", "This must be the id of the client.")
	}
	if w.Secret != "" && !s.isSecret(w.Secret, c) {
		return invalid("client_secret", "This is not the client's secret; it can be left out.")
	}
	return nil
}

// isSecret reports whether text is c's secret, however that is kept.
func (s *Service) isSecret(text string, c *headykey.Client) bool {
	if c.SealedSecret != nil {
		kept, err := s.Sealer.Open(sealedSecret(c.ID), c.SealedSecret)
		return err == nil && secret.Equal([]byte(text), kept)
	}
	hash := secret.Hash(text)
	return secret.Equal(hash[:], c.Secret)
}

// replaced notes in what two states of a client differ.
func replaced(before, after *headykey.Client) (notes, error) {
	changed, err := differences(before.Details, after.Details)
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		name string
		same bool
	}{
		{"name", before.Name == after.Name}, {"token_endpoint_auth_method", before.AuthMethod == after.AuthMethod},
		{"grant_types", slices.Equal(before.Grants, after.Grants)}, {"scopes", slices.Equal(before.Scopes, after.Scopes)},
		{"redirect_uris", slices.Equal(before.Redirects, after.Redirects)},
		{"verified", before.Verified.Equal(after.Verified)}, {"trusted", before.Trusted == after.Trusted},
	} {
		if !one.same {
			changed = append(changed, one.name)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	return notes{"client.changed": {"changed": changed}}, nil
}

// Unregister removes the client under id (RFC 7592 §2.3), and with it all its
// tokens. It fails as Registered does. The receipt is "client.deleted".
func (s *Service) Unregister(ctx context.Context, from headykey.From, id, token string) error {
	known, err := s.registered(ctx, id, token)
	if err != nil {
		return err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(known.ID)
		if err != nil {
			return err
		}
		if !manages(c, token) {
			return headykey.ErrInvalidToken
		}
		if err := tx.EndDerived(c.ID); err != nil {
			return err
		}
		if err := tx.DeleteClient(c.ID); err != nil {
			return err
		}
		return s.note(ctx, tx, as(c, from), c.ID, "client.deleted", nil)
	})
	if isMissing(err) {
		return headykey.ErrInvalidToken
	}
	return err
}
