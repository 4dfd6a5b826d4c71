package pages

import (
	"net/http"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// chooseForm says with which account a person goes on (prompt=select_account).
var chooseForm = form{Name: "Choose an account", Action: "/select-account"}

// A choice is what the page of accounts tells.
type choice struct {
	App   *app
	Email string
	Other string // path of the sign-in page
}

// chooseAccount serves GET /select-account?request=.
func (d *door) chooseAccount(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	v, err := d.visitFor(r, r.URL.Query().Get("request"))
	if err != nil {
		return d.stale(w, r, v, err)
	}
	step, err := d.OAuth.Next(r.Context(), v.p, v.by)
	if err != nil || step != oauth.StepAccount {
		return d.proceed(w, r, v.p, v.id, v.by)
	}
	f := d.filled(w, r, chooseForm, d.told(w, r))
	f.Hidden["request"], f.Hidden["session"] = v.id, string(v.by.Session)
	return d.show(w, r, http.StatusOK, "select-account", page{
		Title: chooseForm.Name, Form: f, Policy: v.policy(), Data: choice{v.app(), v.by.Email, v.to(signInForm.Action)},
	})
}

// chosen serves POST /select-account.
func (d *door) chosen(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	v, err := d.visitFor(r, in.Get("request"))
	if err != nil {
		return "", d.stale(w, r, v, err)
	}
	if !v.same(in) {
		return v.to(chooseForm.Action), nil // another person sits there now: ask them
	}
	if err := d.OAuth.Choose(r.Context(), v.id, d.knownBrowser(r), v.by); err != nil {
		return "", d.stale(w, r, v, err)
	}
	return v.to(consentForm.Action), nil
}

// same reports whether the form in was shown to the session that sends it.
func (v visit) same(in url.Values) bool {
	return v.by.Session != "" && string(v.by.Session) == in.Get("session")
}
