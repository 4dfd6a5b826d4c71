package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	tokenPath      = "/auth/v1/token"
	introspectPath = "/auth/v1/oauth/introspect"
	revokePath     = "/auth/v1/oauth/revoke"
	keySetPath     = "/auth/v1/.well-known/jwks.json"
	clientsPath    = "/api/admin/clients"
)

// A program is an OAuth client and its secret.
type program struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// program registers a client by the command line.
func (h home) program(t *testing.T, args ...string) program {
	t.Helper()
	var p program
	h.Operate(t, "", &p, append([]string{"clients", "create", "--name", "Robot"}, args...)...)
	if p.ID == "" || p.Secret == "" {
		t.Fatalf("clients create --json says %+v", p)
	}
	return p
}

// is returns c with p's proof in the Authorization header.
func (c client) is(p program) client {
	pair := url.QueryEscape(p.ID) + ":" + url.QueryEscape(p.Secret)
	return c.with("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
}

// form posts a form, given as name=value pairs.
func (c client) form(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	in := url.Values{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		in.Add(name, value)
	}
	return c.with("Content-Type", "application/x-www-form-urlencoded").send(t, "POST", path, []byte(in.Encode()))
}

// earn returns a token for p itself.
func (s *server) earn(t *testing.T, p program, more ...string) string {
	t.Helper()
	a := s.nobody().is(p).form(t, tokenPath, append(more, "grant_type=client_credentials")...).want(t, http.StatusOK)
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a token may be cached: %q", a.header.Get("Cache-Control"))
	}
	return a.text(t, "access_token")
}

// fails marks the test failed unless a is the failure word as RFC 6749 §5.2 spells it.
func (a answer) fails(t *testing.T, status int, word string) answer {
	t.Helper()
	var f struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(a.body, &f); err != nil || a.status != status || f.Error != word || f.Description == "" {
		t.Errorf("%s: %d %s, want %d %s", a.call, a.status, a.body, status, word)
	}
	if status == http.StatusUnauthorized && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic realm=") {
		t.Errorf("%s: 401 with WWW-Authenticate %q", a.call, a.header.Get("WWW-Authenticate"))
	}
	return a
}

func (s *server) active(t *testing.T, asking program, token string) bool {
	t.Helper()
	a := s.nobody().is(asking).form(t, introspectPath, "token="+token).want(t, http.StatusOK)
	active, _ := a.object(t)["active"].(bool)
	if !active && len(a.object(t)) != 1 {
		t.Errorf("an inactive token is told of: %s", a.body)
	}
	return active
}

func TestAProgramGetsUsesAndEndsItsToken(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		p := s.home.program(t, "--scope", "reports.read", "--scope", "reports.write")
		text := s.earn(t, p, "scope=reports.read")
		tok := parseToken(t, text)
		if tok.header["alg"] != "ES256" || tok.header["typ"] != "at+jwt" {
			t.Errorf("header %v", tok.header)
		}
		issued, expires := tok.claims["iat"].(float64), tok.claims["exp"].(float64)
		want := obj{
			"iss": s.URL + "/auth/v1", "sub": p.ID, "client_id": p.ID, "aud": s.URL + "/api/v1", "scope": "reports.read",
			"iat": issued, "exp": issued + 3600, "jti": tok.claims["jti"],
		}
		sameJSON(t, "claims", tok.claims, want)
		want["active"], want["token_type"], want["exp"] = true, "Bearer", expires
		sameJSON(t, "introspection", s.nobody().is(p).form(t, introspectPath, "token="+text).want(t, 200).object(t), want)

		kinds, kids := map[any]any{"ES256": "EC", "RS256": "RSA", "PS256": "RSA", "EdDSA": "OKP"}, map[any]bool{}
		for _, k := range s.keySet(t, 8) {
			kids[k["kid"]] = true
			if k["d"] != nil || k["p"] != nil || k["kty"] != kinds[k["alg"]] || k["use"] != "sig" {
				t.Errorf("key %v", k)
			}
		}
		if len(kids) != 8 || !kids[tok.header["kid"]] {
			t.Errorf("keys %v, want of each algorithm the one that signs and the next", kids)
		}
		s.nobody().is(p).form(t, revokePath, "token="+text, "token_type_hint=refresh_token").want(t, http.StatusOK)
		if s.active(t, p, text) {
			t.Error("a revoked token is active")
		}
		s.nobody().is(p).form(t, revokePath, "token="+text).want(t, http.StatusOK) // twice is once
		s.nobody().is(p).form(t, revokePath, "token=nonsense").want(t, http.StatusOK)
	})
}

