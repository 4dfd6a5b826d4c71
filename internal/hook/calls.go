package hook

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

// required are the claims that a token keeps, whatever the hook does with them.
var required = [...]string{
	"aud", "exp", "iat", "sub", "email", "phone", "role", "aal", "session_id", "is_anonymous",
}

// CustomAccessToken returns the claims of an access token as the hook wants them, or
// as they are. Method is how the person signed in. Of what comes back it is known
// that it is an object with every claim that a token must have; not that their values
// are good. It fails as every hook does: with a *Refusal, with ErrHookTimeout,
// ErrHookTimeoutAfterRetry, ErrHookTooLarge or ErrHookContentType, or internally.
func (h *Hooks) CustomAccessToken(ctx context.Context, from headykey.From, user headykey.ID, claims jsontext.Value, method string) (jsontext.Value, error) {
	in := fields{"user_id": user, "claims": claims, "authentication_method": method}
	err := h.ask(ctx, CustomAccessToken, from, in, func(answer []byte) error {
		var out struct {
			Claims jsontext.Value `json:"claims"`
		}
		if err := parse(answer, &out); err != nil {
			return err
		}
		claims = out.Claims
		return keepsRequired(claims)
	})
	if err != nil {
		return nil, err
	}
	return claims, nil
}

func keepsRequired(claims jsontext.Value) error {
	var all map[string]jsontext.Value
	if err := parse(claims, &all); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	for _, name := range required {
		if v, ok := all[name]; !ok || v.Kind() == 'n' {
			return fmt.Errorf("claims: %s is required and missing", name)
		}
	}
	return nil
}

// EmailData is what a letter is made of, in its wire spelling; what a kind of letter
// does not have is empty. When a change of address is confirmed at both, Token and
// TokenHashNew belong to the present address, TokenNew and TokenHash to the new one.
type EmailData struct {
	Token           string `json:"token"`
	TokenHash       string `json:"token_hash"`
	RedirectTo      string `json:"redirect_to"`
	EmailActionType string `json:"email_action_type"`
	SiteURL         string `json:"site_url"`
	TokenNew        string `json:"token_new"`
	TokenHashNew    string `json:"token_hash_new"`
	OldEmail        string `json:"old_email"`
	OldPhone        string `json:"old_phone"`
	Provider        string `json:"provider"`
	FactorType      string `json:"factor_type"`
}

// SendEmail has the hook send a letter to user, and reports whether it took it; if
// not, there is no such hook and the letter goes its usual way. It fails as every
// hook does: see [Hooks.CustomAccessToken].
func (h *Hooks) SendEmail(ctx context.Context, from headykey.From, user jsontext.Value, letter EmailData) (taken bool, err error) {
	err = h.ask(ctx, SendEmail, from, fields{"user": user, "email_data": letter}, nil)
	return err == nil && h.Wants(SendEmail), err
}

// A Verdict is what a hook says of an attempt. The zero Verdict lets it go on.
type Verdict struct {
	Reject  bool
	Message string // of a rejection: one line for a human
	SignOut bool   // of a rejection: end every session of the person
}

// PasswordVerificationAttempt tells the hook that a password was tried, and whether
// it was right, and returns what follows: a right one may be rejected, a wrong one
// not accepted. It fails as every hook does: see [Hooks.CustomAccessToken].
func (h *Hooks) PasswordVerificationAttempt(ctx context.Context, from headykey.From, user headykey.ID, valid bool) (Verdict, error) {
	return h.judge(ctx, PasswordVerificationAttempt, from, fields{"user_id": user, "valid": valid})
}

// judge asks a hook that decides.
func (h *Hooks) judge(ctx context.Context, name Name, from headykey.From, in fields) (Verdict, error) {
	start := time.Now()
	var v Verdict
	err := h.ask(ctx, name, from, in, func(answer []byte) (err error) {
		v, err = verdict(answer)
		return err
	})
	if v.Reject {
		h.warn(ctx, name, start, "a hook rejected an attempt")
	}
	return v, err
}

// verdict reads a decision; none is to go on, one that we do not know is no yes.
func verdict(answer []byte) (Verdict, error) {
	var out struct {
		Decision string `json:"decision"`
		Message  string `json:"message"`
		SignOut  bool   `json:"should_logout_user"`
	}
	if err := parse(answer, &out); err != nil {
		return Verdict{}, err
	}
	switch out.Decision {
	case "", "continue":
		return Verdict{}, nil
	case "reject":
		return Verdict{Reject: true, Message: shown(out.Message, headykey.ErrHookRefused.Text), SignOut: out.SignOut}, nil
	}
	return Verdict{}, fmt.Errorf("%w: its decision is neither continue nor reject", errAnswer)
}

// BeforeUserCreated asks the hook whether an account may be made. Any error stops it,
// a *Refusal with the hook's own words: see [Hooks.CustomAccessToken].
func (h *Hooks) BeforeUserCreated(ctx context.Context, from headykey.From, user jsontext.Value) error {
	return h.ask(ctx, BeforeUserCreated, from, fields{"user": user}, nil)
}

// AfterUserCreated tells the hook of an account that was made. What it answers
// changes nothing; what goes wrong is in the log.
func (h *Hooks) AfterUserCreated(ctx context.Context, from headykey.From, user jsontext.Value) {
	_ = h.ask(ctx, AfterUserCreated, from, fields{"user": user}, nil)
}
