package token_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// header is what the header of text says.
func header(t testing.TB, text string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
	check(t, err)
	var h map[string]any
	check(t, json.Unmarshal(raw, &h))
	return h
}

func TestOneKeySignsTokensOfManyTypes(t *testing.T) {
	h := build(t, nil)
	types := []string{"JWT", "at+jwt", "logout+jwt", "secevent+jwt"}
	for _, algorithm := range keyring.SessionAlgorithms {
		for _, typ := range slices.Concat(types, types) {
			text, err := h.Sign(t.Context(), algorithm, typ, []byte(`{"sub":"ada"}`))
			check(t, err)
			key, _ := h.ring.Current(algorithm)
			if got, want := header(t, text), (map[string]any{"alg": algorithm, "typ": typ, "kid": key.ID}); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if claims, err := h.VerifyOwn(text, typ); err != nil || string(claims) != `{"sub":"ada"}` {
				t.Errorf("%s, %s: got %s, %v", algorithm, typ, claims, err)
			}
			h.refusedAs(t, text, slices.DeleteFunc(slices.Concat(types, []string{"", "jwt", "application/" + typ}), func(s string) bool { return s == typ })...)
		}
	}
	for _, algorithm := range []string{"", "none", "HS256", "ES512"} {
		if text, err := h.Sign(t.Context(), algorithm, "JWT", []byte(`{}`)); text != "" || err == nil {
			t.Errorf("%q signs", algorithm)
		}
	}
}

// refusedAs fails the test if text passes for a token of one of types.
func (h *house) refusedAs(t *testing.T, text string, types ...string) {
	t.Helper()
	for _, typ := range types {
		if claims, err := h.VerifyOwn(text, typ); claims != nil || !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("%v read as %q: got %s, %v", header(t, text), typ, claims, err)
		}
	}
}

// Keys of other families never sign what passes for a token of a session, and the
// name of a key of another algorithm does not help.
func TestATokenOfAnotherKeyIsNotOurOwn(t *testing.T) {
	h := build(t, nil)
	check(t, h.ring.Prepare(t.Context()))
	rs, _ := h.ring.Current(jose.RS256)
	ps, _ := h.ring.Current(jose.PS256)
	heady, _ := h.ring.Signing(keyring.Heady)
	receipt, _ := h.ring.Signing(keyring.Receipt)
	set, err := h.ring.PublicSet()
	check(t, err)
	for name, k := range map[string]jose.Key{
		"an HS256 key":                  heady.JOSE(),
		"an HS256 key under our name":   {ID: rs.ID, Algorithm: jose.HS256, Secret: heady.Secret},
		"the key set as a secret":       {ID: rs.ID, Algorithm: jose.HS256, Secret: set.JSON},
		"a receipt key":                 {ID: receipt.ID, Algorithm: jose.EdDSA, Private: receipt.Private},
		"a stranger's key":              keyring.GenerateSession(jose.EdDSA).JOSE(),
		"PS256 with the RS256 key":      {ID: rs.ID, Algorithm: jose.PS256, Private: rs.Signer},
		"PS256 under the RS256 name":    {ID: rs.ID, Algorithm: jose.PS256, Private: ps.Signer},
		"RS256 under the name of PS256": {ID: ps.ID, Algorithm: jose.RS256, Private: rs.Signer},
		"RS256 with the key of PS256":   {ID: rs.ID, Algorithm: jose.RS256, Private: ps.Signer},
		"no name":                       {Algorithm: jose.RS256, Private: rs.Signer},
	} {
		s, err := jose.NewSigner(k, "JWT")
		check(t, err)
		text, err := s.Sign([]byte(`{}`))
		check(t, err)
		if claims, err := h.VerifyOwn(text, "JWT"); claims != nil || !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("%s: got %s, %v", name, claims, err)
		}
	}
	own, err := h.Sign(t.Context(), jose.RS256, "at+jwt", []byte(`{}`))
	check(t, err)
	if a, err := h.ReadAccess(own); !errors.Is(err, headykey.ErrInvalidToken) {
		t.Errorf("as a HeadyKey token: got %+v, %v", a, err)
	}
}

func TestOurOwnTokenVerifiesUntilTheGraceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		old, err := h.Sign(t.Context(), jose.EdDSA, "JWT", []byte(`{}`))
		check(t, err)
		key, _ := h.ring.Current(jose.EdDSA)
		fresh := key.Successor()
		h.update(t, func(tx *store.Tx) error { return h.ring.Advance(tx, fresh, time.Hour) })
		text, err := h.Sign(t.Context(), jose.EdDSA, "JWT", []byte(`{}`))
		check(t, err)
		if header(t, text)["kid"] == header(t, old)["kid"] {
			t.Error("the old key signs on")
		}
		time.Sleep(time.Hour - time.Microsecond)
		if _, err := h.VerifyOwn(old, "JWT"); err != nil {
			t.Errorf("a microsecond early: %v", err)
		}
		time.Sleep(time.Microsecond)
		if _, err := h.VerifyOwn(old, "JWT"); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("got %v, want ErrInvalidToken", err)
		}
	})
}
