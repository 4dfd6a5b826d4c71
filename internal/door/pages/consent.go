package pages

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// consentForm asks whether an app may act for a person.
var consentForm = form{Name: "Permission request", Action: "/consent"}

// durations are how long a person may let an app have access, by the value of the
// form.
var durations = map[string]oauth.Decision{
	"session": {Session: true},
	"8h":      {Life: 8 * time.Hour, Remember: true},
	"34d":     {Life: 34 * 24 * time.Hour, Remember: true},
	"forever": {Remember: true},
}

// A consent is what the page tells of a request.
type consent struct {
	App      *headykey.Client
	Email    string
	Session  headykey.ID
	Host     string
	Redirect string
	Scopes   []string
}

// consent serves GET /consent?request=. It is also where a request goes on after
// every other page: it asks only if there is something to ask.
func (d *door) consent(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	id := r.URL.Query().Get("request")
	p, err := d.resumed(r, id)
	if err != nil {
		return err
	}
	by := d.whoever(r)
	step, err := d.OAuth.Next(r.Context(), p, by)
	if err != nil || step != oauth.StepConsent {
		return d.proceed(w, r, p, id, by)
	}
	f := d.filled(w, r, consentForm, d.told(w, r))
	f.Hidden["request"], f.Hidden["session"] = id, string(by.Session)
	u, err := url.Parse(p.Ask.Redirect)
	if err != nil {
		return err
	}
	return d.show(w, r, http.StatusOK, "consent", page{
		Title: "Allow " + p.Client.Name + " to use your account?", Form: f, Policy: policyFor(p.Ask.Redirect),
		Data: consent{App: p.Client, Email: by.Email, Session: by.Session, Host: u.Host, Redirect: p.Ask.Redirect, Scopes: p.Ask.Scopes},
	})
}

// consented serves POST /consent.
func (d *door) consented(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	id := in.Get("request")
	p, err := d.resumed(r, id)
	if err != nil {
		return "", d.show(w, r, http.StatusBadRequest, "problem", page{Title: "This sign-in has run out", Data: problem{Text: errStaleRequest.Text}})
	}
	by := d.whoever(r)
	if by.Session == "" || string(by.Session) != in.Get("session") {
		return withRequest(consentForm.Action, id), nil // another person sits there now: ask them
	}
	answer, err := d.decide(w, r, p, by, in)
	if err != nil {
		return "", d.refuse(w, r, p, err)
	}
	return "", d.answer(w, r, answer)
}

// decide does what the person chose.
func (d *door) decide(w http.ResponseWriter, r *http.Request, p *oauth.Pending, by headykey.Caller, in url.Values) (*oauth.Answer, error) {
	if in.Get("decision") != "allow" {
		return d.OAuth.Deny(r.Context(), p, by)
	}
	decision := durations[in.Get("duration")]
	decision.Scopes = slices.Clone(in["scope"])
	return d.allow(w, r, p, by, &decision)
}
