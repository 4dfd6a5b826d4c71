package supabase

import (
	"net/http"
	"strconv"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// A session is the answer to who came in.
type session struct {
	Access  string     `json:"access_token"`
	Type    string     `json:"token_type"`
	Life    int64      `json:"expires_in"` // seconds
	Expires int64      `json:"expires_at"` // seconds since 1970
	Refresh string     `json:"refresh_token"`
	User    user       `json:"user"`
	Weak    *weakLogin `json:"weak_password,omitempty"`
}

// weakLogin says that a password would not be taken any more.
type weakLogin struct {
	Message string   `json:"message"`
	Reasons []string `json:"reasons"`
}

// spellSession returns g as apps know it, and tells of it in the headers of c's answer.
func (d *Door) spellSession(c *call, g *auth.Grant) session {
	d.tell(c, g)
	c.out.Set("Sb-Auth-Refresh-Token-Prefix", g.Refresh[:shownPrefix])
	s := session{
		Access: g.Access, Type: "bearer", Life: int64(g.Life.Seconds()), Expires: time.Now().Add(g.Life).Unix(),
		Refresh: g.Refresh, User: d.spellUser(g.Account),
	}
	if len(g.Weak) > 0 {
		s.Weak = &weakLogin{"This password would not be taken any more. Choose a better one.", spellWeak(g.Weak)}
	}
	return s
}

// tell says in the headers of c's answer whose session it is about.
func (d *Door) tell(c *call, g *auth.Grant) {
	c.out.Set("Sb-Auth-User-Id", string(g.User.ID))
	c.out.Set("Sb-Auth-Session-Id", string(g.Session))
}

// grants are the ways to a session, by grant_type.
var grants = map[string]func(*Door, *call, tokenRequest) (*auth.Grant, error){
	"password":      (*Door).byPassword,
	"refresh_token": (*Door).byRefresh,
	"pkce":          (*Door).byCode,
	"web3":          (*Door).byWallet,
	"id_token":      (*Door).byIDToken,
}

// A tokenRequest is what any of them may be asked with.
type tokenRequest struct {
	Email    string   `json:"email"`
	Phone    string   `json:"phone"`
	Password string   `json:"password"`
	Refresh  string   `json:"refresh_token"`
	Code     string   `json:"auth_code"`
	Verifier string   `json:"code_verifier"`
	Security security `json:"gotrue_meta_security"`
	walletRequest
	idTokenRequest
}

// tokens returns the handler of a token request.
func (d *Door) tokens(r *http.Request) http.Handler {
	h := d.keyed(serve(d, anybody, http.StatusOK, d.token))
	if r.URL.Query().Get("grant_type") == "refresh_token" { // 144 random bits are no guess
		return h
	}
	return d.limited(h)
}

func (d *Door) token(c *call, in tokenRequest) (session, error) {
	name := c.URL.Query().Get("grant_type")
	grant, ok := grants[name]
	if !ok {
		return session{}, errCredentials.saying("unsupported_grant_type")
	}
	if name == "password" || name == "web3" {
		if err := d.human(c, in.Security); err != nil {
			return session{}, err
		}
	}
	g, err := grant(d, c, in)
	if err != nil {
		return session{}, err
	}
	return d.spellSession(c, g), nil
}

func (d *Door) byPassword(c *call, in tokenRequest) (*auth.Grant, error) {
	switch {
	case in.Email != "" && in.Phone != "":
		return nil, errValidation.saying("Only an email address or phone number should be provided on login.")
	case in.Phone != "":
		return nil, errPhoneDisabled.with(http.StatusUnprocessableEntity)
	case d.Settings.NoPasswords:
		return nil, errEmailDisabled.with(http.StatusUnprocessableEntity)
	case in.Email == "":
		return nil, errValidation.saying("missing email or phone")
	}
	return d.Auth.Login(c.Context(), auth.PasswordLogin{
		Email: in.Email, Password: in.Password, From: c.by.From, Surface: auth.AppSurface, Audience: c.audience(),
	})
}

func (d *Door) byRefresh(c *call, in tokenRequest) (*auth.Grant, error) {
	if in.Refresh == "" {
		return nil, errValidation.saying("refresh_token required")
	}
	g, err := d.Auth.RefreshSession(c.Context(), in.Refresh, c.by.From)
	if headykey.Explain(err).Is(headykey.ErrRefreshTokenReused) {
		d.tell(c, g)
		c.out.Set("Sb-Auth-Refresh-Token-Reuse", "true")
		c.out.Set("Sb-Auth-Refresh-Token-Rotated", "true") // so is a session called that this ended
	}
	if err != nil {
		return nil, inRefresh(err)
	}
	c.out.Set("Sb-Auth-Refresh-Token-Reuse", strconv.FormatBool(g.Again))
	if g.Again {
		c.out.Set("Sb-Auth-Refresh-Token-Reuse-Cause", "concurrent-refresh,fail-to-save") // either: nobody can tell
	}
	return g, nil
}

// shownPrefix is how much of a refresh token is told: less than finds its family.
const shownPrefix = 5

func (d *Door) byCode(c *call, in tokenRequest) (*auth.Grant, error) {
	if in.Code == "" || in.Verifier == "" {
		return nil, errValidation.saying("invalid request: both auth code and code verifier should be non-empty")
	}
	g, err := d.Auth.Exchange(c.Context(), in.Code, in.Verifier, c.by.From)
	if headykey.Explain(err).Is(headykey.ErrNotFound) {
		return nil, &failure{status: http.StatusNotFound, code: "flow_state_not_found", text: "invalid flow state, no valid flow state found"}
	}
	return g, err
}
