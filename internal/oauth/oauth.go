// Package oauth is how programs get tokens: clients and how they prove themselves,
// the token endpoint with one file per grant, introspection and revocation. It
// speaks no HTTP; the words of RFC 6749 for a failure are its door's.
package oauth

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"

	"github.com/maypok86/otter/v2"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// IssuerPath follows the base URL in the issuer's name.
const IssuerPath = "/auth/v1"

// TokenPath follows the issuer in the URL of the token endpoint.
const TokenPath = "/token"

const (
	maxClients = 10_946 // clients kept in memory: fib 21
	maxLive    = 55_000 // tokens proven good that are kept in memory
)

// Parts are what the rules stand on.
type Parts struct {
	DB       *store.DB
	Tokens   *token.Service
	Receipts *receipt.Ledger
	Ring     *keyring.Ring
	Sealer   *secret.Sealer
	Fetch    *fetch.Client

	// Certificates says that certificates of clients can reach the server: its own
	// listener asks for them, or a proxy passes them on.
	Certificates bool
	ClientCA     *x509.CertPool // who vouches for clients with tls_client_auth; nil: nobody
	Registration RegistrationPolicy
	DetailTypes  []string       // of authorization_details that clients may be registered for (RFC 9396 §10)
	Outbox       *outbox.Outbox // of letters ("mail"), [Ping]s and logout tokens
}

// A Service gives tokens to programs. It is safe for concurrent use.
type Service struct {
	Parts
	base    string
	clients *otter.Cache[headykey.ID, *known]
	live    *otter.Cache[[32]byte, *live]
	origins *otter.Cache[string, *knownOrigin]
	proofs  once // DPoP proofs that were used

	mu     sync.Mutex
	issued map[headykey.ID]int64 // tokens issued by client, not yet told in a receipt
}

// New returns the service of a server at base, its public URL.
func New(p Parts, base string) (*Service, error) {
	s := &Service{Parts: p, base: base, issued: map[headykey.ID]int64{}}
	var err error
	if s.clients, err = otter.New(&otter.Options[headykey.ID, *known]{MaximumSize: maxClients}); err != nil {
		return nil, err
	}
	if s.origins, err = otter.New(&otter.Options[string, *knownOrigin]{MaximumSize: maxClients}); err != nil {
		return nil, err
	}
	s.live, err = otter.New(&otter.Options[[32]byte, *live]{MaximumSize: maxLive})
	return s, err
}

// Issuer is the name of this server in tokens and metadata.
func (s *Service) Issuer() string { return s.base + IssuerPath }

// KeySet returns the public keys that tokens verify with.
func (s *Service) KeySet() (*keyring.KeySet, error) { return s.Ring.PublicSet() }

// A known client is believed until anything about it changes on any node, or
// until this node can no longer know of changes.
type known struct {
	client headykey.Client
	epoch  store.Epoch
}

// client returns the client under id, disabled or not, from memory while that may
// be believed. Nobody may change what it returns.
func (s *Service) client(ctx context.Context, id headykey.ID) (*headykey.Client, error) {
	if k, ok := s.clients.GetIfPresent(id); ok && k.epoch.Current() && s.DB.Fresh() {
		return &k.client, nil
	}
	k := &known{epoch: s.DB.Epoch(id)}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(id)
		k.client = *c
		return err
	})
	if err != nil {
		return nil, err
	}
	s.clients.Set(id, k)
	return &k.client, nil
}

// KnowsOrigin reports whether the pages of a registered client come from origin, so
// that they may call the OAuth endpoints.
func (s *Service) KnowsOrigin(ctx context.Context, origin string) bool {
	if o, ok := s.origins.GetIfPresent(origin); ok && o.epoch.Current() && s.DB.Fresh() {
		return o.known
	}
	o := &knownOrigin{epoch: s.DB.Epoch(store.OriginsEpoch)}
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		o.known, err = tx.HasClientOrigin(origin)
		return err
	})
	if err != nil {
		return false // it may try again
	}
	s.origins.Set(origin, o)
	return o.known
}

// A knownOrigin is remembered until any client changes.
type knownOrigin struct {
	known bool
	epoch store.Epoch
}

// as is the caller that a client is.
func as(c *headykey.Client, from headykey.From) headykey.Caller {
	return headykey.Caller{Client: c.ID, Method: headykey.ByClient, From: from}
}

func isMissing(err error) bool { return errors.Is(err, headykey.ErrNotFound) }
