package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

// idTokenType is the typ of an ID token. It is the one that every client takes.
const idTokenType = "JWT"

// SigningAlgorithms lists what ID tokens and signed answers may be signed with; the
// first is the one of OpenID Connect Registration §2.
var SigningAlgorithms = []string{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA}

// claimsOf is what each scope opens (OpenID Connect Core §5.4).
var claimsOf = map[string][]string{
	"profile": {"name", "updated_at"},
	"email":   {"email", "email_verified"},
}

// StandardScopes lists the scopes that mean something to this server.
var StandardScopes = []string{headykey.ScopeOpenID, "profile", "email", headykey.ScopeOffline}

// ClaimNames lists the claims that this server can tell.
var ClaimNames = []string{
	"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
	"name", "updated_at", "email", "email_verified",
}

// personClaims is what u's account says, by the name of the claim; what it does not
// know is left out.
func personClaims(u *headykey.User) map[string]any {
	all := map[string]any{"email_verified": !u.Verified.IsZero(), "updated_at": u.Created.Unix()}
	if u.Name != "" {
		all["name"] = u.Name
	}
	if u.Email != "" {
		all["email"] = u.Email
	}
	return all
}

// pick adds to out the claims of u that scopes open, unless there are none to be
// opened by scope, and those that are wished for by name.
func pick(out map[string]any, u *headykey.User, scopes []string, wishes map[string]*headykey.ClaimWish) {
	known := personClaims(u)
	add := func(name string) {
		if v, ok := known[name]; ok {
			out[name] = v
		}
	}
	for _, scope := range scopes {
		for _, name := range claimsOf[scope] {
			add(name)
		}
	}
	for name := range wishes {
		add(name)
	}
}

// halves are the values that an ID token vouches for by half of their hash
// (OpenID Connect Core §3.3.2.11, FAPI 1.0 §5.2.2.1).
type halves struct {
	Access, Code, State string
	Alone               bool // no access token will come: the claims go in here
}

// idTokenAlg is what c's ID tokens are signed with.
func idTokenAlg(c *headykey.Client) string {
	return algorithm(c, c.Details.IDTokenAlg)
}

// algorithm is the one that c is registered with for something that we sign, or the
// one of its profile: RS256, as OpenID Connect Registration §2 has it, or ES256 where
// FAPI 2.0 §5.4.1 refuses that.
func algorithm(c *headykey.Client, registered string) string {
	switch {
	case registered != "":
		return registered
	case c.Profile == headykey.ProfileFAPI2:
		return jose.ES256
	}
	return jose.RS256
}

// idToken makes an ID token (OpenID Connect Core §2), encrypted where c wants that.
func (s *Service) idToken(ctx context.Context, c *headykey.Client, p *headykey.AuthorizationProof, h halves) (string, error) {
	alg := idTokenAlg(c)
	t := &p.Authorization.Terms
	now := time.Now()
	claims := map[string]any{}
	scopes := t.Scopes
	if !h.Alone {
		scopes = nil // they are for userinfo
	}
	var wishes map[string]*headykey.ClaimWish
	if t.Claims != nil {
		wishes = t.Claims.IDToken
	}
	pick(claims, &p.User, scopes, wishes)
	claims["iss"], claims["sub"], claims["aud"] = s.Issuer(), t.Subject, string(c.ID)
	claims["iat"], claims["exp"] = now.Unix(), now.Add(s.Tokens.Life()).Unix()
	claims["auth_time"] = t.Proven
	for name, value := range map[string]string{
		"nonce": t.Nonce, "acr": t.ACR, "sid": string(p.Authorization.Session), "s_hash": t.StateHash,
		"at_hash": halfHash(alg, h.Access), "c_hash": halfHash(alg, h.Code),
	} {
		if value != "" {
			claims[name] = value
		}
	}
	if h.State != "" {
		claims["s_hash"] = halfHash(alg, h.State)
	}
	if len(t.AMR) > 0 {
		claims["amr"] = t.AMR
	}
	text, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("ID token: %w", err)
	}
	signed, err := s.Tokens.Sign(ctx, alg, idTokenType, text)
	if err != nil {
		return "", err
	}
	return s.encrypt(ctx, c, signed, "JWT", c.Details.IDTokenKeyAlg, c.Details.IDTokenEnc)
}

// halfHash is the left half of the hash of text, in base64url; "" of "". The hash is
// that of the signature's algorithm; Ed25519 works with SHA-512 (RFC 8032 §5.1).
func halfHash(alg, text string) string {
	if text == "" {
		return ""
	}
	if alg == jose.EdDSA {
		sum := sha512.Sum512([]byte(text))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Userinfo is what a client may know of the person behind its token: claims as JSON,
// or signed (OpenID Connect Core §5.3.2).
type Userinfo struct {
	Claims map[string]any
	JWT    string // instead, for a client that is registered for it
}

// Userinfo returns the claims that the access token text opens. proof is what the
// request shows of holding its key. It fails with headykey.ErrInvalidToken, and with
// ErrTokenScope if the token is not of OpenID Connect.
func (s *Service) Userinfo(ctx context.Context, text string, proof Possession) (*Userinfo, error) {
	l, err := s.read(ctx, text)
	if err != nil {
		return nil, err
	}
	if err := proof.holds(l.access.Bound); err != nil {
		return nil, err
	}
	if l.proof == nil || !hasWord(l.access.Scope, headykey.ScopeOpenID) {
		return nil, headykey.ErrTokenScope.Saying("This needs an access token with the scope openid.")
	}
	if !slices.Contains(l.access.Audience, s.ownResource()) && !slices.Contains(l.access.Audience, s.Issuer()) {
		return nil, headykey.ErrInvalidToken.Saying("This token is for another resource.")
	}
	out := &Userinfo{Claims: map[string]any{}}
	terms := &l.proof.Authorization.Terms
	var wishes map[string]*headykey.ClaimWish
	if terms.Claims != nil {
		wishes = terms.Claims.Userinfo
	}
	pick(out.Claims, &l.proof.User, strings.Fields(l.access.Scope), wishes)
	out.Claims["sub"] = l.access.Subject
	return out, s.signUserinfo(ctx, l.owner, out)
}

// signUserinfo makes a JWT of the claims for a client that wants one.
func (s *Service) signUserinfo(ctx context.Context, c *headykey.Client, out *Userinfo) error {
	d := &c.Details
	if d.UserinfoAlg == "" && d.UserinfoKeyAlg == "" {
		return nil
	}
	out.Claims["iss"], out.Claims["aud"] = s.Issuer(), string(c.ID)
	text, err := json.Marshal(out.Claims, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("userinfo: %w", err)
	}
	signed, kind := string(text), ""
	if d.UserinfoAlg != "" {
		kind = "JWT"
		if signed, err = s.Tokens.Sign(ctx, d.UserinfoAlg, idTokenType, text); err != nil {
			return err
		}
	}
	out.JWT, err = s.encrypt(ctx, c, signed, kind, d.UserinfoKeyAlg, d.UserinfoEnc)
	return err
}
