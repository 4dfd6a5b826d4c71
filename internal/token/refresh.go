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
	refreshSize = 34 // random bytes, fib(9); on the wire 68 hex digits
	handleSize  = 16 // of them, the first: what all tokens of a family share
	// lostAnswer is how long a client that never saw the answer may ask again and
	// gets the same successor.
	lostAnswer = 10 * time.Second
)

// ErrReused reports a refresh token that was spent before, outside the case of a
// lost answer: either the client or a thief holds a stale copy.
var ErrReused = errors.New("refresh token used again")

// RefreshLife is how long an unused refresh token lives.
func (s *Service) RefreshLife() time.Duration { return s.config.Refresh }

// NewRefreshToken returns the first token of a new family: 68 hex digits of fresh
// randomness.
func NewRefreshToken() string { return secret.Token(refreshSize) }

// handleOf is what the tokens of one family share. It finds the family and proves
// nothing: the other 18 bytes of a token are fresh each time.
func handleOf(token string) string { return token[:2*handleSize] }

// succeed returns a fresh token of the family of token.
func succeed(token string) string { return handleOf(token) + secret.Token(refreshSize-handleSize) }

// NewRefresh begins a family with its first token for the session of user.
func (s *Service) NewRefresh(tx *store.Tx, user, session headykey.ID, token string) error {
	handle, current := secret.Hash(handleOf(token)), secret.Hash(token)
	return tx.InsertRefreshFamily(store.RefreshFamily{
		User: user, Session: session, Handle: handle[:], Current: current[:],
		Created: tx.Now, Expires: tx.Now.Add(s.config.Refresh),
	})
}

// SessionOf returns the session of a token and whether the token could be spent
// now; the one spent last is known, too. Otherwise headykey.ErrInvalidToken.
func (s *Service) SessionOf(tx *store.Tx, token string) (user, session headykey.ID, live bool, err error) {
	if !WellFormed(token) {
		return "", "", false, headykey.ErrInvalidToken
	}
	handle, hash := secret.Hash(handleOf(token)), secret.Hash(token)
	f, err := tx.RefreshFamily(handle[:])
	current := secret.Equal(f.Current, hash[:])
	if errors.Is(err, headykey.ErrNotFound) || err == nil && !current && !secret.Equal(f.Previous, hash[:]) {
		return "", "", false, headykey.ErrInvalidToken
	}
	return f.User, f.Session, current && tx.Now.Before(f.Expires), err
}

// A Spent is the outcome of showing a refresh token.
type Spent struct {
	Holder *headykey.Holder // whose it is; nil unless it was spent or is ErrReused
	Next   string           // the successor
	Again  bool             // the answer was lost before and is repeated
}

// Spend exchanges a refresh token for its successor, durably.
//
// It fails with headykey.ErrInvalidToken if the token is unknown or its session is
// at an end, with headykey.ErrTokenExpired, with headykey.ErrAccountDisabled, and
// with ErrReused (and Spent.Holder set) if it was spent before. A client that lost
// the answer may ask again within 10 s, as long as the successor was not used, and
// gets the same one (RFC 9700 §4.14.2 leaves the rule to the server).
func (s *Service) Spend(ctx context.Context, token string) (Spent, error) {
	return s.spend(ctx, token, false)
}

// SpendForApp is Spend at the door of apps. A token of a session that began at one of
// these doors is unknown at the other: an app gets no token for the HeadyKey API, where
// its person may be an administrator.
func (s *Service) SpendForApp(ctx context.Context, token string) (Spent, error) {
	return s.spend(ctx, token, true)
}

func (s *Service) spend(ctx context.Context, token string, app bool) (Spent, error) {
	if !WellFormed(token) {
		return Spent{}, headykey.ErrInvalidToken
	}
	handle, hash := secret.Hash(handleOf(token)), secret.Hash(token)
	next := succeed(token)
	nextHash := secret.Hash(next)
	holder, err := s.db.Rotate(ctx, store.Rotation{
		Handle: handle[:], Current: hash[:], Next: nextHash[:], Successor: Mask(token, next), Life: s.config.Refresh, App: app,
	})
	if errors.Is(err, headykey.ErrNotFound) {
		return s.whyNot(ctx, token, handle[:], hash[:], app)
	}
	if err != nil {
		return Spent{}, err
	}
	return Spent{Holder: holder, Next: next}, nil
}

// whyNot explains why the token is not the one to be spent.
func (s *Service) whyNot(ctx context.Context, token string, handle, hash []byte, app bool) (Spent, error) {
	var out Spent
	err := s.db.View(ctx, func(tx *store.Tx) error {
		f, err := tx.RefreshFamily(handle)
		if err != nil {
			return err
		}
		proof, err := tx.ProofBySession(f.User, f.Session)
		if err != nil {
			return err
		}
		switch {
		case !proof.Session.Live(tx.Now), proof.Session.OfApp() != app:
			return headykey.ErrInvalidToken
		case !proof.User.Disabled.IsZero():
			return headykey.ErrAccountDisabled
		case secret.Equal(f.Current, hash):
			return headykey.ErrTokenExpired
		}
		out.Holder = proof.Holder()
		next, ok := Unmask(token, f.Successor)
		if !secret.Equal(f.Previous, hash) || !ok || tx.Now.Sub(f.Rotated) > lostAnswer {
			return ErrReused // older than the previous one, or too late to have been lost
		}
		out.Next, out.Again = next, true
		return nil
	})
	if errors.Is(err, headykey.ErrNotFound) {
		err = headykey.ErrInvalidToken
	}
	return out, err
}

// WellFormed reports whether token has the one spelling of a refresh token.
func WellFormed(token string) bool {
	if len(token) != 2*refreshSize {
		return false
	}
	b, err := hex.DecodeString(token)
	return err == nil && hex.EncodeToString(b) == token
}

// Mask hides the successor of a token so that only who holds token can read it: the XOR of
// its bytes, 64 at the most, with HMAC-SHA-512(token, label). The store, which knows only the
// hash of token, learns nothing.
func Mask(token, next string) []byte {
	b, _ := hex.DecodeString(next) // made by NewRefreshToken
	pad := pad(token)
	for i := range b {
		b[i] ^= pad[i]
	}
	return b
}

// Unmask returns the successor that who holds token can read, if masked is one.
func Unmask(token string, masked []byte) (string, bool) {
	pad := pad(token)
	if len(masked) == 0 || len(masked) > len(pad) {
		return "", false
	}
	b := make([]byte, len(masked))
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
