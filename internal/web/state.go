package web

import "net/http"

// StateCookieName is the name of the cookie that changes when somebody signs in or
// out (OpenID Connect Session Management 1.0 §3.2). It proves nothing.
const StateCookieName = "__heady_state"

// StateCookie returns the cookie that carries the browser's state to a page of ours
// in other sites' frames: its script reads it. Browsers send such a cookie by https
// alone; on plain loopback, frames of the same site must do. An empty value makes the
// browser forget it.
func StateCookie(value string, secure bool) *http.Cookie {
	c := &http.Cookie{Name: StateCookieName, Value: value, Path: "/", Secure: secure, SameSite: http.SameSiteLaxMode}
	if secure {
		c.SameSite = http.SameSiteNoneMode
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
