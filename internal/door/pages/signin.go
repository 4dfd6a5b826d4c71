package pages

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// signInForm lets a person in by password.
var signInForm = form{
	Name: "Sign in", Action: "/sign-in", Submit: "Sign in",
	Fields: []field{
		{Name: "email", Label: "Email", Type: "email", Autocomplete: "username webauthn", Enter: "next", Max: 254, Required: true},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password", Enter: "go", Max: 1024, Required: true},
	},
}

// afterSignIn are the pages of ours that a person can be on their way to, by the name
// in the address: never by an address, which a stranger could choose.
var afterSignIn = map[string]string{"approvals": approvalForm.Action}

// A signIn is what the sign-in page tells beside its form.
type signIn struct {
	App      *app   // that a person goes on to; nil: none waits
	Known    string // the address of who is signed in here already
	Other    bool   // the app asks for another account than theirs
	Continue string // the path on which they can go on as they are; "": they must sign in
	SignUp   string // path
}

// signIn serves GET /sign-in, with ?request= of an app that waits.
func (d *door) signIn(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	v, err := d.visit(r, r.URL.Query().Get("request"))
	if err != nil {
		return d.stale(w, r, v, err)
	}
	told := d.told(w, r)
	f := d.filled(w, r, signInForm, told)
	if v.toward = r.URL.Query().Get("to"); afterSignIn[v.toward] != "" {
		f.Hidden["to"] = v.toward
	}
	data := signIn{App: v.app(), Known: v.by.Email, SignUp: v.to(signUpForm.Action)}
	if v.p != nil {
		f.Hidden["request"] = v.id
		d.welcomeBack(r, v, &data)
		if f.Fields[0].Value == "" {
			f.Fields[0].Value = expected(v, data)
		}
	}
	return d.show(w, r, told.fault(w.Header()), "sign-in", page{Title: signInForm.Name, Form: f, Policy: v.policy(), Data: data})
}

// welcomeBack adds what there is to say to somebody who is signed in already.
func (d *door) welcomeBack(r *http.Request, v visit, data *signIn) {
	if v.by.Session == "" {
		return
	}
	data.Other = v.p.Ask.Hint != "" && d.OAuth.Subject(v.p.Client, v.by.User) != v.p.Ask.Hint
	if step, err := d.OAuth.Next(r.Context(), v.p, v.by); err == nil && step != oauth.StepSignIn {
		data.Continue = v.to(consentForm.Action)
	}
}

// expected is the address that the person will probably sign in with, or "".
func expected(v visit, data signIn) string {
	if address, _, err := headykey.ParseEmail(v.p.Ask.LoginHint); err == nil {
		return address
	}
	if data.Other || data.Continue != "" {
		return ""
	}
	return data.Known
}

// signedIn serves POST /sign-in.
func (d *door) signedIn(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	v, err := d.visit(r, in.Get("request"))
	if err != nil {
		return "", d.stale(w, r, v, err)
	}
	v.toward = in.Get("to")
	old, _ := web.ReadSessionCookie(r) // a bad one is overwritten like any other
	grant, err := d.Auth.Login(r.Context(), auth.PasswordLogin{
		Email: in.Get("email"), Password: in.Get("password"), From: d.Proxies.From(r), Surface: surface, Replaces: old, Renew: true,
	})
	if err != nil {
		return v.to(signInForm.Action), refusedSignIn(web.Explain(r.Context(), err), in.Get("email"))
	}
	return d.arrive(w, r, v, grant)
}

// arrive gives the browser its session and returns where the person goes on to. Who
// has just signed in has chosen their account by that.
func (d *door) arrive(w http.ResponseWriter, r *http.Request, v visit, grant *auth.Grant) (string, error) {
	http.SetCookie(w, web.SessionCookie(grant.Cookie, grant.CookieLife, d.Secure))
	if v.p == nil {
		return cmp.Or(afterSignIn[v.toward], "/"), nil
	}
	if v.p.Ask.Prompts("select_account") {
		err := d.OAuth.Choose(r.Context(), v.id, d.knownBrowser(r), headykey.Caller{Session: grant.Session})
		if err != nil {
			return "", d.stale(w, r, v, err)
		}
	}
	return v.to(consentForm.Action), nil
}

// refusedSignIn is e in the words of the sign-in page. What an account is like is told
// only to who knew its password.
func refusedSignIn(e *headykey.Error, email string) error {
	switch {
	case e.Is(headykey.ErrRateLimited):
		return e.Saying("Too many tries. Wait " + wait(e.After) + ".")
	case e.Is(headykey.ErrEmailNotConfirmed):
		return e.Saying("Check " + headykey.ShownText(email) + " for a link to confirm your address.")
	case e.Is(headykey.ErrAccountDisabled):
		return e.Saying("This account is suspended. Ask your administrator.")
	}
	return e
}

// wait is d in whole seconds, rounded up.
func wait(d time.Duration) string {
	return seconds(strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10))
}
