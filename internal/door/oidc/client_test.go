package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// A signer is a client that proves itself with its key.
type signer struct {
	id  headykey.ID
	key *ecdsa.PrivateKey
}

func (h *house) signer(t *testing.T) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	set, err := json.Marshal(gojose.JSONWebKeySet{Keys: []gojose.JSONWebKey{{Key: key.Public(), KeyID: "k"}}})
	check(t, err)
	c, err := h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
		Name: "Signer", AuthMethod: oauth.PrivateKeyJWT, Redirects: []string{"https://app.example/cb"},
		Grants: []string{"client_credentials", "authorization_code"}, Details: headykey.ClientDetails{JWKS: set},
	})
	check(t, err)
	return signer{c.Record.ID, key}
}

// sign makes a token of claims.
func (s signer) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	check(t, err)
	pen, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: s.key}, (&gojose.SignerOptions{}).WithHeader("kid", "k"))
	check(t, err)
	jws, err := pen.Sign(text)
	check(t, err)
	out, err := jws.CompactSerialize()
	check(t, err)
	return out
}

// proof is a form with an assertion for aud.
func (s signer) proof(t *testing.T, aud string) url.Values {
	return url.Values{
		"client_assertion_type": {oauth.AssertionType},
		"client_assertion": {s.sign(t, map[string]any{
			"iss": s.id, "sub": s.id, "aud": aud, "exp": time.Now().Add(time.Minute).Unix(), "jti": rand.Text(),
		})},
	}
}

// send posts a form without an Authorization header, unless headers have one.
func (h *house) send(path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/auth/v1"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Every endpoint that clients prove themselves to takes assertions, for the issuer or
// for itself, each once, and none that is for another.
func TestEveryEndpointTakesAssertions(t *testing.T) {
	h := build(t)
	s := h.signer(t)
	const issuer = base + oauth.IssuerPath
	for path, form := range map[string]url.Values{
		"/token":            {"grant_type": {"client_credentials"}},
		"/oauth/introspect": {"token": {"x"}},
		"/oauth/revoke":     {"token": {"x"}},
		"/oauth/par": {
			"response_type": {"code"}, "redirect_uri": {"https://app.example/cb"}, "scope": {"openid"},
		},
	} {
		try := func(proof url.Values) (int, string) {
			for name, values := range form {
				proof[name] = values
			}
			w := h.send(path, proof)
			return w.Code, w.Body.String()
		}
		for _, aud := range []string{issuer, issuer + "/token", issuer + path} {
			proof := s.proof(t, aud)
			if code, body := try(proof); code != 200 && code != 201 {
				t.Errorf("%s, aud %s: %d %s", path, aud, code, body)
			}
			if code, body := try(proof); code != 401 || !strings.Contains(body, "invalid_client") {
				t.Errorf("%s, aud %s, again: %d %s", path, aud, code, body)
			}
		}
		for _, aud := range []string{"https://other.example", issuer + path + "/", issuer + "/authorize"} {
			if code, body := try(s.proof(t, aud)); code != 401 {
				t.Errorf("%s, aud %s: %d %s", path, aud, code, body)
			}
		}
	}
}

func TestAnAssertionStandsAlone(t *testing.T) {
	h := build(t)
	s := h.signer(t)
	tests := []struct {
		name    string
		change  func(url.Values)
		headers []string
		status  int
		word    string
	}{
		{"alone", func(url.Values) {}, nil, 200, ""},
		{"with its client_id", func(f url.Values) { f.Set("client_id", string(s.id)) }, nil, 200, ""},
		{"with another client_id", func(f url.Values) { f.Set("client_id", string(h.client.Record.ID)) }, nil, 401, "invalid_client"},
		{"with no client_id at all", func(f url.Values) { f.Set("client_id", "x") }, nil, 401, "invalid_client"},
		{"beside a secret", func(f url.Values) { f.Set("client_secret", "x") }, nil, 400, "invalid_request"},
		{"beside a header", func(url.Values) {}, []string{"Authorization", "Basic aWQ6c2VjcmV0"}, 400, "invalid_request"},
		{"without its type", func(f url.Values) { f.Del("client_assertion_type") }, nil, 401, "invalid_client"},
		{"of another type", func(f url.Values) {
			f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
		}, nil, 401, "invalid_client"},
		{"missing", func(f url.Values) { f.Del("client_assertion") }, nil, 401, "invalid_client"},
		{"empty", func(f url.Values) { f.Set("client_assertion", "") }, nil, 401, "invalid_client"},
		{"twice", func(f url.Values) { f.Add("client_assertion", "x") }, nil, 400, "invalid_request"},
		{"the client_id alone", func(f url.Values) {
			f.Del("client_assertion")
			f.Del("client_assertion_type")
			f.Set("client_id", string(s.id))
		}, nil, 401, "invalid_client"},
	}
	for _, tt := range tests {
		form := s.proof(t, base+oauth.IssuerPath)
		form.Set("grant_type", "client_credentials")
		tt.change(form)
		w := h.send("/token", form, tt.headers...)
		if got := object(t, w); w.Code != tt.status || tt.word != "" && got["error"] != tt.word {
			t.Errorf("%s: got %d %s", tt.name, w.Code, w.Body)
		}
	}
}

// A pushed request may be signed (RFC 9126 §3).
func TestASignedRequestMayBePushed(t *testing.T) {
	h := build(t)
	s := h.signer(t)
	const issuer = base + oauth.IssuerPath
	object := func(name string, value any) string {
		claims := map[string]any{
			"iss": s.id, "aud": issuer, "client_id": s.id, "response_type": "code", "scope": "openid",
			"redirect_uri": "https://app.example/cb",
		}
		claims[name] = value
		return s.sign(t, claims)
	}
	for text, want := range map[string]int{
		object("state", "x"): 201, object("aud", "x"): 400, object("request_uri", "https://app.example/r"): 400,
		"eyJhbGciOiJub25lIn0.e30.": 400,
	} {
		form := s.proof(t, issuer)
		form.Set("request", text)
		if w := h.send("/oauth/par", form); w.Code != want {
			t.Errorf("%s: got %d %s", text, w.Code, w.Body)
		}
	}
}

// The metadata promises what the rules keep.
func TestTheMetadataTellsWhatClientsMaySign(t *testing.T) {
	text, err := door{Parts: Parts{OAuth: build(t).oauth}}.metadata()
	check(t, err)
	var doc map[string]any
	check(t, json.Unmarshal(text, &doc))
	for _, name := range []string{"request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration"} {
		if doc[name] != true {
			t.Errorf("%s is %v", name, doc[name])
		}
	}
	const algorithms = "[PS256 ES256 EdDSA Ed25519 RS256 HS256]"
	for _, endpoint := range []string{"token", "introspection", "revocation"} {
		if got := strings.Join(texts(doc[endpoint+"_endpoint_auth_signing_alg_values_supported"]), " "); "["+got+"]" != algorithms {
			t.Errorf("%s: %s", endpoint, got)
		}
	}
	if got := strings.Join(texts(doc["request_object_signing_alg_values_supported"]), " "); got != "PS256 ES256 EdDSA Ed25519 RS256" {
		t.Errorf("request objects: %s", got)
	}
}

func texts(list any) (all []string) {
	some, _ := list.([]any)
	for _, one := range some {
		text, _ := one.(string)
		all = append(all, text)
	}
	return all
}
