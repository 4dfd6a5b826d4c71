package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

const (
	maxClaims  = 8 << 10         // bytes of a session token's claims that a hook may make
	maxTelling = 34              // hooks that are told of new accounts at once
	tellLimit  = 8 * time.Second // the look-up, and what a hook may take
)

// errUnasked is a way to make an account that forgot to ask.
var errUnasked = errors.New("auth: no hook was asked whether this account may be made")

// mayBegin asks the operator's hook whether somebody may have the account of d. Every
// way to an account of one's own comes by here, before its transaction: insertAccount
// takes no other. Where there is a hook it is asked whether or not the address is
// taken, so that nobody learns that from it.
func (s *Service) mayBegin(ctx context.Context, d *draft, from headykey.From) error {
	if s.Hooks.Wants(hook.BeforeUserCreated) {
		user, err := s.spellDraft(d)
		if err != nil {
			return err
		}
		if err := s.Hooks.BeforeUserCreated(ctx, from, user); err != nil {
			return err
		}
	}
	d.asked = true
	return nil
}

// spellDraft returns d as apps would know it: it says who vouches for it, and has no
// identities yet.
func (s *Service) spellDraft(d *draft) (jsontext.Value, error) {
	a := *d.account
	a.Created, a.Identities = now(), nil
	a.Updated = a.Created
	provider := ""
	switch {
	case d.foreigner != nil:
		provider = d.foreigner.provider
	case a.Email != "":
		provider = headykey.ByEmail
	}
	if provider != "" {
		by, err := json.Marshal(map[string]any{"provider": provider, "providers": []string{provider}}, json.Deterministic(true))
		if err != nil {
			return nil, fmt.Errorf("new account for a hook: %w", err)
		}
		if a.Profile.AppData, err = headykey.MergeData(a.Profile.AppData, by); err != nil {
			return nil, err
		}
	}
	user, err := s.Spell(&a)
	if err != nil {
		return nil, fmt.Errorf("new account for a hook: %w", err)
	}
	return user, nil
}

// toldLater has the hook told of a new account once it is durable, behind the answer.
func (s *Service) toldLater(ctx context.Context, tx *store.Tx, user headykey.ID, from headykey.From) {
	if !s.Hooks.Wants(hook.AfterUserCreated) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	tx.AfterCommit(func() {
		select {
		case s.telling <- struct{}{}:
			s.told.Go(func() {
				defer func() { <-s.telling }()
				s.tell(ctx, user, from)
			})
		default:
			s.Log.Warn("a hook was not told of a new account: too many calls are under way",
				slog.String("requestId", headykey.RequestID(ctx)), slog.String("hook", string(hook.AfterUserCreated)))
		}
	})
}

// tell tells the hook of a new account as it is in the store.
func (s *Service) tell(ctx context.Context, user headykey.ID, from headykey.From) {
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	account, err := s.Account(ctx, user)
	if errors.Is(err, headykey.ErrNotFound) {
		return // gone already
	}
	var text jsontext.Value
	if err == nil {
		text, err = s.Spell(account)
	}
	if err != nil {
		s.Log.Warn("a hook was not told of a new account", slog.String("requestId", headykey.RequestID(ctx)),
			slog.String("hook", string(hook.AfterUserCreated)), slog.String("error", err.Error()))
		return
	}
	s.Hooks.AfterUserCreated(ctx, from, text)
}

// Close returns when every hook that was to be told something has been, within eight
// seconds. No account may be made any more.
func (s *Service) Close() { s.told.Wait() }

// customise has the hook change what the next token of h's session says, and returns
// the claims with their life. The session is durable by then. A hook is the
// operator's, but a mistaken one must not make a token of somebody else, or one that
// this server does not read.
func (s *Service) customise(ctx context.Context, from headykey.From, h *headykey.Holder, claims []byte, method string) ([]byte, time.Duration, error) {
	if !s.Hooks.Wants(hook.CustomAccessToken) {
		return claims, s.Tokens.Life(), nil
	}
	changed, err := s.Hooks.CustomAccessToken(ctx, from, h.User, claims, method)
	if err != nil {
		return nil, 0, err
	}
	if err := changed.Compact(); err != nil {
		return nil, 0, fmt.Errorf("hook %s: %w", hook.CustomAccessToken, err)
	}
	if len(changed) > max(maxClaims, len(claims)) {
		s.Log.Warn("a hook made too large a token", slog.String("requestId", headykey.RequestID(ctx)),
			slog.String("hook", string(hook.CustomAccessToken)), slog.Int("bytes", len(changed)))
		return nil, 0, headykey.ErrHookTooLarge
	}
	sooner, err := token.CheckChanged(claims, changed)
	if err != nil {
		return nil, 0, fmt.Errorf("hook %s: %w", hook.CustomAccessToken, err)
	}
	return changed, s.Tokens.Life() - sooner, nil
}

// refreshed is how a session goes on, in the words that hooks know.
const refreshed = "token_refresh"

// judgePassword asks the hook what follows from a password that was tried for user. It
// fails with headykey.ErrBadCredentials in the hook's words; whether the sessions of
// user end is the hook's to say, too.
func (s *Service) judgePassword(ctx context.Context, from headykey.From, user headykey.ID, right bool) error {
	v, err := s.Hooks.PasswordVerificationAttempt(ctx, from, user, right)
	if err != nil || !v.Reject {
		return err
	}
	if v.SignOut {
		err := s.DB.Update(ctx, func(tx *store.Tx) error { return s.EndAll(ctx, tx, headykey.System, user, "hook") })
		if err != nil {
			return err
		}
	}
	return headykey.ErrBadCredentials.Saying(v.Message)
}
