// Package pages is the door for people with a browser: pages made on the server,
// which work without scripts. A screen is a template in templates/ and a handler
// of a few lines; a form is a table of fields. What all screens share (frames,
// fields, notices, failures, the two cookies of forms) is in the files around it.
package pages

import (
	"context"
	"html/template"
	"net/http"
	"sync/atomic"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// Deps are what the pages stand on.
type Deps struct {
	Auth    *auth.Service
	OAuth   *oauth.Service
	CORS    *web.CORS // says which POSTs come from our own pages
	Limiter *web.Limiter
	Proxies web.Proxies
	Secure  bool // cookies are for https alone; false only on plain loopback

	// MAC, Seal and Open are those of the server's Sealer.
	MAC  func(purpose string, data ...[]byte) [32]byte
	Seal func(purpose string, plain []byte) []byte
	Open func(purpose string, sealed []byte) ([]byte, error)

	BaseURL  string // public base, without a slash at the end
	Version  string
	Database string        // of the engine, as people call it: SQLite, PostgreSQL
	Mailbox  *mail.Mailbox // nil outside development: /mailbox does not exist
	Facts    func(context.Context) (Facts, error)
}

// Facts are what is true of the server now. Pages for everybody ask for them only
// until there is an administrator.
type Facts struct {
	Admin      bool   // there is an administrator
	APIKey     bool   // there is an API key
	OwnURL     bool   // the operator chose the public URL
	MailServer string // host:port that letters leave by; "": none
	Data       string // the data directory
	MasterKey  string // the file of the master key; "": it comes from the environment
}

// surface is the door's name on the sessions that begin here.
const surface = "pages"

type door struct {
	Deps
	router   *web.Router
	assets   assets
	screens  map[string]*template.Template
	open     web.Door    // everybody is a stranger: a dead cookie bars nobody
	closed   web.Door    // the session cookie says who it is
	hasAdmin atomic.Bool // see adminExists
}

// A Front is the endpoints of OAuth that are a matter of pages. They lie in the URL
// space of another door, which hangs them and tells of them.
type Front struct {
	Authorize    http.Handler // GET and POST
	Logout       http.Handler // GET and POST
	CheckSession http.Handler // GET
	LetterLink   http.Handler // GET
}

// Mount hangs the pages on r. Failures on all paths that no other door claimed
// (see [web.Router.Fail]) become pages where the client takes HTML, and JSON
// elsewhere and below the prefixes of the programs' doors.
func Mount(r *web.Router, d Deps) Front {
	p := &door{Deps: d, router: r, assets: newAssets()}
	p.screens = newScreens(p.assets)
	p.open = web.Door{Fail: p.fail}
	p.closed = web.Door{Fail: p.fail, Identify: p.identify}
	r.Fail("", p.fail)

	p.get(r, "/{$}", p.open, p.welcome)
	p.get(r, "/static/{version}/{name}", p.open, p.asset)
	p.get(r, setupForm.Action, p.open, p.setup)
	p.post(r, setupForm, p.setUp)
	p.get(r, "/setup/next", p.closed, p.nextSteps)
	p.get(r, confirmForm.Action, p.open, p.confirm)
	p.post(r, confirmForm, p.confirmed)
	p.get(r, confirmForm.Action+"/done", p.open, p.confirmDone)
	p.get(r, signInForm.Action, p.open, p.signIn)
	p.post(r, signInForm, p.signedIn)
	p.get(r, signUpForm.Action, p.open, p.signUp)
	p.post(r, signUpForm, p.signedUp)
	p.get(r, inboxPath, p.open, p.inbox)
	p.get(r, chooseForm.Action, p.open, p.chooseAccount)
	p.post(r, chooseForm, p.chosen)
	p.get(r, consentForm.Action, p.open, p.consent)
	p.post(r, consentForm, p.consented)
	p.get(r, logoPath+"{client}/{version}", p.open, p.logo)
	p.get(r, deviceForm.Action, p.open, p.device)
	p.post(r, deviceForm, p.typed)
	p.get(r, allowDeviceForm.Action, p.open, p.allowDevice)
	p.post(r, allowDeviceForm, p.deviceAnswered)
	p.get(r, deviceDone, p.open, p.deviceDone)
	p.get(r, approvalForm.Action, p.open, p.approvals)
	p.post(r, approvalForm, p.approved)
	p.post(r, leaveForm, p.left)
	p.get(r, logoutForm.Action, p.open, p.logout)
	p.post(r, logoutForm, p.loggedOut)
	p.get(r, "/signed-out", p.open, p.signedOut)
	if d.Mailbox != nil {
		p.get(r, "/mailbox", p.open, p.letters)
		p.get(r, "/mailbox/{id}", p.open, p.letter)
		p.get(r, "/mailbox/{id}/html", p.open, p.letterHTML)
		p.get(r, "/mailbox.json", p.open, p.lettersJSON)
		p.post(r, clearForm, p.clearMailbox)
	}
	return Front{
		Authorize: web.Handle(web.Door{Fail: p.failPerson}, p.authorize), Logout: web.Handle(web.Door{Fail: p.failPerson}, p.logout),
		CheckSession: web.Handle(p.open, p.checkSession), LetterLink: web.Handle(web.Door{Fail: p.failPerson}, p.letterLink),
	}
}

// A handler writes an answer, or returns an error and has written nothing.
type handler = func(w http.ResponseWriter, r *http.Request, by headykey.Caller) error

func (d *door) get(r *web.Router, pattern string, at web.Door, h handler) {
	r.Handle(http.MethodGet, pattern, web.Handle(at, h))
}

// identify returns whose session cookie the request carries.
func (d *door) identify(r *http.Request) (headykey.Caller, error) {
	from := d.Proxies.From(r)
	cookie, err := web.ReadSessionCookie(r)
	if err != nil || cookie == "" {
		return headykey.Caller{From: from}, err
	}
	return d.Auth.ByCookie(r.Context(), cookie, from)
}
