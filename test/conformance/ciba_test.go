package conformance

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// cibaModules are those of FAPI-CIBA for clients that poll, or are pinged.
var cibaModules = []module{
	{"discovery-end-point-verification", nil, cibaDiscovery},
	{"base", nil, cibaBase},
	{"ensure-authorization-request-with-binding-message-succeeds", nil, cibaFlow(obj{"binding_message": "1234"})},
	{"ensure-other-scope-order-succeeds", nil, cibaFlow(obj{"scope": "email profile openid"})},
	{"ensure-requested-expiry-as-string-succeeds", nil, cibaFlow(obj{"requested_expiry": "120"})},
	{"refresh-token", nil, cibaRefresh},
	{"ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds", nil, cibaFlow(nil)},
	{"user-rejects-authentication", nil, cibaRejects},
	{"multiple-call-to-token-endpoint", nil, cibaPending},
	{"auth-req-id-expired", polls, cibaExpired},
	{"ensure-authorization-request-with-potentially-bad-binding-message", nil, cibaBadMessage},
	{"ensure-request-object-missing-aud-fails", nil, cibaFails(obj{"aud": nil})},
	{"ensure-request-object-bad-aud-fails", nil, cibaFails(obj{"aud": "https://other.example"})},
	{"ensure-request-object-missing-iss-fails", nil, cibaFails(obj{"iss": nil})},
	{"ensure-request-object-bad-iss-fails", nil, cibaFails(obj{"iss": "somebody"})},
	{"ensure-request-object-missing-exp-fails", nil, cibaFails(obj{"exp": nil})},
	{"ensure-request-object-expired-exp-fails", nil, cibaFails(obj{"exp": ago(5)})},
	{"ensure-request-object-exp-is-70-minutes-in-future-fails", nil, cibaFails(obj{"exp": ago(-70)})},
	{"ensure-request-object-missing-iat-fails", nil, cibaFails(obj{"iat": nil})},
	{"ensure-request-object-missing-nbf-fails", nil, cibaFails(obj{"nbf": nil})},
	{"ensure-request-object-nbf-is-10-minutes-in-future-fails", nil, cibaFails(obj{"nbf": ago(-10)})},
	{"ensure-request-object-nbf-is-70-minutes-in-past-fails", nil, cibaFails(obj{"nbf": ago(70)})},
	{"ensure-request-object-missing-jti-fails", nil, cibaFails(obj{"jti": nil})},
	{"ensure-request-object-signature-algorithm-is-none-fails", nil, cibaUnsigned},
	{"ensure-request-object-signature-algorithm-is-bad-fails", nil, cibaForged},
	{"ensure-request-object-signature-algorithm-is-RS256-fails", nil, cibaRS256},
	{"ensure-request-object-signed-by-other-client-fails", nil, cibaForeign},
	{"ensure-backchannel-authorization-request-without-request-fails", nil, cibaPlain},
	{"ensure-authorization-request-with-multiple-hints-fails", nil, cibaFails(obj{"id_token_hint": "x"})},
	{"ensure-wrong-authentication-request-id-in-token-endpoint-request", nil, cibaForeignID},
	{"ensure-different-client-id-and-issuer-in-backchannel-authorization-request", nil, cibaFails(obj{"client_id": "somebody"})},
	{"ensure-wrong-client-id-in-token-endpoint-request", nil, cibaWrongClientAtToken},
	{"ensure-wrong-client-id-in-backchannel-authorization-request", nil, cibaWrongClient},
	{"ensure-without-client-assertion-in-token-endpoint-fails", nil, cibaUnproven("token_endpoint")},
	{"ensure-without-client-assertion-in-backchannel-authorization-request-fails", nil, cibaUnproven("backchannel_authentication_endpoint")},
	{"ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails", nil,
		cibaAssertionRS256("backchannel_authentication_endpoint")},
	{"ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails", nil, cibaAssertionRS256("token_endpoint")},
	{"ensure-holder-of-key-required", nil, cibaHolderOfKey},
	{"ping-with-body-and-status-200", pings, cibaPing(doc{status: 200, text: "thank you"})},
	{"ping-with-401", pings, cibaPing(doc{status: 401})},
	{"ping-with-403", pings, cibaPing(doc{status: 403})},
	{"ping-with-301", pings, cibaPing(doc{status: 301, header: map[string]string{"Location": "/elsewhere"}})},
}

const cibaGrant = "urn:openid:params:grant-type:ciba"

func polls(v variant) bool { return v.mode == "poll" }
func pings(v variant) bool { return v.mode == "ping" }

// An asker is a client that asks people who are elsewhere.
type asker struct {
	*client
	name   string // unlike all others: people see it
	notify string // where it is pinged
	secret string // what the provider shows there
}

