package supabase

import (
	"net/http"
	"net/url"
	"strconv"
)

// fragment is a session as the address of an app carries it.
func (d *Door) fragment(s session, kind string) url.Values {
	return url.Values{
		"access_token": {s.Access}, "token_type": {s.Type}, "expires_in": {strconv.FormatInt(s.Life, 10)},
		"expires_at": {strconv.FormatInt(s.Expires, 10)}, "refresh_token": {s.Refresh}, "type": {kind},
	}
}

// withFragment is target with values behind its #, marked as ours.
func withFragment(target string, values url.Values) string {
	values.Set("sb", "")
	return target + "#" + values.Encode()
}

// withQuery is target with more parameters.
func withQuery(target string, values url.Values) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	query := u.Query()
	for name, v := range values {
		query[name] = v
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// redirectWords are the errors of RFC 6749 by status.
var redirectWords = map[int]string{
	http.StatusBadRequest: "invalid_request", http.StatusUnauthorized: "unauthorized_client", http.StatusForbidden: "access_denied",
	http.StatusInternalServerError: "server_error", http.StatusServiceUnavailable: "temporarily_unavailable",
}

// withFailure is target with a failure in its query and behind its #: apps look at
// either.
func withFailure(target string, f *failure) string {
	word, ok := redirectWords[f.status]
	if !ok {
		word = "invalid_request"
	}
	values := url.Values{"error": {word}, "error_code": {f.code}, "error_description": {f.text}}
	return withFragment(withQuery(target, values), values)
}
