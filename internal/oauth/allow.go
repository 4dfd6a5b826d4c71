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

// codeLife is how long a code lives: fib 10 seconds, under the minute of FAPI 2.0
// §5.3.2.1.
const codeLife = 55 * time.Second

// A Decision is what a person answered to the question whether a client may act for
// them.
type Decision struct {
	Scopes   []string      // those of the request that they allow; openid is always among them
	Life     time.Duration // how long; zero: until they withdraw it, or as long as the client may (see Question)
	Session  bool          // this session only: nothing is remembered
	Remember bool          // they chose how long, and it is not the page's own choice
}

// Allow grants p to by and returns the answer to the client. A nil Decision stands
// for what is known already: a trusted client, or a consent that covers it all.
//
// It fails with headykey.ErrConsentRequired and its like if something is missing,
// and with ErrBadRequestURI if the request was completed before. The receipts are
// "consent.granted" or "consent.narrowed" where a person answered.
func (s *Service) Allow(ctx context.Context, p *Pending, by headykey.Caller, d *Decision) (*Answer, error) {
	step, err := s.next(ctx, p, by)
	if err != nil {
		return nil, err
	}
	if step != StepGrant && (step != StepConsent || d == nil) {
		return nil, promptFor[step]
	}
	a, code := s.authorization(p, by, d)
	var proof *headykey.AuthorizationProof
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := p.spend(tx); err != nil {
			return err
		}
		a.Created, a.Expires = tx.Now, tx.Now.Add(codeLife+s.lifeFor(p.Client))
		if code != "" {
			a.CodeExpires = tx.Now.Add(codeLife)
		} else {
			a.Redeemed = tx.Now
		}
		if err := s.give(ctx, tx, p, by, a, d); err != nil || p.Ask.Response == "code" {
			return err
		}
		proof, err = tx.AuthorizationProof(a.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	params, err := s.answerParams(ctx, p, proof, code)
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, p, params)
}

// give keeps a, and what by decided; a nil Decision: nothing was asked. Whichever page
// a person answered on, it comes through here.
func (s *Service) give(ctx context.Context, tx *store.Tx, p *Pending, by headykey.Caller, a *headykey.Authorization, d *Decision) error {
	a.Ends = p.until
	if d = d.within(maxLife(p.Client)); d != nil {
		a.Ends = d.ends(tx.Now)
		if err := s.keepConsent(ctx, tx, p, by, a, d); err != nil {
			return err
		}
	}
	return tx.InsertAuthorization(a)
}

// authorization is what is granted to by, with its code, if one is asked for.
func (s *Service) authorization(p *Pending, by headykey.Caller, d *Decision) (a *headykey.Authorization, code string) {
	ask := &p.Ask
	scopes, claims := ask.Scopes, ask.Claims
	if d != nil {
		claims = withoutUnwanted(claims, d.Scopes)
		scopes = slices.DeleteFunc(slices.Clone(ask.Scopes), func(scope string) bool {
			return scope != headykey.ScopeOpenID && !slices.Contains(d.Scopes, scope)
		})
	}
	a = &headykey.Authorization{
		ID: headykey.NewOrderedID(), User: by.User, Client: p.Client.ID, Session: by.Session,
		Offline: slices.Contains(scopes, headykey.ScopeOffline) && p.Client.May("refresh_token") && (d == nil || !d.Session),
		Terms: headykey.Terms{
			Scopes: scopes, Resources: ask.Resources, Details: ask.Details, Subject: s.Subject(p.Client, by.User),
			Redirect: ask.Redirect, Named: ask.Named, Challenge: ask.Challenge, Nonce: ask.Nonce, Claims: claims,
			Proven: by.Proven.Unix(), ACR: by.AAL, AMR: by.AMR, JKT: ask.JKT,
		},
	}
	if ask.State != "" && p.Client.Profile == headykey.ProfileFAPI2 {
		a.Terms.StateHash = halfHash(idTokenAlg(p.Client), ask.State)
	}
	if !strings.Contains(ask.Response, "code") {
		return a, ""
	}
	code = s.newHandleToken(a.ID)
	a.Code = codeHash(code)
	return a, code
}

// lifeFor is how long what c gets for a code can matter: its refresh token, or its
// access token where it gets no other.
func (s *Service) lifeFor(c *headykey.Client) time.Duration {
	if c.May("refresh_token") {
		return s.Tokens.RefreshLife()
	}
	return s.Tokens.Life()
}

// spend marks the request as completed: a pushed one can be begun again until then,
// for people reload pages, but granted only once.
func (p *Pending) spend(tx *store.Tx) error {
	for kind, hash := range map[string][]byte{kindPushed: p.Ask.Pushed, p.kind: p.held} {
		if hash == nil {
			continue
		}
		first, err := tx.UseRequest(kind, hash)
		if err != nil {
			return err
		}
		if !first {
			return headykey.ErrBadRequestURI
		}
	}
	return nil
}

// keepConsent remembers what by allowed, and leaves its receipt.
func (s *Service) keepConsent(ctx context.Context, tx *store.Tx, p *Pending, by headykey.Caller, a *headykey.Authorization, d *Decision) error {
	kind := "consent.granted"
	if len(a.Terms.Scopes) < len(p.Ask.Scopes) {
		kind = "consent.narrowed"
	}
	if !d.Session && (!p.local() || d.Remember) {
		if err := s.mergeConsent(tx, a, d); err != nil {
			return err
		}
	}
	return s.noteConsent(ctx, tx, by, p.Client.ID, kind, map[string]any{
		"scopes": append([]string{}, a.Terms.Scopes...), "seconds": int64(d.Life / time.Second), "session_only": d.Session,
	})
}

