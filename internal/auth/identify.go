package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// noteUseEvery is how often the use of one credential is written down.
const noteUseEvery = 55 * time.Second

// A proven is a credential that was looked up and found good. It is believed
// until it expires, until anything about its user changes on any node, or until
// this node can no longer know of changes.
type proven struct {
	caller  headykey.Caller
	account *headykey.Account // of a session token; nil for the others
	epoch   store.Epoch
	noted   atomic.Int64 // unix seconds of the last note of its use
}

// The kinds of credential; each keys the memory apart from the others.
const (
	kindToken   = 't'
	kindKey     = 'k'
	kindCookie  = 'c'
	kindSession = 's'
)

// remember returns the caller whom the credential proves, from memory while that
// may be believed, else by prove.
func (s *Service) remember(ctx context.Context, kind byte, credential string, from headykey.From, prove func(context.Context) (*proven, error)) (headykey.Caller, error) {
	p, err := s.recall(ctx, kind, credential, from, prove)
	if err != nil {
		return headykey.Caller{}, err
	}
	by := p.caller
	by.From = from
	return by, nil
}

// recall is remember with all that was proven.
func (s *Service) recall(ctx context.Context, kind byte, credential string, from headykey.From, prove func(context.Context) (*proven, error)) (*proven, error) {
	name := nameOf(kind, credential)
	p, ok := s.proven.GetIfPresent(name)
	if !ok || !p.epoch.Current() || !s.DB.Fresh() || expired(p.caller.Expires) {
		var err error
		if p, err = prove(ctx); err != nil {
			return nil, err
		}
		s.proven.Set(name, p)
	}
	s.noteUse(p, from)
	return p, nil
}

// nameOf is the SHA-256 of a credential and its kind. Bearer secrets are never
// keys of a map: only their hashes stay in memory.
func nameOf(kind byte, credential string) [32]byte {
	var buf [512]byte
	return sha256.Sum256(append(append(buf[:0], kind), credential...))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func expired(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// ByToken returns the caller of an access token. It fails with
// headykey.ErrInvalidToken (also once the session has ended or the user is
// disabled, though the token itself has not expired) or ErrTokenExpired.
func (s *Service) ByToken(ctx context.Context, token string, from headykey.From) (headykey.Caller, error) {
	return s.remember(ctx, kindToken, token, from, func(ctx context.Context) (*proven, error) {
		a, err := s.Tokens.ReadAccess(token)
		if err != nil {
			return nil, err
		}
		epoch := s.DB.Epoch(a.UserID)
		var p *headykey.Proof
		err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
			p, err = tx.ProofBySession(a.UserID, a.Session)
			return err
		})
		by, err := sessionCaller(p, err, headykey.ByToken)
		if err != nil {
			return nil, err
		}
		by.Expires = earlier(time.Unix(a.Expires, 0).UTC(), p.Session.Ends)
		return &proven{caller: by, epoch: epoch}, nil
	})
}

// ByCookie returns the caller of a session cookie, or headykey.ErrInvalidToken.
func (s *Service) ByCookie(ctx context.Context, cookie string, from headykey.From) (headykey.Caller, error) {
	if len(cookie) != 2*cookieSize {
		return headykey.Caller{}, headykey.ErrInvalidToken
	}
	return s.remember(ctx, kindCookie, cookie, from, func(ctx context.Context) (*proven, error) {
		hash := secret.Hash(cookie)
		var p *headykey.Proof
		var epoch store.Epoch
		err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
			if p, err = tx.ProofByCookie(hash[:]); err != nil {
				return err
			}
			// The user was not known before; what is remembered must be read after
			// the epoch was taken.
			epoch = s.DB.Epoch(p.User.ID)
			p, err = tx.ProofByCookie(hash[:])
			return err
		})
		by, err := sessionCaller(p, err, headykey.BySession)
		if err != nil {
			return nil, err
		}
		by.Expires = earlier(p.Session.CookieExpires, p.Session.Ends)
		if expired(by.Expires) {
			return nil, headykey.ErrTokenExpired
		}
		return &proven{caller: by, epoch: epoch}, nil
	})
}

