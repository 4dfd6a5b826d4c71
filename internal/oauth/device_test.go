package oauth_test

import (
	"errors"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/store"
)

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	browser     = "the browser of ada"
)

var (
	couch = headykey.From{Address: netip.MustParseAddr("192.0.2.7")}
	yes   = &oauth.Decision{Scopes: []string{"openid", "email"}}
)

// person is somebody who signed in just now, for a day.
func (h *house) person(t testing.TB, email string) headykey.Caller {
	t.Helper()
	u := headykey.User{ID: headykey.NewID(), Email: email, Role: headykey.RoleUser, Type: headykey.Human}
	s := headykey.Session{ID: headykey.NewOrderedID(), User: u.ID, AMR: []string{"pwd"}, AAL: "aal1", Surface: "pages"}
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		u.Created, s.Created, s.Proven, s.LastUsed = tx.Now, tx.Now, tx.Now, tx.Now
		s.Ends = tx.Now.Add(24 * time.Hour)
		return errors.Join(tx.InsertUser(&u, email, ""), tx.InsertSession(&s, []byte(s.ID)))
	}))
	return headykey.Caller{
		User: u.ID, Email: email, Role: u.Role, Method: headykey.BySession, Session: s.ID, AMR: s.AMR, AAL: s.AAL, Proven: s.Proven,
	}
}

// television registers a public client for devices.
func (h *house) television(t testing.TB) *headykey.Client {
	t.Helper()
	c := h.program(t, oauth.ClientWish{AuthMethod: headykey.AuthNone, Grants: []string{deviceGrant, "refresh_token"}})
	return &c.Record
}

func (h *house) askDevice(t testing.TB, c *headykey.Client, in url.Values, jkt string) oauth.DeviceCode {
	t.Helper()
	out, err := h.AskDevice(t.Context(), c, in, jkt, couch)
	check(t, err)
	return out
}

// poll asks once whether the person has answered.
func (h *house) poll(t testing.TB, c *headykey.Client, code string, p oauth.Possession) (oauth.Issued, error) {
	t.Helper()
	return h.Token(t.Context(), c, oauth.Request{Grant: deviceGrant, Form: url.Values{"device_code": {code}}, Possession: p})
}

// typeCode types a code and returns the request that by is then asked about.
func (h *house) typeCode(t testing.TB, code string) *oauth.Pending {
	t.Helper()
	id, err := h.TypeCode(t.Context(), code, browser, couch)
	check(t, err)
	p, err := h.Resume(t.Context(), id, browser)
	check(t, err)
	return p
}

func want(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestADeviceIsConnectedByItsCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		c, ada := h.television(t), h.person(t, "ada@example.com")
		code := h.askDevice(t, c, url.Values{"scope": {"openid email"}}, "")
		link := base + "/device?user_code=" + code.User
		if code.Page != base+"/device" || code.Link != link || code.Life != 610*time.Second || code.Pause != 5*time.Second {
			t.Errorf("got %+v", code)
		}
		_, err := h.poll(t, c, code.Device, oauth.Possession{})
		want(t, "before the answer", err, headykey.ErrPending)

		p := h.typeCode(t, strings.ToLower(strings.ReplaceAll(code.User, "-", " ")))
		w, err := h.DeviceOf(t.Context(), p)
		check(t, err)
		if w.Code != code.User || w.Address != "192.0.2.7" || w.Client.ID != c.ID || !slices.Equal(w.Ask.Scopes, []string{"openid", "email"}) {
			t.Errorf("the page says %+v", w)
		}
		check(t, h.AnswerDevice(t.Context(), p, ada, yes))

		time.Sleep(5 * time.Second)
		out, err := h.poll(t, c, code.Device, oauth.Possession{})
		check(t, err)
		if out.Scope != "openid email" || out.ID == "" || out.Refresh == "" || !h.active(t, out.Access) {
			t.Errorf("got %+v", out)
		}
		_, err = h.poll(t, c, code.Device, oauth.Possession{})
		want(t, "a second time", err, headykey.ErrGrantSpent)
		wantReceipts := []string{"client.created", "consent.granted", "code.exchanged"}
		if got := h.receipts(t); !reflect.DeepEqual(got, wantReceipts) {
			t.Errorf("receipts %v, want %v", got, wantReceipts)
		}
	})
}

func TestAnImpatientDeviceMustSlowDownForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		c := h.television(t)
		code := h.askDevice(t, c, nil, "").Device
		for _, step := range []struct {
			after time.Duration
			want  error
		}{
			{0, headykey.ErrPending},
			{4499 * time.Millisecond, headykey.ErrSlowDown}, // 10 from now on
			{9499 * time.Millisecond, headykey.ErrSlowDown}, // 15
			{14500 * time.Millisecond, headykey.ErrPending},
			{14 * time.Second, headykey.ErrSlowDown}, // 20
			{20 * time.Second, headykey.ErrPending},
		} {
			time.Sleep(step.after)
			_, err := h.poll(t, c, code, oauth.Possession{})
			want(t, step.after.String(), err, step.want)
		}
	})
}

