package headykey

import "time"

// Lifetimes says how long things live. Defaults stand on the Fibonacci ladder.
type Lifetimes struct {
	Access            time.Duration // of an access token, which revocation ends sooner
	Refresh           time.Duration // of an unused refresh token; each use starts it anew
	Session           time.Duration // of the session cookie
	SessionMax        time.Duration // of a session from sign-in on, however much it is used
	KeyGrace          time.Duration // of an API key after its rotation
	SetupLink         time.Duration // of the link that makes the first administrator
	EmailLink         time.Duration // of links and codes in letters
	JWTSecretRotation time.Duration // after which the HS256 secret is replaced
	JWTSecretOverlap  time.Duration // for which the replaced secret still verifies
	SessionKey        time.Duration // after which the key of OAuth tokens is replaced
	SessionKeyGrace   time.Duration // for which the replaced key still verifies
}
