package oauth

import (
	"net/url"
	"slices"
	"strings"
)

// ResponseTypes lists what an authorization request may ask for, its words sorted.
// All but the first are for clients that are registered for them.
var ResponseTypes = []string{
	"code", "code id_token", "code token", "code id_token token", "id_token", "id_token token",
}

// ResponseModes lists how an answer may travel (OAuth 2.0 Multiple Response Types
// §2.1, Form Post, JARM §2.3).
var ResponseModes = []string{
	"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt",
}

// usualMode is how the answer to a response type travels if nobody says otherwise.
// Tokens never travel in a query.
func usualMode(response string) string {
	if response == "code" || response == "" {
		return "query"
	}
	return "fragment"
}

// modeFor returns the mode that asked means for a response type, and whether it may
// be.
func modeFor(response, asked string) (string, bool) {
	switch asked {
	case "":
		return usualMode(response), true
	case "jwt":
		return usualMode(response) + ".jwt", true
	case "query", "query.jwt":
		return asked, usualMode(response) == "query"
	}
	return asked, slices.Contains(ResponseModes, asked)
}

// An Answer is what goes back to a client by way of the browser.
type Answer struct {
	Redirect string // the client's redirect URI
	Mode     string // query, fragment, form_post
	Params   url.Values
}

// Location is where the browser goes to, unless the mode is form_post.
func (a *Answer) Location() string {
	text := a.Params.Encode()
	if a.Mode == "fragment" {
		return a.Redirect + "#" + text
	}
	if strings.Contains(a.Redirect, "?") {
		return a.Redirect + "&" + text
	}
	return a.Redirect + "?" + text
}
