package headykey

import "time"

// IdentityType says what kind of being an account is.
type IdentityType string

// The identity types.
const (
	Human IdentityType = "human"
	Agent IdentityType = "agent"
)

// A User is an account: a person's or an agent's.
type User struct {
	ID            ID
	Email         string // as its owner writes it, domain in lower case; "": none
	Name          string // may be empty
	Role          Role
	Type          IdentityType
	Onboarding    int       // stages done, 0 to 5
	WorkspaceMode string    // "" until chosen
	Anonymous     bool      // it has no address and nothing else that it could sign in by again
	Verified      time.Time // when the address was confirmed; zero: it was not
	Disabled      time.Time // zero: not disabled
	DisabledUntil time.Time // when that ends by itself; zero: never
	Created       time.Time
	Updated       time.Time
	LastSignIn    time.Time // zero: never
}

// A Session is one sign-in: what stands behind a cookie, a refresh family and
// every access token made from them. Ending it ends all of these.
type Session struct {
	ID            ID
	User          ID
	Created       time.Time
	Proven        time.Time // last proof by the person
	LastUsed      time.Time
	CookieExpires time.Time // when the session cookie dies
	Ends          time.Time // absolute end, however much it is used
	Ended         time.Time // when it was ended; zero: it was not
	Ways          []Way     // how it was proven, the newest first
	AMR           []string  // the same in the words of RFC 8176
	AAL           string
	Address       string // of the sign-in
	Agent         string // User-Agent of the sign-in
	Surface       string // the door it came in by: "api", "widget", "pages", AppSurface
}

// AppSurface is the door of apps that know the API of Supabase Auth. A session that
// begins there has tokens of that door alone, and no cookie.
const AppSurface = "supabase"

// OfApp reports whether the session began at AppSurface.
func (s *Session) OfApp() bool { return s.Surface == AppSurface }

// Live reports whether the session can still be used at now.
func (s *Session) Live(now time.Time) bool {
	return s.Ended.IsZero() && now.Before(s.Ends)
}

// An APIKey is the record of a key; the key itself is never kept.
type APIKey struct {
	ID          ID
	User        ID
	Role        Role // its own; what counts is the lower of it and the owner's
	Description string
	Prefix      string // first 12 characters of the key
	Hash        []byte // SHA-256 of the key
	Scopes      []string
	Created     time.Time
	Expires     time.Time // zero: never
	Revoked     time.Time // zero: live
	LastUsed    time.Time // zero: never
	LastAddress string
}

// A KeyEvent is one line of an API key's history.
type KeyEvent struct {
	At      time.Time
	Type    string // created, used, refused, rotated, revoked
	Address string
	Agent   string
	Receipt ID // zero for coalesced use
}

// A Proof is a session with its user: all that a request needs to know.
type Proof struct {
	Session Session
	User    User
}

// A Holder is what an access token says of who holds it.
type Holder struct {
	User     ID
	Email    string
	Role     Role
	Session  ID
	Ways     []Way
	AMR      []string
	AAL      string
	LastUsed time.Time // of the session
}

// Holder returns who holds the tokens of p's session.
func (p *Proof) Holder() *Holder {
	return &Holder{
		User: p.User.ID, Email: p.User.Email, Role: p.User.Role,
		Session: p.Session.ID, Ways: p.Session.Ways, AMR: p.Session.AMR, AAL: p.Session.AAL, LastUsed: p.Session.LastUsed,
	}
}
