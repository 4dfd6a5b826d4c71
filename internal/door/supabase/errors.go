package supabase

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/web"
)

// A failure is one as this API spells it.
type failure struct {
	status  int
	code    string
	text    string
	reasons []string // of a weak password
	after   time.Duration
	oauth   bool // spelled as RFC 6749 does, whatever the version
}

// Error returns the code and the text.
func (f *failure) Error() string { return f.code + ": " + f.text }

// saying returns a copy of f with another text.
func (f *failure) saying(text string) *failure {
	c := *f
	c.text = text
	return &c
}

// with returns a copy of f with another status.
func (f *failure) with(status int) *failure {
	c := *f
	c.status = status
	return &c
}

// The failures that handlers tell by themselves.
var (
	errNoAuthorization = &failure{status: 401, code: "no_authorization", text: "This endpoint requires a valid Bearer token"}
	errBadJWT          = &failure{status: 403, code: "bad_jwt", text: "This token is not valid."}
	errNotAdmin        = &failure{status: 403, code: "not_admin", text: "User not allowed"}
	errValidation      = &failure{status: 400, code: "validation_failed", text: "A value in the request is not usable."}
	errAudience        = errValidation.saying("Accounts are made for the audience authenticated here.")
	errNoPassword      = &failure{status: 422, code: "weak_password", text: "A password needs at least 8 characters.", reasons: []string{"length"}}
	errUserNotFound    = &failure{status: 404, code: "user_not_found", text: "User not found"}
	errEmailDisabled   = &failure{status: 400, code: "email_provider_disabled", text: "Passwords are not taken here. Sign in by a code, or by OAuth."}
	errPhoneDisabled   = &failure{status: 400, code: "phone_provider_disabled", text: "Phone sign-in is not offered here."}
	errCredentials     = &failure{status: 400, code: "invalid_credentials", text: "Invalid login credentials"}
)

// spellings are the failures of the core, by code.
var spellings = map[string]failure{
	headykey.ErrInternal.Code:              {status: 500, code: "unexpected_failure"},
	headykey.ErrUnavailable.Code:           {status: 503, code: "unexpected_failure"},
	headykey.ErrStorageFull.Code:           {status: 503, code: "unexpected_failure"},
	headykey.ErrBusy.Code:                  {status: 429, code: "over_request_rate_limit"},
	headykey.ErrInvalid.Code:               {status: 400, code: "validation_failed"},
	headykey.ErrInvalidJSON.Code:           {status: 400, code: "bad_json"},
	headykey.ErrMissingField.Code:          {status: 400, code: "validation_failed"},
	headykey.ErrInvalidEmail.Code:          {status: 400, code: "validation_failed", text: "Unable to validate email address: invalid format"},
	headykey.ErrWeakPassword.Code:          {status: 422, code: "weak_password"},
	headykey.ErrPasswordTooLong.Code:       {status: 400, code: "validation_failed"},
	headykey.ErrBadCredentials.Code:        *errCredentials,
	headykey.ErrNotSignedIn.Code:           *errNoAuthorization,
	headykey.ErrUserGone.Code:              {status: 403, code: "user_not_found"},
	headykey.ErrSessionGone.Code:           {status: 403, code: "session_not_found"},
	headykey.ErrRefreshTokenReused.Code:    {status: 400, code: "refresh_token_already_used", text: "Invalid Refresh Token: Already Used"},
	headykey.ErrEmailNotConfirmed.Code:     {status: 400, code: "email_not_confirmed", text: "Email not confirmed"},
	headykey.ErrAccountDisabled.Code:       {status: 400, code: "user_banned", text: "User is banned"},
	headykey.ErrSignUpClosed.Code:          {status: 422, code: "signup_disabled", text: "Signups not allowed for this instance"},
	headykey.ErrEmailTaken.Code:            {status: 422, code: "email_exists", text: "A user with this email address has already been registered"},
	headykey.ErrPhoneTaken.Code:            {status: 422, code: "phone_exists", text: "Phone number already registered by another user"},
	headykey.ErrFlowExpired.Code:           {status: 422, code: "flow_state_expired"},
	headykey.ErrBadVerifier.Code:           {status: 400, code: "bad_code_verifier"},
	headykey.ErrSpentProof.Code:            {status: 403, code: "otp_expired", text: "Token has expired or is invalid"},
	headykey.ErrSamePassword.Code:          {status: 422, code: "same_password", text: "New password should be different from the old password."},
	headykey.ErrNeedsCode.Code:             {status: 400, code: "reauthentication_needed", text: "Password update requires reauthentication"},
	headykey.ErrBadCode.Code:               {status: 422, code: "reauthentication_not_valid", text: "Nonce has expired or is invalid"},
	headykey.ErrNeedsPassword.Code:         {status: 400, code: "current_password_required"},
	headykey.ErrBadPassword.Code:           {status: 400, code: "current_password_invalid"},
	headykey.ErrFixedType.Code:             {status: 422, code: "validation_failed"},
	headykey.ErrMailTooOften.Code:          {status: 429, code: "over_email_send_rate_limit"},
	headykey.ErrRateLimited.Code:           {status: 429, code: "over_request_rate_limit"},
	headykey.ErrCaptcha.Code:               {status: 400, code: "captcha_failed"},
	headykey.ErrConflict.Code:              {status: 409, code: "conflict"},
	headykey.ErrLastAdmin.Code:             {status: 409, code: "conflict"},
	headykey.ErrUnknownChain.Code:          {status: 400, code: "web3_unsupported_chain", text: "Unsupported chain"},
	headykey.ErrBadWallet.Code:             {status: 400, code: "invalid_grant", oauth: true},
	headykey.ErrUnknownProvider.Code:       {status: 400, code: "provider_disabled"},
	headykey.ErrBadIdentityToken.Code:      {status: 400, code: "invalid request", text: "Bad ID token", oauth: true},
	headykey.ErrBadIdentityNonce.Code:      {status: 400, code: "invalid nonce", text: "Nonces mismatch", oauth: true},
	headykey.ErrEmailUnproven.Code:         {status: 422, code: "provider_email_needs_verification"},
	headykey.ErrIdentityTaken.Code:         {status: 422, code: "identity_already_exists"},
	headykey.ErrLastIdentity.Code:          {status: 422, code: "single_identity_not_deletable"},
	headykey.ErrTooManyProviders.Code:      {status: 400, code: "over_custom_provider_quota"},
	headykey.ErrHookTimeout.Code:           {status: 422, code: "hook_timeout"},
	headykey.ErrHookTimeoutAfterRetry.Code: {status: 422, code: "hook_timeout_after_retry"},
	headykey.ErrHookTooLarge.Code:          {status: 422, code: "hook_payload_over_size_limit"},
	headykey.ErrHookContentType.Code:       {status: 400, code: "hook_payload_invalid_content_type"},
	web.ErrBodyTooLarge.Code:               {status: 413, code: "request_entity_too_large"},
}

