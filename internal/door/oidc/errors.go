package oidc

import (
	"net/http"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// statuses are those of failures whose document names another than their kind's: a
// client that did not prove itself is 401, and all that is wrong with a request is
// 400, whatever it is (RFC 6749 §5.2).
var statuses = map[string]int{
	headykey.ErrBadClient.Code:       http.StatusUnauthorized,
	web.ErrUnsupportedMediaType.Code: http.StatusBadRequest,
	headykey.ErrLoginRequired.Code:   http.StatusBadRequest,
	headykey.ErrAccessDenied.Code:    http.StatusBadRequest,
}

// failure is the body of a refusal (RFC 6749 §5.2).
type failure struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// fail spells a failure. A client that did not prove itself is told how to.
func (d door) fail(w http.ResponseWriter, _ *http.Request, e *headykey.Error) {
	status, ok := statuses[e.Code]
	if !ok {
		status = web.StatusOf(e)
	}
	h := w.Header()
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", d.challenge)
	}
	web.SetRetryAfter(h, e.After)
	h.Set("Cache-Control", "no-store")
	web.Reply(w, status, failure{oauth.Word(e), oauth.Describe(e)})
}