func TestADeviceGetsNothing(t *testing.T) {
	long := 610 * time.Second
	tests := []struct {
		name string
		do   func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) // at the page
		want error
	}{
		{"once the person said no", func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) {
			check(t, h.AnswerDevice(t.Context(), p, by, nil))
		}, headykey.ErrAccessDenied},
		{"when nobody answered in time", func(*testing.T, *house, *oauth.Pending, headykey.Caller) { time.Sleep(long) }, headykey.ErrRequestExpired},
		{"when the answer comes too late", func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) {
			time.Sleep(long)
			want(t, "answer", h.AnswerDevice(t.Context(), p, by, yes), headykey.ErrBadRequestURI)
		}, headykey.ErrRequestExpired},
		{"when it asks too late", func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) {
			check(t, h.AnswerDevice(t.Context(), p, by, yes))
			time.Sleep(long)
		}, headykey.ErrRequestExpired},
		{"once the person was disabled", func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) {
			check(t, h.AnswerDevice(t.Context(), p, by, yes))
			h.disable(t, by)
		}, headykey.ErrGrantSpent},
		{"once the session ended", func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) {
			check(t, h.AnswerDevice(t.Context(), p, by, yes))
			check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.EndSession(by.User, by.Session)
				return err
			}))
		}, headykey.ErrGrantSpent},
		{"once the person took it back", func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) {
			check(t, h.AnswerDevice(t.Context(), p, by, yes))
			check(t, h.Withdraw(t.Context(), by, by.User, p.Client.ID))
		}, headykey.ErrGrantSpent},
		{"from somebody who is not signed in", func(t *testing.T, h *house, p *oauth.Pending, _ headykey.Caller) {
			want(t, "answer", h.AnswerDevice(t.Context(), p, headykey.Caller{}, yes), headykey.ErrLoginRequired)
		}, headykey.ErrPending},
		{"by the way of browsers", func(t *testing.T, h *house, p *oauth.Pending, by headykey.Caller) {
			_, err := h.Allow(t.Context(), p, by, yes)
			want(t, "allow", err, headykey.ErrConsentRequired)
			_, err = h.Deny(t.Context(), p, by)
			want(t, "deny", err, headykey.ErrBadRequestURI)
		}, headykey.ErrPending},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t)
				c, ada := h.television(t), h.person(t, "ada@example.com")
				code := h.askDevice(t, c, nil, "")
				tt.do(t, h, h.typeCode(t, code.User), ada)
				_, err := h.poll(t, c, code.Device, oauth.Possession{})
				want(t, "the device", err, tt.want)
			})
		})
	}
}

func (h *house) disable(t testing.TB, by headykey.Caller) {
	t.Helper()
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		u, err := tx.User(by.User)
		if err != nil {
			return err
		}
		u.Disabled = tx.Now
		return tx.UpdateUser(u, "")
	}))
}

func TestADeviceCodeIsBoundToItsClientAndKey(t *testing.T) {
	h := build(t)
	c, other, ada := h.television(t), h.television(t), h.person(t, "ada@example.com")
	mine := strings.Repeat("A", 43)
	code := h.askDevice(t, c, nil, mine)
	check(t, h.AnswerDevice(t.Context(), h.typeCode(t, code.User), ada, yes))

	_, err := h.poll(t, other, code.Device, oauth.Possession{JKT: mine})
	want(t, "another client", err, headykey.ErrGrantSpent)
	_, err = h.poll(t, c, code.Device, oauth.Possession{JKT: "other"})
	want(t, "another key", err, headykey.ErrBadProof)
	_, err = h.poll(t, c, code.Device, oauth.Possession{})
	want(t, "no key", err, headykey.ErrBadProof)
	_, err = h.poll(t, c, code.User, oauth.Possession{JKT: mine})
	want(t, "the user code", err, headykey.ErrGrantSpent)
	_, err = h.poll(t, c, "", oauth.Possession{JKT: mine})
	want(t, "no code", err, headykey.ErrMissingField)

	out, err := h.poll(t, c, code.Device, oauth.Possession{JKT: mine})
	check(t, err)
	if out.Type != "DPoP" {
		t.Errorf("got %+v", out)
	}
	_, err = h.Token(t.Context(), c, oauth.Request{Grant: "refresh_token", Form: url.Values{"refresh_token": {out.Refresh}}})
	want(t, "refresh without the key", err, headykey.ErrBadProof)
}

func TestADeviceAsksForWhatItsClientMay(t *testing.T) {
	h := build(t)
	c := h.television(t)
	plain := h.program(t, oauth.ClientWish{})
	tests := []struct {
		name string
		c    *headykey.Client
		in   url.Values
		want error
	}{
		{"another scope", c, url.Values{"scope": {"admin"}}, headykey.ErrScopeNotAllowed},
		{"another resource", c, url.Values{"resource": {"https://x.example"}}, headykey.ErrBadResource},
		{"details of no type", c, url.Values{"authorization_details": {`[{"type":"x"}]`}}, headykey.ErrBadDetails},
		{"not registered for the grant", &plain.Record, nil, headykey.ErrGrantNotAllowed},
		{"all that it may", c, nil, nil},
	}
	for _, tt := range tests {
		_, err := h.AskDevice(t.Context(), tt.c, tt.in, "", couch)
		want(t, tt.name, err, tt.want)
	}
}

func TestOnlyTheCodeItselfOpensARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		c, ada := h.television(t), h.person(t, "ada@example.com")
		used, expired, open := h.askDevice(t, c, nil, ""), h.askDevice(t, c, nil, ""), h.askDevice(t, c, nil, "")
		check(t, h.AnswerDevice(t.Context(), h.typeCode(t, used.User), ada, yes))
		id, err := h.TypeCode(t.Context(), open.User, browser, couch)
		check(t, err)
		_, err = h.Resume(t.Context(), id, "another browser")
		want(t, "in another browser", err, headykey.ErrBadRequestURI)

		p := h.typeCode(t, open.User)
		again := h.typeCode(t, open.User)
		check(t, h.AnswerDevice(t.Context(), p, ada, nil))
		want(t, "answered twice", h.AnswerDevice(t.Context(), again, ada, yes), headykey.ErrBadRequestURI)

		time.Sleep(611 * time.Second)
		var texts []string
		for _, code := range []string{used.User, expired.User, "BBBB-BBBB", "nonsense"} {
			_, err := h.TypeCode(t.Context(), code, browser, couch)
			want(t, code, err, headykey.ErrInvalid)
			texts = append(texts, err.Error())
		}
		if len(slices.Compact(texts)) != 1 {
			t.Errorf("the texts tell codes apart: %v", texts)
		}
	})
}

func TestWhoGuessesMustWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		right := h.askDevice(t, h.television(t), nil, "").User
		guess := func(code string, from headykey.From) error {
			_, err := h.TypeCode(t.Context(), code, browser, from)
			return err
		}
		for range 4 {
			want(t, "a wrong code", guess("BBBB-BBBB", couch), headykey.ErrInvalid)
		}
		check(t, guess(right, couch)) // makes up for nothing
		want(t, "the fifth", guess("BBBB-BBBB", couch), headykey.ErrInvalid)
		want(t, "at once", guess(right, couch), headykey.ErrRateLimited)
		check(t, guess(right, headykey.From{Address: netip.MustParseAddr("192.0.2.8")}))
		time.Sleep(5 * time.Second)
		check(t, guess(right, couch))
		want(t, "the sixth", guess("BBBB-BBBB", couch), headykey.ErrInvalid)
		time.Sleep(5 * time.Second)
		want(t, "the waits grow", guess(right, couch), headykey.ErrRateLimited)
		time.Sleep(35 * time.Minute)
		want(t, "forgotten", guess("BBBB-BBBB", couch), headykey.ErrInvalid)
		want(t, "forgotten", guess("BBBB-BBBB", couch), headykey.ErrInvalid)
	})
}

func TestNobodyReadsACodeInTheDatabase(t *testing.T) {
	h := build(t)
	code := h.askDevice(t, h.television(t), nil, "")
	p := h.typeCode(t, code.User)
	for _, secret := range []string{code.User, strings.ReplaceAll(code.User, "-", "")} {
		if strings.Contains(string(p.Ask.Device.Code), secret) {
			t.Errorf("%s is kept as it is", secret)
		}
	}
}

func TestFoldUserCode(t *testing.T) {
	tests := []struct{ typed, want string }{
		{"BCDF-GHJK", "BCDF-GHJK"},
		{"bcdfghjk", "BCDF-GHJK"},
		{" bc df – gh jk ", "BCDF-GHJK"},
		{"0O1I2568", "QQLL-ZSGB"},
		{"BCDF-GHJ", ""},
		{"BCDF-GHJKL", ""},
		{"BCDF-GHJA", ""},
		{"BCDF-GHJ\u212a", ""}, // the Kelvin sign
		{"BCDF-GHJ\n", ""},
		{"", ""},
		{strings.Repeat(" ", 100) + "BCDFGHJK", ""},
	}
	for _, tt := range tests {
		if got, ok := oauth.FoldUserCode(tt.typed); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%q: got %q, %v", tt.typed, got, ok)
		}
	}
}

// Whatever is typed, a code has one spelling.
func FuzzFoldUserCode(f *testing.F) {
	for _, text := range []string{"BCDF-GHJK", "bcdf ghjk", "0O1I-2568", "–", "\xff", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := oauth.FoldUserCode(typed)
		if !ok {
			return
		}
		again, same := oauth.FoldUserCode(code)
		if len(code) != 9 || code[4] != '-' || !same || again != code || strings.Trim(code, "BCDFGHJKLMNPQRSTVWXZ-") != "" {
			t.Errorf("%q: %q, then %q", typed, code, again)
		}
	})
}