// explain returns how this API spells err.
func explain(ctx context.Context, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if refusal, ok := errors.AsType[*hook.Refusal](err); ok {
		return &failure{status: refusal.Status, code: "unknown", text: refusal.Message}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &failure{status: http.StatusGatewayTimeout, code: "request_timeout", text: "Processing this request timed out, please retry after a moment."}
	}
	e := web.Explain(ctx, err)
	f, ok := spellings[e.Code]
	if !ok {
		f = failure{status: web.StatusOf(e), code: "unknown"}
	}
	if f.text == "" || e.Is(headykey.ErrBadCredentials) && e.Text != headykey.ErrBadCredentials.Text { // the words of a hook
		f.text = e.Text
	}
	if why, ok := errors.AsType[*secret.WeakPassword](err); ok && f.code == "weak_password" {
		f.reasons = spellWeak(why.Reasons)
	}
	f.after = e.After
	return &f
}

// inBearer spells what is wrong with the token of a call.
func inBearer(err error) error {
	e := headykey.Explain(err)
	switch {
	case err == nil:
		return nil
	case e.Is(headykey.ErrInvalidToken):
		return errBadJWT.saying("invalid JWT: unable to parse or verify signature")
	case e.Is(headykey.ErrTokenExpired):
		return errBadJWT.saying("invalid JWT: token has expired")
	case e.Is(headykey.ErrAccountDisabled):
		return &failure{status: 403, code: "user_banned", text: "User is banned"}
	}
	return err
}

// inRefresh spells what is wrong with a refresh token.
func inRefresh(err error) error {
	e := headykey.Explain(err)
	switch {
	case err == nil:
		return nil
	case e.Is(headykey.ErrInvalidToken):
		return &failure{status: 400, code: "refresh_token_not_found", text: "Invalid Refresh Token: Refresh Token Not Found"}
	case e.Is(headykey.ErrTokenExpired):
		return &failure{status: 400, code: "session_expired", text: "Invalid Refresh Token: Session Expired (Inactivity)"}
	}
	return err
}

// spellWeak returns the reasons against a password in the words of this API.
func spellWeak(reasons []secret.Weakness) []string {
	var words []string
	for _, r := range reasons {
		if !slices.Contains(words, weak[r]) {
			words = append(words, weak[r])
		}
	}
	return words
}

// weak are the words of this API for what may be wrong with a password.
var weak = map[secret.Weakness]string{
	secret.TooShort: "length", secret.TooLong: "length", secret.TooCommon: "pwned",
	secret.TooPersonal: "characters", secret.NotText: "characters",
}

const (
	versionHeader = "X-Supabase-Api-Version"
	firstVersion  = "2024-01-01" // whose codes are words
)

// speaksWords reports whether the client knows codes that are words.
func speaksWords(r *http.Request) bool {
	asked, err := time.Parse(time.DateOnly, r.Header.Get(versionHeader))
	first, _ := time.Parse(time.DateOnly, firstVersion) // well-formed
	return err == nil && !asked.Before(first)
}

type weakReply struct {
	Reasons []string `json:"reasons"`
}

// wordFailure is a failure for clients of today, numberFailure for those before them.
type wordFailure struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Weak    *weakReply `json:"weak_password,omitempty"`
}

type numberFailure struct {
	Code    int        `json:"code"`
	Word    string     `json:"error_code"`
	Message string     `json:"msg"`
	ID      string     `json:"error_id,omitempty"`
	Weak    *weakReply `json:"weak_password,omitempty"`
}

type oauthFailure struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// fail spells a failure as the client's version wants it.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := explain(r.Context(), err)
	h := w.Header()
	web.SetRetryAfter(h, f.after)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Sb-Error-Code", f.code)
	var reasons *weakReply
	if len(f.reasons) > 0 {
		reasons = &weakReply{f.reasons}
	}
	switch {
	case f.oauth:
		web.Reply(w, http.StatusBadRequest, oauthFailure{f.code, f.text})
	case speaksWords(r):
		h.Set(versionHeader, firstVersion)
		web.Reply(w, f.status, wordFailure{f.code, f.text, reasons})
	default:
		out := numberFailure{Code: f.status, Word: f.code, Message: f.text, Weak: reasons}
		if f.status >= http.StatusInternalServerError {
			out.ID = headykey.RequestID(r.Context())
		}
		web.Reply(w, f.status, out)
	}
}
