package token_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/token"
)

func TestAnAccessTokenSaysWhoAndForHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		text, err := h.MakeAccess(h.proof.Holder())
		check(t, err)
		got, err := h.ReadAccess(text)
		check(t, err)
		now := time.Now().Unix()
		want := token.Access{
			UserID: h.proof.User.ID, Email: "ada@example.com", Role: "user", Issuer: base, Subject: h.proof.User.ID,
			Audience: base + "/api", Issued: now, Expires: now + 3600, ID: got.ID, Session: h.proof.Session.ID,
			AMR: []string{"pwd"}, AAL: "aal1",
		}
		if !reflect.DeepEqual(got, want) || got.ID == "" {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if h.Life() != time.Hour {
			t.Errorf("it lives %v", h.Life())
		}
	})
}

func TestNoTwoAccessTokensAreOne(t *testing.T) {
	h := build(t, nil)
	seen := map[string]bool{}
	for range 100 {
		text, err := h.MakeAccess(h.proof.Holder())
		check(t, err)
		a, err := h.ReadAccess(text)
		check(t, err)
		if seen[a.ID] || seen[text] {
			t.Fatalf("jti %s was there before", a.ID)
		}
		seen[a.ID], seen[text] = true, true
	}
}

func TestAnAccessTokenExpiresToTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		text, err := h.MakeAccess(h.proof.Holder())
		check(t, err)
		time.Sleep(time.Hour - time.Nanosecond)
		if _, err := h.ReadAccess(text); err != nil {
			t.Errorf("a nanosecond early: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if a, err := h.ReadAccess(text); !errors.Is(err, headykey.ErrTokenExpired) || a.UserID != "" {
			t.Errorf("on time: got %+v, %v, want ErrTokenExpired", a, err)
		}
	})
}

// signed returns a token with our present key and claims of the tester's choice.
func (h *house) signed(t testing.TB, typ string, claims map[string]any) string {
	t.Helper()
	key, _ := h.ring.Signing(keyring.Heady)
	s, err := jose.NewSigner(jose.Key{ID: key.ID, Algorithm: key.Algorithm, Secret: key.Secret}, typ)
	check(t, err)
	text, err := json.Marshal(claims)
	check(t, err)
	out, err := s.Sign(text)
	check(t, err)
	return out
}

func TestEachClaimIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		now := time.Now().Unix()
		tests := []struct {
			name  string
			typ   string
			claim string // to change
			value any    // nil: left out
			want  error
		}{
			{"nothing changed", "at+jwt", "", nil, nil},
			{"another type", "JWT", "", nil, headykey.ErrInvalidToken},
			{"an ID token's type", "id+jwt", "", nil, headykey.ErrInvalidToken},
			{"another issuer", "at+jwt", "iss", "https://evil.example", headykey.ErrInvalidToken},
			{"our issuer with a slash", "at+jwt", "iss", base + "/", headykey.ErrInvalidToken},
			{"no issuer", "at+jwt", "iss", nil, headykey.ErrInvalidToken},
			{"another audience", "at+jwt", "aud", base, headykey.ErrInvalidToken},
			{"several audiences", "at+jwt", "aud", []string{base + "/api"}, headykey.ErrInvalidToken},
			{"no audience", "at+jwt", "aud", nil, headykey.ErrInvalidToken},
			{"another subject", "at+jwt", "sub", string(headykey.NewID()), headykey.ErrInvalidToken},
			{"no subject", "at+jwt", "sub", nil, headykey.ErrInvalidToken},
			{"another user", "at+jwt", "userId", string(headykey.NewID()), headykey.ErrInvalidToken},
			{"no session", "at+jwt", "sid", nil, headykey.ErrInvalidToken},
			{"a session that is no id", "at+jwt", "sid", "' OR 1=1", headykey.ErrInvalidToken},
			{"from the future", "at+jwt", "iat", now + 61, headykey.ErrInvalidToken},
			{"a clock a minute ahead", "at+jwt", "iat", now + 60, nil},
			{"expired now", "at+jwt", "exp", now, headykey.ErrTokenExpired},
			{"without an end", "at+jwt", "exp", nil, headykey.ErrTokenExpired},
			{"an end in words", "at+jwt", "exp", "never", headykey.ErrInvalidToken},
			{"an end beyond numbers", "at+jwt", "exp", 1e30, headykey.ErrInvalidToken},
		}
		for _, tt := range tests {
			claims := map[string]any{
				"userId": h.proof.User.ID, "sub": h.proof.User.ID, "sid": h.proof.Session.ID, "iss": base, "aud": base + "/api",
				"iat": now, "exp": now + 60, "jti": "x",
			}
			if tt.claim != "" {
				claims[tt.claim] = tt.value
			}
			if tt.value == nil {
				delete(claims, tt.claim)
			}
			if a, err := h.ReadAccess(h.signed(t, tt.typ, claims)); !errors.Is(err, tt.want) || tt.want != nil && a.UserID != "" {
				t.Errorf("%s: got %+v, %v, want %v", tt.name, a, err, tt.want)
			}
		}
	})
}

