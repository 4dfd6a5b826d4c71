package oauth_test

import (
	"errors"
	"sync"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// atApp keeps a request of c as if its person were at the page of an app.
func (h *house) atApp(t testing.TB, c oauth.NewClient, change map[string]string) (string, error) {
	t.Helper()
	p, err := h.Begin(t.Context(), asking(c, change))
	check(t, err)
	return h.HoldForApp(t.Context(), p)
}

// shown is atApp of a request that such a page can ask for.
func (h *house) shown(t testing.TB, c oauth.NewClient, change map[string]string) string {
	t.Helper()
	id, err := h.atApp(t, c, change)
	check(t, err)
	return id
}

func TestAnAppAsksItsPersonAndIsToldOnce(t *testing.T) {
	h := build(t)
	by, c := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	id := h.shown(t, c, nil)
	if _, err := h.AnswerForApp(t.Context(), by, id, true); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("before anybody came with it: %v", err)
	}
	p, answer, err := h.OpenForApp(t.Context(), by, id)
	check(t, err)
	if answer != nil || p.Client.ID != c.Record.ID || p.Ask.Redirect != callback || len(p.Wanted()) != 2 {
		t.Errorf("got %+v %+v", p, answer)
	}
	answer, err = h.AnswerForApp(t.Context(), by, id, true)
	check(t, err)
	if answer.Redirect != callback || answer.Params.Get("state") != "s" {
		t.Errorf("got %+v", answer)
	}
	if out, err := h.redeem(t, c, answer); err != nil || out.Scope != "openid email" {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, err := h.AnswerForApp(t.Context(), by, id, false); !errors.Is(err, headykey.ErrBadRequestURI) {
		t.Errorf("answered before: %v", err)
	}
	if _, _, err := h.OpenForApp(t.Context(), by, id); !errors.Is(err, headykey.ErrBadRequestURI) {
		t.Errorf("opened after the answer: %v", err)
	}
	if _, answer, err = h.OpenForApp(t.Context(), by, h.shown(t, c, nil)); err != nil || answer == nil || answer.Params.Get("code") == "" {
		t.Errorf("what is allowed already: %+v, %v", answer, err)
	}
	if _, answer, err = h.OpenForApp(t.Context(), by, h.shown(t, c, map[string]string{"prompt": "consent"})); err != nil || answer != nil {
		t.Errorf("asked again, as the client wants: %+v, %v", answer, err)
	}
}

func TestARequestAtAnAppIsOfWhoCameFirst(t *testing.T) {
	h := build(t)
	by, other, c := h.signedIn(t), h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	id := h.shown(t, c, nil)
	_, _, err := h.OpenForApp(t.Context(), by, id)
	check(t, err)
	if _, _, err := h.OpenForApp(t.Context(), other, id); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("opened by another: %v", err)
	}
	for _, allow := range []bool{true, false} {
		if _, err := h.AnswerForApp(t.Context(), other, id, allow); !errors.Is(err, headykey.ErrNotFound) {
			t.Errorf("answered by another: %v", err)
		}
	}
	if _, _, err := h.OpenForApp(t.Context(), headykey.Caller{}, id); !errors.Is(err, headykey.ErrNotSignedIn) {
		t.Errorf("opened by a stranger: %v", err)
	}
	if _, err := h.Resume(t.Context(), id, ""); !errors.Is(err, headykey.ErrBadRequestURI) {
		t.Errorf("taken to a page of ours: %v", err)
	}
	answer, err := h.AnswerForApp(t.Context(), by, id, false)
	check(t, err)
	if answer.Params.Get("error") != "access_denied" || answer.Params.Get("code") != "" {
		t.Errorf("got %+v", answer)
	}
	if _, err := h.AnswerForApp(t.Context(), other, id, true); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("a completed one, by another: %v", err)
	}
}

