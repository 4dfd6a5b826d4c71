package oauth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// The types of token that an exchange takes and gives (RFC 8693 §3).
const (
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
)

// maxActors is how many may stand in a chain of actors: fib 5.
const maxActors = 5

// An actor is who acts for a token's subject, and for whom that one acted before
// (RFC 8693 §4.1).
type actor struct {
	Subject string      `json:"sub"`
	Client  headykey.ID `json:"client_id,omitempty"`
	Issuer  string      `json:"iss,omitempty"`
	Act     *actor      `json:"act,omitempty"`
}

// redeemExchange exchanges an access token that stands for a person for another one
// (RFC 8693): for less, for another resource, or for another client that acts for
// that person. Whoever is not the token's own client stands in the new token's act.
// Nothing is gained by it: neither scopes nor time.
func redeemExchange(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error) {
	if c.Public() {
		return Permit{}, headykey.ErrGrantNotAllowed // it proved nothing
	}
	kind, err := exchangeTypes(req)
	if err != nil {
		return Permit{}, err
	}
	subject, err := s.exchanged(ctx, req.Form.Get("subject_token"))
	if err != nil {
		return Permit{}, err
	}
	if subject.proof == nil {
		return Permit{}, wrongExchange("The subject_token stands for no person.")
	}
	// A client shows the key of its own token, as at every other place. A server that
	// the token was sent to cannot: it has seen that its sender could.
	if subject.access.Client == c.ID && req.Possession.lacks(subject.access.Bound) {
		return Permit{}, headykey.ErrBadProof.Saying("The subject_token is bound to a key that this request does not show.")
	}
	by, err := s.actorOf(ctx, c, req)
	if err != nil {
		return Permit{}, err
	}
	if err := s.mayExchange(c, subject, by); err != nil {
		return Permit{}, err
	}
	a, err := s.derive(c, subject, by, req)
	if err != nil {
		return Permit{}, err
	}
	permit := Permit{Proof: &headykey.AuthorizationProof{Authorization: *a, Session: subject.proof.Session, User: subject.proof.User}, Kind: kind}
	return permit, s.DB.Update(ctx, func(tx *store.Tx) error { return s.keepDerived(ctx, tx, c, req, subject, a) })
}

// exchangeTypes returns the type of token to give.
func exchangeTypes(req Request) (string, error) {
	for _, name := range []string{"subject_token_type", "actor_token_type"} {
		kind := req.Form.Get(name)
		if kind == typeAccessToken || kind == typeJWT || name == "actor_token_type" && kind == "" {
			continue
		}
		return "", wrongExchange("This server exchanges its own access tokens alone.").About(name)
	}
	if req.Form.Has("actor_token") != req.Form.Has("actor_token_type") {
		return "", wrongExchange("An actor_token comes with its type.").About("actor_token_type")
	}
	switch kind := req.Form.Get("requested_token_type"); kind {
	case "", typeAccessToken:
		return typeAccessToken, nil
	case typeJWT:
		return kind, nil
	}
	return "", wrongExchange("This server gives access tokens in exchange.").About("requested_token_type")
}

// exchanged reads a token that is shown to be exchanged. Whatever is wrong with it is
// wrong with the request (RFC 8693 §2.2.2).
func (s *Service) exchanged(ctx context.Context, text string) (*live, error) {
	if text == "" {
		return nil, headykey.ErrMissingField.About("subject_token")
	}
	l, err := s.read(ctx, text)
	if err != nil && headykey.Explain(err).Kind == headykey.Unproven {
		return nil, wrongExchange("A token of the exchange is not valid, or not valid any more.")
	}
	return l, err
}

// actorOf is who will act: the subject of the actor_token, or the client itself.
func (s *Service) actorOf(ctx context.Context, c *headykey.Client, req Request) (*actor, error) {
	if !req.Form.Has("actor_token") {
		return &actor{Subject: string(c.ID), Client: c.ID, Issuer: s.Issuer()}, nil
	}
	l, err := s.exchanged(ctx, req.Form.Get("actor_token"))
	if err != nil {
		return nil, err
	}
	if l.access.Client != c.ID {
		return nil, wrongExchange("The actor_token was issued to another client.").About("actor_token")
	}
	if req.Possession.lacks(l.access.Bound) {
		return nil, headykey.ErrBadProof.Saying("The actor_token is bound to a key that this request does not show.")
	}
	return &actor{Subject: l.access.Subject, Client: l.access.Client, Issuer: s.Issuer()}, nil
}

