package web

import (
	"net/http"

	"headykey.com/headykey"
)

// SameSite reports whether a request whose only credential is the session cookie
// was made by our own pages or by those of a listed origin: nil, or ErrCSRF.
// Safe methods always pass.
//
// Origin decides where the browser names one. Where it does not (or says "null",
// as it does for a form on a page without a referrer), Sec-Fetch-Site must say
// same-origin; no script can set either header. Neither header: ErrCSRF.
func (c *CORS) SameSite(r *http.Request) error {
	if safe(r.Method) {
		return nil
	}
	origins := r.Header["Origin"]
	switch {
	case len(origins) > 1:
		return headykey.ErrCSRF
	case len(origins) == 0 || origins[0] == "null":
		if fetchedBySelf(r) {
			return nil
		}
	case c.Lists(origins[0]):
		return nil
	}
	return headykey.ErrCSRF
}

// fetchedBySelf reports whether the browser says that a page of this very origin
// made the request (Fetch Metadata §2.3).
func fetchedBySelf(r *http.Request) bool {
	site := r.Header["Sec-Fetch-Site"]
	return len(site) == 1 && site[0] == "same-origin"
}

// safe reports whether a method only reads (RFC 9110 §9.2.1).
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
