package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

const (
	redirect = "https://app.example/cb"
	verifier = "a-verifier-of-the-least-length-that-may-be--"
)

// A holder makes DPoP proofs with its key.
type holder struct {
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newHolder(t *testing.T) holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return holder{t, key}
}

func (k holder) thumbprint() string {
	text, err := jose.Thumbprint(k.key.Public())
	check(k.t, err)
	return text
}

// prove makes a proof for a request; more claims come as name, value.
func (k holder) prove(method, path string, more ...string) string {
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": base + path, "iat": time.Now().Unix()}
	for i := 0; i < len(more); i += 2 {
		claims[more[i]] = more[i+1]
	}
	text, err := json.Marshal(claims)
	check(k.t, err)
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: k.key},
		(&gojose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	check(k.t, err)
	signed, err := signer.Sign(text)
	check(k.t, err)
	out, err := signed.CompactSerialize()
	check(k.t, err)
	return out
}

// proveWith makes a proof for a request to userinfo with an access token.
func (k holder) proveWith(access string, more ...string) string {
	sum := sha256.Sum256([]byte(access))
	return k.prove("GET", "/auth/v1/user", append([]string{"ath", base64.RawURLEncoding.EncodeToString(sum[:])}, more...)...)
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// is reports whether a is a refusal with this status and word.
func (a answer) is(status int, word string) bool {
	return a.status == status && a.body["error"] == word
}

// ask sends a request with headers as name, value; a name may come twice.
func (h *house) ask(t *testing.T, method, path string, form url.Values, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", formType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header()}
	_ = json.Unmarshal(w.Body.Bytes(), &a.body) // some have no body
	return a
}

// basicAuth is the header of a client with a secret.
func basicAuth(c oauth.NewClient) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(string(c.Record.ID)+":"+c.Secret))
}

// app registers a trusted app for people.
func (h *house) app(t *testing.T, method string, details headykey.ClientDetails) oauth.NewClient {
	t.Helper()
	c, err := h.oauth.CreateClient(t.Context(), headykey.System, oauth.ClientWish{
		Name: "App", AuthMethod: method, Trusted: true, Redirects: []string{redirect}, Details: details,
		Grants: []string{"authorization_code", "refresh_token", "implicit"},
	})
	check(t, err)
	return c
}

// person is somebody who is signed in.
func (h *house) person(t *testing.T) headykey.Caller {
	t.Helper()
	now := time.Now().UTC()
	by := headykey.Caller{User: headykey.NewID(), Session: headykey.NewID(), Role: headykey.RoleUser, Method: headykey.BySession, AAL: "aal1", Proven: now}
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		email := string(by.User) + "@example.com"
		user := &headykey.User{ID: by.User, Email: email, Role: by.Role, Type: headykey.Human, Created: now}
		if err := tx.InsertUser(user, email, ""); err != nil {
			return err
		}
		return tx.InsertSession(&headykey.Session{
			ID: by.Session, User: by.User, Created: now, Proven: now, LastUsed: now, Ends: now.Add(time.Hour), AAL: "aal1", Surface: "api",
		}, nil)
	}))
	return by
}

// asked are the parameters of an authorization request of c, with more of them.
func asked(c oauth.NewClient, more ...string) url.Values {
	challenge := sha256.Sum256([]byte(verifier))
	in := url.Values{
		"client_id": {string(c.Record.ID)}, "response_type": {"code"}, "redirect_uri": {redirect}, "scope": {"openid"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}, "nonce": {"n"},
	}
	for i := 0; i < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	return in
}

// code lets somebody allow the request, and returns the form that redeems the code.
func (h *house) code(t *testing.T, c oauth.NewClient, in url.Values) url.Values {
	t.Helper()
	p, err := h.oauth.Begin(t.Context(), in)
	check(t, err)
	out, err := h.oauth.Allow(t.Context(), p, h.person(t), nil)
	check(t, err)
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {string(c.Record.ID)}, "code": {out.Params.Get("code")},
		"redirect_uri": {redirect}, "code_verifier": {verifier},
	}
}