// keySet returns the published keys once there are n: some are made after the start.
func (s *server) keySet(t *testing.T, n int) (keys []obj) {
	t.Helper()
	within(t, "published keys", func() bool {
		keys = s.nobody().get(t, keySetPath).want(t, http.StatusOK).list(t, "keys")
		return len(keys) == n
	})
	return keys
}

// A token counts where it was made for, and nowhere else.
func TestTokensOfOneFamilyAreNoneOfTheOther(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane, p := s.register(t, "jane"), s.home.program(t)
		text := s.earn(t, p)
		s.nobody().bearer(text).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_token")
		s.nobody().bearer(text).get(t, "/api/admin/users").refused(t, http.StatusUnauthorized, "invalid_token")
		if s.active(t, p, jane.access) {
			t.Error("a HeadyKey token is active at the issuer")
		}
		set := string(s.nobody().get(t, keySetPath).body)
		tok := parseToken(t, text)
		for name, forged := range map[string]string{
			"HS256 with the key set as secret":   tok.resigned(t, set, obj{"alg": "HS256"}, obj{}),
			"HS256 with our secret":              tok.resigned(t, jwtSecret, obj{"alg": "HS256"}, obj{}),
			"HS256 with the other family's name": tok.resigned(t, jwtSecret, parseToken(t, jane.access).header, obj{}),
			"RS256 of nobody":                    tok.signedByRSA(t),
			"none":                               tok.unsigned(t, "none"),
			"another's claims":                   tok.resigned(t, jwtSecret, obj{}, obj{"client_id": nowhere}),
		} {
			if s.active(t, p, forged) {
				t.Errorf("%s: active", name)
			}
			s.nobody().bearer(forged).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_token")
		}
		asUser := parseToken(t, jane.access).resigned(t, jwtSecret, obj{}, obj{"iss": s.URL + "/auth/v1", "client_id": p.ID})
		if s.active(t, p, asUser) {
			t.Error("a HeadyKey token in client's clothes is active")
		}
	})
}

func TestTokenRefusals(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		p, other := s.home.program(t, "--scope", "a"), s.home.program(t, "--auth-method", "client_secret_post")
		const grant = "grant_type=client_credentials"
		c := s.nobody()
		bad := program{p.ID, other.Secret}
		for _, a := range []answer{
			c.is(bad).form(t, tokenPath, grant), c.is(program{nowhere, p.Secret}).form(t, tokenPath, grant),
			c.is(program{"' OR 1=1", "x"}).form(t, tokenPath, grant), c.form(t, tokenPath, grant),
			c.form(t, tokenPath, grant, "client_id="+p.ID), c.form(t, tokenPath, grant, "client_id="+p.ID, "client_secret="+p.Secret),
			c.is(other).form(t, tokenPath, grant), c.bearer(p.Secret).form(t, tokenPath, grant),
			c.with("Authorization", "Basic !").form(t, tokenPath, grant),
			c.is(bad).form(t, introspectPath, "token=x"), c.is(bad).form(t, revokePath, "token=x"),
		} {
			a.fails(t, http.StatusUnauthorized, "invalid_client")
		}
		c.form(t, tokenPath, grant, "client_id="+other.ID, "client_secret="+other.Secret).want(t, http.StatusOK)

		for _, tt := range []struct {
			word  string
			pairs []string
		}{
			{"invalid_request", nil},
			{"invalid_request", []string{"grant_type="}},
			{"invalid_request", []string{grant, grant}},
			{"invalid_request", []string{grant, "scope=a", "scope=a"}},
			{"invalid_request", []string{grant, "client_secret=" + p.Secret}},
			{"invalid_request", []string{grant, "client_id=" + other.ID}},
			{"unsupported_grant_type", []string{"grant_type=password", "username=jane", "password=x"}},
			{"unauthorized_client", []string{"grant_type=authorization_code", "code=x"}},
			{"unauthorized_client", []string{"grant_type=refresh_token", "refresh_token=x"}},
			{"invalid_scope", []string{grant, "scope=b"}},
			{"invalid_scope", []string{grant, "scope=a  a"}},
			{"invalid_scope", []string{grant, "scope=A"}},
			{"invalid_target", []string{grant, "resource=https://evil.example"}},
			{"invalid_target", []string{grant, "resource=" + s.URL + "/api"}},
		} {
			c.is(p).form(t, tokenPath, tt.pairs...).fails(t, http.StatusBadRequest, tt.word)
		}
		c.is(p).form(t, tokenPath+"?grant_type=client_credentials").fails(t, http.StatusBadRequest, "unsupported_grant_type")
		c.post(t, tokenPath+"?grant_type=password", obj{"email": "x"}).want(t, http.StatusUnauthorized) // of an app that shows no key
		c.is(p).form(t, tokenPath+"?client_secret=x", grant).fails(t, http.StatusBadRequest, "invalid_request")
		c.is(p).post(t, tokenPath, obj{"grant_type": "client_credentials"}).fails(t, http.StatusBadRequest, "invalid_request")
		c.is(p).form(t, tokenPath, grant, "x="+strings.Repeat("x", 70_000)).fails(t, http.StatusRequestEntityTooLarge, "invalid_request")
		c.is(p).form(t, introspectPath).fails(t, http.StatusBadRequest, "invalid_request")
		c.is(p).form(t, revokePath, "token="+s.earn(t, p), "token=x").fails(t, http.StatusBadRequest, "invalid_request")
		c.get(t, tokenPath).fails(t, http.StatusMethodNotAllowed, "invalid_request")
		foreign := s.earn(t, p)
		c.form(t, revokePath, "token="+foreign, "client_id="+other.ID, "client_secret="+other.Secret).fails(t, http.StatusBadRequest, "invalid_grant")
		if !s.active(t, p, foreign) {
			t.Error("another client ended the token")
		}
	})
}

