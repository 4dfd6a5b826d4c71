package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

// forged returns access tokens made from p's that must open nothing.
func forged(t *testing.T, p person) map[string]string {
	t.Helper()
	tok := parseToken(t, p.access)
	parts := strings.Split(p.access, ".")
	us := func(header, claims obj) string { return tok.resigned(t, jwtSecret, header, claims) }
	return map[string]string{
		"no algorithm":         tok.unsigned(t, "none"),
		"None":                 tok.unsigned(t, "None"),
		"no signature":         parts[0] + "." + parts[1] + ".",
		"another secret":       tok.resigned(t, "another secret that is long enough for HS256 and not ours", nil, nil),
		"an empty secret":      tok.resigned(t, "", nil, nil),
		"RS256":                tok.signedByRSA(t),
		"RS256 over our HMAC":  us(obj{"alg": "RS256"}, nil),
		"HS512 over our HMAC":  us(obj{"alg": "HS512"}, nil),
		"a path as kid":        us(obj{"kid": "../../../../dev/null"}, nil),
		"a query as kid":       us(obj{"kid": "x' UNION SELECT 'a"}, nil),
		"a key of its own":     tok.resigned(t, "x", obj{"jwk": obj{"kty": "oct", "k": "eA"}}, nil),
		"a key from elsewhere": tok.resigned(t, "x", obj{"jku": "https://evil.example/jwks.json"}, nil),
		"a critical extension": us(obj{"crit": []string{"x"}, "x": 1}, nil),
		"another type":         us(obj{"typ": "JWT"}, nil),
		"no type":              us(obj{"typ": nil}, nil),
		"another issuer":       us(nil, obj{"iss": "https://evil.example"}),
		"another audience":     us(nil, obj{"aud": "https://evil.example"}),
		"no audience":          us(nil, obj{"aud": nil}),
		"no end":               us(nil, obj{"exp": nil}),
		"an end in words":      us(nil, obj{"exp": "tomorrow"}),
		"made in the future":   us(nil, obj{"iat": time.Now().Add(time.Hour).Unix(), "exp": time.Now().Add(2 * time.Hour).Unix()}),
		"another person":       us(nil, obj{"sub": nowhere, "userId": nowhere}),
		"two persons":          us(nil, obj{"userId": nowhere}),
		"another session":      us(nil, obj{"sid": nowhere}),
		"no session":           us(nil, obj{"sid": nil}),
		"truncated":            p.access[:len(p.access)-1],
		"a part less":          parts[0] + "." + parts[1],
		"a part more":          p.access + "." + parts[2],
		"five parts":           p.access + ".x.y",
		"thousands of parts":   strings.Repeat(".", 4000),
		"padding":              p.access + "=",
		"a changed claim":      parts[0] + "." + encodePart(t, merged(tok.claims, obj{"role": "admin"})) + "." + parts[2],
		"another spelling":     parts[0] + "." + parts[1] + "." + otherSpelling(parts[2]),
		"a refresh token":      p.refresh,
		"a cookie":             p.cookie,
		"nonsense":             "x",
		"a list of two":        p.access + "," + p.access,
		"header and no more":   base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"at+jwt"}`)) + "..",
	}
}

// otherSpelling returns a base64url text of 32 bytes whose unused last bits differ:
// decoders that do not look take it for the same signature.
func otherSpelling(mac string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, mac[len(mac)-1])
	return mac[:len(mac)-1] + string(alphabet[last^1])
}

func TestForgedTokensOpenNothing(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		for name, text := range forged(t, admin) {
			for e := range bench.contract.endpoints() {
				if !e.protected() {
					continue
				}
				a := s.nobody().bearer(text).do(t, e.method, e.call(), e.example())
				if a.status != http.StatusUnauthorized {
					t.Errorf("%s with %s: %d, want 401\n%.200s", a.call, name, a.status, a.body)
					continue
				}
				a.refused(t, http.StatusUnauthorized, "invalid_token", "token_expired")
				if !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
					t.Errorf("%s: WWW-Authenticate %q", a.call, a.header.Get("WWW-Authenticate"))
				}
			}
		}
		s.as(admin).get(t, mePath).want(t, http.StatusOK)
	})
}

// The test's own forger must be able to make a token that is good, or the test
// above would prove nothing.
func TestTheForgerKnowsTheSecret(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		tok := parseToken(t, s.register(t, "jane").access)
		s.nobody().bearer(tok.resigned(t, jwtSecret, nil, nil)).get(t, mePath).want(t, http.StatusOK)
		old := obj{"iat": time.Now().Add(-2 * time.Hour).Unix(), "exp": time.Now().Add(-time.Hour).Unix()}
		a := s.nobody().bearer(tok.resigned(t, jwtSecret, nil, old)).get(t, mePath)
		a.refused(t, http.StatusUnauthorized, "token_expired")
		if got := a.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="invalid_token"`) {
			t.Errorf("WWW-Authenticate %q, want invalid_token (RFC 6750 §3.1)", got)
		}
	})
}

func TestTokensOfAnotherServer(t *testing.T) {
	other := start(t, homeIn(t.TempDir()), config{ownSecret: true})
	jane := other.register(t, "jane")
	k := other.createKey(t, jane, obj{})
	serving(t, config{}, func(t *testing.T, s *server) {
		s.register(t, "jane")
		s.as(jane).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_token")
		s.withCookie(jane).get(t, mePath).refused(t, http.StatusUnauthorized)
		s.nobody().apiKey(k.secret).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_api_key")
		s.nobody().refresh(t, jane.refresh).refused(t, http.StatusUnauthorized, "invalid_token")
	})
}

func TestForgedCookiesOpenNothing(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for name, value := range map[string]string{
			"truncated": jane.cookie[:len(jane.cookie)-1], "longer": jane.cookie + "0", "nonsense": "x", "an access token": jane.access,
			"a refresh token": jane.refresh, "an injection": "' OR '1'='1", "empty": "",
		} {
			t.Run(name, func(t *testing.T) { s.nobody().cookie(value).get(t, mePath).refused(t, http.StatusUnauthorized) })
		}
		twice := s.nobody().with("Cookie", sessionCookie+"=x; "+sessionCookie+"="+jane.cookie)
		twice.get(t, mePath).refused(t, http.StatusUnauthorized)
	})
}

func TestOddAuthorizationHeaders(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for _, value := range []string{"Bearer", "Bearer ", "Basic amFuZTp4", "Token " + jane.access, jane.access, "Bearer  x y"} {
			s.nobody().with("Authorization", value).get(t, mePath).refused(t, http.StatusUnauthorized)
		}
		s.nobody().with("Authorization", "bearer "+jane.access).get(t, mePath).want(t, http.StatusOK) // RFC 9110 §11.1
	})
}
