package oauth

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

// An Ask is an authorization request that was read and found well formed. It is
// kept as JSON while a person is at a page of ours.
type Ask struct {
	Client    headykey.ID             `json:"client_id"`
	Response  string                  `json:"response_type"` // its words in order: code, id_token, token
	Mode      string                  `json:"response_mode"` // never ""
	Redirect  string                  `json:"redirect_uri"`
	Named     bool                    `json:"redirect_uri_named,omitzero"`
	Scopes    []string                `json:"scopes,omitzero"`
	State     string                  `json:"state,omitzero"`
	Nonce     string                  `json:"nonce,omitzero"`
	Challenge string                  `json:"code_challenge,omitzero"`
	Prompt    []string                `json:"prompt,omitzero"`
	MaxAge    *int64                  `json:"max_age,omitzero"` // seconds
	ACR       []string                `json:"acr_values,omitzero"`
	LoginHint string                  `json:"login_hint,omitzero"`
	Hint      string                  `json:"hint,omitzero"` // the sub of the id_token_hint
	Locales   string                  `json:"ui_locales,omitzero"`
	Claims    *headykey.ClaimsRequest `json:"claims,omitzero"`
	Resources []string                `json:"resources,omitzero"`
	Details   jsontext.Value          `json:"authorization_details,omitzero"`
	JKT       string                  `json:"dpop_jkt,omitzero"`
	Pushed    []byte                  `json:"pushed,omitzero"` // hash of the pushed request that it came as
	Since     int64                   `json:"since,omitzero"`  // when the person was sent to a page of ours, microseconds since 1970
	Chosen    headykey.ID             `json:"chosen,omitzero"` // the session that the person chose to go on with
	Person    headykey.ID             `json:"person,omitzero"` // who alone may answer it at a page of an app; "": nobody came there yet
	Device    *Typed                  `json:"device,omitzero"` // the device that it is for; nil: it is answered by way of the browser
}

// The bounds of parameters, in bytes.
const (
	maxState = 4096
	maxNonce = 1597
	maxHint  = 8192
)

// read fills a from the parameters in, whose client and redirect URI are known to be
// good. Each failure may be told to the client.
func (a *Ask) read(c *headykey.Client, in url.Values) error {
	a.State, a.Nonce = in.Get("state"), in.Get("nonce")
	if len(a.State) > maxState {
		a.State = ""
		return wrongAsk("The state is too long.")
	}
	// The response comes first: it says how a failure must be told.
	if err := a.readResponse(c, in); err != nil {
		return err
	}
	for name, values := range in {
		if len(values) > 1 && name != "resource" {
			return wrongAsk("A parameter is given twice.")
		}
	}
	a.Prompt = strings.Fields(in.Get("prompt"))
	a.ACR = strings.Fields(in.Get("acr_values"))
	a.LoginHint, a.Locales = in.Get("login_hint"), in.Get("ui_locales")
	a.Resources = in["resource"]
	a.Challenge = in.Get("code_challenge")
	a.JKT = in.Get("dpop_jkt")
	switch {
	case len(a.Nonce) > maxNonce:
		return wrongAsk("The nonce is too long.")
	case len(a.LoginHint) > maxHint || len(a.Locales) > maxHint:
		return wrongAsk("A hint is too long.")
	case len(a.Prompt) > 1 && slices.Contains(a.Prompt, "none"):
		return wrongAsk("The prompt none stands alone.")
	case a.Challenge != "" && in.Get("code_challenge_method") != "S256": // without one it is plain (RFC 7636 §4.3)
		return wrongAsk("The code_challenge_method must be S256.")
	case a.JKT != "" && !isThumbprint(a.JKT):
		return wrongAsk("The dpop_jkt is not a thumbprint.")
	}
	if err := a.readScopes(c, in.Get("scope")); err != nil {
		return err
	}
	if err := a.readMaxAge(c, in); err != nil {
		return err
	}
	return a.readClaims(in)
}

// readResponse reads response_type and response_mode. RFC 6749 §3.1.1 lets the words
// of a type come in any order.
func (a *Ask) readResponse(c *headykey.Client, in url.Values) error {
	asked := in["response_type"]
	modes := in["response_mode"]
	if len(asked) == 1 {
		words := strings.Fields(asked[0])
		slices.Sort(words)
		a.Response = strings.Join(words, " ")
	}
	a.Mode = usualMode(a.Response)
	mode := ""
	if len(modes) == 1 {
		mode = modes[0]
	}
	if known, ok := modeFor(a.Response, mode); ok {
		a.Mode = known
	} else {
		return wrongAsk("This response_mode does not exist here, or not for this response_type.")
	}
	switch {
	case len(asked) == 0:
		return wrongAsk("There is no response_type.")
	case !slices.Contains(ResponseTypes, a.Response), !slices.Contains(c.Responses(), a.Response):
		return headykey.ErrUnknownResponse
	}
	return nil
}

