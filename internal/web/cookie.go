package web

import (
	"net/http"
	"time"

	"headykey.com/headykey"
)

// SessionCookieName is the name of the cookie that stands for a session.
const SessionCookieName = "__heady_session"

// SessionCookie returns the cookie that carries a session's token for maxAge.
// secure is false only where the public URL is plain http on loopback.
func SessionCookie(value string, maxAge time.Duration, secure bool) *http.Cookie {
	return &http.Cookie{
		Name:     SessionCookieName,
		Value:    value,
		Path:     "/",
		MaxAge:   int(maxAge / time.Second),
		Secure:   secure,
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
}

// ClearSessionCookie returns the cookie that makes a browser forget the session
// cookie. Its other attributes are those of [SessionCookie].
func ClearSessionCookie(secure bool) *http.Cookie {
	c := SessionCookie("", 0, secure)
	c.MaxAge = -1
	return c
}

// ReadSessionCookie returns the token in the session cookie, or "" if there is no
// such cookie. An empty cookie is ErrInvalidToken, and so are two of different
// values: a sub-domain may have planted one of them, and nobody can tell which.
func ReadSessionCookie(r *http.Request) (string, error) {
	cookies := r.CookiesNamed(SessionCookieName)
	if len(cookies) == 0 {
		return "", nil
	}
	token := cookies[0].Value
	for _, c := range cookies {
		if c.Value == "" || c.Value != token {
			return "", headykey.ErrInvalidToken
		}
	}
	return token, nil
}
