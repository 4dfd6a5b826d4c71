// Package supabase is the API of Supabase Auth at the issuer: its wire format and
// nothing else. Each handler parses, asks one rule and spells the answer.
package supabase

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/captcha"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/web"
)

const (
	maxBody   = 1 << 20          // bytes of a body
	deadline  = 10 * time.Second // of a request
	keyHeader = "Apikey"
)

// Parts are what the door stands on.
type Parts struct {
	Auth      *auth.Service
	Account   *account.Service
	Directory *directory.Service
	OAuth     *oauth.Service
	Proxies   web.Proxies
	Limiter   *web.Limiter // nil: no limits
	Targets   *web.Targets
	Captcha   *captcha.Checker // nil: nobody is asked to solve a puzzle
	Settings  Settings
	DemandKey bool   // each call must carry a project key
	Version   string // of this server
	BaseURL   string

	// ConsentPath is where, below the site, an app asks people by a page of its own
	// whether a client may act for them; "": pages of ours ask.
	ConsentPath string

	// LetterLink is the page at which a person uses the link of a letter.
	LetterLink http.Handler
}

// Settings are what the door tells apps of this server.
type Settings struct {
	NoPasswords bool // people cannot prove themselves by password at this door
	AutoConfirm bool // addresses need not be confirmed
	Closed      bool // nobody makes an account of their own
	Anonymous   bool
	Providers   []string // whose ID tokens people may sign in by
}

// A Door serves the API.
type Door struct {
	Parts
	user http.Handler // see Door.User
}

// New returns the door.
func New(p Parts) *Door {
	d := &Door{Parts: p}
	d.user = d.keyed(serve(d, someone, http.StatusOK, d.me))
	return d
}

// prefix is where the API lies.
const prefix = oauth.IssuerPath

// A call is one request and who makes it.
type call struct {
	*http.Request
	by      headykey.Caller   // a stranger has its From alone
	account *headykey.Account // of by; nil: by is none
	out     http.Header       // of the answer
}

// A proof says who may make a call.
type proof func(d *Door, c *call) error

// bearer returns the token of the call: "Bearer", one space, and no other.
func (c *call) bearer() (string, bool) {
	scheme, text, found := strings.Cut(c.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || text == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return "", false
	}
	return text, true
}

// audience is whose accounts c looks at. An account is of one audience, and only an
// administrator gives it another than the usual one: it stands in its tokens.
func (c *call) audience() string {
	return cmp.Or(c.Header.Get("X-Jwt-Aud"), headykey.Authenticated)
}

// anybody may make the call. A bearer token, which clients always send, says nothing.
func anybody(*Door, *call) error { return nil }

// someone must be signed in: the call shows a session token.
func someone(d *Door, c *call) error {
	text, ok := c.bearer()
	if !ok {
		return errNoAuthorization
	}
	by, account, err := d.Auth.BySession(c.Context(), text, c.by.From)
	if err == nil {
		c.by, c.account = by, account
		return nil
	}
	if _, other := d.Auth.ByProjectKey(text); other == nil {
		return errBadJWT.saying("invalid claim: missing sub claim")
	}
	return inBearer(err)
}

// adminRoles are the roles of tokens that may administer.
var adminRoles = []string{token.ServiceRole, token.SupabaseAdmin}

// admin must show the secret key of the project, or a session token of such a role.
func admin(d *Door, c *call) error {
	text, ok := c.bearer()
	if !ok {
		if text = c.Header.Get(keyHeader); text == "" {
			return errNoAuthorization
		}
	}
	if role, err := d.Auth.ByProjectKey(text); err == nil {
		if !slices.Contains(adminRoles, role) {
			return errNotAdmin
		}
		c.by = headykey.Caller{Method: headykey.ByService, Role: headykey.RoleAdmin, From: c.by.From}
		return nil
	}
	if err := someone(d, c); err != nil {
		return err
	}
	if !slices.Contains(adminRoles, c.account.Profile.TokenRole) {
		return errNotAdmin
	}
	c.by.Role = headykey.RoleAdmin
	return nil
}

// isAdmin reports whether the bearer of a public call is an administrator.
func (d *Door) isAdmin(c *call) bool {
	probe := *c
	return admin(d, &probe) == nil
}

// serve returns the endpoint that checks who calls, decodes the body to an In, asks h,
// and answers with status and the Out.
func serve[In, Out any](d *Door, who proof, status int, h func(c *call, in In) (Out, error)) http.Handler {
	return d.handle(who, func(w http.ResponseWriter, c *call) error {
		var in In
		if err := web.DecodeAny(w, c.Request, &in, maxBody); err != nil {
			return err
		}
		out, err := h(c, in)
		if err != nil {
			return err
		}
		web.Reply(w, status, out)
		return nil
	})
}

// handle returns the endpoint that checks who calls and lets h write the answer.
func (d *Door) handle(who proof, h func(w http.ResponseWriter, c *call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), deadline)
		defer cancel()
		r = r.WithContext(ctx)
		c := &call{Request: r, by: headykey.Caller{From: d.Proxies.From(r)}, out: w.Header()}
		err := who(d, c)
		if err == nil {
			err = h(w, c)
		}
		if err != nil {
			d.fail(w, r, err)
		}
	})
}

// keyed demands a project key, as the gateway before the true API does.
func (d *Door) keyed(next http.Handler) http.Handler {
	if !d.DemandKey {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(keyHeader)
		if key == "" {
			key = r.URL.Query().Get("apikey")
		}
		if key == "" {
			web.Reply(w, http.StatusUnauthorized, keyFailure{"No API key found in request", "No `apikey` request header or url param was found."})
			return
		}
		if _, err := d.Auth.ByProjectKey(key); err != nil {
			web.Reply(w, http.StatusUnauthorized, keyFailure{"Invalid API key", "Double check the key: headykey supabase-keys prints it."})
			return
		}
		next.ServeHTTP(w, r)
	})
}

type keyFailure struct {
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// limited puts h behind the budget of its caller's address.
func (d *Door) limited(h http.Handler) http.Handler {
	if d.Limiter == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := d.Limiter.Allow(d.Proxies.Address(r)); !ok {
			d.fail(w, r, headykey.ErrRateLimited.Later(wait))
			return
		}
		h.ServeHTTP(w, r)
	})
}
