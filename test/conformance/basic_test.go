package conformance

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// coreModules are those of the basic, implicit and hybrid plans, with the variants
// that each is for.
var coreModules = []module{
	{"oidcc-server", nil, server},
	{"oidcc-response-type-missing", nil, responseTypeMissing},
	{"oidcc-idtoken-signature", nil, server},
	{"oidcc-idtoken-unsigned", dynamicOnly, idTokenUnsigned},
	{"oidcc-userinfo-get", withAccess, userinfoGet},
	{"oidcc-userinfo-post-header", withAccess, userinfoPostHeader},
	{"oidcc-userinfo-post-body", withAccess, userinfoPostBody},
	{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", inCodeFlow, withoutNonce},
	{"oidcc-ensure-request-without-nonce-fails", withFrontIDToken, withoutNonceFails},
	{"oidcc-scope-profile", nil, scopeOf("profile")},
	{"oidcc-scope-email", nil, scopeOf("email")},
	{"oidcc-scope-address", nil, scopeOf("address")},
	{"oidcc-scope-phone", nil, scopeOf("phone")},
	{"oidcc-scope-all", nil, scopeOf("profile", "email", "address", "phone")},
	{"oidcc-alternate-happy-flow", nil, alternateHappyFlow},
	{"oidcc-display-page", nil, tolerates("display=page")},
	{"oidcc-display-popup", nil, tolerates("display=popup")},
	{"oidcc-prompt-login", nil, promptLogin},
	{"oidcc-prompt-none-not-logged-in", nil, promptNoneNotLoggedIn},
	{"oidcc-prompt-none-logged-in", nil, promptNoneLoggedIn},
	{"oidcc-max-age-1", nil, maxAge1},
	{"oidcc-max-age-10000", nil, maxAge10000},
	{"oidcc-ensure-request-with-unknown-parameter-succeeds", nil, tolerates("extra=foobar")},
	{"oidcc-id-token-hint", nil, idTokenHint},
	{"oidcc-login-hint", nil, tolerates("login_hint=" + ada.email)},
	{"oidcc-ui-locales", nil, tolerates("ui_locales=se")},
	{"oidcc-claims-locales", nil, tolerates("claims_locales=se")},
	{"oidcc-ensure-request-with-acr-values-succeeds", nil, acrValues},
	{"oidcc-codereuse", withCode, codeReuse},
	{"oidcc-codereuse-30seconds", withCode, codeReuseKills},
	{"oidcc-ensure-registered-redirect-uri", nil, registeredRedirectURI},
	{"oidcc-ensure-post-request-succeeds", nil, postRequest},
	{"oidcc-server-client-secret-post", withCode, serverSecretPost},
	{"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", dynamicOnly, requestURIUnsigned},
	{"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", nil, requestObjectUnsigned},
	{"oidcc-claims-essential", nil, claimsEssential},
	{"oidcc-ensure-request-object-with-redirect-uri", nil, requestObjectRedirectURI},
	{"oidcc-refresh-token", withCode, refreshToken},
	{"oidcc-ensure-request-with-valid-pkce-succeeds", withCode, validPKCE},
}

func inCodeFlow(v variant) bool { return v.response == "code" }

// server is the whole happy path, with a person who signs in on the way.
func server(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	l := c.login(t, r.stranger())
	if !slices.Equal(l.answer.seen, []string{"sign-in", "consent"}) {
		t.Errorf("screens %v", l.answer.seen)
	}
	if l.access != "" {
		c.userinfo(t, l)
	}
}

func responseTypeMissing(t *testing.T, r *round) {
	a := r.client(t, r.variant).ask("response_type=", "response_mode=")
	got := a.by(t, r.stranger())
	if got.mode == "" && got.page.status == 400 {
		return // an error page will do, too
	}
	if word := got.params.Get("error"); word != "unsupported_response_type" && word != "invalid_request" {
		t.Errorf("the answer is %v", got.params)
	}
	if got.params.Get("state") != a.params.Get("state") {
		t.Errorf("state %q", got.params.Get("state"))
	}
}

// idTokenUnsigned: nobody gets an ID token that anyone could have made.
func idTokenUnsigned(t *testing.T, r *round) {
	in := obj{
		"redirect_uris": []string{"https://rp.example/cb"}, "response_types": []string{r.response}, "grant_types": r.grants(),
		"id_token_signed_response_alg": "none",
	}
	r.register(t, in).want(t, 400).refuses(t, "invalid_client_metadata")
	if slices.Contains(words(t, r.meta, "id_token_signing_alg_values_supported"), "none") {
		t.Error("none is told of as an algorithm")
	}
}

func userinfoGet(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	c.userinfo(t, c.login(t, r.member()))
}

func userinfoPostHeader(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	l := c.login(t, r.member())
	to := c.at(t, "userinfo_endpoint")
	if got := c.send(t, "POST", to, "", c.bearer(t, "POST", to, l.access)...).want(t, 200).object(t); got["sub"] != l.sub(t, c) {
		t.Errorf("userinfo %v", got)
	}
}

func userinfoPostBody(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	l := c.login(t, r.member())
	got := c.form(t, c.at(t, "userinfo_endpoint"), url.Values{"access_token": {l.access}}).want(t, 200).object(t)
	if got["sub"] != l.sub(t, c) {
		t.Errorf("userinfo %v", got)
	}
}

// sub is who signed in, as the ID token says.
func (l *login) sub(t *testing.T, c *client) string {
	t.Helper()
	if l.id == nil {
		return text(t, c.userinfo(t, l), "sub")
	}
	return text(t, l.id, "sub")
}

func withoutNonce(t *testing.T, r *round) {
	l := r.client(t, r.variant).login(t, r.member(), "nonce=")
	if _, ok := l.id["nonce"]; ok {
		t.Errorf("the ID token has a nonce: %v", l.id)
	}
}

func withoutNonceFails(t *testing.T, r *round) {
	a := r.client(t, r.variant).ask("nonce=")
	a.fails(t, a.by(t, r.stranger()), "invalid_request")
}

// kinds are the JSON types of the standard claims (OpenID Connect Core §5.1).
var kinds = map[string]func(any) bool{
	"email_verified": isBool, "phone_number_verified": isBool, "updated_at": isNumber, "address": isObject,
	"name": isText, "email": isText, "phone_number": isText, "given_name": isText, "family_name": isText,
}

func isBool(v any) bool   { _, ok := v.(bool); return ok }
func isNumber(v any) bool { _, ok := v.(float64); return ok }
func isObject(v any) bool { _, ok := v.(obj); return ok }
func isText(v any) bool   { s, ok := v.(string); return ok && s != "" }

// known is what the account can tell, by scope.
var known = map[string][]string{"profile": {"name"}, "email": {"email", "email_verified"}}

// scopeOf: the claims of the scopes come, in the right types. What the account does
// not know is left out, which is worth a warning to the suite.
func scopeOf(scopes ...string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		c := r.client(t, r.variant)
		c.scope = "openid " + strings.Join(scopes, " ")
		claims := c.claims(t, c.login(t, r.member()))
		for _, scope := range scopes {
			for _, name := range known[scope] {
				if claims[name] == nil {
					t.Errorf("no %s in %v", name, claims)
				}
			}
		}
		for name, value := range claims {
			if fits := kinds[name]; fits != nil && !fits(value) {
				t.Errorf("%s is %v", name, value)
			}
		}
	}
}

