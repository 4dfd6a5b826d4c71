package oauth

import (
	"context"
	"net/url"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/phi"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// A DeviceCode is what a device asks with, and what it shows (RFC 8628 §3.2).
type DeviceCode struct {
	Device string // for its questions
	User   string // for its person to type, as XXXX-XXXX
	Page   string // where to type it
	Link   string // the same page with the code filled in
	Life   time.Duration
	Pause  time.Duration // between two questions
}

// A Typed is a device's request, found by the code that a person typed: the code
// itself is the right to answer.
type Typed struct {
	Poll []byte `json:"poll"` // hash
	Code []byte `json:"code"` // sealed: the page shows it, the database does not
}

const userCodePurpose = "user code"

// maxUserCodes is how many codes are tried for one that nobody else has: with 25
// thousand million of them, the first will do.
const maxUserCodes = 5

// AskDevice begins the request of a device of c, which has proven itself as far as it
// can (RFC 8628 §3.1). jkt is the thumbprint of the DPoP key that the request shows,
// or "". It fails with headykey.ErrGrantNotAllowed, ErrScopeNotAllowed,
// ErrBadResource and ErrBadDetails.
func (s *Service) AskDevice(ctx context.Context, c *headykey.Client, in url.Values, jkt string, from headykey.From) (DeviceCode, error) {
	if !c.May(deviceGrant) {
		return DeviceCode{}, headykey.ErrGrantNotAllowed
	}
	w, err := s.readWaiting(c, withoutEmpty(in), jkt, from)
	if err != nil {
		return DeviceCode{}, err
	}
	out := DeviceCode{Device: secret.Token(heldIDSize), Page: s.base + "/device", Life: pollLife, Pause: pollPause}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		poll, err := w.poll(kindDevice, out.Device, tx.Now, pollLife)
		if err != nil {
			return err
		}
		if out.User, err = s.freeUserCode(tx); err != nil {
			return err
		}
		poll.UserCode = s.userCodeHash(out.User)
		return tx.InsertPoll(poll)
	})
	out.Link = out.Page + "?" + url.Values{"user_code": {out.User}}.Encode()
	return out, err
}

// freeUserCode returns a code that no request has.
func (s *Service) freeUserCode(tx *store.Tx) (string, error) {
	for range maxUserCodes {
		code := newUserCode()
		_, err := tx.PollByUserCode(s.userCodeHash(code))
		if isMissing(err) {
			return code, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", headykey.ErrUnavailable
}

func (s *Service) userCodeHash(code string) []byte {
	mac := s.Sealer.MAC(userCodePurpose, []byte(code))
	return mac[:]
}

// Guesses of user codes are counted by network, whoever makes them, and right ones
// do not make up for wrong ones: a guesser may have a device of their own.
const (
	freeGuesses   = 5                // in a row, before there is a wait
	forgetGuesses = 34 * time.Minute // after the last one
)

// errUserCode is alike for a code that is unknown, has run out, or was used.
var errUserCode = headykey.ErrInvalid.Saying("This code is not right, or has run out. Look at the screen again, or ask the device for a new one.").About("user_code")

// TypeCode finds the device whose code somebody at this browser typed, and keeps its
// request for them: the id is one for [Service.Resume]. It fails with
// headykey.ErrInvalid about "user_code", and with ErrRateLimited after five wrong
// codes from one network.
func (s *Service) TypeCode(ctx context.Context, typed, browser string, from headykey.From) (id string, err error) {
	code, ok := FoldUserCode(typed)
	if !ok {
		return "", errUserCode
	}
	poll, err := s.guess(ctx, code, from)
	if err != nil {
		return "", err
	}
	w, err := s.readPoll(ctx, poll)
	if err != nil {
		return "", err
	}
	w.Ask.Device = &Typed{Poll: poll.Hash, Code: s.Sealer.Seal(userCodePurpose, []byte(code))}
	return s.Hold(ctx, w.Pending(), browser)
}

// guess returns the open request that code names, and counts a code that names none.
func (s *Service) guess(ctx context.Context, code string, from headykey.From) (*store.Poll, error) {
	key := s.Sealer.MAC("throttle user code", []byte(from.Network()))
	var poll *store.Poll
	wrong := false
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		wrong = false
		t, err := tx.Throttle(key[:])
		if err != nil {
			return err
		}
		if wait := t.Next.Sub(tx.Now); wait > 0 {
			return headykey.ErrRateLimited.Later(wait)
		}
		poll, err = tx.PollByUserCode(s.userCodeHash(code))
		if err == nil && isOpen(tx, poll) {
			return nil
		}
		if err != nil && !isMissing(err) {
			return err
		}
		wrong = true
		return countGuess(tx, t)
	})
	if err == nil && wrong {
		err = errUserCode
	}
	return poll, err
}

// countGuess counts one more wrong code.
func countGuess(tx *store.Tx, t store.Throttle) error {
	if tx.Now.Sub(t.Window) > forgetGuesses {
		t.Failures = 0
	}
	t.Failures++
	t.Window, t.Next = tx.Now, tx.Now
	if t.Failures >= freeGuesses {
		t.Next = tx.Now.Add(phi.Backoff(t.Failures))
	}
	return tx.PutThrottle(t)
}

// DeviceOf returns the device that p is for. It fails with headykey.ErrBadRequestURI
// if it was answered before, has run out, or is none.
func (s *Service) DeviceOf(ctx context.Context, p *Pending) (*Waiting, error) {
	if p.Ask.Device == nil {
		return nil, headykey.ErrBadRequestURI
	}
	var poll *store.Poll
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		poll, err = openPoll(tx, kindDevice, p.Ask.Device.Poll)
		return err
	})
	if err != nil {
		return nil, err
	}
	w, err := s.readPoll(ctx, poll)
	if err != nil {
		return nil, err
	}
	code, err := s.Sealer.Open(userCodePurpose, p.Ask.Device.Code)
	w.Code = string(code)
	return w, err
}

// AnswerDevice tells the device that p is for what by decided; a nil Decision is a
// no. It fails with headykey.ErrLoginRequired if by must sign in first, and with
// ErrBadRequestURI as DeviceOf does. The receipts are those of [Service.Allow] and
// [Service.Deny].
func (s *Service) AnswerDevice(ctx context.Context, p *Pending, by headykey.Caller, d *Decision) error {
	step, err := s.next(ctx, p, by)
	switch {
	case err != nil:
		return err
	case p.Ask.Device == nil:
		return headykey.ErrBadRequestURI
	case step != StepDevice:
		return promptFor[step]
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := p.spend(tx); err != nil {
			return err
		}
		poll, err := openPoll(tx, kindDevice, p.Ask.Device.Poll)
		if err != nil {
			return err
		}
		return s.settle(ctx, tx, poll, p, by, d)
	})
}
