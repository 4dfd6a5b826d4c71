package pages

import (
	"errors"
	"net/http"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/web"
)

// setupForm makes an administrator. It lives behind a link that works once.
var setupForm = form{
	Name: "Create the first administrator", Action: "/setup", Submit: "Create administrator",
	Fields: []field{
		{Name: "name", Label: "Name", Type: "text", Autocomplete: "name", Max: 200},
		{Name: "email", Label: "Email", Type: "email", Autocomplete: "username", Max: 254, Required: true},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "new-password", Min: 8, Max: 1024, Required: true,
			Help: "At least 8 characters. Longer is better: a few words you can remember."},
	},
}

// setup serves GET /setup?token=.
func (d *door) setup(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	token := r.URL.Query().Get("token")
	err := d.Auth.SetupLinkLives(r.Context(), token)
	if errors.Is(err, headykey.ErrNotFound) {
		return d.deadLink(w, r, problem{
			Text:    "A set-up link works once, and only for a short time.",
			Next:    "For a new one, run this on the server's machine:",
			Command: "headykey admin link",
		})
	}
	if err != nil {
		return err
	}
	another, err := d.adminExists(r.Context())
	if err != nil {
		return err
	}
	f := d.filled(w, r, setupForm, d.told(w, r))
	f.Hidden["token"] = token
	if another {
		f.Name = "Create another administrator"
	}
	return d.show(w, r, http.StatusOK, "setup", page{Title: f.Name, Form: f})
}

// setUp serves POST /setup.
func (d *door) setUp(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	old, _ := web.ReadSessionCookie(r) // a bad one is overwritten like any other
	grant, err := d.Auth.SetUp(r.Context(), in.Get("token"), auth.Registration{
		Email: in.Get("email"), Password: in.Get("password"), Name: in.Get("name"),
		From: d.Proxies.From(r), Surface: surface, Replaces: old,
	})
	if errors.Is(err, headykey.ErrEmailTaken) {
		err = headykey.ErrEmailTaken.About("email")
	}
	if err != nil {
		return setupForm.Action + "?" + url.Values{"token": {in.Get("token")}}.Encode(), err
	}
	d.enter(w, grant)
	d.tell(w, flash{For: "/setup/next", Status: "The administrator is made, and you are signed in."})
	return "/setup/next", nil
}

// A checklist is what an administrator sees to after the first start. The ticks
// are facts, never guesses.
type checklist struct {
	Facts
	Email    string
	BaseURL  string
	HTTPS    bool
	Database string
}

// nextSteps serves GET /setup/next.
func (d *door) nextSteps(w http.ResponseWriter, r *http.Request, by headykey.Caller) error {
	if err := by.Need(headykey.RoleAdmin); err != nil {
		return err
	}
	facts, err := d.Facts(r.Context())
	if err != nil {
		return err
	}
	return d.show(w, r, http.StatusOK, "next", page{Title: "Next steps", Status: d.told(w, r).Status, Data: checklist{
		Facts: facts, Email: by.Email, BaseURL: d.BaseURL, HTTPS: d.Secure, Database: d.Database,
	}})
}