// sessionCaller is the caller behind a session that was looked up, if it and its
// user may still act.
func sessionCaller(p *headykey.Proof, err error, method headykey.Method) (headykey.Caller, error) {
	switch {
	case errors.Is(err, headykey.ErrNotFound):
		return headykey.Caller{}, headykey.ErrInvalidToken
	case err != nil:
		return headykey.Caller{}, err
	case !p.Session.Live(time.Now()), !p.User.Disabled.IsZero():
		return headykey.Caller{}, headykey.ErrInvalidToken
	}
	return headykey.Caller{
		User: p.User.ID, Email: p.User.Email, Role: p.User.Role, Method: method,
		Session: p.Session.ID, AMR: p.Session.AMR, AAL: p.Session.AAL, Proven: p.Session.Proven,
	}, nil
}

// ByAPIKey returns the caller of an API key, with the lower of the key's role and
// its owner's. It fails with headykey.ErrInvalidAPIKey or ErrAPIKeyExpired; the
// first refusal of a key that was once good leaves a receipt.
func (s *Service) ByAPIKey(ctx context.Context, key string, from headykey.From) (headykey.Caller, error) {
	return s.remember(ctx, kindKey, key, from, func(ctx context.Context) (*proven, error) {
		hash, err := headykey.HashAPIKey(key)
		if err != nil {
			return nil, err
		}
		p, epoch, err := s.lookUpKey(ctx, hash)
		if err != nil {
			return nil, err
		}
		if refusal := keyRefusal(p, hash); refusal != nil {
			return nil, errors.Join(refusal, s.noteRefusedKey(ctx, p, refusal, from))
		}
		return &proven{epoch: epoch, caller: headykey.Caller{
			User: p.Owner.ID, Email: p.Owner.Email, Role: min(p.Key.Role, p.Owner.Role), Method: headykey.ByAPIKey,
			Key: p.Key.ID, Scopes: p.Key.Scopes, Expires: p.Key.Expires,
		}}, nil
	})
}

func (s *Service) lookUpKey(ctx context.Context, hash [32]byte) (p *store.KeyProof, epoch store.Epoch, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if p, err = tx.KeyByHash(hash[:]); err != nil {
			return err
		}
		epoch = s.DB.Epoch(p.Owner.ID) // as in ByCookie
		p, err = tx.KeyByHash(hash[:])
		return err
	})
	if errors.Is(err, headykey.ErrNotFound) {
		err = headykey.ErrInvalidAPIKey
	}
	return p, epoch, err
}

// keyRefusal says why a key that exists does not count, or returns nil.
func keyRefusal(p *store.KeyProof, hash [32]byte) *headykey.Error {
	switch {
	case !secret.Equal(p.Key.Hash, hash[:]), !p.Key.Revoked.IsZero(), !p.Owner.Disabled.IsZero():
		return headykey.ErrInvalidAPIKey
	case expired(p.Key.Expires):
		return headykey.ErrAPIKeyExpired
	}
	return nil
}

// noteRefusedKey leaves a receipt and a line in the key's history the first time
// that a key is refused.
func (s *Service) noteRefusedKey(ctx context.Context, p *store.KeyProof, why *headykey.Error, from headykey.From) error {
	told := false
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		told, err = tx.HasKeyEvent(p.Owner.ID, p.Key.ID, "refused")
		return err
	})
	if err != nil || told {
		return err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if told, err := tx.HasKeyEvent(p.Owner.ID, p.Key.ID, "refused"); told || err != nil {
			return err
		}
		receipt, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
			Type: "api_key.refused", Subject: p.Owner.ID, Object: headykey.Party{Type: "api_key", ID: string(p.Key.ID)},
			Outcome: headykey.Refused, Reason: why.Code,
			Personal: map[string]string{"address": addressText(from), "agent": from.Agent},
		})
		if err != nil {
			return err
		}
		return tx.InsertKeyEvent(p.Owner.ID, p.Key.ID, headykey.KeyEvent{
			At: tx.Now, Type: "refused", Address: addressText(from), Agent: from.Agent, Receipt: receipt,
		})
	})
}