// text is a member of a token answer that must be there.
func (a answer) text(t *testing.T, member string) string {
	t.Helper()
	text, _ := a.body[member].(string)
	if a.status != http.StatusOK || text == "" {
		t.Fatalf("no %s: %d %v", member, a.status, a.body)
	}
	return text
}

// A token that was made with a proof is worth nothing without its key, from its code
// to its refresh.
func TestATokenIsBoundToItsKey(t *testing.T) {
	h := build(t)
	c := h.app(t, headykey.AuthNone, headykey.ClientDetails{})
	k, stranger := newHolder(t), newHolder(t)
	got := h.ask(t, "POST", "/auth/v1/token", h.code(t, c, asked(c)), "DPoP", k.prove("POST", "/auth/v1/token"))
	access, refresh := got.text(t, "access_token"), got.text(t, "refresh_token")
	if got.body["token_type"] != "DPoP" || got.header.Get("DPoP-Nonce") == "" {
		t.Errorf("got %v", got)
	}
	told := h.ask(t, "POST", "/auth/v1/oauth/introspect", url.Values{"token": {access}}, "Authorization", basicAuth(h.client))
	if cnf, _ := told.body["cnf"].(map[string]any); told.body["token_type"] != "DPoP" || cnf["jkt"] != k.thumbprint() {
		t.Errorf("introspection: %v", told.body)
	}
	plain := h.ask(t, "POST", "/auth/v1/token", h.code(t, c, asked(c))).text(t, "access_token")

	used := k.proveWith(access)
	for name, headers := range map[string][]string{
		"good": {"Authorization", "DPoP " + access, "DPoP", used}, "the scheme in any case": {"Authorization", "dPoP " + access, "dpop", k.proveWith(access)},
		"with our nonce": {"Authorization", "DPoP " + access, "DPoP", k.proveWith(access, "nonce", h.oauth.Nonce())},
		"a plain token":  {"Authorization", "bearer " + plain}, "a plain token, a proof for nothing": {"Authorization", "Bearer " + plain, "DPoP", "x"},
	} {
		got := h.ask(t, "GET", "/auth/v1/user", nil, headers...)
		if got.status != http.StatusOK || got.body["sub"] == nil || (len(headers) > 2) != (got.header.Get("DPoP-Nonce") != "") {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, tt := range []struct {
		name, word string
		headers    []string
	}{
		{"as a plain token", "invalid_token", []string{"Authorization", "Bearer " + access}},
		{"as a plain token with a proof", "invalid_token", []string{"Authorization", "Bearer " + access, "DPoP", k.proveWith(access)}},
		{"without a proof", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access}},
		{"by another key", "invalid_token", []string{"Authorization", "DPoP " + access, "DPoP", stranger.proveWith(access)}},
		{"for another token", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access, "DPoP", k.proveWith(plain)}},
		{"for no token", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access, "DPoP", k.prove("GET", "/auth/v1/user")}},
		{"for another address", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access, "DPoP", k.proveWith(access, "htu", base+"/auth/v1/token")}},
		{"for another method", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access, "DPoP", k.proveWith(access, "htm", "POST")}},
		{"used before", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access, "DPoP", used}},
		{"two proofs", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access, "DPoP", k.proveWith(access), "DPoP", k.proveWith(access)}},
		{"an old nonce", "use_dpop_nonce", []string{"Authorization", "DPoP " + access, "DPoP", k.proveWith(access, "nonce", "old")}},
		{"a plain token by the other scheme", "invalid_token", []string{"Authorization", "DPoP " + plain, "DPoP", k.proveWith(plain)}},
		{"another host's header", "invalid_dpop_proof", []string{"Authorization", "DPoP " + access, "Host", "evil.example", "X-Forwarded-Host", "evil.example",
			"DPoP", k.proveWith(access, "htu", "https://evil.example/auth/v1/user")}},
	} {
		got := h.ask(t, "GET", "/auth/v1/user", nil, tt.headers...)
		challenges := got.header.Values("WWW-Authenticate")
		scheme, _, _ := strings.Cut(tt.headers[1], " ")
		if !got.is(http.StatusUnauthorized, tt.word) || len(challenges) != 2 || !strings.HasPrefix(challenges[0], scheme+" ") ||
			!strings.Contains(challenges[0], `error="`+tt.word+`"`) || strings.Contains(challenges[1], "error") ||
			!strings.Contains(strings.Join(challenges, ""), `algs="ES256 EdDSA Ed25519 PS256"`) {
			t.Errorf("%s: got %v", tt.name, got)
		}
		if len(tt.headers) > 2 && got.header.Get("DPoP-Nonce") != h.oauth.Nonce() {
			t.Errorf("%s: DPoP-Nonce %q", tt.name, got.header.Get("DPoP-Nonce"))
		}
	}
	if got := h.ask(t, "POST", "/auth/v1/user", url.Values{"access_token": {access}}, "DPoP", k.proveWith(access, "htm", "POST")); !got.is(401, "invalid_token") {
		t.Errorf("in the body: %v", got)
	}

	again := url.Values{"grant_type": {"refresh_token"}, "client_id": {string(c.Record.ID)}, "refresh_token": {refresh}}
	for name, headers := range map[string][]string{"without a proof": nil, "by another key": {"DPoP", stranger.prove("POST", "/auth/v1/token")}} {
		if got := h.ask(t, "POST", "/auth/v1/token", again, headers...); !got.is(400, "invalid_dpop_proof") {
			t.Errorf("refreshed %s: %v", name, got)
		}
	}
	if got := h.ask(t, "POST", "/auth/v1/token", again, "DPoP", k.prove("POST", "/auth/v1/token")); got.text(t, "token_type") != "DPoP" {
		t.Errorf("refreshed: %v", got)
	}
}

