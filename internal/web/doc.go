// Package web holds the HTTP tools that all doors share: the adapter from a rule
// to an endpoint, the router, the outermost handler, cross-origin rules, the
// session cookie, client addresses, the request budget, page cursors and request
// metrics. It speaks the words of the root package and knows no rule.
//
// A server is put together from the outside in:
//
//	Front (request id, headers, log, metrics)
//	  Router (404, 405, OPTIONS, cross-origin rules)
//	    Limiter.Guard (credential routes only)
//	      JSON, Optional or Handle (a door's endpoint)
package web
