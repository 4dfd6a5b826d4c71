package oauth

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

const (
	grantAssertionType = "authorization-grant+jwt"
	grantAssertionLife = 10 * time.Minute // the most that may lie between now and its end
)

// redeemAssertion gives a client tokens for a JWT that it signed with its own keys
// (RFC 7523 §2.1): for itself, if the JWT's subject is the client, or for a person who
// allowed it to act while they are away and has not taken that back. It makes nobody
// else's word count: who else may vouch for people is for the operator to say.
func redeemAssertion(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error) {
	if c.Public() {
		return Permit{}, headykey.ErrGrantNotAllowed // it proved nothing
	}
	text := req.Form.Get("assertion")
	if text == "" {
		return Permit{}, headykey.ErrMissingField.About("assertion")
	}
	signed, err := s.verifySigned(ctx, c, text, maxAssertion, algorithmsOf(c, ""), headykey.ErrGrantSpent)
	if err != nil {
		return Permit{}, err
	}
	var a assertion
	if err := json.Unmarshal(signed.Claims, &a); err != nil {
		return Permit{}, wrongGrant("has a claim of another type than RFC 7519 gives it")
	}
	if fault := s.grantFault(c, signed.Header.Type, &a); fault != "" {
		return Permit{}, wrongGrant(fault)
	}
	if a.Subject == string(c.ID) {
		err := s.DB.Update(ctx, func(tx *store.Tx) error { return spendAssertion(tx, c, &a) })
		return Permit{Subject: c.ID, Scopes: c.Scopes, Resources: s.resourcesOf(c)}, err
	}
	return s.standIn(ctx, c, &a, req)
}

// grantFault says why a, which c signed, is no grant, or "" (RFC 7523 §3).
func (s *Service) grantFault(c *headykey.Client, typ string, a *assertion) string {
	now := time.Now()
	switch {
	case !isType(typ, grantAssertionType):
		return "has the typ of something else"
	case a.Issuer != string(c.ID):
		return "must have the client_id as iss"
	case a.Subject == "":
		return "has no sub"
	case !s.isFor(c, a.Audience, s.Issuer()+TokenPath):
		return "must have the issuer as aud"
	case a.Expires == nil || a.ID == "":
		return "needs an exp and a jti"
	case a.end().After(now.Add(grantAssertionLife + clockAhead)):
		return "lives longer than 10 minutes"
	}
	return a.fault(now)
}

// standIn is what a client may do for the person that a names, by their consent. The
// person is not there: no ID token says that they were.
func (s *Service) standIn(ctx context.Context, c *headykey.Client, a *assertion, req Request) (Permit, error) {
	user, err := headykey.ParseID(a.Subject)
	if err != nil {
		return Permit{}, wrongGrant("names nobody who allowed this client to act while they are away")
	}
	var proof *headykey.AuthorizationProof
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := spendAssertion(tx, c, a); err != nil {
			return err
		}
		given, err := tx.Consent(user, c.ID)
		if isMissing(err) || err == nil && (!given.Live(tx.Now) || !slices.Contains(given.Scopes, headykey.ScopeOffline)) {
			return wrongGrant("names nobody who allowed this client to act while they are away")
		}
		if err != nil {
			return err
		}
		fresh := s.standing(tx, c, given)
		if err := tx.InsertAuthorization(fresh); err != nil {
			return err
		}
		if proof, err = tx.AuthorizationProof(fresh.ID); err != nil {
			return err
		}
		if !proof.Live(tx.Now) {
			return wrongGrant("names nobody who allowed this client to act while they are away")
		}
		return s.noteToken(ctx, tx, as(c, req.From), "assertion.exchanged", headykey.Party{Type: "authorization", ID: string(fresh.ID)}, user)
	})
	return Permit{Proof: proof, Absent: true}, err
}

// standing is an authorization on the strength of a consent alone.
func (s *Service) standing(tx *store.Tx, c *headykey.Client, given *headykey.Consent) *headykey.Authorization {
	return &headykey.Authorization{
		ID: headykey.NewOrderedID(), User: given.User, Client: c.ID, Offline: true,
		Created: tx.Now, Redeemed: tx.Now, Expires: tx.Now.Add(s.Tokens.Life()), Ends: given.Expires,
		Terms: headykey.Terms{
			Scopes:    slices.DeleteFunc(slices.Clone(given.Scopes), func(scope string) bool { return !slices.Contains(c.Scopes, scope) }),
			Resources: given.Resources, Details: given.Details, Subject: s.Subject(c, given.User),
		},
	}
}

// spendAssertion notes that a was used: each serves once.
func spendAssertion(tx *store.Tx, c *headykey.Client, a *assertion) error {
	name := sha256.Sum256([]byte("grant assertion " + string(c.ID) + " " + a.ID))
	fresh, err := tx.SpendName(name[:], a.end().Add(clockBehind+clockAhead))
	if err == nil && !fresh {
		err = wrongGrant("was used before: each needs a jti of its own")
	}
	return err
}

func wrongGrant(fault string) error {
	return headykey.ErrGrantSpent.Saying("The assertion " + fault + ".")
}
