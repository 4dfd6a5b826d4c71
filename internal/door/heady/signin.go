package heady

import (
	"net/http"
	"net/url"
	"slices"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/web"
)

// accountReply is an account in the answer to a sign-in.
type accountReply struct {
	ID         headykey.ID `json:"id"`
	Email      string      `json:"email"`
	Name       string      `json:"name"`
	Role       string      `json:"role"`
	Onboarding int         `json:"onboarding_stage"`
}

func spellAccount(u *headykey.User) accountReply {
	return accountReply{u.ID, u.Email, u.Name, u.Role.String(), u.Onboarding}
}

// signInReply answers register and login. An address to be confirmed first has a
// status in place of all else.
type signInReply struct {
	Status_ string        `json:"status,omitempty"`
	User    *accountReply `json:"user,omitempty"`
	Access  string        `json:"accessToken,omitempty"`
	Refresh string        `json:"refreshToken,omitempty"`
	Expires int64         `json:"expiresIn,omitzero"` // seconds

	cookie *http.Cookie
}

// Headers sets the session cookie.
func (s signInReply) Headers(h http.Header) { setCookie(h, s.cookie) }

// Status is 202 where something is left to do.
func (s signInReply) Status() int {
	if s.Status_ != "" {
		return http.StatusAccepted
	}
	return 0
}

func setCookie(h http.Header, c *http.Cookie) {
	if c != nil {
		h.Add("Set-Cookie", c.String())
	}
}

func (d door) spellGrant(g *auth.Grant) signInReply {
	user := spellAccount(&g.User)
	return signInReply{
		User: &user, Access: g.Access, Refresh: g.Refresh, Expires: int64(g.Life.Seconds()),
		cookie: web.SessionCookie(g.Cookie, g.CookieLife, d.Secure),
	}
}

type registerRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Name     string `json:"name"`
}

// register serves POST /api/auth/register.
func (d door) register(r *http.Request, by headykey.Caller, in registerRequest) (signInReply, error) {
	if err := needBoth(in.Email, in.Password); err != nil {
		return signInReply{}, err
	}
	old, _ := web.ReadSessionCookie(r) // as in passwordLogin
	g, err := d.Auth.Register(r.Context(), auth.Registration{
		Email: in.Email, Password: in.Password, Name: in.Name, From: by.From, Surface: "api", Replaces: old,
	})
	if err != nil {
		return signInReply{}, err
	}
	if g == nil {
		return signInReply{Status_: "confirmation_required"}, nil
	}
	return d.spellGrant(g), nil
}

// needBoth names each of the two that is missing.
func needBoth(email, password string) error {
	missing := headykey.ErrMissingField.Saying("Email and password are required.")
	if email == "" {
		missing = missing.About("email")
	}
	if password == "" {
		missing = missing.About("password")
	}
	if len(missing.Fields) > 0 {
		return missing
	}
	return nil
}

type loginRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// login serves POST /api/auth/login.
func (d door) login(r *http.Request, by headykey.Caller, in loginRequest) (signInReply, error) {
	g, err := d.passwordLogin(r, by, in.Email, in.Password, "api")
	if err != nil {
		return signInReply{}, err
	}
	return d.spellGrant(g), nil
}

func (d door) passwordLogin(r *http.Request, by headykey.Caller, email, password, surface string) (*auth.Grant, error) {
	if err := needBoth(email, password); err != nil {
		return nil, err
	}
	old, _ := web.ReadSessionCookie(r) // a bad one is overwritten like any other
	return d.Auth.Login(r.Context(), auth.PasswordLogin{
		Email: email, Password: password, From: by.From, Surface: surface, Replaces: old,
	})
}

type confirmRequest struct {
	Token string `json:"token"`
}

type statusReply struct {
	Status string `json:"status"`
}

// confirmEmail serves POST /api/auth/email/verify.
func (d door) confirmEmail(r *http.Request, by headykey.Caller, in confirmRequest) (statusReply, error) {
	if in.Token == "" {
		return statusReply{}, headykey.ErrMissingField.About("token")
	}
	err := d.Auth.ConfirmEmail(r.Context(), in.Token, by.From)
	return statusReply{"email_confirmed"}, err
}

type startRequest struct {
	Email     string `json:"email"`
	Password  string `json:"password"`
	Provider  string `json:"provider"`
	IDToken   string `json:"idToken"`
	ReturnURL string `json:"returnUrl"`
}

type startReply struct {
	Status    string       `json:"status"`
	User      accountReply `json:"user"`
	Access    string       `json:"accessToken"`
	ReturnURL string       `json:"returnUrl"`

	cookie *http.Cookie
}

// Headers sets the session cookie.
func (s startReply) Headers(h http.Header) { setCookie(h, s.cookie) }

// startSession serves POST /api/session/start, the widget's sign-in.
func (d door) startSession(r *http.Request, by headykey.Caller, in startRequest) (startReply, error) {
	target, err := d.returnURL(in.ReturnURL)
	if err != nil {
		return startReply{}, err
	}
	if in.Provider != "" || in.IDToken != "" {
		return startReply{}, providerRefusal(in.Provider)
	}
	if in.Email == "" && in.Password == "" {
		return startReply{}, headykey.ErrMissingField.Saying("Email and password, or a provider, are required.").
			About("email").About("password")
	}
	g, err := d.passwordLogin(r, by, in.Email, in.Password, "widget")
	if err != nil {
		return startReply{}, err
	}
	return startReply{
		Status: "authenticated", User: spellAccount(&g.User), Access: g.Access, ReturnURL: target,
		cookie: web.SessionCookie(g.Cookie, g.CookieLife, d.Secure),
	}, nil
}

