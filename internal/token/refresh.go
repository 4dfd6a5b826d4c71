package token

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

const (
	refreshSize = 34 // bytes, fib(9); on the wire 68 hex digits
	// lostAnswer is how long a client that never saw the answer may ask again and
	// gets the same successor.
	lostAnswer = 10 * time.Second
)

// ErrReused reports a refresh token that was spent before, outside the case of a
// lost answer: either the client or a thief holds a stale copy.
var ErrReused = errors.New("refresh token used again")

// NewRefresh returns a refresh token for the session of user, stored in tx.
func (s *Service) NewRefresh(tx *store.Tx, user, session headykey.ID, token string) error {
	hash := secret.Hash(token)
	return tx.InsertRefreshToken(store.RefreshToken{
		User: user, Session: session, Hash: hash[:], Created: tx.Now, Expires: tx.Now.Add(s.config.Refresh),
	})
}

// NewRefreshToken returns 68 hex digits of fresh randomness.
func NewRefreshToken() string { return secret.Token(refreshSize) }

// A Spent is the outcome of showing a refresh token.
type Spent struct {
	Proof *headykey.Proof // whose it is; nil unless it was spent or is ErrReused
	Next  string          // the successor
	Again bool            // the answer was lost before and is repeated
}

// Spend exchanges a refresh token for its successor, durably.
//
// It fails with headykey.ErrInvalidToken if the token is unknown or its session is
// at an end, with headykey.ErrTokenExpired, with headykey.ErrAccountDisabled, and
// with ErrReused (and Spent.Proof set) if it was spent before. A client that lost
// the answer may ask again within 10 s, as long as the successor was not used, and
// gets the same one (RFC 9700 §4.14.2 leaves the rule to the server).
func (s *Service) Spend(ctx context.Context, token string) (Spent, error) {
	if !wellFormed(token) {
		return Spent{}, headykey.ErrInvalidToken
	}
	hash := secret.Hash(token)
	next := NewRefreshToken()
	nextHash := secret.Hash(next)
	proof, err := s.db.Rotate(ctx, store.Rotation{
		Hash: hash[:], Next: nextHash[:], Successor: mask(token, next), Life: s.config.Refresh,
	})
	if errors.Is(err, headykey.ErrNotFound) {
		return s.whyNot(ctx, token, hash[:])
	}
	if err != nil {
		return Spent{}, err
	}
	return Spent{Proof: proof, Next: next}, nil
}

// whyNot explains why no live token was found under hash.
func (s *Service) whyNot(ctx context.Context, token string, hash []byte) (Spent, error) {
	var out Spent
	err := s.db.View(ctx, func(tx *store.Tx) error {
		t, err := tx.RefreshToken(hash)
		if err != nil {
			return err
		}
		proof, err := tx.ProofBySession(t.User, t.Session)
		if err != nil {
			return err
		}
		switch {
		case !proof.Session.Live(tx.Now):
			return headykey.ErrInvalidToken
		case !proof.User.Disabled.IsZero():
			return headykey.ErrAccountDisabled
		case t.Used.IsZero():
			return headykey.ErrTokenExpired
		}
		out = Spent{Proof: proof, Again: true}
		return s.repeat(tx, token, t, &out)
	})
	if errors.Is(err, headykey.ErrNotFound) {
		err = headykey.ErrInvalidToken
	}
	return out, err
}

// repeat gives the successor of a spent token again, if its answer may have been
// lost; otherwise it fails with ErrReused.
func (s *Service) repeat(tx *store.Tx, token string, t store.RefreshToken, out *Spent) error {
	next, ok := unmask(token, t.Successor)
	if !ok || tx.Now.Sub(t.Used) > lostAnswer {
		return ErrReused
	}
	hash := secret.Hash(next)
	unused, err := tx.HasUnusedToken(t.User, hash[:])
	if err != nil {
		return err
	}
	if !unused {
		return ErrReused
	}
	out.Next = next
	return nil
}

// wellFormed reports whether token has the one spelling of a refresh token.
func wellFormed(token string) bool {
	if len(token) != 2*refreshSize {
		return false
	}
	b, err := hex.DecodeString(token)
	return err == nil && hex.EncodeToString(b) == token
}

// mask hides the successor so that only who holds token can read it: the XOR of
// its 34 bytes with HMAC-SHA-512(token, label). The store, which knows only the
// hash of token, learns nothing.
func mask(token, next string) []byte {
	b, _ := hex.DecodeString(next) // made by NewRefreshToken
	pad := pad(token)
	for i := range b {
		b[i] ^= pad[i]
	}
	return b
}

func unmask(token string, masked []byte) (string, bool) {
	if len(masked) != refreshSize {
		return "", false
	}
	b := make([]byte, refreshSize)
	pad := pad(token)
	for i := range b {
		b[i] = masked[i] ^ pad[i]
	}
	return hex.EncodeToString(b), true
}

func pad(token string) []byte {
	m := hmac.New(sha512.New, []byte(token))
	m.Write([]byte("headykey refresh successor"))
	return m.Sum(nil)
}