func TestAudienceIsWhatWasAskedFor(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		const a, b = "https://a.example/api", "https://b.example"
		one, two := s.home.program(t, "--resource", a), s.home.program(t, "--resource", a, "--resource", b)
		for _, tt := range []struct {
			p    program
			asks []string
			want any
		}{
			{one, nil, a}, {one, []string{"resource=" + a}, a}, {two, []string{"resource=" + b}, b},
			{two, []string{"resource=" + b, "resource=" + a, "resource=" + b}, []any{b, a}},
		} {
			sameJSON(t, "aud", parseToken(t, s.earn(t, tt.p, tt.asks...)).claims["aud"], tt.want)
		}
		s.nobody().is(two).form(t, tokenPath, "grant_type=client_credentials").fails(t, http.StatusBadRequest, "invalid_target")
		s.nobody().is(one).form(t, tokenPath, "grant_type=client_credentials", "resource="+s.URL+"/api/v1").fails(t, http.StatusBadRequest, "invalid_target")
	})
}

func TestClientsAreManaged(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.as(s.member(t, "admin", "admin"))
		made := admin.post(t, clientsPath, obj{
			"name": "Robot", "scopes": []string{"a"}, "redirect_uris": []string{"http://127.0.0.1/cb"}, "grant_types": []string{"client_credentials"},
		}).want(t, http.StatusCreated)
		p := program{made.text(t, "client.client_id"), made.text(t, "client_secret")}
		at := clientsPath + "/" + p.ID
		old := s.earn(t, p)
		if !s.active(t, p, old) {
			t.Error("a fresh token is not active")
		}
		sameJSON(t, "list", admin.get(t, clientsPath+"?limit=1").want(t, 200).list(t, "clients"), []any{made.object(t)["client"]})
		admin.patch(t, at, obj{"name": "Golem", "scopes": []string{"b"}}).want(t, 200)
		sameJSON(t, "scope", parseToken(t, s.earn(t, p)).claims["scope"], "b")

		fresh := program{p.ID, admin.post(t, at+"/rotate-secret", nil).want(t, 200).text(t, "client_secret")}
		s.nobody().is(p).form(t, tokenPath, "grant_type=client_credentials").fails(t, http.StatusUnauthorized, "invalid_client")
		watcher := s.home.program(t)
		if !s.active(t, watcher, old) {
			t.Error("a new secret ends tokens")
		}
		sameJSON(t, "disabled", admin.patch(t, at, obj{"disabled": true}).want(t, 200).object(t)["client"].(obj)["disabled"], true)
		s.nobody().is(fresh).form(t, tokenPath, "grant_type=client_credentials").fails(t, http.StatusUnauthorized, "invalid_client")
		if s.active(t, watcher, old) {
			t.Error("the token of a disabled client is active")
		}
		admin.patch(t, at, obj{"disabled": false}).want(t, 200)
		s.earn(t, fresh)
		admin.delete(t, at).want(t, 200)
		admin.get(t, at).refused(t, http.StatusNotFound, "not_found")
		if s.active(t, watcher, old) {
			t.Error("the token of a deleted client is active")
		}
		for field, body := range map[string]obj{
			"name": {"name": " "}, "grant_types": {"name": "x", "grant_types": []string{"password"}}, "scopes": {"name": "x", "scopes": []string{"a b"}},
			"token_endpoint_auth_method": {"name": "x", "token_endpoint_auth_method": "password"},
			"logo_uri":                   {"name": "x", "logo_uri": "http://a.example/l.png"},
			"redirect_uris":              {"name": "x", "redirect_uris": []string{"https://a.example/#x"}}, "resources": {"name": "x", "resources": []string{s.URL + "/api"}},
		} {
			admin.post(t, clientsPath, body).refused(t, http.StatusBadRequest).blames(t, field)
		}
	})
}