var errReturnURL = &headykey.Error{
	Kind: headykey.Invalid, Code: "invalid_return_url", Text: "The returnUrl does not lead to an origin on the server's list.",
}

// returnURL checks where a sign-in may lead afterwards: nowhere but to our own or
// a listed origin. Empty is the first of those.
func (d door) returnURL(text string) (string, error) {
	if text == "" {
		return d.Origins[0], nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.User != nil || u.Host == "" {
		return "", errReturnURL.About("returnUrl")
	}
	origin := u.Scheme + "://" + u.Host
	if origin != d.BaseURL && !d.CORS.Lists(origin) {
		return "", errReturnURL.About("returnUrl")
	}
	return text, nil
}

// providers are the sign-in providers that the product knows by name.
var providers = []string{
	"google", "github", "microsoft", "apple", "discord", "slack", "huggingface", "gitlab", "linkedin", "twitter",
	"facebook", "notion", "atlassian", "okta", "auth0", "salesforce", "zoom", "spotify", "reddit", "twitch", "figma",
	"shopify", "stripe", "onelogin", "bitbucket",
}

// providerRefusal says that no provider is set up on this server, or that there
// is none of this name.
func providerRefusal(name string) error {
	if !slices.Contains(providers, name) {
		return (&headykey.Error{
			Kind: headykey.Invalid, Code: "unknown_provider", Text: "There is no provider of this name.",
		}).About("provider")
	}
	return &headykey.Error{
		Kind: headykey.Conflict, Code: "provider_not_configured", Text: "This provider is not set up on this server.",
	}
}

type refreshRequest struct {
	Refresh string `json:"refreshToken"`
}

type refreshReply struct {
	Access  string `json:"accessToken"`
	Refresh string `json:"refreshToken,omitempty"`
	Expires int64  `json:"expiresIn"` // seconds
}

// refresh serves POST /api/auth/refresh: by refresh token, or by the cookie of a
// browser. An access token does not renew itself.
func (d door) refresh(r *http.Request, by headykey.Caller, in refreshRequest) (refreshReply, error) {
	var g *auth.Grant
	var err error
	switch {
	case in.Refresh != "":
		g, err = d.Auth.Refresh(r.Context(), in.Refresh, by.From)
	case r.Header["Authorization"] != nil || r.Header["X-Api-Key"] != nil:
		return refreshReply{}, needRefreshToken()
	default:
		if by, err = d.byCookie(r, by.From); err != nil {
			return refreshReply{}, err
		}
		if by.Session == "" {
			return refreshReply{}, needRefreshToken()
		}
		g, err = d.Auth.RefreshByCookie(r.Context(), by)
	}
	if err != nil {
		return refreshReply{}, err
	}
	return refreshReply{Access: g.Access, Refresh: g.Refresh, Expires: int64(g.Life.Seconds())}, nil
}

func needRefreshToken() error {
	return headykey.ErrMissingField.Saying("Send the refreshToken; an access token does not renew itself.").About("refreshToken")
}

type logoutRequest struct {
	Refresh string `json:"refreshToken"`
	Scope   string `json:"scope"`
}

type logoutReply struct {
	Status  string         `json:"status"`
	Revoked []auth.Revoked `json:"revoked"`

	cookie *http.Cookie
}

// Headers makes the browser forget the cookie.
func (l logoutReply) Headers(h http.Header) { setCookie(h, l.cookie) }

// logout serves POST /api/auth/logout. It is idempotent: who is signed out
// already, or never was in, is told so all the same.
func (d door) logout(r *http.Request, by headykey.Caller, in logoutRequest) (logoutReply, error) {
	out := logoutReply{Status: "logged_out", cookie: web.ClearSessionCookie(d.Secure)}
	var err error
	if in.Refresh != "" {
		out.Revoked, err = d.Auth.LogoutByRefresh(r.Context(), in.Refresh, in.Scope, by.From)
		return out, err
	}
	known, err := d.identify(r)
	if e := headykey.Explain(err); err != nil && e.Kind == headykey.Unproven {
		known, err = by, nil
	}
	if err != nil {
		return out, err
	}
	out.Revoked, err = d.Auth.Logout(r.Context(), known, in.Scope)
	if in.Scope == auth.Others {
		out.cookie = nil // this browser stays signed in
	}
	return out, err
}

// errBelowRole is a caller below the least role that a service asked for.
var errBelowRole = headykey.ErrInsufficientRole.Saying("The caller's role is below the one asked for.")

type verifyReply struct {
	Authenticated bool        `json:"authenticated"`
	User          headykey.ID `json:"userId"`
	Email         string      `json:"email"`
	Role          string      `json:"role"`
	Level         int         `json:"level"`
	Method        string      `json:"authMethod"`
	Expires       any         `json:"expiresAt"` // RFC 3339, or null: never
	Scopes        []string    `json:"scopes,omitempty"`
}

// verify serves GET /api/auth/verify, the hot call of every other service.
func (d door) verify(w http.ResponseWriter, r *http.Request, by headykey.Caller) error {
	if r.URL.RawQuery != "" {
		if err := checkLeast(r.URL.Query(), by); err != nil {
			return err
		}
	}
	web.Reply(w, http.StatusOK, verifyReply{
		Authenticated: true, User: by.User, Email: by.Email, Role: by.Role.String(), Level: int(by.Role),
		Method: string(by.Method), Expires: orNull(by.Expires), Scopes: by.Scopes,
	})
	return nil
}

func checkLeast(query url.Values, by headykey.Caller) error {
	if !query.Has("minRole") {
		return nil
	}
	least, err := headykey.ParseRole(query.Get("minRole"))
	if err != nil {
		return headykey.ErrInvalid.Saying("A role is guest, user, operator or admin.").About("minRole")
	}
	if by.Role < least {
		return errBelowRole
	}
	return nil
}
