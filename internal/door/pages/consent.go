package pages

import (
	"net/http"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
)

// consentForm asks whether an app may act for a person.
var consentForm = form{Name: "Permission request", Action: "/consent"}

// leaveForm is for who is not the person that is signed in.
var leaveForm = form{Name: "Leave this account", Action: "/consent/leave", Submit: "Not you?"}

// A consent is what the page tells of a request.
type consent struct {
	question
	Leave *form
	To    place
}

// consent serves GET /consent?request=. It is also where a request goes on after
// every other page: it asks only if there is something to ask.
func (d *door) consent(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	v, err := d.visitFor(r, r.URL.Query().Get("request"))
	if err != nil {
		return d.stale(w, r, v, err)
	}
	step, err := d.OAuth.Next(r.Context(), v.p, v.by)
	if err != nil || step != oauth.StepConsent {
		return d.proceed(w, r, v.p, v.id, v.by)
	}
	q, err := d.question(r, v.p, v.by)
	if err != nil {
		return err
	}
	data := consent{q, d.leave(w, r, v.id, v.by), placeOf(v.p.Ask.Redirect)}
	f := d.filled(w, r, consentForm, d.told(w, r))
	f.Hidden["request"], f.Hidden["session"] = v.id, string(v.by.Session)
	return d.show(w, r, http.StatusOK, "consent", page{
		Title: "Allow " + data.App.Name + " to use your account?", Form: f, Policy: v.policy(), Data: data,
	})
}

// consented serves POST /consent.
func (d *door) consented(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	v, err := d.visitFor(r, in.Get("request"))
	if err != nil {
		return "", d.stale(w, r, v, err)
	}
	if !v.same(in) {
		return v.to(consentForm.Action), nil // another person sits there now: ask them
	}
	answer, err := d.decide(w, r, v, in)
	if err != nil {
		return "", d.refuse(w, r, v.p, err)
	}
	return "", d.answer(w, r, answer)
}

// decide does what the person chose.
func (d *door) decide(w http.ResponseWriter, r *http.Request, v visit, in url.Values) (*oauth.Answer, error) {
	decision := decisionOf(in)
	if decision == nil {
		return d.OAuth.Deny(r.Context(), v.p, v.by)
	}
	return d.allow(w, r, v.p, v.by, decision)
}

// leave is the way out for who is not by, at a page of the request under id.
func (d *door) leave(w http.ResponseWriter, r *http.Request, id string, by headykey.Caller) *form {
	f := d.filled(w, r, leaveForm, flash{})
	f.Hidden["request"], f.Hidden["session"] = id, string(by.Session)
	return f
}

// left serves POST /consent/leave: the session ends, and the request waits for
// somebody else.
func (d *door) left(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	v, err := d.visitFor(r, in.Get("request"))
	if err != nil {
		return "", d.stale(w, r, v, err)
	}
	if !v.same(in) {
		return v.to(consentForm.Action), nil
	}
	if _, err := d.Auth.Logout(r.Context(), v.by, auth.Local); err != nil {
		return v.to(consentForm.Action), err
	}
	d.exit(w, r)
	return v.to(signInForm.Action), nil
}