// alternateHappyFlow: scopes and parameters may come in any order.
func alternateHappyFlow(t *testing.T, r *round) {
	c := r.client(t, r.variant)
	c.scope = "email openid"
	a := c.ask()
	var pairs []string
	for name, values := range a.params {
		pairs = append(pairs, url.Values{name: values}.Encode())
	}
	slices.Sort(pairs)
	slices.Reverse(pairs)
	b := r.member()
	to := c.at(t, "authorization_endpoint") + "?" + strings.Join(pairs, "&")
	a.finish(t, b.walk(t, b.visit(t, to, crossSite)))
}

// tolerates: a parameter must not stop the sign-in.
func tolerates(changes ...string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		r.client(t, r.variant).login(t, r.member(), changes...)
	}
}

// promptLogin: the person signs in a second time, and the ID token tells.
func promptLogin(t *testing.T, r *round) {
	c, b := r.client(t, r.variant), r.stranger()
	first := c.login(t, b)
	time.Sleep(1100 * time.Millisecond) // auth_time counts in seconds
	second := c.login(t, b, "prompt=login", "claims=", "max_age=15000")
	if !slices.Contains(second.answer.seen, "sign-in") {
		t.Errorf("screens %v", second.answer.seen)
	}
	if first.id != nil && !moment(t, second.id, "auth_time").After(moment(t, first.id, "auth_time")) {
		t.Errorf("auth_time stays at %v", second.id["auth_time"])
	}
	if first.sub(t, c) != second.sub(t, c) {
		t.Error("another person")
	}
}

func promptNoneNotLoggedIn(t *testing.T, r *round) {
	a := r.client(t, r.variant).ask("prompt=none")
	got := a.by(t, r.stranger())
	a.fails(t, got, "login_required", "interaction_required", "account_selection_required", "consent_required")
	if len(got.seen) > 0 {
		t.Errorf("screens %v", got.seen)
	}
}

func promptNoneLoggedIn(t *testing.T, r *round) {
	c, b := r.client(t, r.variant), r.member()
	sameAgain(t, c, c.login(t, b), c.login(t, b, "prompt=none"))
}

// sameAgain: a second sign-in went on without the person, in the same session.
func sameAgain(t *testing.T, c *client, first, second *login) {
	t.Helper()
	if len(second.answer.seen) > 0 {
		t.Errorf("screens %v", second.answer.seen)
	}
	if first.sub(t, c) != second.sub(t, c) {
		t.Error("another person")
	}
	if first.id != nil && (first.id["auth_time"] != second.id["auth_time"] || first.id["sid"] != second.id["sid"]) {
		t.Errorf("first %v, then %v", first.id, second.id)
	}
}

func maxAge1(t *testing.T, r *round) {
	c, b := r.client(t, r.variant), r.stranger()
	first := c.login(t, b)
	time.Sleep(1100 * time.Millisecond) // what is older than a second must be proven anew
	second := c.login(t, b, "max_age=1")
	if !slices.Contains(second.answer.seen, "sign-in") {
		t.Errorf("screens %v", second.answer.seen)
	}
	if first.id != nil && !moment(t, second.id, "auth_time").After(moment(t, first.id, "auth_time")) {
		t.Errorf("auth_time stays at %v", second.id["auth_time"])
	}
}

func maxAge10000(t *testing.T, r *round) {
	c, b := r.client(t, r.variant), r.member()
	first, second := c.login(t, b, "max_age=15000"), c.login(t, b, "max_age=10000")
	sameAgain(t, c, first, second)
	if second.id != nil {
		moment(t, second.id, "auth_time")
	}
}

func idTokenHint(t *testing.T, r *round) {
	c, b := r.client(t, r.variant), r.member()
	first := c.login(t, b)
	if first.idToken == "" {
		return
	}
	sameAgain(t, c, first, c.login(t, b, "prompt=none", "id_token_hint="+first.idToken))
}
