package conformance

import (
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// A variant is how one run of a plan differs from another.
type variant struct {
	static   bool   // clients are registered by the operator, not by themselves
	response string // response_type, its words in order
	mode     string // response_mode; "": the usual one of the response type
	plain    bool   // OAuth without OpenID Connect
	signed   bool   // requests and their answers are signed
}

// String is the variant's name.
func (v variant) String() string {
	words := []string{"dynamic"}
	if v.static {
		words[0] = "static"
	}
	words = append(words, v.response)
	if v.mode != "" {
		words = append(words, v.mode)
	}
	if v.plain {
		words = append(words, "plain_oauth")
	}
	if v.signed {
		words = append(words, "signed")
	}
	return strings.Join(words, " ")
}

func (v variant) has(word string) bool {
	for _, w := range strings.Fields(v.response) {
		if w == word {
			return true
		}
	}
	return false
}

// delivery is how the answer must travel.
func (v variant) delivery() string {
	switch {
	case v.mode == "jwt":
		return "query"
	case v.mode != "":
		return v.mode
	case v.response == "code":
		return "query"
	}
	return "fragment"
}

// A client is a relying party.
type client struct {
	*provider
	variant
	id, secret, method string
	redirect           string
	scope              string
	alg                string // of its ID tokens
	key                *key   // of private_key_jwt
	dpop               *key   // nil: its tokens are bearer tokens
	bindEarly          bool   // it shows its DPoP key when it pushes a request, too
	pkce               bool
	audience           any // of its assertions; nil: the issuer
	registration       obj // what the provider answered
}

// client registers a client, whose metadata may differ by changes.
func (p *provider) client(t *testing.T, v variant, changes ...obj) *client {
	t.Helper()
	c := &client{provider: p, variant: v, redirect: "https://rp.example/cb/" + rand.Text(), scope: "openid", alg: "RS256"}
	in := obj{
		"client_name": "Client " + rand.Text()[:8], "redirect_uris": []string{c.redirect}, "token_endpoint_auth_method": "client_secret_basic",
		"response_types": []string{v.response}, "grant_types": v.grants(),
	}
	for _, change := range changes {
		maps.Copy(in, change)
	}
	c.method = in["token_endpoint_auth_method"].(string)
	if alg, ok := in["id_token_signed_response_alg"].(string); ok {
		c.alg = alg
	}
	if list, ok := in["redirect_uris"].([]string); ok && len(list) > 0 {
		c.redirect = list[0]
	}
	if v.static {
		c.registration = p.byOperator(t, in)
	} else {
		c.registration = p.register(t, in).want(t, 201).object(t)
	}
	c.id = text(t, c.registration, "client_id")
	c.secret, _ = c.registration["client_secret"].(string)
	return c
}

// grants are the grant types that the response type needs.
func (v variant) grants() []string {
	var out []string
	if v.has("code") {
		out = append(out, "authorization_code", "refresh_token")
	}
	if v.response != "code" {
		out = append(out, "implicit")
	}
	return out
}

func (p *provider) register(t *testing.T, in obj) reply {
	t.Helper()
	return p.json(t, "POST", p.at(t, "registration_endpoint"), in)
}

// byOperator registers a client by the administrators' API.
func (p *provider) byOperator(t *testing.T, in obj) obj {
	t.Helper()
	in = maps.Clone(in)
	in["name"] = in["client_name"]
	delete(in, "client_name")
	if list, _ := in["response_types"].([]string); slices.Equal(list, []string{"code"}) {
		delete(in, "response_types") // it is what everybody has
	}
	made := p.json(t, "POST", p.URL+"/api/admin/clients", in, "Authorization: Bearer "+p.admin).want(t, 201).object(t)
	out, _ := made["client"].(obj)
	out["client_secret"] = made["client_secret"]
	return out
}

// An ask is one authorization request.
type ask struct {
	client   *client
	params   url.Values
	front    url.Values // what the browser carries instead of the parameters, if not nil
	verifier string
}

// ask makes a request as the suite makes it; changes are "name=value", and "name="
// takes one away.
func (c *client) ask(changes ...string) *ask {
	a := &ask{client: c, params: url.Values{
		"client_id": {c.id}, "redirect_uri": {c.redirect}, "scope": {c.scope}, "response_type": {c.response},
		"state": {rand.Text()}, "nonce": {rand.Text()},
	}}
	if c.mode != "" {
		a.params.Set("response_mode", c.mode)
	}
	if c.pkce {
		a.verifier = rand.Text() + rand.Text()
		a.params.Set("code_challenge", challenge(a.verifier))
		a.params.Set("code_challenge_method", "S256")
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		if a.params.Set(name, value); value == "" {
			a.params.Del(name)
		}
	}
	return a
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return b64.EncodeToString(sum[:])
}

// by opens the request in a browser, as a link on the client's page, and returns what
// comes back.
func (a *ask) by(t *testing.T, b *browser) answer {
	t.Helper()
	return b.walk(t, b.visit(t, a.address(t), crossSite))
}

// address is the link on the client's page.
func (a *ask) address(t *testing.T) string {
	t.Helper()
	carried := a.params
	if a.front != nil {
		carried = a.front
	}
	return a.client.at(t, "authorization_endpoint") + "?" + carried.Encode()
}

// checked returns the parameters of an answer that came to the client in the right
// way, with its state and the provider's name (RFC 9207).
func (a *ask) checked(t *testing.T, got answer) url.Values {
	t.Helper()
	if got.mode == "" {
		t.Fatalf("no answer, but a page (%d) after %v:\n%s", got.page.status, got.seen, got.page.text)
	}
	redirect := a.client.redirect
	if got.mode == "query" {
		redirect, _, _ = strings.Cut(redirect, "?")
	}
	if got.mode != a.client.delivery() || got.redirect != redirect {
		t.Errorf("the answer came by %s to %s, want %s to %s", got.mode, got.redirect, a.client.delivery(), redirect)
	}
	if a.client.mode == "jwt" {
		got.params = a.opened(t, got.params)
	}
	for name, want := range map[string]string{"state": a.params.Get("state"), "iss": text(t, a.client.meta, "issuer")} {
		if got.params.Get(name) != want || len(got.params[name]) > 1 {
			t.Errorf("%s is %q, want %q", name, got.params[name], want)
		}
	}
	for name, values := range got.params {
		if len(values) != 1 {
			t.Errorf("%s comes %d times", name, len(values))
		}
	}
	return got.params
}

// opened returns the parameters of a signed answer (JARM §4.4).
func (a *ask) opened(t *testing.T, params url.Values) url.Values {
	t.Helper()
	if len(params) != 1 {
		t.Errorf("beside the signed answer there is %v", params)
	}
	claims := a.client.verified(t, params.Get("response"), "PS256")
	if claims["aud"] != a.client.id || !moment(t, claims, "exp").After(time.Now()) {
		t.Errorf("the answer is for %v until %v", claims["aud"], claims["exp"])
	}
	out := url.Values{}
	for name, value := range claims {
		if word, ok := value.(string); ok && name != "aud" {
			out.Set(name, word)
		}
	}
	return out
}

// fails returns the error of an answer that must be one.
func (a *ask) fails(t *testing.T, got answer, words ...string) url.Values {
	t.Helper()
	params := a.checked(t, got)
	for _, word := range words {
		if params.Get("error") == word && !params.Has("code") && !params.Has("id_token") && !params.Has("access_token") {
			return params
		}
	}
	t.Errorf("the answer is %v, want an error of %v", params, words)
	return params
}

// A login is what a client holds after all went well.
type login struct {
	ask     *ask
	answer  answer
	code    string
	access  string
	refresh string
	idToken string
	id      obj // claims of the ID token; that of the token endpoint, if there were two
	tokens  obj // what the token endpoint said; nil: it was not asked
}

// login runs the whole flow of the client's response type and looks at every token.
func (c *client) login(t *testing.T, b *browser, changes ...string) *login {
	t.Helper()
	a := c.ask(changes...)
	return a.finish(t, a.by(t, b))
}

func (a *ask) finish(t *testing.T, got answer) *login {
	t.Helper()
	l := a.read(t, got)
	if a.client.has("code") {
		a.back(t, l)
	}
	return l
}

// read reads what came by way of the browser.
func (a *ask) read(t *testing.T, got answer) *login {
	t.Helper()
	c, params := a.client, a.checked(t, got)
	if params.Has("error") {
		t.Fatalf("the provider refused after %v: %v", got.seen, params)
	}
	l := &login{ask: a, answer: got, code: params.Get("code"), access: params.Get("access_token"), idToken: params.Get("id_token")}
	for word, value := range map[string]string{"code": l.code, "token": l.access, "id_token": l.idToken} {
		if c.has(word) != (value != "") {
			t.Errorf("response_type %s brings %s %q", c.response, word, value)
		}
	}
	if c.has("token") && (!strings.EqualFold(params.Get("token_type"), "Bearer") || params.Get("expires_in") == "") {
		t.Errorf("token_type %q, expires_in %q", params.Get("token_type"), params.Get("expires_in"))
	}
	if l.idToken != "" {
		l.id = c.idToken(t, l.idToken, a.params)
		c.demandHash(t, l.id, "at_hash", l.access, true)
		c.demandHash(t, l.id, "c_hash", l.code, true)
		c.demandHash(t, l.id, "s_hash", a.params.Get("state"), false)
	}
	return l
}

// back redeems the code.
func (a *ask) back(t *testing.T, l *login) {
	t.Helper()
	c, front := a.client, l.id
	l.tokens = c.redeem(t, l).want(t, 200).object(t)
	l.access = text(t, l.tokens, "access_token")
	l.refresh, _ = l.tokens["refresh_token"].(string)
	kind := "Bearer"
	if c.dpop != nil {
		kind = "DPoP"
	}
	if !strings.EqualFold(text(t, l.tokens, "token_type"), kind) {
		t.Errorf("token_type %v, want %s", l.tokens["token_type"], kind)
	}
	if !strings.Contains(" "+c.scope+" ", " openid ") {
		return
	}
	l.idToken = text(t, l.tokens, "id_token")
	l.id = c.idToken(t, l.idToken, a.params)
	c.demandHash(t, l.id, "at_hash", l.access, false)
	c.demandHash(t, l.id, "c_hash", l.code, false)
	c.demandHash(t, l.id, "s_hash", a.params.Get("state"), false)
	if front != nil && (front["sub"] != l.id["sub"] || front["iss"] != l.id["iss"]) {
		t.Errorf("two ID tokens of one sign-in: %v and %v", front, l.id)
	}
}
