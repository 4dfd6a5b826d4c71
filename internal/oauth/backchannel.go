package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/store"
)

// LogoutKind is the kind of parcel that [Service.DeliverLogout] carries.
const LogoutKind = "logout"

const (
	logoutTokenType = "logout+jwt"    // OpenID Connect Back-Channel Logout 1.0 §2.4
	logoutTokenLife = 2 * time.Minute // the most that §2.4 recommends
	logoutEvent     = "http://schemas.openid.net/event/backchannel-logout"
)

// A logoutParcel is what a client is to be told.
type logoutParcel struct {
	Client  headykey.ID `json:"client"`
	Subject string      `json:"sub"` // the person, as this client knows them
	Session headykey.ID `json:"sid"`
}

// SessionsEnded promises in tx to tell every client that user allowed something in
// one of sessions, also for as long as that lives on without it, that the session
// has ended (OpenID Connect Back-Channel Logout 1.0 §2.5, §2.7).
func (s *Service) SessionsEnded(_ context.Context, tx *store.Tx, user headykey.ID, sessions []headykey.ID) error {
	for _, session := range sessions {
		all, err := sessionClients(tx, user, session)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.Details.BackLogoutURI == "" {
				continue
			}
			if err := s.Outbox.Post(tx, LogoutKind, logoutParcel{c.ID, s.Subject(c, user), session}); err != nil {
				return err
			}
		}
	}
	return nil
}

// DeliverLogout tells one client: it is the outbox's sender of LogoutKind. What the
// client refuses, also by a redirect, is refused for good (outbox.ErrPermanent);
// one that is in trouble or not there is asked again later.
func (s *Service) DeliverLogout(ctx context.Context, payload []byte) error {
	var p logoutParcel
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("%w: a logout that cannot be read: %w", outbox.ErrPermanent, err)
	}
	c, err := s.client(ctx, p.Client)
	if isMissing(err) || err == nil && c.Details.BackLogoutURI == "" {
		return nil // nobody wants to know any more
	}
	if err != nil {
		return err
	}
	text, err := s.logoutToken(ctx, c, p)
	if err != nil {
		return err
	}
	form := url.Values{"logout_token": {text}}
	status, err := s.Fetch.Post(ctx, c.Details.BackLogoutURI, "application/x-www-form-urlencoded", []byte(form.Encode()), nil)
	switch {
	case errors.Is(err, fetch.ErrRefused):
		return fmt.Errorf("%w: %w", outbox.ErrPermanent, err)
	case err != nil:
		return err
	case status >= 500:
		return fmt.Errorf("the client answered %d", status)
	case status >= 300:
		return fmt.Errorf("%w: the client answered %d", outbox.ErrPermanent, status)
	}
	return nil
}

// logoutToken makes a logout token (§2.4), signed and encrypted as c's ID tokens are.
// It is made anew for each try, for it does not live long.
func (s *Service) logoutToken(ctx context.Context, c *headykey.Client, p logoutParcel) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": s.Issuer(), "aud": string(c.ID), "sub": p.Subject, "sid": p.Session, "jti": headykey.NewID(),
		"iat": now.Unix(), "exp": now.Add(logoutTokenLife).Unix(), "events": map[string]any{logoutEvent: struct{}{}},
	}, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("logout token: %w", err)
	}
	signed, err := s.Tokens.Sign(ctx, idTokenAlg(c), logoutTokenType, claims)
	if err != nil {
		return "", err
	}
	return s.encrypt(ctx, c, signed, "JWT", c.Details.IDTokenKeyAlg, c.Details.IDTokenEnc)
}