func (r *round) asker(t *testing.T, at doc, changes ...obj) *asker {
	t.Helper()
	k := newKey(t, "ES256")
	x := &asker{name: "Asker " + nonsense(), secret: nonsense()}
	in := obj{
		"profile": "fapi2", "client_name": x.name, "token_endpoint_auth_method": "private_key_jwt", "jwks": set(k),
		"dpop_bound_access_tokens": true, "id_token_signed_response_alg": "PS256", "scopes": []string{"openid", "profile", "email"},
		"redirect_uris": []string{}, "response_types": []string{}, "grant_types": []string{cibaGrant, "refresh_token"},
		"backchannel_token_delivery_mode": r.mode, "backchannel_authentication_request_signing_alg": "ES256",
	}
	if pings(r.variant) {
		if at.status == 0 {
			at.status = 204
		}
		x.notify = r.site.answer(at)
		in["backchannel_client_notification_endpoint"] = x.notify
	}
	x.client = r.client(t, r.variant, append([]obj{in}, changes...)...)
	x.key, x.dpop, x.scope = k, newKey(t, "ES256"), "openid profile email"
	return x
}

// object is a question to ada, to be signed.
func (x *asker) object(changes obj) obj {
	out := obj{
		"iss": x.id, "aud": x.meta["issuer"], "iat": in(0), "nbf": in(0), "exp": in(5 * time.Minute), "jti": nonsense(),
		"scope": x.scope, "login_hint": ada.email,
	}
	if x.notify != "" {
		out["client_notification_token"] = x.secret
	}
	return changed(out, changes)
}

// asks sends a question.
func (x *asker) asks(t *testing.T, request string) reply {
	t.Helper()
	return x.call(t, "backchannel_authentication_endpoint", url.Values{"request": {request}})
}

// asked is asks, for one that is in order; it returns the auth_req_id.
func (x *asker) asked(t *testing.T, changes obj) string {
	t.Helper()
	out := x.asks(t, x.key.sign(t, nil, x.object(changes))).want(t, 200).object(t)
	if life, ok := out["expires_in"].(float64); !ok || life <= 0 {
		t.Errorf("expires_in %v", out["expires_in"])
	}
	return text(t, out, "auth_req_id")
}

func (x *asker) polls(t *testing.T, id string, changes ...string) reply {
	t.Helper()
	return x.token(t, url.Values{"grant_type": {cibaGrant}, "auth_req_id": {id}}, changes...)
}

// answered: ada opens the page of what waits for her, and answers this client.
func (x *asker) answered(t *testing.T, value string) {
	t.Helper()
	b := x.member()
	p := b.visit(t, x.provider.URL+"/approvals", byHand)
	for _, f := range p.forms() {
		if !strings.Contains(f.label, x.name) {
			continue
		}
		for _, press := range f.buttons {
			if press.value == value {
				f.fields.Set(press.name, press.value)
				b.post(t, f.action, f.fields, sameSite)
				return
			}
		}
	}
	t.Fatalf("nothing of %s waits (%d):\n%s", x.name, p.status, p.text)
}

// finished looks at the tokens of an answer.
func (x *asker) finished(t *testing.T, id string) *login {
	t.Helper()
	if x.notify != "" {
		x.pinged(t, id)
	}
	l := &login{ask: &ask{client: x.client, params: url.Values{}}}
	l.tokens = x.polls(t, id).want(t, 200).object(t)
	l.access, l.idToken = text(t, l.tokens, "access_token"), text(t, l.tokens, "id_token")
	l.id = x.idToken(t, l.idToken, url.Values{})
	l.refresh, _ = l.tokens["refresh_token"].(string)
	x.demandHash(t, l.id, "at_hash", l.access, false)
	x.userinfo(t, l)
	return l
}

// pinged: the provider told the client, once (CIBA Core §10.2).
func (x *asker) pinged(t *testing.T, id string) {
	t.Helper()
	v := x.site.next(t, x.notify)
	if v.method != "POST" || v.header.Get("Authorization") != "Bearer "+x.secret || v.body != encode(t, obj{"auth_req_id": id}) ||
		!strings.HasPrefix(v.header.Get("Content-Type"), "application/json") {
		t.Errorf("the ping is %s %s with %s", v.method, v.body, v.header.Get("Authorization"))
	}
}

func cibaDiscovery(t *testing.T, r *round) {
	r.at(t, "backchannel_authentication_endpoint")
	for name, want := range map[string]string{
		"backchannel_token_delivery_modes_supported":                      r.mode,
		"backchannel_authentication_request_signing_alg_values_supported": "ES256",
		"grant_types_supported":                                           cibaGrant,
	} {
		if !slices.Contains(words(t, r.meta, name), want) {
			t.Errorf("%s is %v, without %s", name, r.meta[name], want)
		}
	}
}

func cibaBase(t *testing.T, r *round) {
	for range 2 {
		x := r.asker(t, doc{})
		id := x.asked(t, nil)
		x.answered(t, "allow")
		x.finished(t, id)
		x.polls(t, id).refuses(t, "invalid_grant")
	}
}

func cibaFlow(changes obj) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		x := r.asker(t, doc{})
		id := x.asked(t, changes)
		x.answered(t, "allow")
		x.finished(t, id)
	}
}

func cibaRefresh(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	id := x.asked(t, nil)
	x.answered(t, "allow")
	l := x.finished(t, id)
	if l.refresh == "" {
		t.Fatalf("no refresh token: %v", l.tokens)
	}
	x.renew(t, l.refresh).want(t, 200)
	x.renew(t, l.refresh).want(t, 200)
	r.asker(t, doc{}).renew(t, l.refresh).refuses(t, "invalid_grant")
}

