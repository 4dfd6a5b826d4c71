package pages

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

const (
	csrfField   = "csrf_token"
	csrfPurpose = "pages csrf"
	maxForm     = 64 << 10 // bytes of a posted form
)

// A form is posted to Action, which also shows it. The first four are its table
// and never change; filled copies the table and adds the rest.
type form struct {
	Name   string // its accessible name
	Action string
	Submit string // what its button does
	Fields []field

	Hidden map[string]string
	CSRF   string
	Alert  string
}

// A field is one input with its label. What it is stands first, what it holds
// now stands last.
type field struct {
	Name, Label  string
	Type         string // text, email, password
	Autocomplete string
	Enter        string // what the enter key of a touch keyboard says: next, go
	Help         string
	Min, Max     int // characters; zero Min: any number
	Required     bool
	Capitals     bool // it is typed in capitals, and is no word

	Value string
	Fault string // what is wrong with the value
	Focus bool   // the page begins here
}

// filled returns table with what was typed, what is wrong with it, and the token
// that proves that we made the form. It takes the flash f of the page.
func (d *door) filled(w http.ResponseWriter, r *http.Request, table form, f flash) *form {
	out := table
	out.Hidden = map[string]string{}
	out.CSRF = d.csrfToken(d.browser(w, r), table.Action)
	out.Alert = f.Alert
	out.Fields = append([]field(nil), table.Fields...)
	focused := false
	for i := range out.Fields {
		in := &out.Fields[i]
		in.Value, in.Fault = f.Values[in.Name], f.Faults[in.Name]
		in.Focus = in.Fault != "" && !focused
		focused = focused || in.Focus
	}
	return &out
}

// A deed is what a form asks for. It returns the address to go on to (after a
// failure, that of the form), or "" if it has answered itself.
type deed = func(w http.ResponseWriter, r *http.Request, in url.Values) (to string, err error)

// post adds the route that takes a form: only from our own pages, within the
// budget of credentials. What the person can mend leads back to the form by a
// redirect, as success leads on: going back in the browser never sends it again.
func (d *door) post(r *web.Router, table form, do deed) {
	h := web.Handle(d.open, func(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
		in, err := d.posted(w, r, table.Action)
		if err != nil {
			return err
		}
		to, err := do(w, r, in)
		if err != nil {
			e := web.Explain(r.Context(), err)
			if e.Kind == headykey.Internal {
				return e
			}
			d.tell(w, table.failed(in, e))
		}
		if to != "" {
			goTo(w, to)
		}
		return nil
	})
	r.Handle(http.MethodPost, table.Action, d.Limiter.Guard(d.open, d.Proxies, h))
}

// posted returns the values of a form that a page of ours sent.
func (d *door) posted(w http.ResponseWriter, r *http.Request, action string) (url.Values, error) {
	if err := d.CORS.SameSite(r); err != nil {
		return nil, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, web.ErrBodyTooLarge
		}
		return nil, headykey.ErrInvalid.Saying("The form did not arrive whole.")
	}
	browser := d.knownBrowser(r)
	want := d.csrfToken(browser, action)
	if browser == "" || !hmac.Equal([]byte(r.PostForm.Get(csrfField)), []byte(want)) {
		return nil, headykey.ErrCSRF
	}
	return r.PostForm, nil
}

// failed is what the form is told after e: what was typed, but no password.
func (table form) failed(in url.Values, e *headykey.Error) flash {
	f := flash{For: table.Action, Code: e.Code, Alert: e.Text, Faults: map[string]string{}, Values: map[string]string{}}
	for _, known := range table.Fields {
		if known.Type != "password" {
			f.Values[known.Name] = in.Get(known.Name)
		}
		for _, fault := range e.Fields {
			if fault.Name == known.Name {
				f.Faults[known.Name] = fault.Message
			}
		}
	}
	if e.Kind == headykey.TooMany || e.Kind == headykey.Unavailable {
		f.HTTP = web.StatusOf(e)
	}
	if e.After > 0 {
		f.Again = time.Now().Add(e.After).Unix() + 1
	}
	if len(f.Faults) > 0 {
		f.Alert = "Nothing was saved. Mend what is marked below."
	}
	return f
}

// csrfToken is bound to the browser and to one form.
func (d *door) csrfToken(browser, action string) string {
	mac := d.MAC(csrfPurpose, []byte(browser), []byte(action))
	return base64.RawURLEncoding.EncodeToString(mac[:])
}

// browser returns the secret that marks this browser, and gives it one if it has
// none. The cookie is Lax: it must come with a visit from a link in web mail,
// and proves nothing by itself.
func (d *door) browser(w http.ResponseWriter, r *http.Request) string {
	if known := d.knownBrowser(r); known != "" {
		return known
	}
	c := d.cookie("csrf", rand.Text(), http.SameSiteLaxMode)
	http.SetCookie(w, c)
	r.AddCookie(c) // a second form on this page is bound to the same one
	return c.Value
}

// knownBrowser returns the browser's secret, or "" if there is none, or two.
func (d *door) knownBrowser(r *http.Request) string {
	cookies := r.CookiesNamed(d.cookieName("csrf"))
	if len(cookies) != 1 || len(cookies[0].Value) != len(rand.Text()) {
		return ""
	}
	return cookies[0].Value
}
