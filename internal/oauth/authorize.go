package oauth

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

// A Pending is an authorization request with its client.
type Pending struct {
	Ask    Ask
	Client *headykey.Client

	// Browser is the state of the person's browser, which changes when somebody signs
	// in or out there. It is set before the request is granted; "" where nobody watches.
	Browser string

	held  []byte    // hash of the request kept while its person is at a page; nil: it was not kept
	kind  string    // of what is held: kindPage, kindApp
	until time.Time // when the consent that it rests on ends; zero: never, or it rests on none
}

// Begin reads an authorization request (RFC 6749 §4.1.1, OpenID Connect Core
// §3.1.2.1).
//
// If it returns no Pending, nothing may be sent to the redirect URI, and the
// failure is for a page: headykey.ErrBadClient or ErrBadRedirect. If it returns both
// a Pending and an error, the error is for the client: see [Service.Refuse].
func (s *Service) Begin(ctx context.Context, in url.Values) (*Pending, error) {
	in = withoutEmpty(in)
	c, err := s.asker(ctx, in)
	if err != nil {
		return nil, err
	}
	if p, err := s.pushed(ctx, c, in); p != nil || err != nil {
		return p, err
	}
	p := &Pending{Client: c, Ask: Ask{Client: c.ID}}
	outer := p.redirect(in)
	if outer == nil {
		p.Ask.State, p.Ask.Mode = in.Get("state"), outerMode(in)
	}
	in, err = s.unfold(ctx, p, in)
	if err != nil {
		if outer != nil {
			return nil, err // there is no address that the failure may be told to
		}
		return p, err
	}
	p.Ask = Ask{Client: c.ID, Pushed: p.Ask.Pushed}
	if err := p.redirect(in); err != nil {
		return nil, err
	}
	return p, s.readAsk(p, in)
}

// outerMode is how a failure is told whose request cannot be read whole.
func outerMode(in url.Values) string {
	mode, ok := modeFor(in.Get("response_type"), in.Get("response_mode"))
	if !ok {
		return usualMode(in.Get("response_type"))
	}
	return mode
}

// readAsk reads all that may be told to the client if it is wrong.
func (s *Service) readAsk(p *Pending, in url.Values) error {
	if err := p.Ask.read(p.Client, in); err != nil {
		return err
	}
	if err := p.Ask.demand(p.Client); err != nil {
		return err
	}
	err := s.readTargets(&p.Ask, p.Client, in)
	if err != nil {
		return err
	}
	p.Ask.Hint, err = s.readHint(p.Client, in.Get("id_token_hint"))
	return err
}

// readTargets reads what access is asked for beside the scopes: to which resources,
// and in detail.
func (s *Service) readTargets(a *Ask, c *headykey.Client, in url.Values) (err error) {
	if a.Resources = in["resource"]; len(a.Resources) > 0 {
		if a.Resources, err = s.narrowResources(s.resourcesOf(c), a.Resources); err != nil {
			return err
		}
	}
	a.Details, err = s.readDetails(c, in.Get("authorization_details"))
	return err
}

// asker returns the client that a request names. A disabled one is none.
func (s *Service) asker(ctx context.Context, in url.Values) (*headykey.Client, error) {
	if len(in["client_id"]) != 1 {
		return nil, headykey.ErrBadClient.Saying("The client_id is missing, or given twice.")
	}
	id, err := headykey.ParseID(in.Get("client_id"))
	if err != nil {
		return nil, headykey.ErrBadClient
	}
	c, err := s.client(ctx, id)
	if isMissing(err) || err == nil && !c.Disabled.IsZero() {
		return nil, headykey.ErrBadClient
	}
	return c, err
}

// redirect finds where the answer goes: the redirect URI must be registered, byte
// for byte (RFC 9700 §2.1), but for the port of a loopback address (RFC 8252 §7.3).
func (p *Pending) redirect(in url.Values) error {
	named := in["redirect_uri"]
	switch {
	case len(named) > 1:
		return headykey.ErrBadRedirect.Saying("The redirect_uri is given twice.")
	case len(named) == 0 && len(p.Client.Redirects) == 1:
		p.Ask.Redirect = p.Client.Redirects[0]
		return nil
	case len(named) == 0:
		return headykey.ErrBadRedirect.Saying("There is no redirect_uri.")
	}
	if !slices.ContainsFunc(p.Client.Redirects, func(known string) bool { return sameRedirect(known, named[0]) }) {
		return headykey.ErrBadRedirect
	}
	p.Ask.Redirect, p.Ask.Named = named[0], true
	return nil
}

func sameRedirect(known, asked string) bool {
	if known == asked {
		return true
	}
	if !strings.HasPrefix(known, "http://") || redirectFault(asked) != "" {
		return false
	}
	k, kErr := url.Parse(known)
	a, aErr := url.Parse(asked)
	if kErr != nil || aErr != nil || a.Scheme != "http" {
		return false
	}
	addr, err := netip.ParseAddr(k.Hostname())
	if err != nil || !addr.IsLoopback() || a.Hostname() != k.Hostname() {
		return false
	}
	cut := func(text string, u *url.URL) string { return strings.TrimPrefix(text, "http://"+u.Host) }
	return cut(known, k) == cut(asked, a)
}

