package oauth

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// AssertionType is the client_assertion_type of the only kind of client assertion
// that exists here (RFC 7523 §2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// AssertionAlgorithms lists what client assertions may be signed with: the client's
// secret with the last, its keys with the others.
var AssertionAlgorithms = []string{jose.PS256, jose.ES256, jose.EdDSA, jose.Ed25519, jose.RS256, jose.HS256}

const (
	maxAssertion  = 8 << 10   // bytes
	assertionLife = time.Hour // the most that may lie between now and its end
	assertionType = "client-authentication+jwt"
)

// An assertion is what a client says of itself to prove itself (RFC 7523 §3,
// OpenID Connect Core §9).
type assertion struct {
	Issuer   string         `json:"iss"`
	Subject  string         `json:"sub"`
	Audience jsontext.Value `json:"aud"`
	ID       string         `json:"jti"`
	times
}

// byAssertion adds to p which client its assertion is of, and which method that is.
// Nothing of it is believed before it is verified.
func (p Proof) byAssertion() Proof {
	p.Method = ""
	header, claims, err := jose.Peek(p.Assertion, maxAssertion)
	var a assertion
	if err != nil || json.Unmarshal(claims, &a) != nil {
		return p
	}
	p.Method = PrivateKeyJWT
	if header.Algorithm == jose.HS256 {
		p.Method = SecretJWT
	}
	if p.Client == "" {
		p.Client = a.Subject
	}
	return p
}

// provesByAssertion returns nil if the assertion of p, whose method is c's, is by c,
// for this server, and new. It is used up.
func (s *Service) provesByAssertion(ctx context.Context, c *headykey.Client, p Proof) error {
	signed, err := s.verifyAssertion(ctx, c, p.Assertion)
	if err != nil {
		return err
	}
	var a assertion
	if err := json.Unmarshal(signed.Claims, &a); err != nil {
		return badAssertion("has a claim of another type than RFC 7519 gives it")
	}
	if fault := s.assertionFault(c, signed.Header, &a, p.Called); fault != "" {
		return badAssertion(fault)
	}
	fresh := false
	err = s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		name := sha256.Sum256([]byte("client assertion " + string(c.ID) + " " + a.ID))
		fresh, err = tx.SpendName(name[:], a.end().Add(clockBehind+clockAhead))
		return err
	})
	if err == nil && !fresh {
		return badAssertion("was used before: each needs a jti of its own")
	}
	return err
}

// verifyAssertion returns a token that is signed by c in the way of its method.
func (s *Service) verifyAssertion(ctx context.Context, c *headykey.Client, text string) (*jose.Foreign, error) {
	if c.AuthMethod == PrivateKeyJWT {
		return s.verifySigned(ctx, c, text, maxAssertion, algorithmsOf(c, c.Details.AuthAlg), headykey.ErrBadClient)
	}
	secret, err := s.Sealer.Open(sealedSecret(c.ID), c.SealedSecret)
	if err != nil {
		return nil, headykey.ErrBadClient
	}
	signed, err := jose.VerifySecret(text, maxAssertion, secret)
	if err != nil {
		return nil, badAssertion("is not signed with HS256 and the secret of this client")
	}
	return signed, nil
}

// assertionFault says why a, which c signed, proves nothing at called, or "".
func (s *Service) assertionFault(c *headykey.Client, h jose.ForeignHeader, a *assertion, called string) string {
	switch id := string(c.ID); {
	case !isType(h.Type, assertionType):
		return "has the typ of something else"
	case a.Issuer != id || a.Subject != id:
		return "must have the client_id as iss and as sub"
	case !s.isFor(c, a.Audience, called):
		if c.Profile == headykey.ProfileFAPI2 {
			return "must have the issuer as aud: one string, nothing else"
		}
		return "must have the issuer as aud, or the URL of the endpoint"
	case a.Expires == nil:
		return "has no exp"
	case a.ID == "":
		return "has no jti"
	}
	now := time.Now()
	if fault := a.fault(now); fault != "" {
		return fault
	}
	if a.end().After(now.Add(assertionLife)) {
		return "lives longer than 60 minutes"
	}
	return ""
}

// isFor reports whether an assertion of c with this aud is meant for us. FAPI 2.0
// §5.3.2.1 leaves the issuer alone, as one string: what is meant for several, or for
// an address, could be carried from one server to another.
func (s *Service) isFor(c *headykey.Client, aud jsontext.Value, called string) bool {
	var all token.Audience
	if json.Unmarshal(aud, &all) != nil {
		return false
	}
	if c.Profile == headykey.ProfileFAPI2 {
		return aud.Kind() == '"' && all[0] == s.Issuer()
	}
	return slices.ContainsFunc(all, func(one string) bool {
		return one != "" && (one == s.Issuer() || one == s.Issuer()+TokenPath || one == called)
	})
}

func badAssertion(fault string) error {
	return headykey.ErrBadClient.Saying("The client assertion " + fault + ".")
}

// How far a client's clock may be from ours.
const (
	clockBehind = 10 * time.Second // what ends is late by no more
	clockAhead  = time.Minute      // what begins is early by no more
)

// times are the moments that a client's token names, in seconds since 1970
// (RFC 7519 §4.1); nil: it does not.
type times struct {
	Expires   *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`
	Issued    *float64 `json:"iat"`
}

// fault says why a token with these times does not count at now, or "". What it does
// not name does not bind it.
func (t times) fault(now time.Time) string {
	at := float64(now.UnixMilli()) / 1000
	switch {
	case t.Expires != nil && *t.Expires+clockBehind.Seconds() <= at:
		return "has expired"
	case t.NotBefore != nil && *t.NotBefore > at+clockAhead.Seconds():
		return "is not valid yet: see its nbf"
	case t.Issued != nil && *t.Issued > at+clockAhead.Seconds():
		return "was issued in the future: see its iat"
	}
	return ""
}

// end is when t expires, which it must name; the far future is the year 9999.
func (t times) end() time.Time { return time.Unix(int64(min(*t.Expires, 253402300799)), 0) }

// isType reports whether a token with this typ may be of the wanted type: it says so,
// or says nothing in particular. One that says it is something else is (RFC 8725
// §3.11, RFC 7515 §4.1.9).
func isType(typ, want string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "" || typ == "jwt" || typ == want
}