// What the command line does beside a running server counts there within a second.
func TestClientsByTheCommandLine(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		p := s.home.program(t, "--redirect-uri", "https://a.example/cb?x=1,2", "--grant", "client_credentials")
		flags := append(s.Flags(), "--json")
		shown := run(t, "", append([]string{"clients", "show", p.ID}, flags...)...).Must(t, 0).Stdout
		if !strings.Contains(shown, `"redirect_uris":["https://a.example/cb?x=1,2"]`) || strings.Contains(shown, p.Secret) {
			t.Errorf("clients show says %s", shown)
		}
		text := s.earn(t, p)
		watcher := s.home.program(t)
		for _, step := range []struct {
			verb   string
			active bool
		}{{"disable", false}, {"enable", true}, {"rotate-secret", true}} {
			run(t, "", append([]string{"clients", step.verb, p.ID}, flags...)...).Must(t, 0)
			within(t, step.verb, func() bool { return s.active(t, watcher, text) == step.active })
		}
		run(t, "", append([]string{"clients", "delete", p.ID, "--yes"}, flags...)...).Must(t, 0)
		within(t, "delete", func() bool { return !s.active(t, watcher, text) })
		run(t, "", append([]string{"clients", "create", "--name", "x", "--redirect-uri", "http://a.example"}, s.Flags()...)...).Refusal(t, "https")
	})
}

// Keys are known before they sign, and after.
func TestSessionKeysRotateWithoutAGap(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		p := s.home.program(t)
		old := s.earn(t, p)
		known := map[any]bool{}
		for _, k := range s.keySet(t, 8) {
			known[k["kid"]] = true
		}
		admin := s.as(s.member(t, "admin", "admin"))
		kid := admin.post(t, "/api/admin/keys/rotate", obj{"use": "session"}).want(t, 200).text(t, "keyId")
		fresh := s.earn(t, p)
		if got := parseToken(t, fresh).header["kid"]; got != kid || !known[kid] || got == parseToken(t, old).header["kid"] {
			t.Errorf("%v signs, want %s, which was known before: %v", got, kid, known)
		}
		s.keySet(t, 9) // the old one is known as long as its tokens live
		if !s.active(t, p, old) || !s.active(t, p, fresh) {
			t.Error("a rotation cut tokens off")
		}
		run(t, "", append([]string{"keys", "rotate", "--use", "session"}, s.Flags()...)...).Must(t, 0)
		within(t, "rotation", func() bool { return parseToken(t, s.earn(t, p)).header["kid"] != kid })
	})
}

func TestReceiptsOfClients(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.as(s.member(t, "admin", "admin"))
		p := s.home.program(t)
		for range 3 {
			s.earn(t, p)
		}
		s.nobody().is(p).form(t, revokePath, "token="+s.earn(t, p)).want(t, 200)
		issued := func() (n float64) {
			for _, e := range admin.get(t, "/api/admin/receipts?type=token.issued").list(t, "receipts") {
				r := e["receipt"].(obj)
				if r["actor"].(obj)["id"] == "cli_"+p.ID && r["client"] == "cli_"+p.ID {
					n += r["details"].(obj)["count"].(float64)
				}
			}
			return n
		}
		within(t, "token.issued", func() bool { return issued() == 4 })
		for _, kind := range []string{"client.created", "token.revoked"} {
			if n := len(admin.get(t, "/api/admin/receipts?type="+kind).list(t, "receipts")); n != 1 {
				t.Errorf("%d receipts %s, want 1", n, kind)
			}
		}
	})
}

// Whoever guesses secrets must wait; from another address all goes on.
func TestGuessingSecretsIsLimited(t *testing.T) {
	s := start(t, homeIn(t.TempDir()), config{limits: true})
	p := s.home.program(t)
	thief := s.nobody().from("127.0.0.5")
	for range 89 {
		thief.is(program{p.ID, "guess"}).form(t, tokenPath, "grant_type=client_credentials").want(t, 401, 429)
	}
	a := thief.is(p).form(t, tokenPath, "grant_type=client_credentials").fails(t, http.StatusTooManyRequests, "temporarily_unavailable")
	if a.header.Get("Retry-After") == "" {
		t.Error("no word of how long to wait")
	}
	for range 100 {
		s.earn(t, p)
	}
}