// mayExchange returns nil if c, for whom by acts, may exchange the subject's token:
// it is its own, it was sent to one of its resources, the token's may_act names who
// acts, or its client names c. A may_act that names somebody else always refuses
// (RFC 8693 §4.4).
func (s *Service) mayExchange(c *headykey.Client, subject *live, by *actor) error {
	if len(subject.access.MayAct) > 0 {
		var named struct {
			Subject string      `json:"sub"`
			Client  headykey.ID `json:"client_id"`
		}
		if err := json.Unmarshal(subject.access.MayAct, &named); err != nil || named.Subject == "" && named.Client == "" ||
			named.Subject != "" && named.Subject != by.Subject || named.Client != "" && named.Client != by.Client {
			return wrongExchange("The subject_token names another actor that may act.")
		}
		return nil
	}
	if mayAsk(c, &subject.access) || slices.Contains(subject.owner.Details.TokenExchangeActors, string(c.ID)) {
		return nil
	}
	return wrongExchange("The subject_token was neither issued to this client nor sent to it.")
}

// derive is what the new token stands on: the old one's authorization, narrowed to
// what c may have and to what it asks for.
func (s *Service) derive(c *headykey.Client, subject *live, by *actor, req Request) (*headykey.Authorization, error) {
	from := &subject.proof.Authorization
	scopes := slices.DeleteFunc(strings.Fields(subject.access.Scope), func(scope string) bool { return !slices.Contains(c.Scopes, scope) })
	scopes, err := narrowScopes(scopes, req.Scope)
	if err != nil {
		return nil, err
	}
	resources, err := s.narrowResources(s.resourcesOf(c), slices.Concat(req.Resources, req.Form["audience"]))
	if err != nil {
		return nil, err
	}
	act, err := chain(subject, by, c)
	if err != nil {
		return nil, err
	}
	t := from.Terms
	return &headykey.Authorization{
		ID: headykey.NewOrderedID(), User: from.User, Client: c.ID, Session: from.Session, Parent: from.ID, Offline: from.Offline,
		Ends: from.Ends, Expires: time.Unix(subject.access.Expires, 0).UTC(),
		Terms: headykey.Terms{
			Scopes: scopes, Resources: resources, Details: t.Details, Subject: s.Subject(c, from.User),
			Proven: t.Proven, ACR: t.ACR, AMR: t.AMR, Act: act,
		},
	}, nil
}

// chain is the act of the new token: by in front of those who act already; nothing
// new where a client exchanges its own token.
func chain(subject *live, by *actor, c *headykey.Client) (jsontext.Value, error) {
	before := subject.access.Act
	if subject.access.Client == c.ID && by.Subject == string(c.ID) {
		return before, nil
	}
	next := *by
	if len(before) > 0 {
		next.Act = &actor{}
		if err := json.Unmarshal(before, next.Act); err != nil {
			return nil, fmt.Errorf("read act: %w", err)
		}
	}
	depth := 0
	for a := &next; a != nil; a = a.Act {
		depth++
	}
	if depth > maxActors {
		return nil, wrongExchange("There are too many actors in this chain.")
	}
	text, err := json.Marshal(next)
	if err != nil {
		return nil, fmt.Errorf("write act: %w", err)
	}
	return text, nil
}

// keepDerived stores what the new token stands on, unless the old one has ended in
// between. The receipt is "delegation.granted" where another client acts from now on.
func (s *Service) keepDerived(ctx context.Context, tx *store.Tx, c *headykey.Client, req Request, subject *live, a *headykey.Authorization) error {
	p, err := tx.AuthorizationProof(a.Parent)
	if err == nil && !p.Live(tx.Now) || isMissing(err) {
		return wrongExchange("A token of the exchange is not valid, or not valid any more.")
	}
	if err != nil {
		return err
	}
	a.Created, a.Redeemed = tx.Now, tx.Now
	if err := tx.InsertAuthorization(a); err != nil || subject.access.Client == c.ID {
		return err
	}
	_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "delegation.granted", By: as(c, req.From), Subject: a.User,
		Object:  headykey.Party{Type: "authorization", ID: string(a.ID)},
		Details: map[string]any{"from": "cli_" + string(subject.access.Client), "to": "cli_" + string(c.ID), "scopes": append([]string{}, a.Terms.Scopes...)},
	})
	return err
}

func wrongExchange(text string) *headykey.Error { return headykey.ErrBadAuthorization.Saying(text) }