// mergeConsent adds what a allows to what was allowed before and still counts.
func (s *Service) mergeConsent(tx *store.Tx, a *headykey.Authorization, d *Decision) error {
	c := &headykey.Consent{
		User: a.User, Client: a.Client, Scopes: union(a.Terms.Scopes, namedBy(a.Terms.Claims)), Resources: a.Terms.Resources, Details: a.Terms.Details,
		Created: tx.Now, Updated: tx.Now,
	}
	c.Expires = d.ends(tx.Now)
	old, err := tx.Consent(a.User, a.Client)
	switch {
	case err == nil && old.Live(tx.Now):
		c.Created = old.Created
		c.Scopes, c.Resources = union(old.Scopes, c.Scopes), union(old.Resources, c.Resources)
		c.Details = joinDetails(old.Details, c.Details)
	case err != nil && !errors.Is(err, headykey.ErrNotFound):
		return err
	}
	return tx.PutConsent(c)
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, one := range b {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

// answerParams are the code and the tokens that the response type asks for. proof is
// nil if it asks for a code alone.
func (s *Service) answerParams(ctx context.Context, p *Pending, proof *headykey.AuthorizationProof, code string) (url.Values, error) {
	out := url.Values{}
	if code != "" {
		out.Set("code", code)
	}
	if state := p.sessionState(); state != "" {
		out.Set("session_state", state)
	}
	if proof == nil {
		return out, nil
	}
	var access string
	if strings.Contains(p.Ask.Response, " token") {
		issued, err := s.access(p.Client, proof, Request{})
		if err != nil {
			return nil, err
		}
		access = issued.Access
		out.Set("access_token", access)
		out.Set("token_type", issued.Type)
		out.Set("expires_in", seconds(issued.Life))
		out.Set("scope", issued.Scope)
		s.noteIssue(p.Client.ID)
	}
	if strings.Contains(p.Ask.Response, "id_token") {
		id, err := s.idToken(ctx, p.Client, proof, halves{
			Access: access, Code: code, State: p.Ask.State, Alone: p.Ask.Response == "id_token",
		})
		if err != nil {
			return nil, err
		}
		out.Set("id_token", id)
	}
	return out, nil
}

// Refuse returns the answer that tells p's client of a failure (RFC 6749 §4.1.2.1).
func (s *Service) Refuse(ctx context.Context, p *Pending, e *headykey.Error) (*Answer, error) {
	return s.answer(ctx, p, url.Values{"error": {Word(e)}, "error_description": {Describe(e)}})
}

// Deny is Refuse for a person who said no. The receipt is "consent.refused".
func (s *Service) Deny(ctx context.Context, p *Pending, by headykey.Caller) (*Answer, error) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := p.spend(tx); err != nil {
			return err
		}
		if by.User == "" {
			return nil
		}
		return s.noteConsent(ctx, tx, by, p.Client.ID, "consent.refused", map[string]any{"scopes": append([]string{}, p.Ask.Scopes...)})
	})
	if err != nil {
		return nil, err
	}
	return s.Refuse(ctx, p, headykey.ErrAccessDenied.Saying("The person said no."))
}

// answer adds what every answer has: the state, and who answers (RFC 9207).
func (s *Service) answer(ctx context.Context, p *Pending, params url.Values) (*Answer, error) {
	if p.Ask.Device != nil {
		return nil, headykey.ErrBadRequestURI // its client asks; no browser tells it
	}
	if p.Ask.State != "" {
		params.Set("state", p.Ask.State)
	}
	if p.Ask.Mode == "" {
		p.Ask.Mode = usualMode(p.Ask.Response)
	}
	mode, signed := strings.CutSuffix(p.Ask.Mode, ".jwt")
	if signed {
		text, err := s.signAnswer(ctx, p.Client, params)
		return &Answer{p.Ask.Redirect, mode, url.Values{"response": {text}}}, err
	}
	params.Set("iss", s.Issuer())
	return &Answer{p.Ask.Redirect, mode, params}, nil
}

// Describe is e in words, in the characters that error_description may have
// (RFC 6749 §5.2), with the parameters at fault.
func Describe(e *headykey.Error) string {
	text := e.Text
	for _, f := range e.Fields {
		text += " (" + f.Name + ")"
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, text)
}

// noteConsent leaves the receipt of what by answered, or withdrew.
func (s *Service) noteConsent(ctx context.Context, tx *store.Tx, by headykey.Caller, client headykey.ID, kind string, details map[string]any) error {
	outcome := headykey.Done
	if kind == "consent.refused" {
		outcome = headykey.Refused
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: kind, By: by, Subject: by.User, Object: headykey.Party{Type: "client", ID: string(client)}, Details: details, Outcome: outcome,
	})
	return err
}

// joinDetails is the authorization details of both.
func joinDetails(a, b jsontext.Value) jsontext.Value {
	all := detailsOf(a)
	for _, one := range detailsOf(b) {
		if !slices.ContainsFunc(all, func(known jsontext.Value) bool { return string(known) == string(one) }) {
			all = append(all, one)
		}
	}
	return spellDetails(all)
}