// A proof that is not good is refused wherever it is shown, and takes nothing down.
func TestABadProofIsRefusedEverywhere(t *testing.T) {
	h := build(t)
	c := h.app(t, oauth.SecretPost, headykey.ClientDetails{})
	k := newHolder(t)
	spell := func(form url.Values) url.Values {
		form.Set("client_id", string(c.Record.ID))
		form.Set("client_secret", c.Secret)
		return form
	}
	redeemed := h.ask(t, "POST", "/auth/v1/token", spell(h.code(t, c, asked(c))))
	own := url.Values{"grant_type": {"client_credentials"}, "client_id": {string(h.client.Record.ID)}}
	for _, tt := range []struct {
		name, path string
		form       url.Values
		auth       []string
		status     int // when all is well
	}{
		{"client_credentials", "/auth/v1/token", own, []string{"Authorization", basicAuth(h.client)}, 200},
		{"authorization_code", "/auth/v1/token", spell(h.code(t, c, asked(c))), nil, 200},
		{"refresh_token", "/auth/v1/token", spell(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {redeemed.text(t, "refresh_token")}}), nil, 200},
		{"PAR", "/auth/v1/oauth/par", spell(asked(c)), nil, 201},
		{"introspection", "/auth/v1/oauth/introspect", spell(url.Values{"token": {"x"}}), nil, 200},
		{"revocation", "/auth/v1/oauth/revoke", spell(url.Values{"token": {"x"}}), nil, 200},
	} {
		used := k.prove("POST", tt.path)
		ask := func(proofs ...string) answer {
			headers := tt.auth
			for _, one := range proofs {
				headers = append(headers[:len(headers):len(headers)], "DPoP", one)
			}
			return h.ask(t, "POST", tt.path, tt.form, headers...)
		}
		for name, proofs := range map[string][]string{
			"no token": {"x"}, "for elsewhere": {k.prove("POST", "/auth/v1/user")}, "for a GET": {k.prove("GET", tt.path)}, "nothing": {""},
			"two": {k.prove("POST", tt.path), k.prove("POST", tt.path)}, "too old": {k.prove("POST", tt.path, "iat", "1")},
		} {
			if got := ask(proofs...); !got.is(400, "invalid_dpop_proof") || got.header.Get("DPoP-Nonce") != h.oauth.Nonce() {
				t.Errorf("%s: %s: got %v", tt.name, name, got)
			}
		}
		got := ask(k.prove("POST", tt.path, "nonce", "old"))
		if !got.is(400, "use_dpop_nonce") || got.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: an old nonce: %v", tt.name, got)
		}
		if got := ask(k.prove("POST", tt.path, "nonce", got.header.Get("DPoP-Nonce"))); got.status != tt.status || got.header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: the nonce of the refusal: %v", tt.name, got)
		}
		_ = ask(used)
		if got := ask(used); !got.is(400, "invalid_dpop_proof") {
			t.Errorf("%s: used before: %v", tt.name, got)
		}
	}
	if got := h.ask(t, "POST", "/auth/v1/token", own, "Authorization", basicAuth(h.client)); got.header.Get("DPoP-Nonce") != "" {
		t.Error("a nonce for who sent no proof")
	}
}

