package auth

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/upstream"
)

// An IDToken is what an app got from a provider of identity about a person.
type IDToken struct {
	Text     string
	Access   string // the access token that came with it; may be empty
	Nonce    string // whose hash the app sent; may be empty
	Provider string // whose it is; "": Issuer and ClientID say
	Issuer   string
	ClientID string
	App      Asking // where a letter leads, if one must be sent
	From     headykey.From
}

// SignInFederated signs a person in by an ID token. Provider and subject are who they
// are: an address links them to an account only if the provider vouches for it and
// the account's owner has confirmed it.
//
// It fails with headykey.ErrUnknownProvider, ErrBadIdentityToken, ErrBadIdentityNonce,
// ErrUnavailable if the provider's keys cannot be had, ErrSignUpClosed, ErrEmailUnproven,
// ErrAccountDisabled and ErrEmailNotConfirmed. The receipts are "session.started", and
// "account.created", "identity.linked" and "email.confirmed" as it may be; the owner of
// an account that was linked is told by a letter.
func (s *Service) SignInFederated(ctx context.Context, in IDToken) (*Grant, error) {
	f, err := s.readIDToken(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.welcome(ctx, f, nil)
}

// LinkFederated makes the caller's account known by the identity of an ID token, too,
// and begins a session by it. An account without an address gets the one that the
// provider vouches for. It fails as SignInFederated does, and with
// headykey.ErrNotSignedIn and ErrIdentityTaken. The receipt is "identity.linked".
func (s *Service) LinkFederated(ctx context.Context, by headykey.Caller, in IDToken) (*Grant, error) {
	if by.Session == "" {
		return nil, headykey.ErrNotSignedIn
	}
	f, err := s.readIDToken(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.admitForeigner(ctx, f, func(tx *store.Tx) (*headykey.Account, error) {
		a, err := tx.Account(by.User)
		if err != nil {
			return nil, err
		}
		return a, s.join(ctx, tx, a, f)
	})
}

// join links f to a, at its owner's wish.
func (s *Service) join(ctx context.Context, tx *store.Tx, a *headykey.Account, f *foreigner) error {
	if identityOf(a, f) != nil {
		return headykey.ErrIdentityTaken
	}
	if a.Email == "" {
		if err := s.adopt(ctx, tx, a, f); err != nil {
			return err
		}
	}
	if a.Anonymous { // it can be entered again now
		a.Anonymous = false
		if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
			return err
		}
	}
	return s.link(ctx, tx, a, f)
}

// readIDToken returns whom a token is about.
func (s *Service) readIDToken(ctx context.Context, in IDToken) (*foreigner, error) {
	issuers, err := s.issuers(ctx, in)
	if err != nil {
		return nil, err
	}
	var who *upstream.Identity
	err = headykey.ErrUnknownProvider.About("provider")
	for _, i := range issuers {
		who, err = s.Upstream.Verify(ctx, i, in.Text, in.Nonce, in.Access)
		if !errors.Is(err, upstream.ErrToken) {
			break
		}
	}
	if err != nil {
		return nil, s.explainIDToken(ctx, err)
	}
	claims := map[string]any{"email_verified": false}
	maps.Copy(claims, who.Claims)
	claims["provider_id"], claims["phone_verified"] = who.Subject, false
	if who.Name != "" {
		claims["full_name"] = who.Name
	}
	if who.Picture != "" {
		claims["avatar_url"] = who.Picture
	}
	data, err := foreignData(claims)
	return &foreigner{
		provider: who.Provider, subject: who.Subject, email: who.Email, verified: who.EmailVerified, name: who.Name, data: data,
		method: headykey.ByOAuth, app: in.App, from: in.From,
	}, err
}

// explainIDToken says what a caller may know of why a token was refused. Operators
// find the rest in the log.
func (s *Service) explainIDToken(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, upstream.ErrNonce):
		return headykey.ErrBadIdentityNonce
	case errors.Is(err, upstream.ErrToken):
		s.Log.InfoContext(ctx, "an ID token was refused", slog.String("requestId", headykey.RequestID(ctx)), slog.String("error", err.Error()))
		return headykey.ErrBadIdentityToken
	case errors.Is(err, upstream.ErrUnreachable):
		s.Log.WarnContext(ctx, "an ID token cannot be checked", slog.String("requestId", headykey.RequestID(ctx)), slog.String("error", err.Error()))
		return headykey.ErrUnavailable.Saying("The keys of this provider cannot be had right now. Try again in a moment.")
	}
	return err
}

// issuers returns whose token in may be: those of the configuration first, then what
// operators described over the network. Nothing of the token itself is asked.
func (s *Service) issuers(ctx context.Context, in IDToken) ([]upstream.Issuer, error) {
	var found []upstream.Issuer
	for _, i := range s.config.Apps.Issuers {
		switch {
		case in.Provider != "" && i.Provider == in.Provider:
			found = append(found, i)
		case in.Provider == "" && i.Issuer == in.Issuer && slices.Contains(i.ClientIDs, in.ClientID):
			i.ClientIDs = []string{in.ClientID}
			found = append(found, i)
		}
	}
	if len(found) > 0 || !strings.HasPrefix(in.Provider, customPrefix) {
		return found, nil
	}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		p, err := tx.CustomProvider(in.Provider)
		if err != nil || !p.Enabled || p.Kind != headykey.OpenIDProvider {
			return ignoreMissing(err)
		}
		found = []upstream.Issuer{upstream.OfCustom(p)}
		return nil
	})
	return found, err
}

// customPrefix begins the names of providers that operators described.
const customPrefix = "custom:"
