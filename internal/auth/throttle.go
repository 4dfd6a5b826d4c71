package auth

import (
	"context"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/phi"
	"headykey.com/headykey/internal/store"
)

const (
	// maxAtOnce bounds the attempts on one account from one address that run side
	// by side before a failure is known; after one, they go in single file.
	maxAtOnce = 8
	// strangersFrom is the number of failures in a row on one account, from
	// wherever, after which addresses that never signed in to it are slowed
	// together (SP 800-63B §3.2.2 allows 100). Known addresses are not, so that no
	// stranger can lock an owner out.
	strangersFrom = 100
	// holdUpTo is the longest back-off that is waited out instead of refused:
	// somebody who mistyped once should not have to read about it.
	holdUpTo = time.Second
	// tellEvery is how often refusals of one account are told by a receipt.
	tellEvery = time.Minute
	// codesFrom is how many wrong codes of letters, to whomever, one network has per
	// codesEvery. A code has six digits: who tries few at each of many accounts would
	// open one of them soon.
	codesFrom  = 34
	codesEvery = time.Hour
)

// An admission is the right to try one password.
type admission struct {
	pair    [32]byte // account and address
	account [32]byte // account alone
	address [32]byte // address alone, as known_addresses keeps it
}

// admit lets one attempt on an account pass, or fails with
// headykey.ErrRateLimited and the time to wait. What it counts by is a keyed hash:
// the same for accounts that exist and for those that do not. All surfaces share
// the counts, and so do all nodes.
func (s *Service) admit(ctx context.Context, emailKey string, from headykey.From) (admission, error) {
	a := s.admissionOf(emailKey, from)
	if !s.config.Throttle {
		return a, nil
	}
	wait, failed, err := s.backOff(ctx, a, emailKey)
	if err != nil {
		return a, err
	}
	if wait > holdUpTo {
		return a, headykey.ErrRateLimited.Later(wait)
	}
	if !s.takePlace(a, failed) {
		return a, headykey.ErrRateLimited.Later(time.Second)
	}
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			s.release(a)
			return a, ctx.Err()
		}
	}
	return a, nil
}

// admissionOf returns what tries on an account from an address are counted by.
func (s *Service) admissionOf(emailKey string, from headykey.From) admission {
	network := []byte(from.Network())
	return admission{
		pair:    s.Sealer.MAC("throttle pair", []byte(emailKey), network),
		account: s.Sealer.MAC("throttle account", []byte(emailKey)),
		address: s.Sealer.MAC("known address", network),
	}
}

// backOff returns how long the attempt must wait, and whether there were failures.
func (s *Service) backOff(ctx context.Context, a admission, emailKey string) (wait time.Duration, failed bool, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		pair, err := tx.Throttle(a.pair[:])
		if err != nil {
			return err
		}
		wait, failed = pair.Next.Sub(tx.Now), pair.Failures > 0
		account, err := tx.Throttle(a.account[:])
		if err != nil || account.Failures < strangersFrom {
			return err
		}
		known := false
		if login, err := tx.LoginByEmail(emailKey); err == nil {
			if known, err = tx.KnowsAddress(login.User.ID, a.address[:]); err != nil {
				return err
			}
		}
		if !known {
			wait = max(wait, account.Next.Sub(tx.Now))
		}
		return nil
	})
	return wait, failed, err
}

// guessesFrom returns the count of wrong codes from a network, or fails with
// headykey.ErrRateLimited if there were too many.
func (s *Service) guessesFrom(tx *store.Tx, from headykey.From) (store.Throttle, error) {
	key := s.Sealer.MAC("codes from", []byte(from.Network()))
	t, err := tx.Throttle(key[:])
	if err != nil {
		return t, err
	}
	wait := t.Next.Sub(tx.Now)
	switch {
	case wait <= 0:
		t = store.Throttle{Key: key[:], Next: tx.Now.Add(codesEvery), Window: tx.Now}
	case t.Failures >= codesFrom && s.config.Throttle:
		return t, headykey.ErrRateLimited.Later(wait)
	}
	return t, nil
}

// takePlace counts an attempt that is about to run, if there is room.
func (s *Service) takePlace(a admission, failed bool) bool {
	limit := maxAtOnce
	if failed {
		limit = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight[a.pair] >= limit {
		return false
	}
	s.inFlight[a.pair]++
	return true
}

// release gives the place of an attempt back.
func (s *Service) release(a admission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight[a.pair]--; s.inFlight[a.pair] <= 0 {
		delete(s.inFlight, a.pair)
	}
}

// noteFailure counts a wrong password and tells it. login is nil if there is no
// such account: what is written is the same.
func (s *Service) noteFailure(ctx context.Context, a admission, login *store.Login) error {
	var user headykey.ID
	if login != nil {
		user = login.User.ID
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		pair, err := tx.Throttle(a.pair[:])
		if err != nil {
			return err
		}
		pair.Failures++
		pair.Next = tx.Now.Add(phi.Backoff(pair.Failures))
		pair.Window = tx.Now
		if err := tx.PutThrottle(pair); err != nil {
			return err
		}
		account, err := tx.Throttle(a.account[:])
		if err != nil {
			return err
		}
		account.Failures++
		account.User = user
		account.Next = tx.Now.Add(phi.Backoff(max(0, account.Failures-strangersFrom+1)))
		if account.Untold > 0 || tx.Now.Sub(account.Window) < tellEvery {
			account.Untold++ // the minute's first refusal was told; the rest follow together
			return tx.PutThrottle(account)
		}
		account.Window = tx.Now
		if err := tx.PutThrottle(account); err != nil {
			return err
		}
		return s.tellRefusals(ctx, tx, user, 1)
	})
}

// tellRefusals writes one receipt for count refused sign-ins.
func (s *Service) tellRefusals(ctx context.Context, tx *store.Tx, user headykey.ID, count int) error {
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "session.refused", Subject: user, Object: headykey.Party{Type: "user", ID: string(user)},
		Outcome: headykey.Refused, Reason: headykey.ErrBadCredentials.Code, Details: map[string]any{"count": count},
	})
	return err
}

// TellRefusals writes the receipts of refusals whose minute is over. A background
// job calls it.
func (s *Service) TellRefusals(ctx context.Context) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		untold, err := tx.UntoldThrottles(tx.Now.Add(-tellEvery), maxBatch)
		if err != nil {
			return err
		}
		for _, t := range untold {
			if err := s.tellRefusals(ctx, tx, t.User, t.Untold); err != nil {
				return err
			}
			t.Untold, t.Window = 0, tx.Now
			if err := tx.PutThrottle(t); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgive forgets the failures of an account that was just opened, and remembers
// where from.
func (s *Service) forgive(tx *store.Tx, a admission, user headykey.ID) error {
	if !s.config.Throttle {
		return nil
	}
	for _, key := range [][32]byte{a.pair, a.account} {
		if err := tx.ClearThrottle(key[:]); err != nil {
			return err
		}
	}
	return tx.LearnAddress(user, a.address[:])
}
