package pages

import (
	"cmp"
	"net/http"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/web"
)

// signInForm lets a person in by password.
var signInForm = form{
	Name: "Sign in", Action: "/sign-in", Submit: "Sign in",
	Fields: []field{
		{Name: "email", Label: "Email", Type: "email", Autocomplete: "username webauthn", Max: 254, Required: true},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password", Max: 1024, Required: true},
	},
}

// afterSignIn are the pages of ours that a person can be on their way to, by the name
// in the address: never by an address, which a stranger could choose.
var afterSignIn = map[string]string{"approvals": approvalForm.Action}

// A signIn is what the sign-in page tells of the app that a person goes on to.
type signIn struct {
	App string // its name; "": none waits
}

// signIn serves GET /sign-in, with ?request= of an app that waits.
func (d *door) signIn(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	f := d.filled(w, r, signInForm, d.told(w, r))
	out := page{Title: signInForm.Name, Form: f, Data: signIn{}}
	if to := r.URL.Query().Get("to"); afterSignIn[to] != "" {
		f.Hidden["to"] = to
	}
	if id := r.URL.Query().Get("request"); id != "" {
		p, err := d.resumed(r, id)
		if err != nil {
			return err
		}
		f.Hidden["request"] = id
		if f.Fields[0].Value == "" {
			f.Fields[0].Value = p.Ask.LoginHint
		}
		out.Policy, out.Data = policyFor(p.Ask.Redirect), signIn{App: p.Client.Name}
	}
	return d.show(w, r, http.StatusOK, "sign-in", out)
}

// signedIn serves POST /sign-in.
func (d *door) signedIn(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	id := in.Get("request")
	old, _ := web.ReadSessionCookie(r) // a bad one is overwritten like any other
	grant, err := d.Auth.Login(r.Context(), auth.PasswordLogin{
		Email: in.Get("email"), Password: in.Get("password"), From: d.Proxies.From(r), Surface: surface, Replaces: old,
	})
	if err != nil {
		return signInPath(id, in.Get("to")), err
	}
	http.SetCookie(w, web.SessionCookie(grant.Cookie, grant.CookieLife, d.Secure))
	if id == "" {
		return cmp.Or(afterSignIn[in.Get("to")], "/"), nil
	}
	return withRequest(consentForm.Action, id), nil
}

// signInPath is the sign-in page for the request under id, or on the way to a page of
// ours.
func signInPath(id, to string) string {
	if afterSignIn[to] != "" {
		return signInForm.Action + "?" + url.Values{"to": {to}}.Encode()
	}
	return withRequest(signInForm.Action, id)
}

// withRequest is path for the request under id; "": none waits.
func withRequest(path, id string) string {
	if id == "" {
		return path
	}
	return path + "?" + url.Values{"request": {id}}.Encode()
}
