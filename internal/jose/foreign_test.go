package jose_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey/internal/jose"
)

const limit = 8 << 10

// spelled is the public part of key as a JWK.
func spelled(t testing.TB, key crypto.Signer) string {
	t.Helper()
	text, err := json.Marshal(gojose.JSONWebKey{Key: key.Public()})
	check(t, err)
	return string(text)
}

func TestATokenOfAClientIsVerifiedWithItsKeys(t *testing.T) {
	for _, k := range family(t)[:4] {
		named := with(spelled(t, k.Private), `"kid":"k"`)
		token := craft(t, fmt.Sprintf(`{"alg":%q,"kid":"k","typ":"JWT"}`, k.Algorithm), `{"iss":"c"}`, k.Algorithm, k.Private)
		nameless := craft(t, fmt.Sprintf(`{"alg":%q}`, k.Algorithm), `{"iss":"c"}`, k.Algorithm, k.Private)
		want := jose.ForeignHeader{Algorithm: k.Algorithm, KeyID: "k", Type: "JWT"}
		for name, keys := range map[string]string{
			"the key":           named,
			"among others":      rfc7515A3 + "," + rfc7638 + "," + rfc8037 + "," + named,
			"the second of two": with(rfc7638, `"kid":"k"`) + "," + with(rfc8037, `"kid":"k"`) + "," + with(rfc7515A3, `"kid":"k"`) + "," + named,
			"meant for it":      with(named, fmt.Sprintf(`"use":"sig","alg":%q,"key_ops":["verify"]`, k.Algorithm)),
		} {
			s := set(t, keys)
			f, err := s.Verify(token, limit, []string{k.Algorithm})
			if err != nil || f.Header != want || string(f.Claims) != `{"iss":"c"}` {
				t.Errorf("%s, %s: got %+v, %v", k.Algorithm, name, f, err)
			}
			if f, err := s.Verify(nameless, limit, jose.ForeignAlgorithms); err != nil || f.Header.KeyID != "" {
				t.Errorf("%s, %s, without a kid: got %+v, %v", k.Algorithm, name, f, err)
			}
		}
		for name, keys := range map[string]string{
			"a key of another name":   with(spelled(t, k.Private), `"kid":"other"`),
			"a key without a name":    spelled(t, k.Private),
			"a key for encryption":    with(named, `"use":"enc"`),
			"a key for other things":  with(named, `"key_ops":["encrypt","wrapKey"]`),
			"a key of another method": with(named, `"alg":"RS512"`),
			"keys of strangers":       with(rfc7638, `"kid":"k"`) + "," + with(rfc8037, `"kid":"k"`) + "," + with(rfc7515A3, `"kid":"k"`),
			"the sixth of its name":   sixth(k.Algorithm, named),
		} {
			if f, err := set(t, keys).Verify(token, limit, []string{k.Algorithm}); f != nil || !errors.Is(err, jose.ErrToken) {
				t.Errorf("%s, %s: got %+v, %v", k.Algorithm, name, f, err)
			}
		}
		if f, err := set(t, named).Verify(token, limit, []string{"ES384", "none"}); f != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s is not wanted: got %+v, %v", k.Algorithm, f, err)
		}
		if f, err := set(t, named).Verify(token, len(token)-1, []string{k.Algorithm}); f != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s, a byte too long: got %+v, %v", k.Algorithm, f, err)
		}
	}
}

// sixth puts five keys of the same kind and name before named.
func sixth(algorithm, named string) string {
	stranger := map[string]string{"ES256": rfc7515A3, "RS256": rfc7638, "PS256": rfc7638, "EdDSA": rfc8037}[algorithm]
	return strings.Repeat(with(stranger, `"kid":"k"`)+",", 5) + named
}

