package keyring

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/store"
)

// generateSession makes an ES256 key (P-256), named by its RFC 7638 thumbprint.
func generateSession() Key {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("keyring: " + err.Error()) // the system's random source never fails
	}
	id, err := jose.Thumbprint(&private.PublicKey)
	if err != nil {
		panic("keyring: " + err.Error()) // a P-256 key always has one
	}
	return Key{ID: id, Use: Session, Algorithm: jose.ES256, EC: private}
}

// JOSE returns k as tokens are signed and verified with it.
func (k Key) JOSE() jose.Key {
	out := jose.Key{ID: k.ID, Algorithm: k.Algorithm, Secret: k.Secret, Private: k.EC}
	if k.EC != nil {
		out.Public = &k.EC.PublicKey
	}
	return out
}

// Advance lets the next session key sign and publishes fresh as the one after it.
// The old one verifies for overlap more. Whoever reads the key set knows a key
// long before it signs.
func (r *Ring) Advance(tx *store.Tx, fresh Key, overlap time.Duration) error {
	if err := tx.RetireSigningKeys(Session, tx.Now.Add(overlap)); err != nil {
		return err
	}
	if err := tx.ActivateSigningKeys(Session); err != nil {
		return err
	}
	return r.Publish(tx, fresh)
}

// Next returns the session key that is published and does not sign yet.
func (r *Ring) Next() (Key, bool) {
	for _, k := range *r.keys.Load() {
		if k.Use == Session && k.Waits() {
			return k, true
		}
	}
	return Key{}, false
}

// A KeySet is the public JWK set of the session keys: the one that signs, the next
// one, and those that still verify. JSON must not be changed.
type KeySet struct {
	JSON []byte
	ETag string // with its quotes

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
		if k.Use != Session || !k.Expires.IsZero() && !now.Before(k.Expires) {
			continue
		}
		public = append(public, k.JOSE())
		if !k.Expires.IsZero() && (set.until.IsZero() || k.Expires.Before(set.until)) {
			set.until = k.Expires
		}
	}
	var err error
	if set.JSON, err = jose.PublicSet(public); err != nil {
		return nil, fmt.Errorf("publish the session keys: %w", err)
	}
	sum := sha256.Sum256(set.JSON)
	set.ETag = `"` + hex.EncodeToString(sum[:8]) + `"`
	r.set.Store(set)
	return &set.KeySet, nil
}

// madeOf is a key set with the keys that it was made of.
type madeOf struct {
	KeySet
	of *[]Key
}
