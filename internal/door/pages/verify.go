package pages

import (
	"net/http"

	"headykey.com/headykey"
)

// letterForms spend the link of a letter that an app had sent, by the type of the
// letter. A click is needed: what scans mail follows links, and must not spend them.
var letterForms = map[string]form{
	"signup":       {Name: "Confirm your email address", Submit: "Confirm email address"},
	"email":        {Name: "Confirm your email address", Submit: "Confirm email address"},
	"magiclink":    {Name: "Sign in", Submit: "Sign in"},
	"recovery":     {Name: "Choose a new password", Submit: "Go on"},
	"invite":       {Name: "Accept the invitation", Submit: "Accept"},
	"email_change": {Name: "Change your email address", Submit: "Confirm the change"},
}

// letterLink serves GET /auth/v1/verify?token=&type=&redirect_to=: the form goes to the
// same address, and its answer on to the app.
func (d *door) letterLink(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	query := r.URL.Query()
	table, ok := letterForms[query.Get("type")]
	if !ok {
		return headykey.ErrInvalid.Saying("There are no letters of this type.").About("type")
	}
	table.Action = r.URL.Path
	f := d.filled(w, r, table, flash{})
	for _, name := range []string{"token", "type", "redirect_to"} {
		f.Hidden[name] = query.Get(name)
	}
	return d.show(w, r, http.StatusOK, "confirm", page{Title: table.Name, Form: f, Policy: policyFor(query.Get("redirect_to"))})
}
