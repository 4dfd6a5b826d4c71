package oauth

import "headykey.com/headykey"

// words is what the RFCs call a failure, by our code: RFC 6749 §4.1.2.1 and §5.2,
// OpenID Connect Core §3.1.2.6, RFC 7591 §3.2.2, 8628 §3.5, CIBA Core §13, 8707 §2, 9101 §6, 9396
// §5, 9449 §5 and §7. They stand here and not in a door, because answers by way of
// the browser are signed here (JARM), and two doors speak them.
var words = map[string]string{
	headykey.ErrBadClient.Code:           "invalid_client",
	headykey.ErrUnknownGrant.Code:        "unsupported_grant_type",
	headykey.ErrGrantNotAllowed.Code:     "unauthorized_client",
	headykey.ErrScopeNotAllowed.Code:     "invalid_scope",
	headykey.ErrBadResource.Code:         "invalid_target",
	headykey.ErrForeignToken.Code:        "invalid_grant",
	headykey.ErrGrantSpent.Code:          "invalid_grant",
	headykey.ErrUnknownResponse.Code:     "unsupported_response_type",
	headykey.ErrLoginRequired.Code:       "login_required",
	headykey.ErrConsentRequired.Code:     "consent_required",
	headykey.ErrChoiceRequired.Code:      "account_selection_required",
	headykey.ErrAccessDenied.Code:        "access_denied",
	headykey.ErrUnmetAuthentication.Code: "unmet_authentication_requirements",
	headykey.ErrNoRequestObjects.Code:    "request_not_supported",
	headykey.ErrNoRequestURI.Code:        "request_uri_not_supported",
	headykey.ErrBadRequestObject.Code:    "invalid_request_object",
	headykey.ErrBadRequestURI.Code:       "invalid_request_uri",
	headykey.ErrBadDetails.Code:          "invalid_authorization_details",
	headykey.ErrBadProof.Code:            "invalid_dpop_proof",
	headykey.ErrUseNonce.Code:            "use_dpop_nonce",
	headykey.ErrPending.Code:             "authorization_pending",
	headykey.ErrSlowDown.Code:            "slow_down",
	headykey.ErrRequestExpired.Code:      "expired_token",
	headykey.ErrUnknownUser.Code:         "unknown_user_id",
	headykey.ErrBadMessage.Code:          "invalid_binding_message",
	headykey.ErrBadMetadata.Code:         "invalid_client_metadata",
	headykey.ErrBadRedirect.Code:         "invalid_redirect_uri",
	headykey.ErrBadStatement.Code:        "invalid_software_statement",
	headykey.ErrUnapprovedStatement.Code: "unapproved_software_statement",
	headykey.ErrInvalidToken.Code:        "invalid_token",
	headykey.ErrTokenExpired.Code:        "invalid_token",
	headykey.ErrTokenScope.Code:          "insufficient_scope",
}

// wordsByKind is for the failures that no document names.
var wordsByKind = map[headykey.Kind]string{
	headykey.Internal:    "server_error",
	headykey.TooMany:     "temporarily_unavailable",
	headykey.Unavailable: "temporarily_unavailable",
}

// Word returns what the RFCs call a failure; invalid_request where they do not.
func Word(e *headykey.Error) string {
	if word := words[e.Code]; word != "" {
		return word
	}
	if word := wordsByKind[e.Kind]; word != "" {
		return word
	}
	return "invalid_request"
}
