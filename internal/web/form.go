package web

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"headykey.com/headykey"
)

// The failures of a form.
var (
	errNoForm     = ErrUnsupportedMediaType.Saying("Send the parameters as application/x-www-form-urlencoded in UTF-8, in the body.")
	errBrokenForm = headykey.ErrInvalid.Saying("The body is not a well-formed form.")
)

// DecodeForm reads the request's body, a form of at most 64 KiB, and nothing of
// its query. Parameters without a value are left out (RFC 6749 §3.2).
//
// It fails with ErrBodyTooLarge, with ErrUnsupportedMediaType unless the body is
// declared as application/x-www-form-urlencoded in UTF-8, and with
// headykey.ErrInvalid if it is malformed, or about a parameter that is not UTF-8 or
// comes twice and is not listed in many.
func DecodeForm(w http.ResponseWriter, r *http.Request, many ...string) (url.Values, error) {
	if !declaresForm(r.Header["Content-Type"]) {
		return nil, errNoForm
	}
	body, err := readBody(w, r, usualBody)
	if err != nil {
		return nil, err
	}
	return parseForm(string(body), many)
}

func parseForm(body string, many []string) (url.Values, error) {
	in, err := url.ParseQuery(body)
	if err != nil {
		return nil, errBrokenForm
	}
	for name, values := range in {
		if !utf8.ValidString(name) {
			return nil, errBrokenForm
		}
		kept := values[:0]
		for _, v := range values {
			if !utf8.ValidString(v) {
				return nil, errBrokenForm.Saying("A parameter is not UTF-8.").About(shortName(name))
			}
			if v != "" {
				kept = append(kept, v)
			}
		}
		if len(values) > 1 && !slices.Contains(many, name) {
			return nil, errBrokenForm.Saying("A parameter is given twice.").About(shortName(name))
		}
		if in[name] = kept; len(kept) == 0 {
			delete(in, name)
		}
	}
	return in, nil
}

// shortName is a parameter's name if it is fit to be repeated to its sender.
func shortName(name string) string {
	if len(name) > maxFieldName {
		return "…"
	}
	return name
}

// DeclaresForm reports whether the body of r is declared as a form in UTF-8.
func DeclaresForm(r *http.Request) bool { return declaresForm(r.Header["Content-Type"]) }

// declaresForm reports whether the Content-Type says
// application/x-www-form-urlencoded, with no other character set than UTF-8.
func declaresForm(values []string) bool {
	const form = "application/x-www-form-urlencoded"
	if len(values) != 1 {
		return false
	}
	if values[0] == form {
		return true
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != form {
		return false
	}
	charset, named := params["charset"]
	return !named || strings.EqualFold(charset, "utf-8")
}