// An RSA key that says what it is for serves for nothing else, and a token that
// names another algorithm than it was signed with is refused.
func TestAlgorithmsOfOneKeyDoNotMix(t *testing.T) {
	rs := craft(t, `{"alg":"RS256"}`, `{}`, "RS256", rsaKey())
	ps := craft(t, `{"alg":"PS256"}`, `{}`, "PS256", rsaKey())
	swapped := craft(t, `{"alg":"PS256"}`, `{}`, "RS256", rsaKey())
	bare, forPS := set(t, spelled(t, rsaKey())), set(t, with(spelled(t, rsaKey()), `"alg":"PS256"`))
	for name, tt := range map[string]struct {
		set   *jose.Set
		token string
		ok    bool
	}{
		"RS256": {bare, rs, true}, "PS256": {bare, ps, true}, "PS256 by name": {bare, swapped, false},
		"RS256 with a key for PS256": {forPS, rs, false}, "PS256 with its key": {forPS, ps, true},
	} {
		if _, err := tt.set.Verify(tt.token, limit, jose.ForeignAlgorithms); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// crooked are tokens that nobody may take, whoever signed them.
func crooked(t testing.TB, alg string, key crypto.Signer) map[string]string {
	t.Helper()
	head := func(members string) string { return fmt.Sprintf(`{"alg":%q%s}`, alg, members) }
	good := craft(t, head(""), `{"a":1}`, alg, key)
	parts := strings.Split(good, ".")
	deep := strings.Repeat(`[`, 30) + strings.Repeat(`]`, 30)
	return map[string]string{
		"nothing":               "",
		"dots":                  "..",
		"no signature":          parts[0] + "." + parts[1] + ".",
		"alg none":              b64(`{"alg":"none"}`) + "." + b64(`{}`) + ".",
		"alg none, signed":      craft(t, `{"alg":"none"}`, `{}`, alg, key),
		"no alg":                craft(t, `{}`, `{}`, alg, key),
		"alg in lower case":     craft(t, fmt.Sprintf(`{"alg":%q}`, strings.ToLower(alg)), `{}`, alg, key),
		"alg twice":             craft(t, head(`,"alg":"none"`), `{}`, alg, key),
		"alg twice, hidden":     craft(t, head(`,"\u0061lg":"none"`), `{}`, alg, key),
		"a claim twice":         craft(t, head(""), `{"a":1,"a":2}`, alg, key),
		"a claim twice, inside": craft(t, head(""), `{"a":{"b":1,"b":2}}`, alg, key),
		"claims nested deep":    craft(t, head(""), `{"a":`+deep+`}`, alg, key),
		"header nested deep":    craft(t, head(`,"a":`+deep), `{}`, alg, key),
		"claims in a list":      craft(t, head(""), `[]`, alg, key),
		"claims in words":       craft(t, head(""), `"a"`, alg, key),
		"no claims":             craft(t, head(""), ``, alg, key),
		"claims and more":       craft(t, head(""), `{} {}`, alg, key),
		"claims that are bytes": craft(t, head(""), "{\"a\":\"\xff\"}", alg, key),
		"a lone surrogate":      craft(t, head(""), `{"a":"\ud800"}`, alg, key),
		"unknown crit":          craft(t, head(`,"crit":["exp"],"exp":1`), `{}`, alg, key),
		"empty crit":            craft(t, head(`,"crit":[]`), `{}`, alg, key),
		"b64":                   craft(t, head(`,"crit":["b64"],"b64":false`), `{}`, alg, key),
		"kid is a number":       craft(t, head(`,"kid":1`), `{}`, alg, key),
		"typ is a list":         craft(t, head(`,"typ":["JWT"]`), `{}`, alg, key),
		"other claims":          parts[0] + "." + b64(`{"a":2}`) + "." + parts[2],
		"another header":        b64(head(`,"typ":"x"`)) + "." + parts[1] + "." + parts[2],
		"a signature cut short": parts[0] + "." + parts[1] + "." + parts[2][:40],
		"a signature and more":  good + "AAAA",
		"padded":                good + "=",
		"a line break":          good + "\n",
		"a space before":        " " + good,
		"four parts":            good + ".AA",
		"two parts":             parts[0] + "." + parts[1],
		"JSON serialization":    `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"9 KiB":                 craft(t, head(""), `{"a":"`+strings.Repeat("x", 9<<10)+`"}`, alg, key),
	}
}

func TestACrookedTokenIsRefused(t *testing.T) {
	for _, k := range family(t)[:4] {
		s := set(t, spelled(t, k.Private))
		for name, token := range crooked(t, k.Algorithm, k.Private) {
			all := append([]string{"none", "", strings.ToLower(k.Algorithm)}, jose.ForeignAlgorithms...)
			if f, err := s.Verify(token, limit, all); f != nil || !errors.Is(err, jose.ErrToken) {
				t.Errorf("%s, %s: got %+v, %v", k.Algorithm, name, f, err)
			}
		}
	}
}

func TestPeekTellsWhoseTokenItIs(t *testing.T) {
	k := family(t)[0]
	token := craft(t, `{"alg":"ES256","kid":"k","typ":"JWT"}`, `{"iss":"c"}`, "ES256", k.Private)
	header, claims, err := jose.Peek(token, len(token))
	if want := (jose.ForeignHeader{Algorithm: "ES256", KeyID: "k", Type: "JWT"}); err != nil || header != want || string(claims) != `{"iss":"c"}` {
		t.Errorf("got %+v, %s, %v", header, claims, err)
	}
	unread := map[string]bool{ // only a signature or a list of algorithms tells these from good ones
		"other claims": true, "another header": true, "a signature cut short": true, "a signature and more": true,
		"alg in lower case": true, "alg none, signed": true,
	}
	for name, token := range crooked(t, "ES256", k.Private) {
		header, claims, err := jose.Peek(token, limit)
		if unread[name] == (err != nil) || err != nil && (header != jose.ForeignHeader{} || claims != nil || !errors.Is(err, jose.ErrToken)) {
			t.Errorf("%s: got %+v, %q, %v", name, header, claims, err)
		}
	}
}

func TestASharedSecretVerifiesHS256Alone(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	good := forge(`{"alg":"HS256","typ":"JWT"}`, `{"iss":"c"}`, secret)
	f, err := jose.VerifySecret(good, limit, secret)
	if err != nil || f.Header != (jose.ForeignHeader{Algorithm: "HS256", Type: "JWT"}) || string(f.Claims) != `{"iss":"c"}` {
		t.Errorf("got %+v, %v", f, err)
	}
	for name, tt := range map[string]struct {
		token  string
		secret []byte
	}{
		"another secret":       {good, []byte(strings.Repeat("x", 32))},
		"no secret":            {forge(`{"alg":"HS256"}`, `{}`, nil), nil},
		"a short secret":       {forge(`{"alg":"HS256"}`, `{}`, secret[:31]), secret[:31]},
		"HS512 by name":        {forge(`{"alg":"HS512"}`, `{}`, secret), secret},
		"alg none":             {b64(`{"alg":"none"}`) + "." + b64(`{}`) + ".", secret},
		"none, signed":         {forge(`{"alg":"none"}`, `{}`, secret), secret},
		"a claim twice":        {forge(`{"alg":"HS256"}`, `{"a":1,"a":1}`, secret), secret},
		"a secret in the head": {forge(`{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}`, `{}`, secret[:1]), secret},
		"an RSA signature":     {craft(t, `{"alg":"RS256"}`, `{}`, "RS256", rsaKey()), secret},
	} {
		if f, err := jose.VerifySecret(tt.token, limit, tt.secret); f != nil || !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s: got %+v, %v", name, f, err)
		}
	}
}

func TestAnEmbeddedKeyProvesItself(t *testing.T) {
	const claims = `{"jti":"a"}`
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	check(t, err)
	for _, k := range family(t)[:4] {
		head := func(jwk string) string { return fmt.Sprintf(`{"alg":%q,"typ":"dpop+jwt","jwk":%s}`, k.Algorithm, jwk) }
		made := func(jwk string) string { return craft(t, head(jwk), claims, k.Algorithm, k.Private) }
		key := spelled(t, k.Private)
		f, thumbprint, err := jose.VerifyEmbedded(made(key), limit, []string{k.Algorithm})
		want, _ := jose.Thumbprint(k.Public)
		if err != nil || thumbprint != want || f.Header.Type != "dpop+jwt" || string(f.Claims) != claims {
			t.Errorf("%s: got %+v, %s, %v", k.Algorithm, f, thumbprint, err)
		}
		attempts := crooked(t, k.Algorithm, k.Private)
		for name, jwk := range map[string]string{
			"a private key": with(key, `"d":"AQ"`), "a null for a private key": with(key, `"d":null`), "a secret": `{"kty":"oct","k":"AA"}`,
			"a stranger's key": map[bool]string{true: rfc8037, false: rfc7638}[k.Algorithm == "EdDSA"], "another kind": rfc7515A3,
			"a key for encryption": with(key, `"use":"enc"`), "a key for another algorithm": with(key, `"alg":"RS512"`),
			"null": `null`, "words": `"key"`, "a list": `[` + key + `]`, "an unknown kind": `{"kty":"AKP"}`, "a member twice": with(key, `"kty":"RSA"`),
		} {
			attempts[name] = made(jwk)
		}
		attempts["no key"] = craft(t, fmt.Sprintf(`{"alg":%q,"typ":"dpop+jwt","kid":"k"}`, k.Algorithm), claims, k.Algorithm, k.Private)
		attempts["a weak key"] = craft(t, `{"alg":"RS256","jwk":`+spelled(t, weak)+`}`, claims, "RS256", weak)
		attempts["HS256 with the key"] = forge(`{"alg":"HS256","jwk":`+key+`}`, claims, []byte(key))
		for name, token := range attempts {
			f, thumbprint, err := jose.VerifyEmbedded(token, limit, append([]string{"HS256", "none"}, jose.ForeignAlgorithms...))
			if f != nil || thumbprint != "" || !errors.Is(err, jose.ErrToken) {
				t.Errorf("%s, %s: got %+v, %v", k.Algorithm, name, f, err)
			}
		}
	}
}
