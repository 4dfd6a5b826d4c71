package conformance

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const landing = "https://rp.example/bye"

// rpLogoutModules are those of the plan of logout that a client begins.
var rpLogoutModules = []module{
	{"oidcc-rp-initiated-logout-discovery-endpoint-verification", nil, logoutDiscovery},
	{"oidcc-rp-initiated-logout", nil, rpLogout},
	{"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", nil, logoutTo("https://rp.example/elsewhere")},
	{"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", nil, logoutTo(landing + "?foo=bar")},
	{"oidcc-rp-initiated-logout-modified-id-token-hint", nil, logoutModifiedHint},
	{"oidcc-rp-initiated-logout-bad-id-token-hint", nil, logoutForeignHint},
	{"oidcc-rp-initiated-logout-no-id-token-hint", nil, logoutNoHint},
	{"oidcc-rp-initiated-logout-no-params", nil, logoutNoParams},
	{"oidcc-rp-initiated-logout-only-state", nil, logoutOnlyState},
	{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri", nil, logoutNoLanding},
	{"oidcc-rp-initiated-logout-no-state", nil, logoutNoState},
}

// backLogoutModules are those of the plan of logout that the provider tells of behind
// the browser's back.
var backLogoutModules = []module{
	{"oidcc-backchannel-logout-discovery-endpoint-verification", nil,
		told("backchannel_logout_supported", "backchannel_logout_session_supported")},
	{"oidcc-backchannel-rp-initiated-logout", nil, backLogout},
}

// frontLogoutModules are those of the plan of logout in frames.
var frontLogoutModules = []module{
	{"oidcc-frontchannel-logout-discovery-endpoint-verification", nil,
		told("frontchannel_logout_supported", "frontchannel_logout_session_supported")},
	{"oidcc-frontchannel-rp-initiated-logout", nil, frontLogout},
}

// sessionModules are those of the plan of the frame that watches a session.
var sessionModules = []module{
	{"oidcc-session-management-discovery-endpoint-verification", nil, sessionDiscovery},
	{"oidcc-session-management-rp-initiated-logout", nil, sessionWatch},
}

func logoutDiscovery(t *testing.T, r *round) { r.at(t, "end_session_endpoint") }

func told(members ...string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		logoutDiscovery(t, r)
		for _, name := range members {
			if r.meta[name] != true {
				t.Errorf("%s is %v", name, r.meta[name])
			}
		}
	}
}

// A leaver is a client and a browser that is signed in by it.
type leaver struct {
	*client
	b *browser
	l *login
}

func (r *round) leaver(t *testing.T, changes ...obj) *leaver {
	t.Helper()
	in := obj{"post_logout_redirect_uris": []string{landing}}
	c := r.client(t, r.variant, append([]obj{in}, changes...)...)
	b := r.stranger()
	return &leaver{c, b, c.login(t, b)}
}

// leave sends the browser to sign out; pairs are "name=value".
func (x *leaver) leave(t *testing.T, pairs ...string) answer {
	t.Helper()
	in := url.Values{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		in.Set(name, value)
	}
	to := x.at(t, "end_session_endpoint")
	if len(in) > 0 {
		to += "?" + in.Encode()
	}
	return x.b.walk(t, x.b.visit(t, to, crossSite))
}

// landed: the browser came to the client's page, with this state.
func (x *leaver) landed(t *testing.T, got answer, state string) {
	t.Helper()
	if got.redirect != landing || got.mode != "query" || got.params.Get("state") != state || got.params.Has("state") != (state != "") {
		t.Errorf("the browser came to %s %v, want %s with state %q:\n%s", got.redirect, got.params, landing, state, got.page.text)
	}
}

// stayed: the browser ended on a page of the provider's.
func (x *leaver) stayed(t *testing.T, got answer) {
	t.Helper()
	if got.mode != "" || got.page.status >= 500 {
		t.Errorf("the browser came to %s %v (%d)", got.redirect, got.params, got.page.status)
	}
}

// gone: the session is over.
func (x *leaver) gone(t *testing.T) {
	t.Helper()
	a := x.ask("prompt=none")
	a.fails(t, a.by(t, x.b), "login_required")
}

func rpLogout(t *testing.T, r *round) {
	x := r.leaver(t)
	state := rand.Text()
	got := x.leave(t, "id_token_hint="+x.l.idToken, "post_logout_redirect_uri="+landing, "state="+state)
	if len(got.seen) > 0 {
		t.Errorf("screens %v, though the hint says who leaves", got.seen)
	}
	x.landed(t, got, state)
	x.gone(t)
}

// logoutTo an address that is not registered: nobody is sent there.
func logoutTo(to string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		x := r.leaver(t)
		x.stayed(t, x.leave(t, "id_token_hint="+x.l.idToken, "post_logout_redirect_uri="+to, "state=x"))
	}
}

func logoutModifiedHint(t *testing.T, r *round) {
	x := r.leaver(t)
	_, claims := open(t, x.l.idToken)
	forged := (&key{}).sign(t, obj{"alg": "none"}, claims)
	x.stayed(t, x.leave(t, "id_token_hint="+forged, "post_logout_redirect_uri="+landing, "state=x"))
}

func logoutForeignHint(t *testing.T, r *round) {
	x := r.leaver(t)
	header, claims := open(t, x.l.idToken)
	forged := newKey(t, "RS256").sign(t, obj{"kid": header["kid"]}, claims)
	x.stayed(t, x.leave(t, "id_token_hint="+forged, "post_logout_redirect_uri="+landing, "state=x"))
}

