package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// appLife is how long a request waits at a page of an app's own, as apps expect.
const appLife = 10 * time.Minute

// HoldForApp keeps p while its person is at the consent page of an app, and returns
// the id by which the app goes on with it. The first person who comes there with it is
// the only one who may answer it.
//
// Every failure may be told to the client: such a page cannot ask for everything.
func (s *Service) HoldForApp(ctx context.Context, p *Pending) (id string, err error) {
	switch {
	case p.Ask.Prompts("none"):
		return "", headykey.ErrLoginRequired // nobody knows yet who sits there
	case strings.HasPrefix(p.Ask.Mode, "form_post"):
		return "", wrongAsk("This response_mode cannot be used at this address.")
	case len(p.Ask.Details) > 0:
		return "", headykey.ErrBadDetails.Saying("The page that asks people at this address cannot show authorization_details.")
	}
	return s.hold(ctx, p, kindApp, "", appLife)
}

// OpenForApp returns the request that waits under id at a page of an app, for by and
// from then on for nobody else. If by need not be asked, or cannot be, it returns the
// answer to the client as well.
//
// It fails with headykey.ErrNotFound if there is none, it has run out or another
// person's; with ErrBadRequestURI if it was answered; and with ErrLoginRequired if by
// must sign in anew first.
func (s *Service) OpenForApp(ctx context.Context, by headykey.Caller, id string) (*Pending, *Answer, error) {
	p, err := s.forApp(ctx, by, id, true)
	if err != nil {
		return nil, nil, err
	}
	step, err := s.next(ctx, p, by)
	switch {
	case errors.Is(err, headykey.ErrUnmetAuthentication):
		answer, err := s.Refuse(ctx, p, headykey.ErrUnmetAuthentication)
		return p, answer, err
	case err != nil:
		return nil, nil, err
	case step == StepSignIn:
		return nil, nil, promptFor[step]
	case step != StepGrant:
		return p, nil, nil
	}
	answer, err := s.Allow(ctx, p, by, nil)
	return p, answer, err
}

// AnswerForApp allows or denies the request that OpenForApp returned to by, and
// returns the answer to the client. A yes is remembered, whatever program asks: the
// page of an app has no other. It fails as OpenForApp does.
func (s *Service) AnswerForApp(ctx context.Context, by headykey.Caller, id string, allow bool) (*Answer, error) {
	p, err := s.forApp(ctx, by, id, false)
	if err != nil {
		return nil, err
	}
	if !allow {
		return s.Deny(ctx, p, by)
	}
	p.Ask.Chosen = by.Session // who says yes as somebody has chosen to be them
	return s.Allow(ctx, p, by, &Decision{Scopes: p.Ask.wanted(), Remember: true})
}

// Wanted returns the scopes that the person of p is asked for, also those of claims
// that it asks for by name.
func (p *Pending) Wanted() []string { return p.Ask.wanted() }

// forApp returns the request of by that waits under id at a page of an app. One that
// nobody came with yet becomes theirs, if claim is set.
func (s *Service) forApp(ctx context.Context, by headykey.Caller, id string, claim bool) (*Pending, error) {
	if by.Session == "" {
		return nil, headykey.ErrNotSignedIn
	}
	p := &Pending{held: heldHash(kindApp, id, ""), kind: kindApp}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		held, err := tx.HeldRequest(kindApp, p.held)
		if err != nil {
			return err
		}
		p.Ask = Ask{}
		if err := json.Unmarshal(held.Request, &p.Ask); err != nil {
			return fmt.Errorf("read held request: %w", err)
		}
		nobodys := p.Ask.Person == ""
		switch {
		case !tx.Now.Before(held.Expires), nobodys && !claim, !nobodys && p.Ask.Person != by.User:
			return headykey.ErrNotFound
		case !held.Used.IsZero():
			return headykey.ErrBadRequestURI
		case !nobodys:
			return nil
		}
		return p.claim(tx, by)
	})
	if err != nil {
		return nil, err
	}
	p.Client, err = s.client(ctx, p.Ask.Client)
	if err == nil && !p.Client.Disabled.IsZero() {
		err = headykey.ErrNotFound
	}
	return p, err
}

// claim makes by the person who alone may answer p.
func (p *Pending) claim(tx *store.Tx, by headykey.Caller) error {
	p.Ask.Person = by.User
	text, err := json.Marshal(p.Ask)
	if err != nil {
		return fmt.Errorf("hold request: %w", err)
	}
	return tx.ChangeRequest(kindApp, p.held, text)
}