func cibaRejects(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	id := x.asked(t, nil)
	x.answered(t, "deny")
	x.polls(t, id).refuses(t, "access_denied")
}

func cibaPending(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	id := x.asked(t, nil)
	x.polls(t, id).refuses(t, "authorization_pending", "slow_down")
	x.polls(t, id).refuses(t, "slow_down", "authorization_pending")
}

func cibaExpired(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	id := x.asked(t, obj{"requested_expiry": 10})
	time.Sleep(10500 * time.Millisecond) // nobody answers for as long as the question lives
	x.polls(t, id).refuses(t, "expired_token")
}

func cibaBadMessage(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	got := x.asks(t, x.key.sign(t, nil, x.object(obj{"binding_message": "1234 \U0001F44D\U0001F3FF \u5275\u4f5c\u306f\u5927\u5909 <b>\u0001 " + strings.Repeat("long ", 40)})))
	if got.status != 200 {
		got.refuses(t, "invalid_binding_message")
	}
}

func cibaFails(changes obj) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		x := r.asker(t, doc{})
		x.asks(t, x.key.sign(t, nil, x.object(changes))).refuses(t, "invalid_request", "invalid_request_object")
	}
}

func cibaUnsigned(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	x.asks(t, x.key.sign(t, obj{"alg": "none"}, x.object(nil))).refuses(t, "invalid_request", "invalid_request_object")
}

func cibaForged(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	x.asks(t, x.key.sign(t, obj{"alg": "PS256"}, x.object(nil))).refuses(t, "invalid_request", "invalid_request_object")
}

func cibaRS256(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	k := newKey(t, "RS256")
	k.kid = x.key.kid
	x.asks(t, k.sign(t, nil, x.object(nil))).refuses(t, "invalid_request", "invalid_request_object")
}

func cibaForeign(t *testing.T, r *round) {
	x, other := r.asker(t, doc{}), r.asker(t, doc{})
	x.asks(t, other.key.sign(t, nil, x.object(nil))).refuses(t, "invalid_request", "invalid_request_object")
}

func cibaPlain(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	in := url.Values{"scope": {x.scope}, "login_hint": {ada.email}, "client_notification_token": {x.secret}}
	x.call(t, "backchannel_authentication_endpoint", in).refuses(t, "invalid_request")
}

func cibaForeignID(t *testing.T, r *round) {
	x, other := r.asker(t, doc{}), r.asker(t, doc{})
	id := x.asked(t, nil)
	other.polls(t, id).refuses(t, "invalid_grant")
	other.polls(t, nonsense()).refuses(t, "invalid_grant")
}

func cibaWrongClientAtToken(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	x.polls(t, x.asked(t, nil), "client_id="+r.asker(t, doc{}).id).refuses(t, "invalid_client", "invalid_request", "invalid_grant")
}

func cibaWrongClient(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	in := url.Values{"request": {x.key.sign(t, nil, x.object(nil))}, "client_id": {r.asker(t, doc{}).id}}
	x.call(t, "backchannel_authentication_endpoint", in).refuses(t, "invalid_client", "invalid_request")
}

// proofless is a request in order to one of the two endpoints, without any proof.
func (x *asker) proofless(t *testing.T, endpoint string) url.Values {
	t.Helper()
	if endpoint == "token_endpoint" {
		return url.Values{"grant_type": {cibaGrant}, "auth_req_id": {x.asked(t, nil)}}
	}
	return url.Values{"request": {x.key.sign(t, nil, x.object(nil))}}
}

func cibaUnproven(endpoint string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		x := r.asker(t, doc{})
		in := x.proofless(t, endpoint)
		x.method = "none"
		x.call(t, endpoint, in).refuses(t, "invalid_client")
	}
}

func cibaAssertionRS256(endpoint string) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		weak := newKey(t, "RS256")
		weak.kid = ""
		jwk := weak.jwk()
		jwk.Algorithm = ""
		x := r.asker(t, doc{}, obj{"jwks": obj{"keys": []any{jwk}}, "backchannel_authentication_request_signing_alg": "PS256"})
		good := *weak
		good.alg = "PS256"
		x.key = &good
		in := x.proofless(t, endpoint)
		x.assert(in, weak.sign(t, nil, x.assertion(nil)))
		x.call(t, endpoint, in).refuses(t, "invalid_client")
	}
}

func cibaHolderOfKey(t *testing.T, r *round) {
	x := r.asker(t, doc{})
	id := x.asked(t, nil)
	x.answered(t, "allow")
	x.dpop = nil
	x.polls(t, id).refuses(t, "invalid_dpop_proof", "invalid_request", "invalid_grant")
}

// cibaPing: however the client answers, the flow goes on; and nothing is followed.
func cibaPing(at doc) func(t *testing.T, r *round) {
	return func(t *testing.T, r *round) {
		x := r.asker(t, at)
		id := x.asked(t, nil)
		x.answered(t, "allow")
		x.finished(t, id)
	}
}
