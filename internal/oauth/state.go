package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"headykey.com/headykey"
)

// sessionState is the session_state of p's answer (OpenID Connect Session Management
// 1.0 §2, §3.1), or "" where there is none: outside OpenID Connect, and for clients
// that are no pages.
func (p *Pending) sessionState() string {
	origin := originOf(p.Ask.Redirect)
	if p.Browser == "" || origin == "" || !p.Ask.Has(headykey.ScopeOpenID) {
		return ""
	}
	return stateFor(p.Client.ID, origin, p.Browser, rand.Text())
}

// stateFor is what the script of the check-session page computes, too.
func stateFor(client headykey.ID, origin, browser, salt string) string {
	sum := sha256.Sum256([]byte(string(client) + " " + origin + " " + browser + " " + salt))
	return hex.EncodeToString(sum[:]) + "." + salt
}

// originOf returns the origin of address as browsers spell it, or "" if it is of no
// page (RFC 6454 §6.1).
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		return "https://" + strings.TrimSuffix(host, ":443")
	case "http":
		return "http://" + strings.TrimSuffix(host, ":80")
	}
	return ""
}
