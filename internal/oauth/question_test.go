package oauth_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

const day = 24 * time.Hour

// asked begins a request of c.
func (h *house) asked(t *testing.T, c *headykey.Client, scope string, more ...string) *oauth.Pending {
	t.Helper()
	in := url.Values{"client_id": {string(c.ID)}, "response_type": {"code"}, "redirect_uri": c.Redirects, "scope": {scope}, "nonce": {"n"}}
	for i := 0; i < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	p, err := h.Begin(t.Context(), in)
	check(t, err)
	return p
}

// decided returns the authorization that the answer to p stands on.
func (h *house) decided(t *testing.T, p *oauth.Pending, by headykey.Caller, d *oauth.Decision) *headykey.Authorization {
	t.Helper()
	answer, err := h.Allow(t.Context(), p, by, d)
	check(t, err)
	code := answer.Params.Get("code")
	id, err := headykey.ParseID(strings.Join([]string{code[:8], code[8:12], code[12:16], code[16:20], code[20:32]}, "-"))
	check(t, err)
	var proof *headykey.AuthorizationProof
	check(t, h.db.View(t.Context(), func(tx *store.Tx) (err error) {
		proof, err = tx.AuthorizationProof(id)
		return err
	}))
	return &proof.Authorization
}

func TestAQuestionSaysWhatIsNew(t *testing.T) {
	h := build(t)
	by := h.signedIn(t)
	c := h.program(t, oauth.ClientWish{Redirects: []string{"https://app.example/cb"}}).Record
	want := oauth.Question{New: []string{"openid", "email", "profile"}, Resources: []string{own}, MaxLife: 34 * day}
	wantQuestion := func(what string, p *oauth.Pending) {
		t.Helper()
		got, err := h.Question(t.Context(), p, by)
		check(t, err)
		if got.Person.ID != by.User || got.Person.Email != by.Email {
			t.Errorf("%s: asked %+v", what, got.Person)
		}
		got.Person = headykey.User{}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, want %+v", what, *got, want)
		}
	}
	p := h.asked(t, &c, "email openid profile")
	wantQuestion("at first", p)
	h.decided(t, p, by, &oauth.Decision{Scopes: []string{"email"}, Life: time.Hour})
	want.New, want.Allowed = []string{"profile"}, []string{"email", "openid"}
	wantQuestion("then", h.asked(t, &c, "email openid profile"))

	yes := true
	_, err := h.ChangeClient(t.Context(), headykey.System, c.ID, headykey.ClientChange{Verified: &yes})
	check(t, err)
	want.MaxLife = 0
	wantQuestion("of one that is vouched for", h.asked(t, &c, "email openid profile"))
}

func TestAnUnverifiedClientGetsThirtyFourDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		by := h.signedIn(t)
		redirects := []string{"https://app.example/cb"}
		unknown := h.program(t, oauth.ClientWish{Redirects: redirects}).Record
		ours := h.program(t, oauth.ClientWish{Redirects: redirects, Trusted: true}).Record
		tests := []struct {
			name string
			c    *headykey.Client
			d    oauth.Decision
			want time.Duration // zero: no end
		}{
			{"until they remove it", &unknown, oauth.Decision{}, 34 * day},
			{"a year", &unknown, oauth.Decision{Life: 365 * day}, 34 * day},
			{"8 hours", &unknown, oauth.Decision{Life: 8 * time.Hour}, 8 * time.Hour},
			{"this session", &unknown, oauth.Decision{Session: true}, 0},
			{"until they remove it, of our own", &ours, oauth.Decision{}, 0},
			{"a year, of our own", &ours, oauth.Decision{Life: 365 * day}, 365 * day},
		}
		for _, tt := range tests {
			a := h.decided(t, h.asked(t, tt.c, "openid", "prompt", "consent"), by, &tt.d)
			want := time.Time{}
			if tt.want > 0 {
				want = a.Created.Add(tt.want)
			}
			if !a.Ends.Equal(want) {
				t.Errorf("%s: ends %v, want %v", tt.name, a.Ends, want)
			}
		}
	})
}

// What rests on a consent ends with it, or asking once more would make it longer.
func TestWhatWasAllowedBeforeEndsWhenItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		by := h.signedIn(t)
		c := h.program(t, oauth.ClientWish{Redirects: []string{"https://app.example/cb"}}).Record
		first := h.decided(t, h.asked(t, &c, "openid"), by, &oauth.Decision{Life: 8 * time.Hour})
		time.Sleep(7 * time.Hour)
		if again := h.decided(t, h.asked(t, &c, "openid"), by, nil); !again.Ends.Equal(first.Ends) {
			t.Errorf("ends %v, then %v", first.Ends, again.Ends)
		}
		time.Sleep(time.Hour)
		if step, err := h.Next(t.Context(), h.asked(t, &c, "openid"), by); err != nil || step != oauth.StepConsent {
			t.Errorf("after its end: %v, %v", step, err)
		}
	})
}

