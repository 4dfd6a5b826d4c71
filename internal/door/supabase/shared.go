package supabase

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

// Some addresses are OAuth's, too. Each request to one of them has one meaning; what
// could have both has neither, and is refused.

// oauthMarks are parameters without which there is no authorization request of OAuth.
var oauthMarks = []string{"client_id", "response_type", "request", "request_uri"}

// Authorize returns the handler of a request to the authorization endpoint that is an
// app's: it names a provider to sign in at. Others are OAuth's: nil.
func (d *Door) Authorize(r *http.Request) http.Handler {
	in, err := url.ParseQuery(r.URL.RawQuery)
	if !in.Has("provider") {
		return nil
	}
	both := slices.ContainsFunc(oauthMarks, in.Has) || r.Method == http.MethodPost
	return d.handle(anybody, func(_ http.ResponseWriter, _ *call) error {
		if err != nil || both {
			return errValidation.saying("A sign-in at a provider and an authorization request cannot be one request.")
		}
		return errValidation.saying("Unsupported provider: none of that name is configured here")
	})
}

// Token returns the handler of a request to the token endpoint that is an app's: it
// names its grant_type in the query and sends no form. Others are OAuth's, which
// refuses a query: nil.
func (d *Door) Token(r *http.Request) http.Handler {
	declared := strings.ToLower(strings.Join(r.Header["Content-Type"], ","))
	if !r.URL.Query().Has("grant_type") || strings.Contains(declared, "x-www-form-urlencoded") {
		return nil
	}
	return d.tokens(r)
}

// User returns the handler of a request to the user endpoint that is an app's: it
// shows a session token, or nothing that is OAuth's and a mark of the libraries of
// this API. Others are OpenID Connect's: nil.
func (d *Door) User(r *http.Request) http.Handler {
	switch shown := shownBy(r); {
	case r.Method == http.MethodPost, shown == clientToken, shown != sessionToken && !marked(r):
		return nil
	}
	return d.user
}

// Userinfo returns the handler of a request to the other address of the user endpoint
// that shows a session token: such a token opens no claim but who it is of. Others are
// OpenID Connect's: nil.
func (d *Door) Userinfo(r *http.Request) http.Handler {
	if shownBy(r) != sessionToken {
		return nil
	}
	return d.keyed(serve(d, someone, http.StatusOK, d.userinfo))
}

type subjectReply struct {
	ID headykey.ID `json:"sub"`
}

func (d *Door) userinfo(c *call, _ struct{}) (subjectReply, error) {
	return subjectReply{c.account.ID}, nil
}

// marked reports whether r carries what the libraries of this API send with each
// request, and nobody else does.
func marked(r *http.Request) bool {
	for _, name := range []string{keyHeader, "X-Client-Info", versionHeader} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return r.URL.Query().Has("apikey")
}

// What a request shows in its Authorization header.
const (
	otherToken   = iota // nothing, or nothing that can be told by its looks
	sessionToken        // of a first-party session
	clientToken         // of an OAuth client, or several at once, which OAuth refuses
)

const maxShown = 16 << 10 // bytes of a token that is looked at

// shownBy returns what r shows. It is not verified: whoever lies is refused by those
// whose token it pretends to be.
func shownBy(r *http.Request) int {
	headers := r.Header["Authorization"]
	if len(headers) > 1 || len(headers) == 1 && len(headers[0]) > len(dpop) && strings.EqualFold(headers[0][:len(dpop)], dpop) {
		return clientToken
	}
	text, ok := (&call{Request: r}).bearer()
	parts := strings.Split(text, ".")
	if !ok || len(text) > maxShown || len(parts) != 3 {
		return otherToken
	}
	var header struct {
		Type string `json:"typ"`
	}
	var claims struct {
		Session string `json:"session_id"`
	}
	switch {
	case !look(parts[0], &header):
		return otherToken
	case strings.EqualFold(header.Type, "at+jwt"), strings.EqualFold(header.Type, "application/at+jwt"):
		return clientToken
	case look(parts[1], &claims) && claims.Session != "":
		return sessionToken
	}
	return otherToken
}

const dpop = "DPoP "

// look reads a part of a token into the struct that out points to. Each request to an
// address that is shared pays for it.
func look(part string, out any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, out) == nil
}
