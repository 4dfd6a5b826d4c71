package headykey

import "time"

// The failures of the core. Codes are part of the public API: add, never rename.
var (
	ErrInternal    = &Error{Kind: Internal, Code: "internal", Text: "Something went wrong on our side. Try again; if it goes on, tell us the request id."}
	ErrUnavailable = &Error{Kind: Unavailable, Code: "unavailable", Text: "The server cannot do this right now. Try again in a moment.", After: time.Second}
	ErrStorageFull = &Error{Kind: Unavailable, Code: "storage_full", Text: "The server has no room left to save this. Reading still works; try again later.", After: 13 * time.Second}
	ErrBusy        = &Error{Kind: Unavailable, Code: "busy", Text: "Too many people are signing in at once. Try again in a moment.", After: 2 * time.Second}

	ErrInvalid         = &Error{Kind: Invalid, Code: "invalid_value", Text: "A value in the request is not usable."}
	ErrInvalidJSON     = &Error{Kind: Invalid, Code: "invalid_json", Text: "The body is not one valid JSON object."}
	ErrMissingField    = &Error{Kind: Invalid, Code: "missing_field", Text: "A required field is missing."}
	ErrInvalidEmail    = &Error{Kind: Invalid, Code: "invalid_email", Text: "This does not look like an e-mail address."}
	ErrWeakPassword    = &Error{Kind: Invalid, Code: "weak_password", Text: "This password is too easy to guess. Choose a longer or less common one."}
	ErrPasswordTooLong = &Error{Kind: Invalid, Code: "password_too_long", Text: "A password may have at most 1024 characters."}
	ErrInvalidCursor   = &Error{Kind: Invalid, Code: "invalid_cursor", Text: "This page mark is not one of ours. Begin again without a cursor."}
	ErrCaptcha         = &Error{Kind: Invalid, Code: "captcha_failed", Text: "The check that you are a person did not succeed. Try it again."}

	ErrBadCredentials     = &Error{Kind: Unproven, Code: "invalid_credentials", Text: "The email or password is not right."}
	ErrNotSignedIn        = &Error{Kind: Unproven, Code: "authentication_required", Text: "Sign in, or send an access token or an API key."}
	ErrInvalidToken       = &Error{Kind: Unproven, Code: "invalid_token", Text: "This token is not valid. Sign in again."}
	ErrTokenExpired       = &Error{Kind: Unproven, Code: "token_expired", Text: "This token has expired. Refresh it, or sign in again."}
	ErrInvalidAPIKey      = &Error{Kind: Unproven, Code: "invalid_api_key", Text: "This API key is not valid."}
	ErrAPIKeyExpired      = &Error{Kind: Unproven, Code: "api_key_expired", Text: "This API key has expired. Create a new one."}
	ErrRefreshTokenReused = &Error{Kind: Unproven, Code: "refresh_token_reused", Text: "This refresh token was used before, so its session has been ended for safety. Sign in again."}
	ErrNeedsRecentSignIn  = &Error{Kind: Unproven, Code: "recent_sign_in_required", Text: "Send your password, or sign in again first: this needs a fresh proof that it is you."}

	// Of sessions of apps, which forget a session only if they are told that it is gone.
	ErrUserGone    = &Error{Kind: Forbidden, Code: "user_gone", Text: "The account of this token does not exist any more."}
	ErrSessionGone = &Error{Kind: Forbidden, Code: "session_gone", Text: "The session of this token has ended. Sign in again."}

	ErrInsufficientRole  = &Error{Kind: Forbidden, Code: "insufficient_role", Text: "Your role does not allow this."}
	ErrInsufficientScope = &Error{Kind: Forbidden, Code: "insufficient_scope", Text: "This API key was not given the scope for this."}
	ErrRoleEscalation    = &Error{Kind: Forbidden, Code: "role_escalation", Text: "You cannot give a role higher than your own."}
	ErrEmailNotConfirmed = &Error{Kind: Forbidden, Code: "email_not_confirmed", Text: "Confirm your email address first: open the link we sent you."}
	ErrAccountDisabled   = &Error{Kind: Forbidden, Code: "account_disabled", Text: "This account is disabled. Ask an administrator."}
	ErrCSRF              = &Error{Kind: Forbidden, Code: "csrf", Text: "This request did not come from our own pages, so the session cookie alone is not enough."}
	ErrOriginNotAllowed  = &Error{Kind: Forbidden, Code: "origin_not_allowed", Text: "This origin is not on the server's list."}
	ErrSignUpClosed      = &Error{Kind: Forbidden, Code: "signup_closed", Text: "Accounts are made by invitation here. Ask an administrator."}
	ErrFeatureOff        = &Error{Kind: Forbidden, Code: "feature_off", Text: "This server does not offer that."}
	ErrLastAdmin         = &Error{Kind: Conflict, Code: "last_admin", Text: "This is the last administrator. Make another one first."}

	ErrBadClient       = &Error{Kind: Unproven, Code: "bad_client", Text: "This client is unknown, disabled, or did not prove itself by its registered method."}
	ErrUnknownGrant    = &Error{Kind: Invalid, Code: "unknown_grant", Text: "This server does not have this grant type."}
	ErrGrantNotAllowed = &Error{Kind: Invalid, Code: "grant_not_allowed", Text: "This client is not registered for this grant type."}
	ErrScopeNotAllowed = &Error{Kind: Invalid, Code: "scope_not_allowed", Text: "A scope is malformed, or this client is not registered for it."}
	ErrBadResource     = &Error{Kind: Invalid, Code: "bad_resource", Text: "A resource is not one that this client is registered for."}
	ErrFlowExpired     = &Error{Kind: Invalid, Code: "flow_expired", Text: "This code has run out. Begin again."}
	ErrBadVerifier     = &Error{Kind: Invalid, Code: "bad_verifier", Text: "The code verifier does not fit the challenge that the code was asked with."}
	ErrSpentProof      = &Error{Kind: Forbidden, Code: "proof_spent", Text: "This link or code is wrong, was used before, or has run out. Ask for a new one."}
	ErrSamePassword    = &Error{Kind: Invalid, Code: "same_password", Text: "The new password is the one that you have."}
	ErrNeedsCode       = &Error{Kind: Invalid, Code: "code_required", Text: "Send the code of the letter too: this needs a fresh proof that it is you."}
	ErrBadCode         = &Error{Kind: Invalid, Code: "bad_code", Text: "This code is wrong, or has run out. Ask for a new one."}
	ErrNeedsPassword   = &Error{Kind: Invalid, Code: "password_required", Text: "Send your present password, too."}
	ErrBadPassword     = &Error{Kind: Invalid, Code: "bad_password", Text: "The present password is not right."}
	ErrMailTooOften    = &Error{Kind: TooMany, Code: "mail_too_often", Text: "A letter to this address left a moment ago. Wait a little before you ask for another."}
	ErrFixedType       = &Error{Kind: Invalid, Code: "identity_type_fixed", Text: "What an account is, a person or an agent, is said when it is made and never changes."}
	ErrGrantSpent      = &Error{Kind: Invalid, Code: "grant_spent", Text: "This code or token is unknown, spent, expired, or was given to another client."}
	ErrForeignToken    = &Error{Kind: Invalid, Code: "foreign_token", Text: "This token was issued to another client."}

	ErrBadRedirect         = &Error{Kind: Invalid, Code: "bad_redirect_uri", Text: "The redirect_uri is not one that this client is registered with."}
	ErrBadAuthorization    = &Error{Kind: Invalid, Code: "bad_authorization_request", Text: "The authorization request is not usable."}
	ErrUnknownResponse     = &Error{Kind: Invalid, Code: "unknown_response_type", Text: "This server does not have this response type, or the client is not registered for it."}
	ErrLoginRequired       = &Error{Kind: Unproven, Code: "login_required", Text: "The person must sign in first, and the request forbids asking them to."}
	ErrConsentRequired     = &Error{Kind: Forbidden, Code: "consent_required", Text: "The person must be asked first, and the request forbids it."}
	ErrChoiceRequired      = &Error{Kind: Forbidden, Code: "account_selection_required", Text: "The person must choose an account first, and the request forbids asking them to."}
	ErrAccessDenied        = &Error{Kind: Forbidden, Code: "access_denied", Text: "The person, or the server, said no."}
	ErrUnmetAuthentication = &Error{Kind: Forbidden, Code: "unmet_authentication", Text: "The person cannot prove themselves in the way that was asked for."}
	ErrNoRequestObjects    = &Error{Kind: Invalid, Code: "request_object_not_supported", Text: "This client may not send its request as this kind of request object."}
	ErrNoRequestURI        = &Error{Kind: Invalid, Code: "request_uri_not_supported", Text: "This client may not send its request by this kind of reference."}
	ErrBadRequestObject    = &Error{Kind: Invalid, Code: "bad_request_object", Text: "The request object is not valid, or not signed by this client."}
	ErrBadRequestURI       = &Error{Kind: Invalid, Code: "bad_request_uri", Text: "The request_uri is unknown, expired, used before, or of another client."}
	ErrBadDetails          = &Error{Kind: Invalid, Code: "bad_authorization_details", Text: "The authorization_details are malformed, or of a type that this client is not registered for."}
	ErrBadProof            = &Error{Kind: Invalid, Code: "bad_dpop_proof", Text: "The DPoP proof is missing or not valid for this request."}
	ErrUseNonce            = &Error{Kind: Invalid, Code: "use_dpop_nonce", Text: "Put the nonce of the DPoP-Nonce header into a new proof."}
	ErrPending             = &Error{Kind: Invalid, Code: "authorization_pending", Text: "The person has not answered yet. Ask again after the interval."}
	ErrSlowDown            = &Error{Kind: Invalid, Code: "slow_down", Text: "You ask too often. Leave five seconds more between two questions."}
	ErrRequestExpired      = &Error{Kind: Invalid, Code: "request_expired", Text: "The person did not answer in time. Begin again."}
	ErrUnknownUser         = &Error{Kind: Invalid, Code: "unknown_user", Text: "The hint names nobody who can be asked."}
	ErrBadMessage          = &Error{Kind: Invalid, Code: "bad_binding_message", Text: "The binding_message is too long, or has characters that cannot be shown."}
	ErrBadMetadata         = &Error{Kind: Invalid, Code: "bad_client_metadata", Text: "A value of the client's registration is not usable."}
	ErrBadStatement        = &Error{Kind: Invalid, Code: "bad_software_statement", Text: "The software statement is not valid."}
	ErrUnapprovedStatement = &Error{Kind: Invalid, Code: "unapproved_software_statement", Text: "The software statement is not by anybody whose statements count here."}
	ErrTokenScope          = &Error{Kind: Forbidden, Code: "token_scope", Text: "The access token was not given the scope for this."}

	ErrUnknownChain     = &Error{Kind: Invalid, Code: "unknown_chain", Text: "Wallets of this chain are not known here."}
	ErrBadWallet        = &Error{Kind: Invalid, Code: "bad_wallet_proof", Text: "This message does not prove a wallet to this server now."}
	ErrUnknownProvider  = &Error{Kind: Invalid, Code: "unknown_provider", Text: "This server does not know this provider of identity."}
	ErrBadIdentityToken = &Error{Kind: Invalid, Code: "bad_identity_token", Text: "This ID token does not count here."}
	ErrBadIdentityNonce = &Error{Kind: Invalid, Code: "bad_identity_nonce", Text: "The ID token and the request do not have the same nonce."}
	ErrEmailUnproven    = &Error{Kind: Forbidden, Code: "provider_email_unproven", Text: "Your provider does not vouch for your address. We sent a letter there: use its link, then sign in again."}
	ErrIdentityTaken    = &Error{Kind: Conflict, Code: "identity_taken", Text: "An account is known by this identity already."}
	ErrLastIdentity     = &Error{Kind: Conflict, Code: "last_identity", Text: "This is the only identity of the account. Add another one first."}
	ErrTooManyProviders = &Error{Kind: Conflict, Code: "too_many_providers", Text: "There are as many providers of identity as there may be. Delete one first."}

	ErrHookRefused           = &Error{Kind: Forbidden, Code: "hook_refused", Text: "The operator of this server does not allow this."}
	ErrHookTimeout           = &Error{Kind: Unavailable, Code: "hook_timeout", Text: "A service that this server asks first did not answer in time. Try again in a moment.", After: 5 * time.Second}
	ErrHookTimeoutAfterRetry = &Error{Kind: Unavailable, Code: "hook_timeout_after_retry", Text: "A service that this server asks first cannot be reached. Try again in a moment.", After: 5 * time.Second}
	ErrHookTooLarge          = &Error{Kind: Unavailable, Code: "hook_payload_over_size_limit", Text: "A service that this server asks first answered with too much."}
	ErrHookContentType       = &Error{Kind: Unavailable, Code: "hook_payload_invalid_content_type", Text: "A service that this server asks first did not answer in application/json."}

	ErrNotFound    = &Error{Kind: Missing, Code: "not_found", Text: "There is nothing here."}
	ErrEmailTaken  = &Error{Kind: Conflict, Code: "email_taken", Text: "An account with this email address exists already."}
	ErrPhoneTaken  = &Error{Kind: Conflict, Code: "phone_taken", Text: "An account with this phone number exists already."}
	ErrConflict    = &Error{Kind: Conflict, Code: "conflict", Text: "The present state does not allow this."}
	ErrTooManyKeys = &Error{Kind: Conflict, Code: "too_many_keys", Text: "You have as many live API keys as you may. Revoke one first."}
	ErrRateLimited = &Error{Kind: TooMany, Code: "rate_limited", Text: "Too many tries. Wait a little and try again.", After: time.Second}
)
