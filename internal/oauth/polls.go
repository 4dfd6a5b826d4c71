package oauth

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// The kinds of request that are answered elsewhere.
const (
	kindDevice = "device" // RFC 8628
	kindCIBA   = "ciba"   // OpenID Connect CIBA Core 1.0
)

const (
	pollLife  = 610 * time.Second // fib 15
	pollPause = 5 * time.Second   // that a client leaves between two questions, and that is added if it does not (RFC 8628 §3.5)
	pollSlack = time.Second / 2   // that a question may come early: networks are not exact
)

// A Waiting is a request that its person answers elsewhere than where its client
// runs, while the client asks again and again.
type Waiting struct {
	Ask     Ask    `json:"ask"`
	Address string `json:"address,omitzero"` // that the request came from
	Message string `json:"message,omitzero"` // what the person should see in both places (CIBA Core §7.1)
	Ping    []byte `json:"ping,omitzero"`    // sealed [Ping]; nil: the client only asks

	ID      string           `json:"-"` // names the request to who is asked; it proves nothing
	Client  *headykey.Client `json:"-"`
	Code    string           `json:"-"` // that the person typed
	Created time.Time        `json:"-"`
}

// Pending is w as the request that its person answers.
func (w *Waiting) Pending() *Pending { return &Pending{Ask: w.Ask, Client: w.Client} }

// readWaiting reads what every request of this kind has, with the code that reads
// authorization requests. jkt is the thumbprint of the DPoP key that the request
// shows, and that its tokens will be bound to; "": any.
func (s *Service) readWaiting(c *headykey.Client, in url.Values, jkt string, from headykey.From) (*Waiting, error) {
	w := &Waiting{Ask: Ask{Client: c.ID, MaxAge: c.Details.MaxAge, JKT: jkt}}
	if from.Address.IsValid() {
		w.Address = from.Address.Unmap().WithZone("").String()
	}
	if err := w.Ask.readScopes(c, in.Get("scope")); err != nil {
		return nil, err
	}
	return w, s.readTargets(&w.Ask, c, in)
}

// poll is w as the store keeps it, under code.
func (w *Waiting) poll(kind, code string, now time.Time, life time.Duration) (*store.Poll, error) {
	text, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("keep %s request: %w", kind, err)
	}
	return &store.Poll{
		Hash: heldHash(kind, code, ""), Kind: kind, Client: w.Ask.Client, Request: text, State: store.PollPending,
		Pause: pollPause, Created: now, Expires: now.Add(life),
	}, nil
}

// redeemPoll turns the code of a request that was allowed into tokens, once. Until
// then its client is told how things are (RFC 8628 §3.5, CIBA Core §11).
func (s *Service) redeemPoll(ctx context.Context, c *headykey.Client, req Request, kind, code string) (Permit, error) {
	return s.redeemIn(ctx, func(tx *store.Tx) (Permit, error, error) {
		p, err := tx.Poll(kind, heldHash(kind, code, ""))
		if err != nil {
			return Permit{}, nil, err
		}
		if refusal, err := refusePoll(tx, c, p); refusal != nil || err != nil {
			return Permit{}, refusal, err
		}
		return s.takePoll(ctx, tx, c, p, req)
	})
}

// refusePoll is what c is told if p gives nothing now. A question that comes too
// early makes the pause longer, for good.
func refusePoll(tx *store.Tx, c *headykey.Client, p *store.Poll) (refusal, err error) {
	switch {
	case p.Client != c.ID, p.State == store.PollSpent:
		return headykey.ErrGrantSpent, nil
	case p.State == store.PollDenied:
		return headykey.ErrAccessDenied.Saying("The person said no."), nil
	case !tx.Now.Before(p.Expires):
		return headykey.ErrRequestExpired, nil
	case p.State == store.PollAllowed:
		return nil, nil
	}
	refusal = headykey.ErrPending
	if !p.Polled.IsZero() && tx.Now.Sub(p.Polled) < p.Pause-pollSlack {
		p.Pause += pollPause
		refusal = headykey.ErrSlowDown
	}
	return refusal, tx.NotePoll(p)
}

// takePoll spends p, which was allowed. What was true when it was allowed may not be
// so any more: the person, their session and the authorization are asked again.
func (s *Service) takePoll(ctx context.Context, tx *store.Tx, c *headykey.Client, p *store.Poll, req Request) (Permit, error, error) {
	proof, err := tx.AuthorizationProof(p.Grant)
	if err != nil {
		return Permit{}, nil, err
	}
	a := &proof.Authorization
	switch {
	case a.Client != c.ID, !a.Redeemed.IsZero(), !proof.Live(tx.Now):
		return Permit{}, headykey.ErrGrantSpent, nil
	case a.Terms.JKT != "" && a.Terms.JKT != req.Possession.JKT:
		return Permit{}, headykey.ErrBadProof.Saying("The request was made with another DPoP key."), nil
	}
	first, err := tx.AnswerPoll(p, store.PollAllowed, store.PollSpent)
	if err != nil || !first {
		return Permit{}, headykey.ErrGrantSpent, err
	}
	permit, err := s.takeCode(ctx, tx, c, proof, req)
	return permit, nil, err
}

// openPoll returns the poll of kind under hash if its person can still answer it;
// else headykey.ErrBadRequestURI.
func openPoll(tx *store.Tx, kind string, hash []byte) (*store.Poll, error) {
	p, err := tx.Poll(kind, hash)
	if isMissing(err) || err == nil && !isOpen(tx, p) {
		return nil, headykey.ErrBadRequestURI
	}
	return p, err
}

func isOpen(tx *store.Tx, p *store.Poll) bool {
	return p.State == store.PollPending && tx.Now.Before(p.Expires)
}

// settle writes down what by answered: a nil Decision is a no. It fails with
// headykey.ErrBadRequestURI if there was an answer before.
func (s *Service) settle(ctx context.Context, tx *store.Tx, poll *store.Poll, p *Pending, by headykey.Caller, d *Decision) error {
	poll.User = by.User
	next := store.PollDenied
	if d != nil {
		next = store.PollAllowed
		a, _ := s.authorization(p, by, d)
		a.Created, a.Expires = tx.Now, poll.Expires
		if err := s.give(ctx, tx, p, by, a, d); err != nil {
			return err
		}
		poll.Grant = a.ID
	}
	first, err := tx.AnswerPoll(poll, store.PollPending, next)
	if err != nil {
		return err
	}
	if !first {
		return headykey.ErrBadRequestURI
	}
	if d != nil {
		return nil
	}
	return s.noteConsent(ctx, tx, by, p.Client.ID, "consent.refused", map[string]any{"scopes": append([]string{}, p.Ask.Scopes...)})
}

// readPoll returns what p waits for.
func (s *Service) readPoll(ctx context.Context, p *store.Poll) (*Waiting, error) {
	w := &Waiting{Created: p.Created}
	if err := json.Unmarshal(p.Request, w); err != nil {
		return nil, fmt.Errorf("read %s request: %w", p.Kind, err)
	}
	var err error
	w.Client, err = s.client(ctx, p.Client)
	if isMissing(err) || err == nil && !w.Client.Disabled.IsZero() {
		return nil, headykey.ErrBadClient
	}
	return w, err
}
