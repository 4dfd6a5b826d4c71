package upstream

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	leeway     = time.Minute // how far an issuer's clock may be from ours
	maxSubject = 255         // characters, all ASCII (OpenID Connect Core §2)
)

// claims is what an ID token says. The members up to Events decide whether it
// counts: one of the wrong type spoils it.
type claims struct {
	Issuer     string         `json:"iss"`
	Subject    string         `json:"sub"`
	Audience   audience       `json:"aud"`
	Party      string         `json:"azp"`
	Expires    *float64       `json:"exp"` // seconds since 1970, as all times; nil: it does not say
	Issued     *float64       `json:"iat"`
	NotBefore  *float64       `json:"nbf"`
	Nonce      string         `json:"nonce"`
	AccessHash string         `json:"at_hash"`
	Events     jsontext.Value `json:"events"`

	said map[string]any // all of it
}

// An audience is a string, or a list of them (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON reads either spelling.
func (a *audience) UnmarshalJSON(text []byte) error {
	if jsontext.Value(text).Kind() == '"' {
		*a = audience{""}
		return json.Unmarshal(text, &(*a)[0])
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// read reads the payload of an ID token. It fails with ErrToken.
func read(text []byte) (*claims, error) {
	c := &claims{}
	if json.Unmarshal(text, c) != nil || json.Unmarshal(text, &c.said) != nil {
		return nil, refuse("has a claim of the wrong type")
	}
	return c, nil
}

// fault says why c does not count as a token by i at now, or "".
func (c *claims) fault(i Issuer, now time.Time) string {
	at := float64(now.UnixMilli()) / 1000
	switch {
	case c.Issuer != i.Issuer:
		return "is by somebody else"
	case !c.isFor(i.ClientIDs):
		return "is not for our apps alone"
	case c.Expires == nil || c.Issued == nil:
		return "has no exp or no iat"
	case *c.Expires+leeway.Seconds() <= at:
		return "has expired"
	case *c.Issued > at+leeway.Seconds():
		return "was issued in the future"
	case c.NotBefore != nil && *c.NotBefore > at+leeway.Seconds():
		return "is not valid yet"
	case !isSubject(c.Subject):
		return "has no good sub"
	case c.Events != nil: // a logout token of an issuer that gives it no typ
		return "tells of events"
	case !i.EmailOptional && c.email() == "":
		return "has no e-mail address"
	}
	return ""
}

// isFor reports whether c is for our apps and for nobody else: whoever a token is
// for could show it here. One that is for several must say who asked for it
// (OpenID Connect Core §3.1.3.7, 3 to 5).
func (c *claims) isFor(apps []string) bool {
	for _, one := range c.Audience {
		if !slices.Contains(apps, one) {
			return false
		}
	}
	if c.Party == "" {
		return len(c.Audience) == 1
	}
	return len(c.Audience) > 0 && slices.Contains(apps, c.Party)
}

// answers reports whether c is the answer to a request with this nonce, whose hash
// alone was sent; "" was a request without one.
func (c *claims) answers(nonce string) bool {
	if nonce == "" {
		return c.Nonce == ""
	}
	sum := sha256.Sum256([]byte(nonce))
	return c.Nonce == hex.EncodeToString(sum[:])
}

func isSubject(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxSubject
}
