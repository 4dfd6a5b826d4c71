package keyring

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/store"
)

// SessionAlgorithms are those that tokens of sessions can be signed with. Each has
// a key that signs and one that is published to be the next.
var SessionAlgorithms = []string{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA}

// rsaBits is the size of our RSA keys.
const rsaBits = 2048

// GenerateSession makes a session key for one of SessionAlgorithms, named by its
// RFC 7638 thumbprint. An RSA key takes a tenth of a second or more: make it outside
// of transactions.
func GenerateSession(algorithm string) Key {
	signer, err := newSigner(algorithm)
	if err != nil {
		panic("keyring: " + err.Error()) // the system's random source never fails
	}
	id, err := jose.Thumbprint(signer.Public())
	if err != nil {
		panic("keyring: " + err.Error()) // a key that we made always has one
	}
	return Key{ID: id, Use: Session, Algorithm: algorithm, Signer: signer}
}

func newSigner(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.RS256, jose.PS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case jose.EdDSA:
		_, private, err := ed25519.GenerateKey(nil)
		return private, err
	}
	return nil, fmt.Errorf("there are no keys for %q", algorithm)
}

// encode returns the parts of a session key as the store keeps them: the scalar and
// the uncompressed point, PKCS #8 and PKCS #1, or the seed and the public key.
func encode(signer crypto.Signer) (private, public []byte, err error) {
	switch k := signer.(type) {
	case *ecdsa.PrivateKey:
		if private, err = k.Bytes(); err != nil {
			return nil, nil, err
		}
		public, err = k.PublicKey.Bytes()
		return private, public, err
	case *rsa.PrivateKey:
		private, err = x509.MarshalPKCS8PrivateKey(k)
		return private, x509.MarshalPKCS1PublicKey(&k.PublicKey), err
	case ed25519.PrivateKey:
		return k.Seed(), k.Public().(ed25519.PublicKey), nil
	}
	return nil, nil, fmt.Errorf("no form for a %T", signer)
}

// decode returns what encode was given.
func decode(algorithm string, private []byte) (crypto.Signer, error) {
	switch {
	case algorithm == jose.ES256:
		return ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	case algorithm == jose.RS256 || algorithm == jose.PS256:
		k, err := x509.ParsePKCS8PrivateKey(private)
		if err != nil {
			return nil, err
		}
		if k, ok := k.(*rsa.PrivateKey); ok {
			return k, nil
		}
	case algorithm == jose.EdDSA && len(private) == ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(private), nil
	}
	return nil, errors.New("unknown algorithm or size")
}

// JOSE returns k as tokens are signed and verified with it.
func (k Key) JOSE() jose.Key {
	out := jose.Key{ID: k.ID, Algorithm: k.Algorithm, Secret: k.Secret, Private: k.Signer}
	if k.Signer != nil {
		out.Public = k.Signer.Public()
	}
	return out
}

// Prepare makes the session keys of all algorithms that have none yet. It may take
// a second; once all are there it costs nothing.
func (r *Ring) Prepare(ctx context.Context) error {
	for _, algorithm := range SessionAlgorithms {
		if err := r.ensure(ctx, Session, algorithm); err != nil {
			return err
		}
	}
	return nil
}

// SigningBy returns the session key that signs with algorithm, one of
// SessionAlgorithms. If there is none yet it is made first, durably: never call it
// inside a transaction.
func (r *Ring) SigningBy(ctx context.Context, algorithm string) (Key, error) {
	if !slices.Contains(SessionAlgorithms, algorithm) {
		return Key{}, fmt.Errorf("there are no session keys for %q", algorithm)
	}
	if err := r.ensure(ctx, Session, algorithm); err != nil {
		return Key{}, err
	}
	k, ok := r.signing(Session, algorithm)
	if !ok {
		return Key{}, fmt.Errorf("no session key signs with %s", algorithm)
	}
	return k, nil
}

// Present returns the keys that sign for use now, one of each algorithm that has
// any, the usual algorithm first.
func (r *Ring) Present(use string) []Key {
	algorithms := []string{usual[use]}
	if use == Session {
		algorithms = SessionAlgorithms
	}
	var keys []Key
	for _, algorithm := range algorithms {
		if k, ok := r.signing(use, algorithm); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// Successor makes a fresh key of k's use and algorithm, outside of the transaction
// that hands it to Advance or Replace: see GenerateSession.
func (k Key) Successor() Key { return generate(k.Use, k.Algorithm) }

// Advance lets the next session key of fresh's algorithm sign and publishes fresh
// as the one after it. The old one verifies for overlap more. Whoever reads the key
// set knows a key long before it signs.
func (r *Ring) Advance(tx *store.Tx, fresh Key, overlap time.Duration) error {
	if err := tx.RetireSigningKeys(Session, fresh.Algorithm, tx.Now.Add(overlap)); err != nil {
		return err
	}
	if err := tx.ActivateSigningKeys(Session, fresh.Algorithm); err != nil {
		return err
	}
	return r.Publish(tx, fresh)
}

// Current returns the session key that signs with algorithm, if it was made.
func (r *Ring) Current(algorithm string) (Key, bool) { return r.signing(Session, algorithm) }

// Next returns the session key for algorithm that is published and does not sign
// yet.
func (r *Ring) Next(algorithm string) (Key, bool) {
	for _, k := range *r.keys.Load() {
		if k.Use == Session && k.Algorithm == algorithm && k.Waits() {
			return k, true
		}
	}
	return Key{}, false
}

// A KeySet is the public JWK set of the session keys: of each algorithm the one that
// signs, the next one, and those that still verify. JSON must not be changed.
type KeySet struct {
	JSON []byte
	ETag string  // with its quotes
	Apps *KeySet // the same without Ed25519: some clients of the Supabase API refuse a set with a kind of key that they do not know

	until time.Time // a key of the set expires; zero: none does
}

// PublicSet returns the present key set. It is made once per change of keys.
func (r *Ring) PublicSet() (*KeySet, error) {
	keys := r.keys.Load()
	now := time.Now()
	if set := r.set.Load(); set != nil && set.of == keys && (set.until.IsZero() || now.Before(set.until)) {
		return &set.KeySet, nil
	}
	set := &madeOf{of: keys}
	var public []jose.Key
	for _, k := range *keys {
		if k.Use != Session || k.gone() || k.Signer == nil {
			continue
		}
		public = append(public, k.JOSE())
		if !k.Expires.IsZero() && (set.until.IsZero() || k.Expires.Before(set.until)) {
			set.until = k.Expires
		}
	}
	if err := set.publish(public); err != nil {
		return nil, err
	}
	set.Apps = &KeySet{}
	public = slices.DeleteFunc(public, func(k jose.Key) bool { return k.Algorithm == jose.EdDSA })
	if err := set.Apps.publish(public); err != nil {
		return nil, err
	}
	r.set.Store(set)
	return &set.KeySet, nil
}

// publish writes the set of keys.
func (s *KeySet) publish(keys []jose.Key) (err error) {
	if s.JSON, err = jose.PublicSet(keys); err != nil {
		return fmt.Errorf("publish the session keys: %w", err)
	}
	sum := sha256.Sum256(s.JSON)
	s.ETag = `"` + hex.EncodeToString(sum[:8]) + `"`
	return nil
}

// madeOf is a key set with the keys that it was made of.
type madeOf struct {
	KeySet
	of *[]Key
}
