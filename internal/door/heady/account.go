package heady

import (
	"net/http"
	"strconv"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/phi"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/web"
)

// profile is an account as its owner sees it.
type profile struct {
	ID         headykey.ID `json:"id"`
	Email      string      `json:"email"`
	Name       string      `json:"name"`
	Role       string      `json:"role"`
	Onboarding int         `json:"onboarding_stage"`
	Workspace  *string     `json:"workspace_mode"`
	Created    time.Time   `json:"created_at"`
	Verified   bool        `json:"email_verified"`
	MFA        bool        `json:"mfa_enabled"`
	Type       string      `json:"identity_type"`
}

func spellProfile(u *headykey.User) profile {
	return profile{
		ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role.String(), Onboarding: u.Onboarding,
		Workspace: textOrNull(u.WorkspaceMode), Created: u.Created, Verified: !u.Verified.IsZero(), Type: string(u.Type),
	}
}

type profileReply struct {
	User profile `json:"user"`
}

// me serves GET /api/auth/me.
func (d door) me(r *http.Request, by headykey.Caller, _ struct{}) (profileReply, error) {
	user, err := d.Account.Me(r.Context(), by)
	if err != nil {
		return profileReply{}, err
	}
	return profileReply{spellProfile(user)}, nil
}

type renameRequest struct {
	Name *string `json:"name"`
}

// rename serves PATCH /api/auth/me.
func (d door) rename(r *http.Request, by headykey.Caller, in renameRequest) (profileReply, error) {
	if in.Name == nil {
		return profileReply{}, headykey.ErrMissingField.About("name")
	}
	user, err := d.Account.Rename(r.Context(), by, *in.Name)
	if err != nil {
		return profileReply{}, err
	}
	return profileReply{spellProfile(user)}, nil
}

type eraseRequest struct {
	Password string `json:"password"`
}

// A doneReply says what was done to one thing.
type doneReply struct {
	Status string      `json:"status"`
	ID     headykey.ID `json:"id"`

	cookie *http.Cookie
}

// Headers makes the browser forget the cookie of an account that is gone.
func (d doneReply) Headers(h http.Header) { setCookie(h, d.cookie) }

// eraseMe serves DELETE /api/auth/me.
func (d door) eraseMe(r *http.Request, by headykey.Caller, in eraseRequest) (doneReply, error) {
	err := d.Account.Erase(r.Context(), by, in.Password)
	return doneReply{Status: "erased", ID: by.User, cookie: web.ClearSessionCookie(d.Secure)}, err
}

type sessionReply struct {
	ID       headykey.ID `json:"id"`
	Device   string      `json:"device"`
	IP       *string     `json:"ip"`
	Place    *string     `json:"place"`
	Created  time.Time   `json:"created_at"`
	LastUsed time.Time   `json:"last_used_at"`
	Expires  time.Time   `json:"expires_at"`
	Current  bool        `json:"current"`
}

func spellSession(s *headykey.Session, current headykey.ID) sessionReply {
	return sessionReply{
		ID: s.ID, Device: headykey.Device(s.Agent), IP: textOrNull(s.Address), Place: textOrNull(headykey.Place(s.Address)),
		Created: s.Created, LastUsed: s.LastUsed, Expires: s.Ends, Current: s.ID == current,
	}
}

type sessionsReply struct {
	Sessions []sessionReply `json:"sessions"`
	Next     string         `json:"next,omitempty"`
}

func markOfSession(p *headykey.Proof) headykey.Mark {
	return headykey.Mark{At: p.Session.Created, ID: p.Session.ID}
}

// sessions serves GET /api/auth/sessions.
func (d door) sessions(r *http.Request, by headykey.Caller, _ struct{}) (sessionsReply, error) {
	page, err := d.page(r, "sessions")
	if err != nil {
		return sessionsReply{}, err
	}
	all, err := d.Auth.Sessions(r.Context(), by, page.before, page.limit+1)
	if err != nil {
		return sessionsReply{}, err
	}
	all, next := cut(d, page, all, markOfSession)
	out := sessionsReply{Next: next}
	for _, p := range all {
		out.Sessions = append(out.Sessions, spellSession(&p.Session, by.Session))
	}
	return out, nil
}

// endSession serves DELETE /api/auth/sessions/{id}.
func (d door) endSession(r *http.Request, by headykey.Caller, _ struct{}) (doneReply, error) {
	id, err := idIn(r)
	if err == nil {
		_, err = d.Auth.EndSession(r.Context(), by, id)
	}
	return doneReply{Status: "revoked", ID: id}, err
}

type policyReply struct {
	Password  passwordPolicy           `json:"password"`
	Lifetimes map[string]lifetimeReply `json:"lifetimes"`
	Limits    limitsReply              `json:"limits"`
}

type passwordPolicy struct {
	Min int `json:"minLength"` // characters
	Max int `json:"maxLength"`
}

type lifetimeReply struct {
	Seconds int64  `json:"seconds"`
	Text    string `json:"text"`         // such as "8h" or "30d"
	Fib     int    `json:"fib,omitzero"` // n, where the lifetime is fib(n) of its unit
}

type limitsReply struct {
	PerMinute int   `json:"credentialRequestsPerMinute"` // of one address
	BackOff   []int `json:"failureBackOffSeconds"`       // the first steps
}

// policy serves GET /api/auth/policy.
func (d door) policy(*http.Request, headykey.Caller, struct{}) (policyReply, error) {
	l := d.Lifetimes
	return policyReply{
		Password: passwordPolicy{secret.MinPassword, secret.MaxPassword},
		Lifetimes: map[string]lifetimeReply{
			"access_token": lifetime(l.Access), "refresh_token": lifetime(l.Refresh), "session_cookie": lifetime(l.Session),
			"session": lifetime(l.SessionMax), "api_key_grace": lifetime(l.KeyGrace), "setup_link": lifetime(l.SetupLink),
			"email_link": lifetime(l.EmailLink), "jwt_secret_rotation": lifetime(l.JWTSecretRotation),
			"jwt_secret_overlap": lifetime(l.JWTSecretOverlap), "session_key": lifetime(l.SessionKey),
			"session_key_grace": lifetime(l.SessionKeyGrace),
		},
		Limits: limitsReply{PerMinute: 89, BackOff: backOffSteps()},
	}, nil
}

// lifetime spells d, with its rung if it stands on the Fibonacci ladder.
func lifetime(d time.Duration) lifetimeReply {
	out := lifetimeReply{Seconds: int64(d.Seconds())}
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d%unit.of == 0 {
			n := int(d / unit.of)
			out.Text, out.Fib = strconv.Itoa(n)+unit.name, rung(n)
			return out
		}
	}
	out.Text = d.String()
	return out
}

// rung returns the least k above 2 with fib(k) = n, or 0.
func rung(n int) int {
	for k := 3; phi.Fib(k) <= n; k++ {
		if phi.Fib(k) == n {
			return k
		}
	}
	return 0
}

// backOffSteps are the first waits after failures in a row, in seconds.
func backOffSteps() []int {
	var steps []int
	for failures := 1; failures <= 8; failures++ {
		steps = append(steps, int(phi.Backoff(failures)/time.Second))
	}
	return steps
}
