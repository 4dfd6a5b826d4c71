// Package keyring holds the keys that HeadyKey signs with: made here, sealed in
// the store, parsed once and kept in memory, replaced without a gap. Keys of
// tokens run out some time after their retirement; keys of receipts never do.
package keyring

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// The uses of keys, as the public API spells them.
const (
	Heady   = "heady"   // HS256, access tokens of the HeadyKey API
	Session = "session" // ES256, RS256, PS256, EdDSA: tokens of OAuth and OpenID Connect
	Receipt = "receipt" // Ed25519, trust receipts
	Project = "project" // HS256, the keys that apps show beside their people's tokens
)

// ErrSealed reports keys that were sealed with another master key.
var ErrSealed = errors.New("the signing keys in this database were sealed with another master key; give the server the one it was made with")

// A Key is one signing key with its private part.
type Key struct {
	ID        string
	Use       string
	Algorithm string             // as JOSE spells it; Ed25519 for receipts
	Secret    []byte             // HS256
	Private   ed25519.PrivateKey // of a receipt key
	Public    ed25519.PublicKey  // of a receipt key
	Signer    crypto.Signer      // of a session key; nil once it verifies no more
	Created   time.Time
	Active    time.Time // signs from then on; zero: it is published and waits
	Retired   time.Time // signs no more from then on; zero: signs
	Expires   time.Time // verifies no more from then on; zero: for ever
}

// Waits reports whether k is published and does not sign yet. A configured key,
// which was not made here, has neither time.
func (k Key) Waits() bool { return k.Active.IsZero() && !k.Created.IsZero() }

// gone reports whether k verifies no more.
func (k Key) gone() bool { return !k.Expires.IsZero() && !time.Now().Before(k.Expires) }

// A Ring is all keys of one server. It is safe for concurrent use.
type Ring struct {
	db     *store.DB
	sealer *secret.Sealer
	log    *slog.Logger
	fixed  *Key                  // an HS256 secret from the configuration
	keys   atomic.Pointer[[]Key] // newest first
	set    atomic.Pointer[madeOf]
	making sync.Mutex // held by the one that makes keys
}

// New returns the ring of db, with a key of each use ready to sign and the next
// ES256 session key published; the session keys of other algorithms are made by
// Prepare. jwtSecret, if any, is the configured HS256 secret; it signs in place of
// the generated one.
func New(ctx context.Context, db *store.DB, sealer *secret.Sealer, jwtSecret []byte, log *slog.Logger) (*Ring, error) {
	r := &Ring{db: db, sealer: sealer, log: log}
	if len(jwtSecret) > 0 {
		sum := sha256.Sum256(append([]byte("headykey kid\x00"), jwtSecret...))
		r.fixed = &Key{ID: "heady-" + hex.EncodeToString(sum[:4]), Use: Heady, Algorithm: "HS256", Secret: jwtSecret}
	}
	if err := r.Load(ctx); err != nil {
		return nil, err
	}
	for _, use := range []string{Heady, Session, Receipt, Project} {
		if err := r.ensure(ctx, use, usual[use]); err != nil {
			return nil, err
		}
	}
	db.OnChange(store.ChangedKeys, func(ctx context.Context) {
		if err := r.Load(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("signing keys could not be read again", "error", err)
		}
	})
	return r, nil
}

// ensure makes the first key of use and algorithm, unless there is one, and the
// one after it if it is for sessions. Of two nodes that do so at once, one makes
// it and both use it.
func (r *Ring) ensure(ctx context.Context, use, algorithm string) error {
	if _, ok := r.signing(use, algorithm); ok {
		return nil
	}
	r.making.Lock()
	defer r.making.Unlock()
	if _, ok := r.signing(use, algorithm); ok || ctx.Err() != nil {
		return ctx.Err() // made while we waited, or nobody waits
	}
	fresh := generate(use, algorithm)
	var next Key
	if use == Session {
		next = generate(use, algorithm)
	}
	err := r.db.Update(ctx, func(tx *store.Tx) error {
		have, err := store.Collect(tx.SigningKeys())
		if err != nil {
			return err
		}
		there := func(k store.SigningKey) bool {
			return k.Use == use && k.Algorithm == algorithm && k.Retired.IsZero()
		}
		if slices.ContainsFunc(have, there) {
			return nil
		}
		if err := r.Insert(tx, fresh); err != nil || use != Session {
			return err
		}
		return r.Publish(tx, next)
	})
	if err != nil {
		return fmt.Errorf("make the first %s key for %s: %w", use, algorithm, err)
	}
	return r.Load(ctx)
}

// usual is the algorithm of each use where none is named.
var usual = map[string]string{Heady: jose.HS256, Session: jose.ES256, Receipt: "Ed25519", Project: jose.HS256}