// A token of the old key is good until it expires, and not a moment after the
// overlap, however long it says it lives.
func TestARotatedKeyVerifiesUntilTheOverlapEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		old, err := h.MakeAccess(h.proof.Holder())
		check(t, err)
		claims := map[string]any{
			"userId": h.proof.User.ID, "sub": h.proof.User.ID, "sid": h.proof.Session.ID, "iss": base, "aud": base + "/api",
			"iat": time.Now().Unix(), "exp": time.Now().Add(48 * time.Hour).Unix(),
		}
		long := h.signed(t, "at+jwt", claims)

		h.rotate(t, 34*time.Hour)
		fresh, err := h.MakeAccess(h.proof.Holder())
		check(t, err)
		if strings.Split(fresh, ".")[0] == strings.Split(old, ".")[0] {
			t.Error("the new token names the old key")
		}
		for name, text := range map[string]string{"old": old, "fresh": fresh, "long": long} {
			if _, err := h.ReadAccess(text); err != nil {
				t.Errorf("%s, after the rotation: %v", name, err)
			}
		}
		time.Sleep(time.Hour)
		if _, err := h.ReadAccess(old); !errors.Is(err, headykey.ErrTokenExpired) {
			t.Errorf("old, after an hour: %v", err)
		}
		time.Sleep(33*time.Hour - time.Microsecond)
		if _, err := h.ReadAccess(long); err != nil {
			t.Errorf("long, a microsecond before the overlap ends: %v", err)
		}
		time.Sleep(2 * time.Microsecond)
		if _, err := h.ReadAccess(long); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("long, after the overlap: got %v, want ErrInvalidToken", err)
		}
	})
}

func TestTokensOfAnotherHouseAreRefused(t *testing.T) {
	ours, theirs := build(t, nil), build(t, nil)
	text, err := theirs.MakeAccess(theirs.proof.Holder())
	check(t, err)
	if _, err := ours.ReadAccess(text); !errors.Is(err, headykey.ErrInvalidToken) {
		t.Errorf("got %v, want ErrInvalidToken", err)
	}
}

func TestAConfiguredSecretSigns(t *testing.T) {
	shared := []byte(strings.Repeat("0123456789abcdef", 4))
	one, two := build(t, shared), build(t, shared)
	text, err := one.MakeAccess(one.proof.Holder())
	check(t, err)
	if a, err := two.ReadAccess(text); err != nil || a.UserID != one.proof.User.ID {
		t.Errorf("got %+v, %v", a, err)
	}
	if !one.ring.Fixed() {
		t.Error("the ring does not say that its secret is configured")
	}
}

func FuzzReadAccessAcceptsWhatWasSignedAlone(f *testing.F) {
	h := build(f, nil)
	good, err := h.MakeAccess(h.proof.Holder())
	check(f, err)
	want, err := h.ReadAccess(good)
	check(f, err)
	f.Add(good)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(strings.Repeat("e30.", 3))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := h.ReadAccess(text)
		switch {
		case err == nil && !reflect.DeepEqual(got, want):
			t.Errorf("%q: got %+v", text, got)
		case err != nil && (!reflect.DeepEqual(got, token.Access{}) || headykey.Explain(err).Kind != headykey.Unproven):
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	})
}
