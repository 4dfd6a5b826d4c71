package pages

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// logoutForm asks whether somebody wants to be signed out.
var logoutForm = form{Name: "Sign out", Action: "/logout"}

// logoutParams are what a request to sign out may say (OpenID Connect RP-Initiated
// Logout 1.0 §2). The page that asks carries them on.
var logoutParams = []string{
	"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales",
}

// A leaving is what the page tells of somebody about to go.
type leaving struct {
	App   string // who sent them here; "": nobody, or we do not know
	Email string
}

// logout serves GET /logout, and GET and POST /auth/v1/oauth/logout. An ID token
// that was given in this very session ends it at once; for all else the person is
// asked: any page may send a browser here.
func (d *door) logout(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	if r.Method == http.MethodPost {
		return asGet(w, r)
	}
	in, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return d.badLogout(w, r, headykey.ErrInvalid.Saying("The address is not well formed."), in)
	}
	l, err := d.OAuth.BeginLogout(r.Context(), in)
	if err != nil {
		return d.badLogout(w, r, err, in)
	}
	by, err := d.present(r)
	switch {
	case err != nil:
		return err
	case by.Session == "" && mayBounce(r, in):
		return d.bounce(w, r)
	case by.Session == "", by.Session == l.Session:
		return d.signOut(w, r, by, l.Back(false))
	}
	f := d.filled(w, r, logoutForm, d.told(w, r))
	for _, name := range logoutParams {
		if in.Get(name) != "" {
			f.Hidden[name] = in.Get(name)
		}
	}
	out := leaving{Email: by.Email}
	if l.Client != nil {
		out.App = l.Client.Name
	}
	return d.show(w, r, http.StatusOK, "logout", page{
		Title: "Sign out of HeadyKey?", Form: f, Policy: policyFor(l.Back(true)), Data: out,
	})
}

// present returns whose session cookie the request carries; a dead one is nobody's.
// Unlike whoever it fails if that cannot be known: nobody is told that they are
// signed out who is not.
func (d *door) present(r *http.Request) (headykey.Caller, error) {
	by, err := d.identify(r)
	if err != nil && web.Explain(r.Context(), err).Kind == headykey.Unproven {
		return headykey.Caller{From: d.Proxies.From(r)}, nil
	}
	return by, err
}

// loggedOut serves POST /logout.
func (d *door) loggedOut(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	if in.Get("decision") != "leave" {
		return "/", nil
	}
	l, err := d.OAuth.BeginLogout(r.Context(), in)
	if err != nil {
		return "", d.badLogout(w, r, err, in)
	}
	by, err := d.present(r)
	if err != nil {
		return logoutForm.Action, err
	}
	if err := d.signOut(w, r, by, l.Back(true)); err != nil {
		return logoutForm.Action, err
	}
	return "", nil
}

// signOut ends the session of by, if there is one, and sends the browser back, or
// to our own last page. Clients that are told in the browser are told before that.
func (d *door) signOut(w http.ResponseWriter, r *http.Request, by headykey.Caller, back string) error {
	var frames []string
	if by.Session != "" {
		var err error
		if frames, err = d.OAuth.FrontLogouts(r.Context(), by.User, by.Session); err != nil {
			return err
		}
		if _, err := d.Auth.Logout(r.Context(), by, auth.Local); err != nil {
			return err
		}
	}
	d.exit(w, r)
	switch {
	case len(frames) > 0:
		return d.farewell(w, r, back, frames)
	case back != "":
		goTo(w, back)
	default:
		goTo(w, "/signed-out")
	}
	return nil
}

// A farewell is the page for somebody who is signed out.
type farewell struct {
	Back   template.URL // where they may go on to; registered, so that any scheme is fit for a link
	Frames []string     // pages of clients that sign the person out of them
}

// afterFrames is how long the frames of other sites have before the browser goes on.
const afterFrames = "3"

// farewell shows the last page with the frames of clients, and goes on by itself.
func (d *door) farewell(w http.ResponseWriter, r *http.Request, back string, frames []string) error {
	if back != "" {
		w.Header().Set("Refresh", afterFrames+"; url="+back)
	}
	return d.show(w, r, http.StatusOK, "signed-out", page{
		Title: "You are signed out", Policy: policy + "; frame-src " + origins(frames), Data: farewell{template.URL(back), frames},
	})
}

// origins are the origins of addresses that were checked before, as a policy names
// them.
func origins(addresses []string) string {
	var all []string
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil {
			all = append(all, u.Scheme+"://"+u.Host)
		}
	}
	return strings.Join(all, " ")
}

// signedOut serves GET /signed-out. It names nobody, so anybody may see it.
func (d *door) signedOut(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	return d.show(w, r, http.StatusOK, "signed-out", page{Title: "You are signed out", Data: farewell{}})
}

// badLogout tells of a request to sign out that is wrong. It goes nowhere.
func (d *door) badLogout(w http.ResponseWriter, r *http.Request, err error, in url.Values) error {
	e := web.Explain(r.Context(), err)
	if e.Kind == headykey.Internal || e.Kind == headykey.Unavailable {
		return e
	}
	return d.show(w, r, http.StatusBadRequest, "bad-logout", page{Title: "This sign-out request is not valid", Data: badRequest{
		Text: e.Text, Error: oauth.Word(e), Client: in.Get("client_id"), Redirect: in.Get("post_logout_redirect_uri"),
	}})
}