// generate makes a fresh key. Its id is told by its public part (or by a hash of its
// secret), so that an id can never mean two keys.
func generate(use, algorithm string) Key {
	if use == Heady || use == Project {
		s := make([]byte, 55)
		_, _ = rand.Read(s) // never fails (crypto/rand)
		sum := sha256.Sum256(append([]byte("headykey kid\x00"), s...))
		return Key{ID: use + "-" + hex.EncodeToString(sum[:4]), Use: use, Algorithm: "HS256", Secret: s}
	}
	if use == Session {
		return GenerateSession(algorithm)
	}
	public, private, _ := ed25519.GenerateKey(nil) // never fails: crypto/rand
	sum := sha256.Sum256(public)
	return Key{
		ID: "headykey-receipt-" + hex.EncodeToString(sum[:4]), Use: use, Algorithm: "Ed25519",
		Private: private, Public: public,
	}
}

// Insert stores k, sealed, as the key that signs from the transaction on.
func (r *Ring) Insert(tx *store.Tx, k Key) error {
	k.Active = tx.Now
	return r.Publish(tx, k)
}

// Publish stores k, sealed, as it is: without an Active time it does not sign yet.
func (r *Ring) Publish(tx *store.Tx, k Key) error {
	private, public := k.Secret, []byte(k.Public)
	var err error
	switch {
	case k.Signer != nil:
		if private, public, err = encode(k.Signer); err != nil {
			return fmt.Errorf("signing key: %w", err)
		}
	case k.Private != nil:
		private = k.Private.Seed()
	}
	return tx.InsertSigningKey(store.SigningKey{
		ID: k.ID, Use: k.Use, Algorithm: k.Algorithm, Public: public,
		Private: r.sealer.Seal(purpose(k.ID), private), Created: tx.Now, Active: k.Active,
	})
}

// Replace retires the key of fresh's use and stores fresh in its place. The old
// one verifies for overlap more; zero: for ever.
func (r *Ring) Replace(tx *store.Tx, fresh Key, overlap time.Duration) error {
	var expires time.Time
	if overlap > 0 {
		expires = tx.Now.Add(overlap)
	}
	if err := tx.RetireSigningKeys(fresh.Use, fresh.Algorithm, expires); err != nil {
		return err
	}
	return r.Insert(tx, fresh)
}

func purpose(id string) string { return "signing-key/" + id }

// Load reads the keys again.
func (r *Ring) Load(ctx context.Context) error {
	var rows []store.SigningKey
	err := r.db.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = store.Collect(tx.SigningKeys())
		return err
	})
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	keys := make([]Key, 0, len(rows)+1)
	if r.fixed != nil {
		keys = append(keys, *r.fixed)
	}
	for _, row := range rows {
		k, err := r.open(row)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	r.keys.Store(&keys)
	return nil
}

func (r *Ring) open(row store.SigningKey) (Key, error) {
	private, err := r.sealer.Open(purpose(row.ID), row.Private)
	if err != nil {
		return Key{}, ErrSealed
	}
	k := Key{
		ID: row.ID, Use: row.Use, Algorithm: row.Algorithm,
		Created: row.Created, Active: row.Active, Retired: row.Retired, Expires: row.Expires,
	}
	switch {
	case row.Algorithm == "HS256":
		k.Secret = private
		return k, nil
	case row.Use == Session && k.gone():
		return k, nil // many pile up, and to parse one takes its time
	case row.Use == Session:
		k.Signer, err = decode(row.Algorithm, private)
	case row.Algorithm == "Ed25519" && len(private) == ed25519.SeedSize:
		k.Private, k.Public = ed25519.NewKeyFromSeed(private), row.Public
	default:
		err = errors.New("unknown algorithm or size")
	}
	if err != nil {
		return Key{}, fmt.Errorf("signing key %s is damaged: %w", row.ID, err)
	}
	return k, nil
}

// Signing returns the key that signs for use now: for sessions that of ES256.
func (r *Ring) Signing(use string) (Key, bool) { return r.signing(use, usual[use]) }

func (r *Ring) signing(use, algorithm string) (Key, bool) {
	for _, k := range *r.keys.Load() {
		if k.Use == use && k.Algorithm == algorithm && k.Retired.IsZero() && !k.Waits() {
			return k, true
		}
	}
	return Key{}, false
}

// Verifying returns the key of use named id, if it still verifies.
func (r *Ring) Verifying(use, id string) (Key, bool) {
	for _, k := range *r.keys.Load() {
		if k.ID == id && k.Use == use {
			return k, !k.gone()
		}
	}
	return Key{}, false
}

// All returns every key of use that ever was, newest first.
func (r *Ring) All(use string) []Key {
	var all []Key
	for _, k := range *r.keys.Load() {
		if k.Use == use {
			all = append(all, k)
		}
	}
	return all
}

// Fixed reports whether the HS256 secret comes from the configuration.
func (r *Ring) Fixed() bool { return r.fixed != nil }
