package pages

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// consentForm asks whether an app may act for a person.
var consentForm = form{Name: "Permission request", Action: "/consent"}

// leaveForm is for who is not the person that is signed in.
var leaveForm = form{Name: "Leave this account", Action: "/consent/leave", Submit: "Not you?"}

// A duration is a choice of how long an app may have access.
type duration struct {
	Value, Text string
	Usual       bool // it is chosen until the person chooses another
	decision    oauth.Decision
}

// durations are the choices, the shortest first.
var durations = []duration{
	{Value: "session", Text: "This session only", decision: oauth.Decision{Session: true}},
	{Value: "8h", Text: "8 hours", decision: oauth.Decision{Life: 8 * time.Hour, Remember: true}},
	{Value: "34d", Text: "34 days", decision: oauth.Decision{Life: 34 * 24 * time.Hour, Remember: true}},
	{Value: "forever", Text: "Until I remove it", decision: oauth.Decision{Remember: true}},
}

// durationsFor returns the choices for a client that may have most (zero: any time),
// and sends people back to the place to.
func durationsFor(most time.Duration, to place) []duration {
	usual := "34d"
	switch {
	case to.Mark == thisComputer:
		usual = "session" // any program on this computer could pretend to be this one
	case most > 0:
		usual = "8h"
	}
	var out []duration
	for _, one := range durations {
		life := one.decision.Life
		if most > 0 && !one.decision.Session && (life == 0 || life > most) {
			continue
		}
		one.Usual = one.Value == usual
		out = append(out, one)
	}
	return out
}

// decisionOf reads what the person chose; what is no choice of ours is the shortest.
func decisionOf(in url.Values) oauth.Decision {
	out := durations[0].decision
	for _, one := range durations {
		if one.Value == in.Get("duration") {
			out = one.decision
		}
	}
	out.Scopes = slices.Clone(in["scope"])
	return out
}

// A consent is what the page tells of a request.
type consent struct {
	App          *app
	Trusted      bool // first party
	Vouched      bool // somebody stands for what the app says of itself
	Person       string
	Email        string
	Initials     string
	Leave        *form
	Home         string // host of the app's web site; "": see Registered
	Registered   string // when and by whom
	Resources    []string
	To           place
	New, Allowed []scope
	Details      []detail
	Durations    []duration
	Links        []link // the app's own documents
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
	q, err := d.OAuth.Question(r.Context(), v.p, v.by)
	if err != nil {
		return err
	}
	data := question(v, q)
	f := d.filled(w, r, consentForm, d.told(w, r))
	data.Leave = d.filled(w, r, leaveForm, flash{})
	for _, one := range []*form{f, data.Leave} {
		one.Hidden["request"], one.Hidden["session"] = v.id, string(v.by.Session)
	}
	return d.show(w, r, http.StatusOK, "consent", page{
		Title: "Allow " + data.App.Name + " to use your account?", Form: f, Policy: v.policy(), Data: data,
	})
}

// question is q as the page tells it.
func question(v visit, q *oauth.Question) consent {
	c := v.p.Client
	out := consent{
		App: v.app(), Trusted: c.Trusted, Vouched: c.Vouched(), Person: headykey.ShownName(q.Person.Name), Email: q.Person.Email,
		Resources: q.Resources, To: placeOf(v.p.Ask.Redirect), Details: detailsOf(q.Details),
	}
	out.Initials = initials(cmp.Or(out.Person, out.Email))
	out.Durations = durationsFor(q.MaxLife, out.To)
	out.Registered = "Registered by an administrator on " + c.Created.Format("2 January 2006")
	if c.Origin == headykey.Dynamic {
		out.Registered = "Registered itself on " + c.Created.Format("2 January 2006")
	}
	if home := homeOf(v.p); home != nil {
		out.Home = home.Host
	}
	out.New, out.Allowed = scopesOf(q.New, &q.Person, c.Vouched()), scopesOf(q.Allowed, &q.Person, true)
	for _, one := range []link{{"Its privacy policy", c.Details.PolicyURI}, {"Its terms", c.Details.TermsURI}} {
		if webAddress(one.Address) != nil {
			out.Links = append(out.Links, one)
		}
	}
	return out
}

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return ""
	}
	out := string([]rune(words[0])[:1])
	if len(words) > 1 && !strings.Contains(name, "@") {
		out += string([]rune(words[len(words)-1])[:1])
	}
	return strings.ToUpper(out)
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
	answer, err := d.decide(r, v, in)
	if err != nil {
		return "", d.refuse(w, r, v.p, err)
	}
	return "", d.answer(w, r, answer)
}

// decide does what the person chose.
func (d *door) decide(r *http.Request, v visit, in url.Values) (*oauth.Answer, error) {
	if in.Get("decision") != "allow" {
		return d.OAuth.Deny(r.Context(), v.p, v.by)
	}
	decision := decisionOf(in)
	return d.OAuth.Allow(r.Context(), v.p, v.by, &decision)
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
	http.SetCookie(w, web.ClearSessionCookie(d.Secure))
	return v.to(signInForm.Action), nil
}
