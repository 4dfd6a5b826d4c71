package pages

import (
	"html/template"
	"net/http"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// bounced marks a request that came back from the bounce page.
const bounced = "heady_bounced"

// authorize serves GET and POST /auth/v1/authorize (RFC 6749 §3.1, OpenID Connect
// Core §3.1.2.1). What came by POST goes on as a GET, so that there is one path.
func (d *door) authorize(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			return headykey.ErrInvalid.Saying("The request did not arrive whole.")
		}
		goTo(w, r.URL.Path+"?"+r.Form.Encode())
		return nil
	}
	in, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return d.badRequest(w, r, headykey.ErrInvalid.Saying("The address is not well formed."), in)
	}
	p, err := d.OAuth.Begin(r.Context(), in)
	if p == nil {
		return d.badRequest(w, r, err, in)
	}
	if err != nil {
		return d.refuse(w, r, p, err)
	}
	by := d.whoever(r)
	if by.Session == "" && mayBounce(r, in) {
		return d.bounce(w, r)
	}
	return d.proceed(w, r, p, "", by)
}

// whoever returns whose session cookie the request carries; a bad one is nobody's.
func (d *door) whoever(r *http.Request) headykey.Caller {
	by, err := d.identify(r)
	if err != nil {
		return headykey.Caller{From: d.Proxies.From(r)}
	}
	return by
}

// proceed takes p as far as it goes without the person: to the page that is missing,
// or back to the client. id is that of a request that was held before.
func (d *door) proceed(w http.ResponseWriter, r *http.Request, p *oauth.Pending, id string, by headykey.Caller) error {
	step, err := d.OAuth.Next(r.Context(), p, by)
	if err != nil {
		return d.refuse(w, r, p, err)
	}
	if step == oauth.StepGrant {
		answer, err := d.OAuth.Allow(r.Context(), p, by, nil)
		if err != nil {
			return d.refuse(w, r, p, err)
		}
		return d.answer(w, r, answer)
	}
	if id == "" {
		if id, err = d.OAuth.Hold(r.Context(), p, d.browser(w, r)); err != nil {
			return err
		}
	}
	goTo(w, stepPath(step, id))
	return nil
}

// stepPath is the page on which a person does what is missing.
func stepPath(step oauth.Step, id string) string {
	return "/" + string(step) + "?" + url.Values{"request": {id}}.Encode()
}

// A formPost is an answer that travels in a form. Its address may have the private
// scheme of an app.
type formPost struct {
	Redirect template.URL
	Params   url.Values
}

// answer sends the browser back to the client.
func (d *door) answer(w http.ResponseWriter, r *http.Request, a *oauth.Answer) error {
	if a.Mode == "form_post" {
		return d.show(w, r, http.StatusOK, "form-post", page{
			Title: "Going back to the app", Policy: policyFor(a.Redirect),
			Data: formPost{template.URL(a.Redirect), a.Params}, // it is registered, byte for byte
		})
	}
	goTo(w, a.Location())
	return nil
}

// refuse tells the client of a failure, unless it is ours alone.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, p *oauth.Pending, err error) error {
	e := web.Explain(r.Context(), err)
	answer, err := d.OAuth.Refuse(r.Context(), p, e)
	if err != nil {
		return err
	}
	return d.answer(w, r, answer)
}

// A badRequest is what a developer needs to mend an authorization request whose
// client or redirect URI is wrong. It goes nowhere (RFC 6749 §4.1.2.1).
type badRequest struct {
	Text, Error, Client, Redirect string
	Registered                    []string // redirect URIs of the client, if there is one
}

func (d *door) badRequest(w http.ResponseWriter, r *http.Request, err error, in url.Values) error {
	e := web.Explain(r.Context(), err)
	if e.Kind == headykey.Internal || e.Kind == headykey.Unavailable {
		return e
	}
	return d.show(w, r, http.StatusBadRequest, "bad-request", page{Title: "This sign-in request is not valid", Data: badRequest{
		Text: e.Text, Error: oauth.Word(e), Client: in.Get("client_id"), Redirect: in.Get("redirect_uri"),
		Registered: d.OAuth.RedirectsOf(r.Context(), in),
	}})
}

// mayBounce reports whether the session cookie may only have been kept back: it is
// SameSite=Strict, and another site sent the browser here. A page in a frame gets
// none either way.
func mayBounce(r *http.Request, in url.Values) bool {
	if in.Has(bounced) || r.Header.Get("Sec-Fetch-Dest") == "iframe" {
		return false
	}
	if cookie, err := web.ReadSessionCookie(r); err != nil || cookie != "" {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "cross-site"
}

// bounce answers with a page that goes on to the same address: the visit is then one
// from our own site, and the session cookie comes with it.
func (d *door) bounce(w http.ResponseWriter, r *http.Request) error {
	to := *r.URL
	query := to.Query()
	query.Set(bounced, "1")
	to.RawQuery = query.Encode()
	return d.show(w, r, http.StatusOK, "bounce", page{Title: "One moment", Data: to.RequestURI()})
}
