package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/web"
)

// signUpForm makes an account.
var signUpForm = form{
	Name: "Create an account", Action: "/sign-up", Submit: "Create account",
	Fields: []field{
		{Name: "name", Label: "Name", Type: "text", Autocomplete: "name", Max: 200},
		{Name: "email", Label: "Email", Type: "email", Autocomplete: "username", Max: 254, Required: true},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "new-password", Min: 8, Max: 1024, Required: true,
			Help: "At least 8 characters. Longer is better: a few words you can remember."},
	},
}

const (
	inboxPath  = "/sign-up/sent"
	waitCookie = "waiting"        // names the request that waits for a new account
	waitLife   = 34 * time.Minute // as long as the request itself lives
)

// A signUp is what the pages of a new account tell beside their form.
type signUp struct {
	App    *app   // that a person goes on to; nil: none waits
	SignIn string // path
	Email  string // where the letter went; "": it is not known any more
}

// signUp serves GET /sign-up, with ?request= of an app that waits.
func (d *door) signUp(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	v, err := d.visit(r, r.URL.Query().Get("request"))
	if err != nil {
		return d.stale(w, r, v, err)
	}
	told := d.told(w, r)
	f := d.filled(w, r, signUpForm, told)
	if v.p != nil {
		f.Hidden["request"] = v.id
		if f.Fields[1].Value == "" {
			f.Fields[1].Value = expected(v, signIn{})
		}
	}
	return d.show(w, r, told.fault(w.Header()), "sign-up", page{
		Title: signUpForm.Name, Form: f, Policy: v.policy(), Data: signUp{App: v.app(), SignIn: v.to(signInForm.Action)},
	})
}

// signedUp serves POST /sign-up. Where addresses must be confirmed it answers alike
// for those that have an account.
func (d *door) signedUp(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	v, err := d.visit(r, in.Get("request"))
	if err != nil {
		return "", d.stale(w, r, v, err)
	}
	if in.Get("password") == "" {
		return v.to(signUpForm.Action), headykey.ErrMissingField.Saying("Choose a password.").About("password")
	}
	old, _ := web.ReadSessionCookie(r) // a bad one is overwritten like any other
	grant, err := d.Auth.Register(r.Context(), auth.Registration{
		Email: in.Get("email"), Password: in.Get("password"), Name: in.Get("name"),
		From: d.Proxies.From(r), Surface: surface, Replaces: old,
	})
	if errors.Is(err, headykey.ErrEmailTaken) {
		err = headykey.ErrEmailTaken.About("email")
	}
	if err != nil {
		return v.to(signUpForm.Action), err
	}
	if grant != nil {
		return d.arrive(w, r, v, grant)
	}
	d.keepWaiting(w, v)
	d.tell(w, flash{For: inboxPath, Values: map[string]string{"email": strings.TrimSpace(in.Get("email"))}})
	return v.to(inboxPath), nil
}

// inbox serves GET /sign-up/sent.
func (d *door) inbox(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	v, err := d.visit(r, r.URL.Query().Get("request"))
	if err != nil {
		return d.stale(w, r, v, err)
	}
	return d.show(w, r, http.StatusOK, "inbox", page{Title: "Check your inbox", Data: signUp{
		App: v.app(), SignIn: v.to(signInForm.Action), Email: headykey.ShownText(d.told(w, r).Values["email"]),
	}})
}

// keepWaiting has the browser remember the request, for the visit by the letter's link
// does not name it. The cookie is Lax: that link may be in web mail.
func (d *door) keepWaiting(w http.ResponseWriter, v visit) {
	if v.p == nil {
		return
	}
	c := d.cookie(waitCookie, v.id, http.SameSiteLaxMode)
	c.MaxAge = int(waitLife / time.Second)
	http.SetCookie(w, c)
}

// waiting returns the visit with the request that waits for an account made in this
// browser, or with none.
func (d *door) waiting(r *http.Request) visit {
	if c, err := r.Cookie(d.cookieName(waitCookie)); err == nil {
		if v, err := d.visit(r, c.Value); err == nil {
			return v
		}
	}
	return visit{}
}
