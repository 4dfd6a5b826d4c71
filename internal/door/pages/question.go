package pages

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// A question is what every page tells that asks whether an app may act for a person.
type question struct {
	Key          string // of the request, where a page asks about several; else ""
	App          *app
	Trusted      bool // first party
	Vouched      bool // somebody stands for what the app says of itself
	Logo         string
	Mark         string // the app's initials, where its logo cannot be had
	Person       string
	Email        string
	Initials     string
	Home         string // host of the app's web site; "": see Registered
	Registered   string // when and by whom
	Resources    []string
	New, Allowed []scope
	Details      []detail
	Durations    []duration
	Links        []link // the app's own documents
}

// question asks the rules what by must know to answer p.
func (d *door) question(r *http.Request, p *oauth.Pending, by headykey.Caller) (question, error) {
	q, err := d.OAuth.Question(r.Context(), p, by)
	if err != nil {
		return question{}, err
	}
	c := p.Client
	out := question{
		App: appOf(p), Trusted: c.Trusted, Vouched: c.Vouched(), Logo: logoOf(c), Person: headykey.ShownName(q.Person.Name), Email: q.Person.Email,
		Resources: q.Resources, Details: detailsOf(q.Details), Durations: durationsFor(q.MaxLife, q.Local),
		New: scopesOf(q.New, &q.Person, c.Vouched()), Allowed: scopesOf(q.Allowed, &q.Person, true),
	}
	out.Initials, out.Mark = initials(cmp.Or(out.Person, out.Email)), initials(out.App.Name)
	out.Registered = "Registered by an administrator on " + c.Created.Format("2 January 2006")
	if c.Origin == headykey.Dynamic {
		out.Registered = "Registered itself on " + c.Created.Format("2 January 2006")
	}
	if home := homeOf(p); home != nil {
		out.Home = home.Host
	}
	for _, one := range []link{{"Its privacy policy", c.Details.PolicyURI}, {"Its terms", c.Details.TermsURI}} {
		if webAddress(one.Address) != nil {
			out.Links = append(out.Links, one)
		}
	}
	return out, nil
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

// durationsFor returns the choices for a client that may have most (zero: any time);
// any program could pretend to be a local one.
func durationsFor(most time.Duration, local bool) []duration {
	usual := "34d"
	switch {
	case local:
		usual = "session"
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

// decisionOf reads what the person answered: nil is a no. A duration that is no choice
// of ours is the shortest.
func decisionOf(in url.Values) *oauth.Decision {
	if in.Get("decision") != "allow" {
		return nil
	}
	out := durations[0].decision
	for _, one := range durations {
		if one.Value == in.Get("duration") {
			out = one.decision
		}
	}
	out.Scopes = slices.Clone(in["scope"])
	return &out
}