// readScopes keeps the scopes that the client may ask for; a word that it may not is
// passed over (OpenID Connect Core §3.1.2.1, RFC 6749 §3.3), but something must be
// left.
func (a *Ask) readScopes(c *headykey.Client, text string) error {
	asked := strings.Fields(text)
	if text == "" {
		a.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(s string) bool {
			return s == headykey.ScopeOpenID || s == headykey.ScopeOffline
		})
		return nil
	}
	if len(text) > maxScopeText {
		return headykey.ErrScopeNotAllowed
	}
	for _, scope := range asked {
		if !scopeForm.MatchString(scope) {
			return headykey.ErrScopeNotAllowed
		}
		if slices.Contains(c.Scopes, scope) && !slices.Contains(a.Scopes, scope) {
			a.Scopes = append(a.Scopes, scope)
		}
	}
	if len(a.Scopes) == 0 {
		return headykey.ErrScopeNotAllowed
	}
	return nil
}

func (a *Ask) readMaxAge(c *headykey.Client, in url.Values) error {
	a.MaxAge = c.Details.MaxAge
	if len(a.ACR) == 0 {
		a.ACR = c.Details.ACR
	}
	text := in.Get("max_age")
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return wrongAsk("The max_age is not a number of seconds.")
	}
	a.MaxAge = &seconds
	return nil
}

func (a *Ask) readClaims(in url.Values) error {
	text := in.Get("claims")
	if text == "" {
		return nil
	}
	if len(text) > maxHint {
		return wrongAsk("The claims are too long.")
	}
	a.Claims = &headykey.ClaimsRequest{}
	if err := json.Unmarshal([]byte(text), a.Claims); err != nil {
		return wrongAsk("The claims are not an object as OpenID Connect Core 5.5 has it.")
	}
	return nil
}

// demand returns nil if the whole request is one that c may make: the rules that
// join several parameters, and those of the client's profile.
func (a *Ask) demand(c *headykey.Client) error {
	openID := a.Has(headykey.ScopeOpenID)
	switch {
	case !openID && strings.Contains(a.Response, "id_token"):
		return wrongAsk("An ID token needs the scope openid.")
	case a.Nonce == "" && strings.Contains(a.Response, "id_token"):
		return wrongAsk("A nonce is required with this response_type.")
	case c.Profile != headykey.ProfileOIDC && a.Response != "code":
		return headykey.ErrUnknownResponse
	case !c.May("authorization_code") && strings.Contains(a.Response, "code"),
		!c.May("implicit") && a.Response != "code":
		return headykey.ErrGrantNotAllowed
	case strings.Contains(a.Response, " token") && (c.Details.BoundDPoP || c.Details.BoundTLS):
		return headykey.ErrUnknownResponse.Saying("This client's tokens are bound to a key, which a browser cannot show.")
	case (openID || c.Profile == headykey.ProfileFAPI2) && !a.Named:
		return wrongAsk("There is no redirect_uri.")
	case c.Details.RequirePushed && a.Pushed == nil, c.Profile == headykey.ProfileFAPI2 && a.Pushed == nil:
		return wrongAsk("This client must push its requests first (RFC 9126).")
	}
	return a.demandPKCE(c, openID)
}

// demandPKCE holds to RFC 7636 and RFC 9700 §2.1.1: public clients and plain OAuth
// prove who began; a confidential OpenID client may leave it to the nonce. The
// method "plain" does not exist here.
func (a *Ask) demandPKCE(c *headykey.Client, openID bool) error {
	needed := c.Public() || !openID || c.Profile != headykey.ProfileOIDC
	switch {
	case !strings.Contains(a.Response, "code"):
		return nil
	case a.Challenge == "" && needed:
		return wrongAsk("There is no code_challenge; this client needs PKCE with S256.")
	case a.Challenge != "" && !isThumbprint(a.Challenge):
		return wrongAsk("The code_challenge is not a SHA-256 in base64url.")
	}
	return nil
}

// Has reports whether scope is asked for.
func (a *Ask) Has(scope string) bool { return slices.Contains(a.Scopes, scope) }

// Prompts reports whether the request asks for this kind of page.
func (a *Ask) Prompts(kind string) bool { return slices.Contains(a.Prompt, kind) }

// isThumbprint reports whether text is the base64url of 32 bytes, in one spelling.
func isThumbprint(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == 32 && len(text) == 43
}

func wrongAsk(text string) error { return headykey.ErrBadAuthorization.Saying(text) }
