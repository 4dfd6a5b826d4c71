package pages

import (
	"net/http"
	"net/url"

	"headykey.com/headykey"
)

// confirmForm spends the link of a letter. A click is needed: what scans mail
// follows links, and must not spend them.
var confirmForm = form{Name: "Confirm your email address", Action: "/verify-email", Submit: "Confirm email address"}

// confirm serves GET /verify-email?token=.
func (d *door) confirm(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	token := r.URL.Query().Get("token")
	told := d.told(w, r)
	if token == "" || told.Code == headykey.ErrInvalidToken.Code {
		return d.deadLink(w, r, problem{
			Text: "A confirmation link works once, and only for a limited time.",
			Next: "If you used it before, your address is confirmed and you can sign in. If not, ask an administrator of this server.",
		})
	}
	f := d.filled(w, r, confirmForm, told)
	f.Hidden["token"] = token
	return d.show(w, r, http.StatusOK, "confirm", page{Title: confirmForm.Name, Form: f})
}

// confirmed serves POST /verify-email.
func (d *door) confirmed(_ http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	token := in.Get("token")
	if err := d.Auth.ConfirmEmail(r.Context(), token, d.Proxies.From(r)); err != nil {
		return confirmForm.Action + "?" + url.Values{"token": {token}}.Encode(), err
	}
	return confirmForm.Action + "/done", nil
}

// confirmDone serves GET /verify-email/done. It names nobody, so anybody may see it;
// in the browser that began with an app it leads on to that.
func (d *door) confirmDone(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	v := d.waiting(r)
	return d.show(w, r, http.StatusOK, "done", page{
		Title: "Your address is confirmed", Data: signUp{App: v.app(), SignIn: v.to(signInForm.Action)},
	})
}
