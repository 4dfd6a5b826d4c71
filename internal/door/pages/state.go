package pages

import (
	"encoding/base64"
	"net/http"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// checkPolicy is the Content-Security-Policy of the check-session page, the only one
// that other sites may frame: it shows nothing, and its script knows to whom it
// speaks.
const checkPolicy = "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"

// checkSession serves GET /auth/v1/oauth/check-session (OpenID Connect Session
// Management 1.0 §3.2).
func (d *door) checkSession(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	w.Header().Del("X-Frame-Options")
	return d.show(w, r, http.StatusOK, "check-session", page{Title: "Session", Policy: checkPolicy})
}

// stateOf is what a browser's state is while it is signed in to session: nobody can
// guess it, and it says nothing.
func (d *door) stateOf(session headykey.ID) string {
	mac := d.MAC("browser state", []byte(session))
	return base64.RawURLEncoding.EncodeToString(mac[:])
}

// enter gives the browser the cookies of a sign-in.
func (d *door) enter(w http.ResponseWriter, g *auth.Grant) {
	http.SetCookie(w, web.SessionCookie(g.Cookie, g.CookieLife, d.Secure))
	http.SetCookie(w, web.StateCookie(d.stateOf(g.Session), d.Secure))
}

// exit makes the browser forget the cookies of a sign-in that it sent.
func (d *door) exit(w http.ResponseWriter, r *http.Request) {
	if len(r.CookiesNamed(web.SessionCookieName)) > 0 {
		http.SetCookie(w, web.ClearSessionCookie(d.Secure))
	}
	if len(r.CookiesNamed(web.StateCookieName)) > 0 {
		http.SetCookie(w, web.StateCookie("", d.Secure))
	}
}

// allow grants p to by. The answer tells of the state that the browser then has.
func (d *door) allow(w http.ResponseWriter, r *http.Request, p *oauth.Pending, by headykey.Caller, decision *oauth.Decision) (*oauth.Answer, error) {
	p.Browser = d.stateOf(by.Session)
	answer, err := d.OAuth.Allow(r.Context(), p, by, decision)
	if known, none := r.Cookie(web.StateCookieName); err == nil && (none != nil || known.Value != p.Browser) {
		http.SetCookie(w, web.StateCookie(p.Browser, d.Secure))
	}
	return answer, err
}
