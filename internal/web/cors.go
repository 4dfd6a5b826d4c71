package web

import (
	"net/http"
	"net/url"
	"strings"

	"headykey.com/headykey"
)

// Header values of the Fetch standard that never change.
var (
	varyOrigin  = []string{"Origin"}
	credentials = []string{"true"}
	exposed     = []string{"DPoP-Nonce, ETag, Link, Location, Mcp-Session-Id, Retry-After, WWW-Authenticate, X-Request-Id, " +
		"X-Supabase-Api-Version, X-Total-Count, X-Sb-Error-Code"}
	preflighted = []string{"Origin, Access-Control-Request-Method"}
	maxAge      = []string{"2584"} // seconds that a browser may remember a preflight: fib 18
	askable     = []string{"Authorization, Content-Type, X-API-Key, X-Request-Id, If-None-Match, DPoP, " +
		"apikey, x-client-info, x-client-ip, x-jwt-aud, x-use-cookie, x-supabase-api-version, redirect_to, Accept, mcp-protocol-version, mcp-session-id, last-event-id"}
)

const maxOrigin = 300 // bytes of an Origin header that we repeat

// A Policy says what pages of other origins may do with one route. The zero
// Policy: listed origins may use it, with credentials; nobody else's scripts may
// read an answer or send an unsafe request.
type Policy struct {
	// Public shares the answers with every origin, without credentials: for
	// documents that are the same for all, and for open registration.
	Public bool
	// Also admits origins that are not listed, without credentials: those of
	// registered clients, say. Nil admits none.
	Also func(r *http.Request, origin string) bool
	// Forms lets pages anywhere send the browser here with a form of their own
	// (form_post answers, POST to an authorization endpoint). Their scripts read
	// nothing. The handler must not trust the cookie alone: see [CORS.SameSite].
	Forms bool
}

// CORS holds the origins that may use this server from a browser: an exact list,
// no patterns. It never answers *, and never repeats an origin that it does not
// know, except where a [Policy] says so.
type CORS struct {
	own      string
	listed   map[string][]string // each origin with its own header value
	loopback bool
}

// NewCORS returns the rules for a server at public with the given list. loopback
// also admits every origin of this machine, on any port: for development. It
// fails with one sentence about the first entry that [CheckOrigin] refuses.
func NewCORS(public *url.URL, origins []string, loopback bool) (*CORS, error) {
	c := &CORS{own: originOf(public), listed: make(map[string][]string, len(origins)), loopback: loopback}
	for _, o := range origins {
		if err := CheckOrigin(o); err != nil {
			return nil, err
		}
		if o != c.own {
			c.listed[o] = []string{o}
		}
	}
	return c, nil
}

// Count returns how many origins are listed, the server's own not counted.
func (c *CORS) Count() int { return len(c.listed) }

// Lists reports whether origin is the server's own, is listed, or is of this
// machine where development allows that.
func (c *CORS) Lists(origin string) bool {
	if origin == c.own {
		return true
	}
	_, ok := c.listed[origin]
	return ok || c.loopback && loopbackOrigin(origin)
}

// A standing is how a request's origin relates to a route.
type standing uint8

const (
	stranger standing = iota // may neither read nor write
	self                     // no origin, or our own: nothing to say
	reader                   // may use the route without credentials
	friend                   // may use the route with credentials
)

// weigh returns how the origin of r stands to a route with policy p, and the
// header value that names it.
func (c *CORS) weigh(r *http.Request, p Policy) (standing, []string) {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return self, nil
	}
	o := origins[0]
	switch {
	case len(origins) > 1 || len(o) > maxOrigin:
		return stranger, nil
	case o == c.own, o == "null" && fetchedBySelf(r):
		return self, nil
	case o == "null" || o == "":
		return stranger, nil
	case p.Public:
		return reader, origins
	case c.Lists(o):
		return friend, origins
	case p.Also != nil && p.Also(r, o):
		return reader, origins
	}
	return stranger, nil
}

// admit sets the CORS headers of an answer to r, or returns ErrOriginNotAllowed
// for an unsafe request of an unknown origin.
func (c *CORS) admit(h http.Header, r *http.Request, p Policy) *headykey.Error {
	if c == nil {
		return nil
	}
	h["Vary"] = varyOrigin
	who, name := c.weigh(r, p)
	switch who {
	case self:
		return nil
	case stranger:
		if safe(r.Method) || p.Forms {
			return nil
		}
		return headykey.ErrOriginNotAllowed
	}
	allow(h, who, name)
	h["Access-Control-Expose-Headers"] = exposed
	return nil
}

// preflight answers a browser's question whether it may send a request to a path
// that has these methods, or returns ErrOriginNotAllowed.
func (c *CORS) preflight(h http.Header, r *http.Request, p Policy, methods []string) *headykey.Error {
	if c == nil {
		return nil
	}
	h["Vary"] = preflighted
	who, name := c.weigh(r, p)
	switch who {
	case self:
		return nil
	case stranger:
		return headykey.ErrOriginNotAllowed
	}
	allow(h, who, name)
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h["Access-Control-Allow-Headers"] = askable
	h["Access-Control-Max-Age"] = maxAge
	return nil
}

func allow(h http.Header, who standing, name []string) {
	h["Access-Control-Allow-Origin"] = name[:1:1]
	if who == friend {
		h["Access-Control-Allow-Credentials"] = credentials
	}
}
