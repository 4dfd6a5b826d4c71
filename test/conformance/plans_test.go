package conformance

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"headykey.com/headykey/test/house"
)

// A plan is a certification plan: its modules, each run in every variant.
type plan struct {
	name     string
	variants []variant
	modules  []module
}

// A module is one test, by the name that the suite gives it. when says which variants
// it is for; nil: all.
type module struct {
	name string
	when func(variant) bool
	test func(t *testing.T, r *round)
}

// A round is one run of one module.
type round struct {
	*provider
	variant
}

// TestCertification runs every plan against a provider of each engine.
func TestCertification(t *testing.T) {
	each(t, func(t *testing.T, h house.House) {
		p := start(t, h)
		for _, plan := range plans {
			for _, m := range plan.modules {
				t.Run(plan.name+"/"+m.name, func(t *testing.T) {
					t.Parallel()
					m.run(t, p, plan.variants)
				})
			}
		}
	})
}

func (m module) run(t *testing.T, p *provider, variants []variant) {
	for _, v := range variants {
		if m.when != nil && !m.when(v) {
			continue
		}
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			m.test(t, &round{p, v})
		})
	}
}

// dynamic is the response types with clients that register themselves.
func dynamic(responses ...string) []variant {
	var all []variant
	for _, r := range responses {
		all = append(all, variant{response: r})
	}
	return all
}

// both is the response types with dynamic registration, and by hand.
func both(responses ...string) []variant {
	var all []variant
	for _, r := range responses {
		all = append(all, variant{response: r}, variant{response: r, static: true})
	}
	return all
}

// posted is the variants with their answers posted by a form.
func posted(variants []variant) []variant {
	all := slices.Clone(variants)
	for i := range all {
		all[i].mode = "form_post"
	}
	return all
}

func withCode(v variant) bool         { return v.has("code") }
func withAccess(v variant) bool       { return v.has("code") || v.has("token") }
func withFrontIDToken(v variant) bool { return v.has("id_token") }
func dynamicOnly(v variant) bool      { return !v.static }

const password = "a few words to remember"

// ada is the person who sits in every browser.
var ada = person{"ada@example.com", password}

// stranger is a browser in which nobody is signed in yet.
func (p *provider) stranger() *browser {
	return &browser{provider: p, person: ada, cookies: map[string]*http.Cookie{}}
}

// member is a browser in which ada is signed in, in the session that all members
// share: do not end it.
func (p *provider) member() *browser {
	b := p.stranger()
	b.cookies = maps.Clone(p.cookies)
	return b
}

// The response types of the plans.
var (
	implicitResponses = []string{"id_token", "id_token token"}
	hybridResponses   = []string{"code id_token", "code token", "code id_token token"}
)

// plans is the list to extend.
var plans = []plan{
	{"oidcc-config", dynamic("code"), configModules},
	{"oidcc-basic", both("code"), coreModules},
	{"oidcc-formpost-basic", posted(both("code")), coreModules},
	{"oidcc-dynamic", dynamic("code", "code id_token"), dynamicModules},
	{"oidcc-rp-initiated-logout", both("code", "code id_token"), rpLogoutModules},
	{"oidcc-backchannel-rp-initiated-logout", both("code"), backLogoutModules},
	{"oidcc-frontchannel-rp-initiated-logout", both("code"), frontLogoutModules},
	{"oidcc-session-management", both("code"), sessionModules},
	{"oidcc-implicit", both(implicitResponses...), coreModules},
	{"oidcc-hybrid", both(hybridResponses...), coreModules},
	{"oidcc-formpost-implicit", posted(both(implicitResponses...)), coreModules},
	{"oidcc-formpost-hybrid", posted(both(hybridResponses...)), coreModules},
	{"oidcc-3rdparty-init-login", dynamic("code"), thirdPartyModules},
	{"fapi2-security-profile-final", fapiVariants, slices.Concat(fapiModules, fapiProofModules)},
	{"fapi2-message-signing-final", signingVariants, slices.Concat(fapiModules, fapiProofModules, signingModules)},
	{"fapi-ciba-id1", cibaVariants, cibaModules},
}

var (
	fapiVariants    = []variant{{static: true, response: "code"}, {static: true, response: "code", plain: true}}
	signingVariants = []variant{{static: true, response: "code", mode: "jwt", signed: true}}
	cibaVariants    = []variant{{static: true, response: "code", mode: "poll"}, {static: true, response: "code", mode: "ping"}}
)