func TestOneOfTwoPeopleGetsARequestAtAnApp(t *testing.T) {
	h := build(t)
	people, c := []headykey.Caller{h.signedIn(t), h.signedIn(t)}, h.codeApp(t, oauth.ClientWish{})
	id := h.shown(t, c, nil)
	errs := make([]error, len(people))
	var wg sync.WaitGroup
	for i, by := range people {
		wg.Go(func() { _, _, errs[i] = h.OpenForApp(t.Context(), by, id) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), headykey.ErrNotFound) {
		t.Errorf("got %v", errs)
	}
}

// A page that is not ours asks in its own way: what it cannot ask for is refused before.
func TestWhatAnAppCannotAskForIsRefused(t *testing.T) {
	h := build(t)
	c := h.codeApp(t, oauth.ClientWish{Details: headykey.ClientDetails{DetailTypes: []string{"payment"}}})
	for name, tt := range map[string]struct {
		change map[string]string
		want   error
	}{
		"without a page":      {map[string]string{"prompt": "none"}, headykey.ErrLoginRequired},
		"an answer by a form": {map[string]string{"response_mode": "form_post"}, headykey.ErrBadAuthorization},
		"a signed form":       {map[string]string{"response_mode": "form_post.jwt"}, headykey.ErrBadAuthorization},
		"details":             {map[string]string{"authorization_details": `[{"type":"payment"}]`}, headykey.ErrBadDetails},
	} {
		if id, err := h.atApp(t, c, tt.change); id != "" || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %q, %v", name, id, err)
		}
	}
}

func TestAFreshSignInIsDemandedAtAnAppToo(t *testing.T) {
	h := build(t)
	by, c := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	id := h.shown(t, c, map[string]string{"prompt": "login select_account"})
	if _, _, err := h.OpenForApp(t.Context(), by, id); !errors.Is(err, headykey.ErrLoginRequired) {
		t.Errorf("got %v", err)
	}
	if _, err := h.AnswerForApp(t.Context(), by, id, true); !errors.Is(err, headykey.ErrLoginRequired) {
		t.Errorf("allowed: %v", err)
	}
	again := h.again(t, by)
	if _, answer, err := h.OpenForApp(t.Context(), again, id); err != nil || answer != nil {
		t.Errorf("after it: %+v, %v", answer, err)
	}
	if answer, err := h.AnswerForApp(t.Context(), again, id, true); err != nil || answer.Params.Get("code") == "" {
		t.Errorf("allowed after it: %+v, %v", answer, err)
	}
}

// again is by after a new sign-in.
func (h *house) again(t testing.TB, by headykey.Caller) headykey.Caller {
	t.Helper()
	fresh := h.signedIn(t)
	by.Proven = fresh.Proven
	return by
}

func TestAStrongerSignInIsToldToTheClient(t *testing.T) {
	h := build(t)
	by, c := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	id := h.shown(t, c, map[string]string{"claims": `{"id_token":{"acr":{"essential":true,"value":"aal3"}}}`})
	_, answer, err := h.OpenForApp(t.Context(), by, id)
	if err != nil || answer.Params.Get("error") != "unmet_authentication_requirements" {
		t.Errorf("got %+v, %v", answer, err)
	}
	if _, err := h.AnswerForApp(t.Context(), by, id, true); !errors.Is(err, headykey.ErrUnmetAuthentication) {
		t.Errorf("allowed: %v", err)
	}
}

func TestARequestAtAnAppEndsWithItsClient(t *testing.T) {
	h := build(t)
	by, c := h.signedIn(t), h.codeApp(t, oauth.ClientWish{})
	id, yes := h.shown(t, c, nil), true
	_, err := h.ChangeClient(t.Context(), headykey.System, c.Record.ID, headykey.ClientChange{Disabled: &yes})
	check(t, err)
	if _, _, err := h.OpenForApp(t.Context(), by, id); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("disabled: %v", err)
	}
	check(t, h.DeleteClient(t.Context(), headykey.System, c.Record.ID))
	if _, _, err := h.OpenForApp(t.Context(), by, id); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
}

func TestRegistrationForAllIsForAllOrNobody(t *testing.T) {
	h := build(t)
	wish := oauth.ClientWish{Redirects: []string{callback}, Profile: headykey.ProfileOAuth21, Trusted: true}
	for _, who := range []string{"", oauth.RegistrationOff, oauth.RegistrationToken} {
		h.Registration.Who = who
		if _, err := h.RegisterOpenly(t.Context(), headykey.From{}, wish.Named()); !errors.Is(err, headykey.ErrFeatureOff) {
			t.Errorf("%q: %v", who, err)
		}
	}
	h.Registration.Who = oauth.RegistrationOpen
	if _, err := h.RegisterOpenly(t.Context(), headykey.From{}, oauth.ClientWish{Name: "x", Redirects: []string{"javascript:x"}}); !errors.Is(err, headykey.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	c, err := h.RegisterOpenly(t.Context(), headykey.From{}, wish.Named())
	check(t, err)
	if r := c.Record; r.Name != "app.example" || r.Trusted || r.Origin != headykey.Dynamic || r.Profile != headykey.ProfileOAuth21 || c.Secret == "" || r.Updated.IsZero() {
		t.Errorf("got %+v", r)
	}
}
