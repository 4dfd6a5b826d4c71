package token_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/token"
)

func TestATokenOfAClientIsReadAsItWasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		id := headykey.NewID()
		for _, aud := range []token.Audience{{"https://a.example"}, {"https://a.example", "https://b.example"}} {
			text, err := h.MakeClientAccess(token.ClientAccess{Subject: string(id), Client: id, Audience: aud, Scope: "a b"})
			check(t, err)
			got, err := h.ReadClientAccess(text)
			now := time.Now().Unix()
			want := token.ClientAccess{
				Issuer: lives.OAuthIssuer, Subject: string(id), Client: id, Audience: aud, Scope: "a b",
				ID: got.ID, Issued: now, Expires: now + 3600,
			}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			if _, err := h.ReadAccess(text); !errors.Is(err, headykey.ErrInvalidToken) {
				t.Errorf("as a token of a session: %v", err)
			}
			time.Sleep(time.Hour)
			if _, err := h.ReadClientAccess(text); !errors.Is(err, headykey.ErrTokenExpired) {
				t.Errorf("on time: %v", err)
			}
		}
		text, err := h.MakeAccess(h.proof.Holder())
		check(t, err)
		if _, err := h.ReadClientAccess(text); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("a token of a session as one of a client: %v", err)
		}
	})
}

func TestATokenOfAClientOutlivesARotation(t *testing.T) {
	h := build(t, nil)
	id := headykey.NewID()
	want := token.ClientAccess{Subject: string(id), Client: id, Audience: token.Audience{"x"}}
	before, err := h.MakeClientAccess(want)
	check(t, err)
	for range 12 { // more than are kept
		h.advance(t)
		after, err := h.MakeClientAccess(want)
		check(t, err)
		if _, err := h.ReadClientAccess(after); err != nil {
			t.Errorf("after the rotation: %v", err)
		}
	}
	if _, err := h.ReadClientAccess(before); err != nil {
		t.Errorf("before the rotation: %v", err)
	}
}

func FuzzReadClientAccess(f *testing.F) {
	h := build(f, nil)
	id := headykey.NewID()
	good, err := h.MakeClientAccess(token.ClientAccess{Subject: string(id), Client: id, Audience: token.Audience{"x"}})
	check(f, err)
	want, err := h.ReadClientAccess(good)
	check(f, err)
	f.Add(good)
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := h.ReadClientAccess(text)
		switch {
		case err == nil && !reflect.DeepEqual(got, want):
			t.Errorf("%q: got %+v", text, got)
		case err != nil && (!reflect.DeepEqual(got, token.ClientAccess{}) || headykey.Explain(err).Kind != headykey.Unproven):
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	})
}