// A code is bound to the key that its request named or showed (RFC 9449 §10).
func TestACodeIsBoundToAKey(t *testing.T) {
	h := build(t)
	c := h.app(t, headykey.AuthNone, headykey.ClientDetails{})
	k, stranger := newHolder(t), newHolder(t)
	par := func(in url.Values, headers ...string) answer {
		return h.ask(t, "POST", "/auth/v1/oauth/par", in, headers...)
	}
	pushed := func(in url.Values, headers ...string) url.Values {
		got := par(in, headers...)
		uri, _ := got.body["request_uri"].(string)
		if got.status != http.StatusCreated {
			t.Fatalf("got %v", got)
		}
		return url.Values{"client_id": in["client_id"], "request_uri": {uri}}
	}
	proof := func(k holder) string { return k.prove("POST", "/auth/v1/oauth/par") }
	named := asked(c, "dpop_jkt", k.thumbprint())
	for name, begin := range map[string]func() url.Values{
		"named":            func() url.Values { return named },
		"named and pushed": func() url.Values { return pushed(named) },
		"shown":            func() url.Values { return pushed(asked(c), "DPoP", proof(k)) },
		"named and shown":  func() url.Values { return pushed(named, "DPoP", proof(k)) },
	} {
		for who, headers := range map[string][]string{"nobody": nil, "a stranger": {"DPoP", stranger.prove("POST", "/auth/v1/token")}} {
			if got := h.ask(t, "POST", "/auth/v1/token", h.code(t, c, begin()), headers...); !got.is(400, "invalid_dpop_proof") {
				t.Errorf("%s, redeemed by %s: %v", name, who, got)
			}
		}
		if got := h.ask(t, "POST", "/auth/v1/token", h.code(t, c, begin()), "DPoP", k.prove("POST", "/auth/v1/token")); got.status != 200 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := par(named, "DPoP", proof(stranger)); !got.is(400, "invalid_dpop_proof") {
		t.Errorf("one named, another shown: %v", got)
	}
	if got := par(asked(c, "dpop_jkt", "x")); !got.is(400, "invalid_request") {
		t.Errorf("no thumbprint: %v", got)
	}
}

// A client whose tokens must be bound gets no other, and none by way of a browser.
func TestAClientThatMustShowItsKey(t *testing.T) {
	h := build(t)
	c := h.app(t, headykey.AuthNone, headykey.ClientDetails{BoundDPoP: true, Responses: []string{"code", "code token", "code id_token"}})
	if got := h.ask(t, "POST", "/auth/v1/token", h.code(t, c, asked(c))); !got.is(400, "invalid_dpop_proof") {
		t.Errorf("without a proof: %v", got)
	}
	if got := h.ask(t, "POST", "/auth/v1/oauth/par", asked(c, "response_type", "code token")); !got.is(400, "unsupported_response_type") {
		t.Errorf("by way of the browser: %v", got)
	}
	if got := h.ask(t, "POST", "/auth/v1/oauth/par", asked(c, "response_type", "code id_token")); got.status != 201 {
		t.Errorf("an ID token by way of the browser: %v", got)
	}
}