func TestARequestThatRanOutStillNamesItsClient(t *testing.T) {
	h := build(t)
	by := h.signedIn(t)
	c := h.program(t, oauth.ClientWish{Redirects: []string{"https://app.example/cb"}}).Record
	id, err := h.Hold(t.Context(), h.asked(t, &c, "openid"), "browser")
	check(t, err)
	p, err := h.Resume(t.Context(), id, "browser")
	check(t, err)
	h.decided(t, p, by, &oauth.Decision{Session: true})
	if p, err := h.Resume(t.Context(), id, "browser"); p == nil || p.Client.ID != c.ID || headykey.Explain(err).Code != headykey.ErrBadRequestURI.Code {
		t.Errorf("used before: got %+v, %v", p, err)
	}
	if p, err := h.Resume(t.Context(), id, "another"); p != nil || headykey.Explain(err).Code != headykey.ErrBadRequestURI.Code {
		t.Errorf("another browser's: got %+v, %v", p, err)
	}
}

// The parameter claims is no way round the person's answer.
func TestAClaimAskedForByNameNeedsItsScope(t *testing.T) {
	h := build(t)
	by := h.signedIn(t)
	c := h.program(t, oauth.ClientWish{Redirects: []string{"https://app.example/cb"}}).Record
	claims := []string{"claims", `{"userinfo":{"email":null,"given_name":null},"id_token":{"name":{"essential":true},"sub":null}}`}
	q, err := h.Question(t.Context(), h.asked(t, &c, "openid", claims...), by)
	check(t, err)
	if want := []string{"openid", "profile", "email"}; !reflect.DeepEqual(q.New, want) {
		t.Errorf("asked for %v, want %v", q.New, want)
	}
	a := h.decided(t, h.asked(t, &c, "openid", claims...), by, &oauth.Decision{Scopes: []string{"email"}})
	want := &headykey.ClaimsRequest{
		Userinfo: map[string]*headykey.ClaimWish{"email": nil, "given_name": nil}, IDToken: map[string]*headykey.ClaimWish{"sub": nil},
	}
	if !reflect.DeepEqual(a.Terms.Claims, want) || !reflect.DeepEqual(a.Terms.Scopes, []string{"openid"}) {
		t.Errorf("got %v and %+v", a.Terms.Scopes, a.Terms.Claims)
	}
	for ask, want := range map[string]oauth.Step{
		`{"userinfo":{"email":null}}`: oauth.StepGrant, `{"userinfo":{"name":null}}`: oauth.StepConsent,
	} {
		if step, err := h.Next(t.Context(), h.asked(t, &c, "openid", "claims", ask), by); err != nil || step != want {
			t.Errorf("%s: got %v, %v, want %v", ask, step, err, want)
		}
	}
}

// Whichever page a person answers on, what they allow is held to the same rules.
func TestWhatIsAllowedElsewhereIsHeldToTheSameRules(t *testing.T) {
	const web, local = "https://app.example/cb", "http://127.0.0.1:8000/cb"
	tests := []struct {
		name, redirect string
		d              oauth.Decision
		trusted        bool
		want           string // how long it is remembered; "": not at all
	}{
		{"until they remove it", web, oauth.Decision{}, false, "816h0m0s"},
		{"a year", web, oauth.Decision{Life: 365 * day}, false, "816h0m0s"},
		{"8 hours", web, oauth.Decision{Life: 8 * time.Hour}, false, "8h0m0s"},
		{"this session", web, oauth.Decision{Session: true}, false, ""},
		{"until they remove it, of our own", web, oauth.Decision{}, true, "for ever"},
		{"any program could pretend to be it", local, oauth.Decision{Life: time.Hour}, false, ""},
		{"any program could, and they chose", local, oauth.Decision{Life: time.Hour, Remember: true}, false, "1h0m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t)
				ada := h.person(t, "ada@example.com")
				wish := oauth.ClientWish{
					Trusted: tt.trusted, Redirects: []string{tt.redirect}, Grants: []string{"authorization_code", deviceGrant, cibaGrant},
				}
				television, bank := h.program(t, wish).Record, h.program(t, wish).Record
				p := h.typeCode(t, h.askDevice(t, &television, nil, "").User)
				check(t, h.AnswerDevice(t.Context(), p, ada, &tt.d))
				h.askPerson(t, &bank, question())
				w := h.waiting(t, ada)
				check(t, h.AnswerApproval(t.Context(), ada, w.ID, &tt.d))
				for name, p := range map[string]*oauth.Pending{"a device": p, "an app elsewhere": w.Pending()} {
					if got := h.remembered(t, ada, p.Client.ID); got != tt.want {
						t.Errorf("%s: got %q, want %q", name, got, tt.want)
					}
					q, err := h.Question(t.Context(), p, ada)
					check(t, err)
					if q.Local != (tt.redirect == local) || q.MaxLife != 34*day && !tt.trusted {
						t.Errorf("%s: the page is told %+v", name, q)
					}
				}
			})
		})
	}
}

// remembered says for how long user allowed c.
func (h *house) remembered(t *testing.T, by headykey.Caller, c headykey.ID) string {
	t.Helper()
	all, err := h.Consents(t.Context(), by, by.User)
	check(t, err)
	for _, one := range all {
		switch {
		case one.Client.ID != c:
		case one.Consent.Expires.IsZero():
			return "for ever"
		default:
			return one.Consent.Expires.Sub(one.Consent.Updated).String()
		}
	}
	return ""
}
