package oidc

import (
	"net/http"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

// spelling is what RFC 6749 §5.2 (and RFC 8707 §2) call a failure, by our code.
// What is not listed is told by its kind.
var spelling = map[string]struct {
	status int
	word   string
}{
	headykey.ErrBadClient.Code:       {http.StatusUnauthorized, "invalid_client"},
	headykey.ErrUnknownGrant.Code:    {http.StatusBadRequest, "unsupported_grant_type"},
	headykey.ErrGrantNotAllowed.Code: {http.StatusBadRequest, "unauthorized_client"},
	headykey.ErrScopeNotAllowed.Code: {http.StatusBadRequest, "invalid_scope"},
	headykey.ErrBadResource.Code:     {http.StatusBadRequest, "invalid_target"},
	headykey.ErrForeignToken.Code:    {http.StatusBadRequest, "invalid_grant"},
	// 400 is the status of a malformed request here, whatever is malformed.
	web.ErrUnsupportedMediaType.Code: {http.StatusBadRequest, "invalid_request"},
}

// words are the error codes by kind.
var words = map[headykey.Kind]string{
	headykey.Internal:    "server_error",
	headykey.TooMany:     "temporarily_unavailable",
	headykey.Unavailable: "temporarily_unavailable",
}

// failure is the body of a refusal (RFC 6749 §5.2).
type failure struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// fail spells a failure. A client that did not prove itself is told how to.
func (d door) fail(w http.ResponseWriter, _ *http.Request, e *headykey.Error) {
	s, ok := spelling[e.Code]
	if !ok {
		s.status, s.word = web.StatusOf(e), words[e.Kind]
	}
	if s.word == "" {
		s.word = "invalid_request"
	}
	h := w.Header()
	if s.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", d.challenge)
	}
	web.SetRetryAfter(h, e.After)
	h.Set("Cache-Control", "no-store")
	web.Reply(w, s.status, failure{s.word, describe(e)})
}

// describe is e in words, with the parameter at fault, in the characters that
// error_description may have.
func describe(e *headykey.Error) string {
	text := e.Text
	for _, f := range e.Fields {
		text += " (" + f.Name + ")"
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, text)
}
