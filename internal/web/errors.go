package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"headykey.com/headykey"
)

// The failures that only HTTP knows. [StatusOf] gives each its own status.
var (
	ErrMethodNotAllowed     = &headykey.Error{Kind: headykey.Invalid, Code: "method_not_allowed", Text: "This address does not answer that method; the Allow header lists those it does."}
	ErrBodyTooLarge         = &headykey.Error{Kind: headykey.Invalid, Code: "body_too_large", Text: "The body is too large."}
	ErrUnsupportedMediaType = &headykey.Error{Kind: headykey.Invalid, Code: "unsupported_media_type", Text: "Send the body as application/json in UTF-8."}
)

// statuses are those that a kind alone does not tell, by code.
var statuses = map[string]int{
	ErrMethodNotAllowed.Code:     http.StatusMethodNotAllowed,
	ErrBodyTooLarge.Code:         http.StatusRequestEntityTooLarge,
	ErrUnsupportedMediaType.Code: http.StatusUnsupportedMediaType,
}

// kinds are the statuses by kind.
var kinds = [...]int{
	headykey.Internal:    http.StatusInternalServerError,
	headykey.Invalid:     http.StatusBadRequest,
	headykey.Unproven:    http.StatusUnauthorized,
	headykey.Forbidden:   http.StatusForbidden,
	headykey.Missing:     http.StatusNotFound,
	headykey.Conflict:    http.StatusConflict,
	headykey.TooMany:     http.StatusTooManyRequests,
	headykey.Unavailable: http.StatusServiceUnavailable,
}

// Status returns the HTTP status of a kind of failure; an unknown kind is 500.
func Status(k headykey.Kind) int {
	if int(k) >= len(kinds) {
		return http.StatusInternalServerError
	}
	return kinds[k]
}

// StatusOf returns the HTTP status of e: by its code if HTTP has a status for
// just that, otherwise by its kind.
func StatusOf(e *headykey.Error) int {
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return Status(e.Kind)
}

// Explain returns the failure that the caller may see. An internal one is logged
// here, once, with the request id; its text never reaches the wire. A deadline
// that passed, or a client that left, is no bug: it is ErrUnavailable.
func Explain(ctx context.Context, err error) *headykey.Error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return ErrBodyTooLarge
	}
	e := headykey.Explain(err)
	if e.Kind != headykey.Internal {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return headykey.ErrUnavailable
	}
	slog.ErrorContext(ctx, "internal error",
		slog.String("requestId", headykey.RequestID(ctx)), slog.String("error", err.Error()))
	return headykey.ErrInternal
}
