package web

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"headykey.com/headykey"
)

// A Route is one method of one path.
type Route struct {
	Method  string // GET answers HEAD, too; OPTIONS is the router's own
	Pattern string // a path of [http.ServeMux], without method and host
	Handler http.Handler
	Origins Policy // who may use it from another origin
}

// A Router sends each request to its route. It is a [http.ServeMux] that knows its
// routes: it answers 404, 405 (with Allow) and OPTIONS in the spelling of the door
// that owns the path, never redirects, and keeps each route's cross-origin policy.
// The pattern that matched can be read from the request's Pattern afterwards.
//
// All routes are added before the first request.
type Router struct {
	mux     *http.ServeMux
	cors    *CORS
	metrics *Metrics
	routes  []*endpoint
	methods []string // all that any route has, sorted
	slashes map[string]*endpoint
	fails   []area // the longest prefix first
}

// An area is the part of the URL space where failures are spelled one way.
type area struct {
	prefix string
	fail   FailFunc
}

// NewRouter returns a router without routes. A nil cors sets no CORS headers and
// refuses no origin; a nil metrics counts nothing.
func NewRouter(cors *CORS, metrics *Metrics) *Router {
	rt := &Router{mux: http.NewServeMux(), cors: cors, metrics: metrics, slashes: map[string]*endpoint{}}
	rt.mux.HandleFunc("/", rt.unrouted)
	return rt
}

// Handle adds a route with the zero Policy. Like [http.ServeMux.Handle] it panics
// if the route cannot be told from another.
func (rt *Router) Handle(method, pattern string, h http.Handler) {
	rt.Add(Route{Method: method, Pattern: pattern, Handler: h})
}

// Add adds a route; see Handle.
func (rt *Router) Add(route Route) {
	if route.Method == "" || route.Method == http.MethodOptions || route.Method == http.MethodHead {
		panic("web: a route needs a method of its own: " + route.Method + " " + route.Pattern)
	}
	e := &endpoint{Route: route, router: rt, series: rt.metrics.series(route.Method, route.Pattern)}
	rt.routes = append(rt.routes, e)
	if !slices.Contains(rt.methods, route.Method) {
		rt.methods = append(rt.methods, route.Method)
		slices.Sort(rt.methods)
	}
	rt.register(e)
	rt.closeSlash(route)
}

// register hangs e on the mux, or puts it in the place that closeSlash took.
func (rt *Router) register(e *endpoint) {
	pattern := e.Method + " " + e.Pattern
	if taken := rt.slashes[pattern]; taken != nil {
		*taken = *e
		delete(rt.slashes, pattern)
		return
	}
	rt.mux.Handle(pattern, e)
}

// closeSlash makes /a a 404 where only /a/ exists: the mux would redirect.
func (rt *Router) closeSlash(route Route) {
	at := strings.LastIndexByte(route.Pattern, '/')
	last := route.Pattern[at+1:]
	if at <= 0 || last != "" && !strings.HasSuffix(last, "...}") && last != "{$}" {
		return
	}
	bare := Route{Method: route.Method, Pattern: route.Pattern[:at]}
	known := slices.ContainsFunc(rt.routes, func(e *endpoint) bool {
		return e.Method == bare.Method && e.Pattern == bare.Pattern
	})
	pattern := bare.Method + " " + bare.Pattern
	if known || rt.slashes[pattern] != nil {
		return
	}
	e := &endpoint{Route: bare, router: rt, series: rt.metrics.unrouted()}
	rt.slashes[pattern] = e
	rt.mux.Handle(pattern, e)
}

// Fail spells the router's own failures below prefix (a path without a slash at
// its end) with fail. The longest prefix wins; elsewhere it is FailJSON.
func (rt *Router) Fail(prefix string, fail FailFunc) {
	rt.fails = append(rt.fails, area{prefix, fail})
	slices.SortStableFunc(rt.fails, func(a, b area) int { return len(b.prefix) - len(a.prefix) })
}

// Routes returns all routes in the order of their adding.
func (rt *Router) Routes() []Route {
	out := make([]Route, len(rt.routes))
	for i, e := range rt.routes {
		out[i] = e.Route
	}
	return out
}

// ServeHTTP answers r. A path in any but its canonical spelling is not found.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !canonical(r.URL) {
		rt.fail(w, r, headykey.ErrNotFound)
		return
	}
	rt.mux.ServeHTTP(w, r)
}

// canonical reports whether u's path begins with a slash and has no empty and no
// dot segments, neither as sent nor as decoded.
func canonical(u *url.URL) bool {
	return cleanPath(u.Path) && (u.RawPath == "" || cleanPath(u.RawPath))
}

func cleanPath(p string) bool {
	if p == "/" {
		return true
	}
	return strings.HasPrefix(p, "/") && p != "//" && path.Clean(p) == strings.TrimSuffix(p, "/")
}

// unrouted answers what no route does: OPTIONS, 404 and 405.
func (rt *Router) unrouted(w http.ResponseWriter, r *http.Request) {
	asked := r.Header["Access-Control-Request-Method"]
	methods := rt.methodsAt(r)
	switch {
	case len(methods) == 0:
		rt.refuse(w, r, headykey.ErrNotFound)
	case r.Method != http.MethodOptions:
		w.Header().Set("Allow", strings.Join(methods, ", "))
		rt.refuse(w, r, ErrMethodNotAllowed)
	case len(asked) == 1:
		var policy Policy
		if e := rt.find(r, asked[0]); e != nil {
			policy = e.Origins
		}
		rt.options(w, r, methods, rt.cors.preflight(w.Header(), r, policy, methods))
	default:
		rt.options(w, r, methods, rt.cors.admit(w.Header(), r, Policy{}))
	}
}

func (rt *Router) options(w http.ResponseWriter, r *http.Request, methods []string, e *headykey.Error) {
	if e != nil {
		rt.fail(w, r, e)
		return
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers with e, unless the origin alone is reason enough.
func (rt *Router) refuse(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	if denied := rt.cors.admit(w.Header(), r, Policy{}); denied != nil {
		e = denied
	}
	rt.fail(w, r, e)
}

// methodsAt returns the methods that r's path answers, or none.
func (rt *Router) methodsAt(r *http.Request) []string {
	var out []string
	for _, m := range rt.methods {
		if rt.find(r, m) == nil {
			continue
		}
		out = append(out, m)
		if m == http.MethodGet {
			out = append(out, http.MethodHead)
		}
	}
	if len(out) > 0 {
		out = append(out, http.MethodOptions)
	}
	return out
}

// find returns the route of r's path for another method, or nil.
func (rt *Router) find(r *http.Request, method string) *endpoint {
	h, _ := rt.mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host})
	if e, ok := h.(*endpoint); ok && e.Handler != nil {
		return e
	}
	return nil
}

// fail spells e as the door does that owns r's path.
func (rt *Router) fail(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	for _, a := range rt.fails {
		rest, ok := strings.CutPrefix(r.URL.Path, a.prefix)
		if ok && (rest == "" || rest[0] == '/') {
			a.fail(w, r, e)
			return
		}
	}
	FailJSON(w, r, e)
}

// An endpoint is a route in its place. One without a handler is not found.
type endpoint struct {
	Route
	router *Router
	series *series
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.Handler == nil {
		e.router.unrouted(w, r)
		return
	}
	if rec, ok := w.(*recorder); ok {
		rec.series = e.series
	}
	if denied := e.router.cors.admit(w.Header(), r, e.Origins); denied != nil {
		e.router.fail(w, r, denied)
		return
	}
	e.Handler.ServeHTTP(w, r)
}