// A Step is what must happen before a request can be granted.
type Step string

// The steps, in the order in which they come.
const (
	StepSignIn  Step = "sign-in"
	StepSignUp  Step = "sign-up"
	StepAccount Step = "select-account"
	StepConsent Step = "consent"
	StepDevice  Step = "device/allow"
	StepGrant   Step = "grant" // nothing is missing
)

// promptFor is what prompt=none turns a step into (OpenID Connect Core §3.1.2.6).
var promptFor = map[Step]*headykey.Error{
	StepSignIn: headykey.ErrLoginRequired, StepSignUp: headykey.ErrLoginRequired,
	StepAccount: headykey.ErrChoiceRequired, StepConsent: headykey.ErrConsentRequired,
	StepDevice: headykey.ErrConsentRequired,
}

// Next says what is missing before p can be granted to by, who may be nobody. Every
// failure may be told to the client.
func (s *Service) Next(ctx context.Context, p *Pending, by headykey.Caller) (Step, error) {
	step, err := s.next(ctx, p, by)
	if err != nil {
		return "", err
	}
	if refusal := promptFor[step]; refusal != nil && p.Ask.Prompts("none") {
		return "", refusal
	}
	return step, nil
}

func (s *Service) next(ctx context.Context, p *Pending, by headykey.Caller) (Step, error) {
	a := &p.Ask
	switch {
	case by.Session == "" && a.Prompts("create"):
		return StepSignUp, nil
	case by.Session == "", !fresh(a, by):
		return StepSignIn, nil
	case a.Device != nil:
		return StepDevice, nil // always asked: nothing else shows that it is their device
	case !a.meets(by):
		return "", headykey.ErrUnmetAuthentication
	case a.Prompts("select_account") && a.Chosen != by.Session:
		return StepAccount, nil
	}
	if a.Hint != "" && s.Subject(p.Client, by.User) != a.Hint {
		if a.Prompts("none") {
			return "", headykey.ErrLoginRequired
		}
		return StepSignIn, nil
	}
	known, err := s.isAllowed(ctx, p, by)
	if err != nil || !known {
		return StepConsent, err
	}
	return StepGrant, nil
}

// meets reports whether by proved themselves in one of the ways that a calls essential
// (OpenID Connect Core §5.5.1.1); acr_values are a wish.
func (a *Ask) meets(by headykey.Caller) bool {
	if a.Claims == nil {
		return true
	}
	wish := a.Claims.IDToken["acr"]
	if wish == nil || !wish.Essential {
		return true
	}
	wanted := wish.Values
	if len(wish.Value) > 0 {
		wanted = append(slices.Clone(wanted), wish.Value)
	}
	is := func(one jsontext.Value) bool {
		text, err := jsontext.AppendUnquote(nil, one)
		return err == nil && string(text) == by.AAL
	}
	return len(wanted) == 0 || slices.ContainsFunc(wanted, is)
}

// fresh reports whether by proved themselves recently enough for a: since the
// request came, if it asks for a new sign-in, and within its max_age.
func fresh(a *Ask, by headykey.Caller) bool {
	if a.Prompts("login") && (a.Since == 0 || by.Proven.UnixMicro() < a.Since) {
		return false
	}
	if a.MaxAge == nil {
		return true
	}
	// A sign-in that this very request asked for counts, however long its page took.
	if a.Since != 0 && by.Proven.UnixMicro() >= a.Since {
		return true
	}
	return time.Since(by.Proven) <= time.Duration(min(*a.MaxAge, 1<<31))*time.Second
}

// isAllowed reports whether by need not be asked. The consent of a program on this
// very machine, which any program could pretend to be, counts only if its person
// chose how long (RFC 8252 §8.6).
func (s *Service) isAllowed(ctx context.Context, p *Pending, by headykey.Caller) (bool, error) {
	p.until = time.Time{}
	if p.Ask.Prompts("consent") {
		return false, nil
	}
	if p.Client.Trusted {
		return true, nil
	}
	given, err := s.consent(ctx, p, by)
	if err != nil || given == nil {
		return false, err
	}
	p.until = given.Expires
	return covers(given.Scopes, p.Ask.wanted()) && covers(given.Resources, p.Ask.Resources) &&
		coversDetails(given.Details, p.Ask.Details), nil
}

// covers reports whether all of asked is among given.
func covers(given, asked []string) bool {
	return !slices.ContainsFunc(asked, func(one string) bool { return !slices.Contains(given, one) })
}

// withoutEmpty leaves out parameters without a value (RFC 6749 §3.1).
func withoutEmpty(in url.Values) url.Values {
	out := url.Values{}
	for name, values := range in {
		for _, v := range values {
			if v != "" {
				out.Add(name, v)
			}
		}
	}
	return out
}
