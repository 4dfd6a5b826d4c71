package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// flowLife is how long an app may take to exchange its code.
const flowLife = 5 * time.Minute

// insertFlow lets the app that had link sent exchange code for tokens.
func (s *Service) insertFlow(tx *store.Tx, link store.Link, code string) error {
	hash := secret.Hash(code)
	return tx.InsertLink(store.Link{
		Hash: hash[:], Purpose: purposeFlow, User: link.User, Expires: tx.Now.Add(flowLife),
		Challenge: link.Challenge, Method: link.Method,
	})
}

// Exchange gives an app the session that code stands for, if verifier fits the
// challenge that it began with (RFC 7636 §4.6). It fails with headykey.ErrNotFound
// for a code that is unknown or was used, with ErrFlowExpired, and with
// ErrBadVerifier, after which the code is as good as before.
func (s *Service) Exchange(ctx context.Context, code, verifier string, from headykey.From) (*Grant, error) {
	hash := secret.Hash(code)
	var link store.Link
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		link, err = tx.AnyLink(hash[:], purposeFlow)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !time.Now().Before(link.Expires):
		return nil, headykey.ErrFlowExpired
	case !answers(verifier, link.Challenge):
		return nil, headykey.ErrBadVerifier
	}
	fresh := prepare(from, AppSurface, link.Method)
	var o opening
	var user *headykey.User
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		o = *fresh
		link, err := tx.TakeLink(hash[:], purposeFlow)
		if err != nil {
			return err
		}
		if user, err = tx.User(link.User); err != nil {
			return err
		}
		if err := s.mayEnter(user); err != nil {
			return err
		}
		return s.begin(ctx, tx, &o, user)
	})
	if err != nil {
		return nil, err
	}
	return s.grant(ctx, &o, user)
}

// answers reports whether verifier fits METHOD:CHALLENGE.
func answers(verifier, challenge string) bool {
	method, want, _ := strings.Cut(challenge, ":")
	got := verifier
	if method == challengeS256 {
		sum := sha256.Sum256([]byte(verifier))
		got = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return want != "" && secret.Equal([]byte(got), []byte(want))
}

const (
	challengeS256  = "s256"
	challengePlain = "plain"
	challengeChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)

// ParseChallenge returns an Asking's challenge: method is s256 or plain in any case,
// challenge 43 to 128 of the unreserved characters (RFC 7636 §4.2). Two empty texts
// are none. It fails with headykey.ErrInvalid about "code_challenge".
func ParseChallenge(challenge, method string) (string, error) {
	if challenge == "" && method == "" {
		return "", nil
	}
	fault := headykey.ErrInvalid.Saying("A code_challenge has 43 to 128 unreserved characters, and goes with a code_challenge_method of s256 or plain.").About("code_challenge")
	method = strings.ToLower(method)
	if method != challengeS256 && method != challengePlain || len(challenge) < 43 || len(challenge) > 128 ||
		strings.Trim(challenge, challengeChars) != "" {
		return "", fault
	}
	return method + ":" + challenge, nil
}
