package jose_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey/internal/jose"
)

const typ = "at+jwt"

var ours = jose.Key{ID: "heady-00000001", Algorithm: jose.HS256, Secret: []byte(strings.Repeat("s", 55))}

// find knows one key alone.
func find(kid string) (jose.Key, bool) { return ours, kid == ours.ID }

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forge signs a header of the forger's choice with secret.
func forge(header, claims string, secret []byte) string {
	signed := b64(header) + "." + b64(claims)
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func sign(t testing.TB, k jose.Key, typ, claims string) string {
	t.Helper()
	s, err := jose.NewSigner(k, typ)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestWhatWasSignedIsRead(t *testing.T) {
	token := sign(t, ours, typ, `{"sub":"ada"}`)
	got, err := jose.Verify(token, typ, find)
	if err != nil || string(got) != `{"sub":"ada"}` {
		t.Errorf("got %s, %v", got, err)
	}
	var header map[string]any
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil || json.Unmarshal(text, &header) != nil {
		t.Fatal(token)
	}
	if len(header) != 3 || header["alg"] != "HS256" || header["typ"] != typ || header["kid"] != ours.ID {
		t.Errorf("got the header %s", text)
	}
}

// Appendix A.1 of RFC 7515 has no kid and the typ JWT, so we take it where the
// caller says that this is right, and nowhere else.
func TestRFC7515AppendixA1(t *testing.T) {
	const token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	secret, err := base64.RawURLEncoding.DecodeString(
		"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	if err != nil {
		t.Fatal(err)
	}
	key := func(kid string) (jose.Key, bool) { return jose.Key{Algorithm: "HS256", Secret: secret}, kid == "" }
	got, err := jose.Verify(token, "JWT", key)
	if want := "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got, err := jose.Verify(token, typ, key); got != nil || !errors.Is(err, jose.ErrToken) {
		t.Errorf("as an access token: got %q, %v", got, err)
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	const claims = `{"sub":"ada"}`
	good := sign(t, ours, typ, claims)
	parts := strings.Split(good, ".")
	head := func(extra string) string { return `{"alg":"HS256","kid":"heady-00000001","typ":"at+jwt"` + extra + `}` }
	if _, err := jose.Verify(forge(head(""), claims, ours.Secret), typ, find); err != nil {
		t.Fatalf("the forger's tool does not work: %v", err)
	}
	secret := ours.Secret
	for name, token := range map[string]string{
		"nothing":           "",
		"dots alone":        "..",
		"alg none":          b64(`{"alg":"none","kid":"heady-00000001","typ":"at+jwt"}`) + "." + b64(claims) + ".",
		"alg none, signed":  forge(`{"alg":"none","kid":"heady-00000001","typ":"at+jwt"}`, claims, secret),
		"alg NONE":          b64(`{"alg":"NONE","kid":"heady-00000001","typ":"at+jwt"}`) + "." + b64(claims) + ".",
		"no alg":            forge(`{"kid":"heady-00000001","typ":"at+jwt"}`, claims, secret),
		"alg in lower case": forge(`{"alg":"hs256","kid":"heady-00000001","typ":"at+jwt"}`, claims, secret),
		"HS512 by name":     forge(`{"alg":"HS512","kid":"heady-00000001","typ":"at+jwt"}`, claims, secret),
		"no signature":      parts[0] + "." + parts[1] + ".",
		"another secret":    forge(head(""), claims, []byte(strings.Repeat("x", 55))),
		"an empty secret":   forge(head(""), claims, nil),
		"the kid as secret": forge(head(""), claims, []byte(ours.ID)),
		"missing kid":       forge(`{"alg":"HS256","typ":"at+jwt"}`, claims, secret),
		"unknown kid":       forge(`{"alg":"HS256","kid":"heady-00000002","typ":"at+jwt"}`, claims, secret),
		"kid is a path":     forge(`{"alg":"HS256","kid":"../../../../dev/null","typ":"at+jwt"}`, claims, nil),
		"kid is SQL":        forge(`{"alg":"HS256","kid":"x' OR '1'='1","typ":"at+jwt"}`, claims, secret),
		"kid is a number":   forge(`{"alg":"HS256","kid":1,"typ":"at+jwt"}`, claims, secret),
		"typ JWT":           forge(`{"alg":"HS256","kid":"heady-00000001","typ":"JWT"}`, claims, secret),
		"no typ":            forge(`{"alg":"HS256","kid":"heady-00000001"}`, claims, secret),
		"typ in upper case": forge(`{"alg":"HS256","kid":"heady-00000001","typ":"AT+JWT"}`, claims, secret),
		"typ is a list":     forge(`{"alg":"HS256","kid":"heady-00000001","typ":["at+jwt"]}`, claims, secret),
		"unknown crit":      forge(head(`,"crit":["exp"],"exp":1`), claims, secret),
		"crit b64":          forge(head(`,"crit":["b64"],"b64":false`), claims, secret),
		"a second alg":      forge(head(`,"alg":"none"`), claims, secret),
		"embedded symmetric key": forge(head(`,"jwk":{"kty":"oct","k":"`+b64(strings.Repeat("x", 55))+`"}`), claims,
			[]byte(strings.Repeat("x", 55))),
		"key by address":     forge(head(`,"jku":"https://evil.example/keys"`), claims, []byte(strings.Repeat("x", 55))),
		"four segments":      good + ".x",
		"five segments":      good + ".x.y",
		"two segments":       parts[0] + "." + parts[1],
		"padded":             good + "=",
		"space before":       " " + good,
		"JSON serialization": `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"17 KiB":             sign(t, ours, typ, `{"a":"`+strings.Repeat("x", 13<<10)+`"}`),
		"a million dots":     strings.Repeat(".", 1_000_000),
		"claims of another":  parts[0] + "." + b64(`{"sub":"eve"}`) + "." + parts[2],
	} {
		if got, err := jose.Verify(token, typ, find); got != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s: got %q, %v, want ErrToken", name, got, err)
		}
	}
}

// The oldest trick (RFC 8725 §2.1): an asymmetric header over our key's name.
func TestAnotherFamilyOfAlgorithmIsRefused(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.RS256, Key: key},
		(&gojose.SignerOptions{EmbedJWK: true}).WithType(typ).WithHeader("kid", ours.ID))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign([]byte(`{"sub":"eve"}`))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := jose.Verify(token, typ, find); got != nil || !errors.Is(err, jose.ErrToken) {
		t.Errorf("got %q, %v, want ErrToken", got, err)
	}
	rsaKey := func(string) (jose.Key, bool) {
		return jose.Key{ID: ours.ID, Algorithm: "RS256", Secret: ours.Secret}, true
	}
	if got, err := jose.Verify(sign(t, ours, typ, `{}`), typ, rsaKey); got != nil || !errors.Is(err, jose.ErrToken) {
		t.Errorf("HS256 with a key for RS256: got %q, %v, want ErrToken", got, err)
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	token := sign(t, ours, typ, `{"sub":"ada"}`)
	for i := range token {
		if i+1 == len(token) || token[i+1] == '.' {
			continue // the last character of a part holds bits that no byte has
		}
		changed := []byte(token)
		changed[i] ^= 1
		if got, err := jose.Verify(string(changed), typ, find); got != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("byte %d: got %q, %v", i, got, err)
		}
	}
}

func TestASignerNeedsAKey(t *testing.T) {
	for name, k := range map[string]jose.Key{
		"no algorithm":      {ID: "k", Secret: ours.Secret},
		"unknown algorithm": {ID: "k", Algorithm: "HS1", Secret: ours.Secret},
		"another family":    {ID: "k", Algorithm: "RS256", Secret: ours.Secret},
	} {
		if s, err := jose.NewSigner(k, typ); s != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
	}
}

// Nothing is read but what was signed: an accepted token carries the very claims
// that our signer was given.
func FuzzVerifyAcceptsWhatWasSignedAlone(f *testing.F) {
	const claims = `{"sub":"ada"}`
	f.Add(sign(f, ours, typ, claims))
	f.Add(b64(`{"alg":"none"}`) + "." + b64(claims) + ".")
	f.Add(forge(`{"alg":"HS256","typ":"at+jwt","crit":["b64"],"b64":false}`, claims, nil))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := jose.Verify(token, typ, find)
		if err == nil && string(got) != claims || err != nil && (got != nil || !errors.Is(err, jose.ErrToken)) {
			t.Errorf("%q: got %q, %v", token, got, err)
		}
	})
}

// A decoder passes over line breaks and idle bits; a token that had two spellings
// could live on in the second when the first is refused.
func TestATokenHasOneSpelling(t *testing.T) {
	token := sign(t, ours, typ, `{"sub":"ada"}`)
	p := strings.Split(token, ".")
	idle := func(part string) string { // another last character for the same bytes
		want, _ := base64.RawURLEncoding.DecodeString(part)
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			other := part[:len(part)-1] + string(c)
			if got, err := base64.RawURLEncoding.DecodeString(other); err == nil && string(got) == string(want) && other != part {
				return other
			}
		}
		t.Fatalf("%s has no idle bits", part)
		return ""
	}
	for name, other := range map[string]string{
		"a line break in the claims": p[0] + "." + p[1][:4] + "\n" + p[1][4:] + "." + p[2],
		"a line break at the end":    token + "\n",
		"idle bits of the signature": p[0] + "." + p[1] + "." + idle(p[2]),
	} {
		if _, err := jose.Verify(other, typ, find); !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
