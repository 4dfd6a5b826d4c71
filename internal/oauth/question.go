package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// unverifiedLife is the longest that a person may let a client act for them that
// nobody vouched for: fib 9 days.
const unverifiedLife = 34 * 24 * time.Hour

// A Question is what a person is told before they answer whether a client may act
// for them.
type Question struct {
	Person    headykey.User
	New       []string         // scopes that they are asked for, openid first; also those of claims asked for by name
	Allowed   []string         // those that they allowed before
	Resources []string         // what the tokens will be for
	Details   []jsontext.Value // authorization details (RFC 9396): objects, to be allowed as they are
	MaxLife   time.Duration    // the longest that they may choose; zero: any time
	Local     bool             // any program on their machine could pretend to be this one
}

// Question returns what by must know to answer p. The scope openid is New as long as
// any other is, for it stands with them.
func (s *Service) Question(ctx context.Context, p *Pending, by headykey.Caller) (*Question, error) {
	q := &Question{Resources: p.Ask.Resources, Details: detailsOf(p.Ask.Details), MaxLife: maxLife(p.Client), Local: p.local()}
	if len(q.Resources) == 0 {
		q.Resources = s.resourcesOf(p.Client)
	}
	given, err := s.consent(ctx, p, by)
	if err != nil {
		return nil, err
	}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		person, err := tx.User(by.User)
		if err == nil {
			q.Person = *person
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, scope := range p.Ask.wanted() {
		switch {
		case given != nil && slices.Contains(given.Scopes, scope):
			q.Allowed = append(q.Allowed, scope)
		case scope == headykey.ScopeOpenID:
			q.New = slices.Insert(q.New, 0, scope)
		default:
			q.New = append(q.New, scope)
		}
	}
	return q, nil
}

// consent returns what by allowed p's client before, or nil if that was nothing or
// counts no more.
func (s *Service) consent(ctx context.Context, p *Pending, by headykey.Caller) (*headykey.Consent, error) {
	var given *headykey.Consent
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		given, err = tx.Consent(by.User, p.Client.ID)
		return err
	})
	if errors.Is(err, headykey.ErrNotFound) || err == nil && !given.Live(time.Now()) {
		return nil, nil
	}
	return given, err
}

// local reports whether any program on a person's machine could pretend to be p's
// client: an answer to it goes to that machine (RFC 8252 §8.6). A request that is
// answered elsewhere has no redirect URI, but what is remembered of it would count for
// all of its client's.
func (p *Pending) local() bool {
	plain := func(redirect string) bool { return strings.HasPrefix(redirect, "http://") }
	return plain(p.Ask.Redirect) || p.Ask.Redirect == "" && slices.ContainsFunc(p.Client.Redirects, plain)
}

// maxLife is the longest that a person may let c act for them; zero: any time.
func maxLife(c *headykey.Client) time.Duration {
	if c.Vouched() {
		return 0
	}
	return unverifiedLife
}

// within returns d with a life of at most most; zero: any.
func (d *Decision) within(most time.Duration) *Decision {
	if d == nil || d.Session || most == 0 || d.Life > 0 && d.Life <= most {
		return d
	}
	out := *d
	out.Life = most
	return &out
}

// ends is when what was allowed at now ends; zero: never, or with the session.
func (d *Decision) ends(now time.Time) time.Time {
	if d.Session || d.Life <= 0 {
		return time.Time{}
	}
	return now.Add(d.Life)
}

// RedirectsOf returns the redirect URIs of the client that a request names, for a
// developer who must mend it; none if there is no such client.
func (s *Service) RedirectsOf(ctx context.Context, in url.Values) []string {
	c, err := s.asker(ctx, in)
	if err != nil {
		return nil
	}
	return c.Redirects
}