// logoutNoHint: without a hint the person is asked before anything happens.
func logoutNoHint(t *testing.T, r *round) {
	x := r.leaver(t)
	x.b.stop = "sign-out"
	x.stayed(t, x.leave(t, "post_logout_redirect_uri="+landing, "state=x"))
}

func logoutNoParams(t *testing.T, r *round) {
	x := r.leaver(t)
	x.stayed(t, x.leave(t))
	x.gone(t)
}

func logoutOnlyState(t *testing.T, r *round) {
	x := r.leaver(t)
	x.stayed(t, x.leave(t, "state=x"))
	x.gone(t)
}

func logoutNoLanding(t *testing.T, r *round) {
	x := r.leaver(t)
	x.stayed(t, x.leave(t, "id_token_hint="+x.l.idToken))
	x.gone(t)
}

func logoutNoState(t *testing.T, r *round) {
	x := r.leaver(t)
	x.landed(t, x.leave(t, "id_token_hint="+x.l.idToken, "post_logout_redirect_uri="+landing), "")
	x.gone(t)
}

// backLogout: the client gets a logout token (OpenID Connect Back-Channel Logout §2.4).
func backLogout(t *testing.T, r *round) {
	at := r.site.answer(doc{status: 200})
	x := r.leaver(t, obj{"backchannel_logout_uri": at, "backchannel_logout_session_required": true})
	x.landed(t, x.leave(t, "id_token_hint="+x.l.idToken, "post_logout_redirect_uri="+landing, "state=x"), "x")
	got := r.site.next(t, at)
	form, err := url.ParseQuery(got.body)
	if err != nil || got.method != "POST" || got.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Fatalf("%s with %s: %s", got.method, got.header.Get("Content-Type"), got.body)
	}
	claims := r.verified(t, form.Get("logout_token"), "RS256")
	header, _ := open(t, form.Get("logout_token"))
	events, _ := claims["events"].(obj)
	event, there := events["http://schemas.openid.net/event/backchannel-logout"]
	if _, object := event.(obj); !there || !object || len(events) != 1 {
		t.Errorf("events %v", claims["events"])
	}
	if claims["iss"] != r.meta["issuer"] || claims["aud"] != x.id || claims["nonce"] != nil || header["typ"] != "logout+jwt" {
		t.Errorf("header %v, claims %v", header, claims)
	}
	if x.l.id["sid"] == nil || claims["sid"] != x.l.id["sid"] || claims["sub"] != nil && claims["sub"] != x.l.id["sub"] {
		t.Errorf("sid %v and sub %v, the ID token has %v and %v", claims["sid"], claims["sub"], x.l.id["sid"], x.l.id["sub"])
	}
	text(t, claims, "jti")
	if exp, iat := moment(t, claims, "exp"), moment(t, claims, "iat"); !exp.After(iat) {
		t.Errorf("iat %s, exp %s", iat, exp)
	}
	x.gone(t)
}

// frontLogout: the page of the provider loads the client's in a frame.
func frontLogout(t *testing.T, r *round) {
	at := r.site.answer(doc{status: 200, kind: "text/html"})
	x := r.leaver(t, obj{"frontchannel_logout_uri": at, "frontchannel_logout_session_required": true, "redirect_uris": []string{r.site.url + "/cb"}})
	got := x.leave(t, "id_token_hint="+x.l.idToken, "post_logout_redirect_uri="+landing, "state=x")
	want := at + "?" + url.Values{"iss": {text(t, r.meta, "issuer")}, "sid": {text(t, x.l.id, "sid")}}.Encode()
	if !slices.Contains(got.frames, want) {
		t.Errorf("frames %v, want %s", got.frames, want)
	}
	x.landed(t, got, "x")
	x.gone(t)
}

func sessionDiscovery(t *testing.T, r *round) {
	logoutDiscovery(t, r)
	r.at(t, "check_session_iframe")
}

// sessionWatch works out what the frame of the provider answers: the session_state
// fits a cookie that scripts can read, until the person leaves (OpenID Connect Session
// Management §3.2, §4.2).
func sessionWatch(t *testing.T, r *round) {
	x := r.leaver(t)
	state := x.l.answer.params.Get("session_state")
	if !x.unchanged(state) {
		t.Errorf("the session_state %q fits none of the cookies", state)
	}
	frame := &browser{provider: r.provider, cookies: x.b.cookies, frame: true}
	p := frame.visit(t, x.at(t, "check_session_iframe"), crossSite)
	policy := p.header.Get("Content-Security-Policy")
	if p.status != 200 || p.header.Get("X-Frame-Options") != "" || strings.Contains(policy, "frame-ancestors 'none'") || len(p.links("script", "src"))+strings.Count(p.text, "<script") == 0 {
		t.Errorf("the frame: %d, X-Frame-Options %q, policy %q", p.status, p.header.Get("X-Frame-Options"), policy)
	}
	x.landed(t, x.leave(t, "id_token_hint="+x.l.idToken, "post_logout_redirect_uri="+landing, "state=x"), "x")
	if x.unchanged(state) {
		t.Error("the session looks unchanged after the logout")
	}
}

// unchanged is what the frame works out, for any spelling of the hash.
func (x *leaver) unchanged(state string) bool {
	hash, salt, found := strings.Cut(state, ".")
	u, err := url.Parse(x.redirect)
	if !found || err != nil {
		return false
	}
	for _, c := range x.b.cookies {
		sum := sha256.Sum256([]byte(x.id + " " + u.Scheme + "://" + u.Host + " " + c.Value + " " + salt))
		if !c.HttpOnly && (hash == hex.EncodeToString(sum[:]) || hash == b64.EncodeToString(sum[:])) {
			return true
		}
	}
	return false
}
