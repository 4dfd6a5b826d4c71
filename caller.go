package headykey

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// A Method is how a caller proved itself on this request.
type Method string

// The methods, in their wire spelling; the zero Method is nobody's.
const (
	ByToken   Method = "jwt"
	ByAPIKey  Method = "api_key"
	BySession Method = "session"
	ByClient  Method = "client"       // an OAuth client by itself, at the OAuth endpoints alone
	BySystem  Method = "system"       // the command line and jobs of our own
	ByService Method = "service_role" // a server of an app, with the project's secret key
)

// A From is where a request came from. It is told by the connection (and trusted
// proxies), never by the caller.
type From struct {
	Address netip.Addr // zero for the command line
	Agent   string     // the User-Agent header, cut to 300 bytes
}

// Network is the unit in which tries are counted: an IPv4 address, or the /64 that
// one IPv6 subscriber holds; "local" for the command line.
func (f From) Network() string {
	addr := f.Address.Unmap()
	if !addr.IsValid() {
		return "local"
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.WithZone("").Prefix(bits) // bits fit the family
	return p.String()
}

// A Caller is who asks. It is the first parameter of every rule: the permission
// check and the receipt stand beside the act. The zero Caller is a stranger.
type Caller struct {
	User    ID
	Email   string
	Role    Role      // what counts: for a key, at most its owner's present role
	Method  Method    // how it was proven
	Session ID        // the session behind a token or cookie; zero for a key
	Key     ID        // the API key; zero otherwise
	Client  ID        // the OAuth client that acts; zero: none
	Scopes  []string  // what a key was narrowed to; empty: all that its role may
	AMR     []string  // authentication methods of the session (RFC 8176)
	AAL     string    // assurance level of the session: aal1, aal2, aal3
	Proven  time.Time // when the session's person last proved themselves
	Expires time.Time // when this proof ends; zero: never
	From    From
}

// System is the caller of the command line and of our own jobs.
var System = Caller{Method: BySystem, Role: RoleAdmin}

// Need returns nil if by holds at least role least and, where by is a key that
// was narrowed, one of the scopes named. Otherwise it returns ErrNotSignedIn,
// ErrInsufficientRole or ErrInsufficientScope.
func (by Caller) Need(least Role, scopes ...string) error {
	switch {
	case by.Method == "":
		return ErrNotSignedIn
	case by.Role < least:
		return ErrInsufficientRole
	case len(by.Scopes) == 0:
		return nil
	}
	for _, s := range scopes {
		if slices.Contains(by.Scopes, s) {
			return nil
		}
	}
	return ErrInsufficientScope
}

// NeedReach is [Caller.NeedOver] as far as it can be asked before it is known whose
// the thing is.
func (by Caller) NeedReach(scope, adminScope string) error {
	if by.Role >= RoleAdmin {
		return by.Need(RoleGuest, scope, adminScope)
	}
	return by.Need(RoleGuest, scope)
}

// NeedOver returns nil if by may act on what belongs to owner: on their own with
// scope, on anybody's as an administrator with adminScope. For everybody else what
// is another's does not exist: ErrNotFound.
func (by Caller) NeedOver(owner ID, scope, adminScope string) error {
	asAdmin := by.Need(RoleAdmin, adminScope)
	switch {
	case asAdmin == nil:
		return nil
	case by.User != "" && owner == by.User:
		return by.Need(RoleGuest, scope)
	case by.Role < RoleAdmin:
		return ErrNotFound
	}
	return asAdmin
}

type requestIDKey struct{}

// WithRequestID returns a context that carries the request's id. The id and the
// deadline are all that a context carries here.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id that ctx carries, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
