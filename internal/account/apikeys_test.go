package account_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/store"
)

func TestANewKeyIsWhatWasWished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		ada := h.person(t, "ada@example.com", headykey.RoleOperator)
		end := time.Now().Add(time.Hour).UTC()
		k, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{
			Description: "laptop", Role: headykey.RoleUser, Expires: end, Scopes: []string{"receipts.read", "memory:write"},
		})
		check(t, err)
		hash, err := headykey.HashAPIKey(k.Key)
		check(t, err)
		want := &headykey.APIKey{
			ID: k.Record.ID, User: ada.User, Role: headykey.RoleUser, Description: "laptop", Prefix: k.Key[:12], Hash: hash[:],
			Scopes: []string{"receipts.read", "memory:write"}, Created: time.Now().UTC(), Expires: end,
		}
		if !reflect.DeepEqual(k.Record, want) {
			t.Errorf("got %+v, want %+v", k.Record, want)
		}
		all, err := h.APIKeys(t.Context(), ada, headykey.Mark{}, 5)
		if err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], want) {
			t.Errorf("listed: %+v, %v", all, err)
		}
		wantDetails := map[string]any{"prefix": want.Prefix, "role": "user", "scopes": []any{"receipts.read", "memory:write"}}
		if got := h.details(t, "api_key.created"); !reflect.DeepEqual(got, wantDetails) {
			t.Errorf("the receipt says %v, want %v", got, wantDetails)
		}
		events, err := h.KeyHistory(t.Context(), ada, k.Record.ID)
		if err != nil || len(events) != 1 || events[0].Type != "created" || events[0].Address != "198.51.100.7" || events[0].Receipt == "" {
			t.Errorf("its history is %+v, %v", events, err)
		}
	})
}

func TestWishesThatAreNotGranted(t *testing.T) {
	h := build(t)
	ada := h.person(t, "ada@example.com", headykey.RoleUser)
	guest := ada
	guest.Role = headykey.RoleGuest
	tests := []struct {
		name string
		by   headykey.Caller
		wish account.KeyWish
		want error
	}{
		{"a stranger", headykey.Caller{}, account.KeyWish{}, headykey.ErrNotSignedIn},
		{"a guest", guest, account.KeyWish{}, headykey.ErrInsufficientRole},
		{"a role above", ada, account.KeyWish{Role: headykey.RoleOperator}, headykey.ErrRoleEscalation},
		{"a role far above", ada, account.KeyWish{Role: 255}, headykey.ErrRoleEscalation},
		{"201 characters", ada, account.KeyWish{Description: strings.Repeat("é", 201)}, headykey.ErrInvalid},
		{"broken UTF-8", ada, account.KeyWish{Description: "\xff"}, headykey.ErrInvalid},
		{"35 scopes", ada, account.KeyWish{Scopes: make([]string, 35)}, headykey.ErrInvalid},
		{"an empty scope", ada, account.KeyWish{Scopes: []string{""}}, headykey.ErrInvalid},
		{"a scope with a space", ada, account.KeyWish{Scopes: []string{"a b"}}, headykey.ErrInvalid},
		{"a scope with a quote", ada, account.KeyWish{Scopes: []string{`a"b`}}, headykey.ErrInvalid},
		{"a scope with a line break", ada, account.KeyWish{Scopes: []string{"a\n"}}, headykey.ErrInvalid},
		{"a scope of 90", ada, account.KeyWish{Scopes: []string{strings.Repeat("a", 90)}}, headykey.ErrInvalid},
		{"an end in the past", ada, account.KeyWish{Expires: time.Now().Add(-time.Second)}, headykey.ErrInvalid},
		{"by a key that may not", narrowed(ada, "api_keys.read"), account.KeyWish{}, headykey.ErrInsufficientScope},
		{"wider than the key that asks", narrowed(ada, "api_keys.write"), account.KeyWish{Scopes: []string{"profile.read"}}, headykey.ErrInsufficientScope},
	}
	for _, tt := range tests {
		if k, err := h.CreateAPIKey(t.Context(), tt.by, tt.wish); !errors.Is(err, tt.want) || k.Key != "" && !errors.Is(err, headykey.ErrInvalid) {
			t.Errorf("%s: got %+v, %v, want %v", tt.name, k, err, tt.want)
		}
	}
	if got := h.types(t, ada.User); len(got) != 0 {
		t.Errorf("receipts were left: %v", got)
	}
	k, err := h.CreateAPIKey(t.Context(), narrowed(ada, "api_keys.write", "profile.read"), account.KeyWish{})
	if err != nil || !reflect.DeepEqual(k.Record.Scopes, []string{"api_keys.write", "profile.read"}) {
		t.Errorf("a narrow key that wishes nothing: got %+v, %v, want its own scopes", k.Record, err)
	}
}

func TestThe90thKeyIsOneTooManyForThoseWhoAskAtOnce(t *testing.T) {
	h := build(t)
	ada := h.person(t, "ada@example.com", headykey.RoleUser)
	h.update(t, func(tx *store.Tx) error {
		for i := range 85 {
			k := &headykey.APIKey{ID: headykey.NewOrderedID(), User: ada.User, Role: headykey.RoleUser, Hash: fmt.Appendf(nil, "%032d", i), Created: tx.Now}
			if err := tx.InsertAPIKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = h.CreateAPIKey(t.Context(), ada, account.KeyWish{}) })
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, headykey.ErrTooManyKeys):
			t.Errorf("got %v, want ErrTooManyKeys", err)
		}
	}
	if made != 4 {
		t.Errorf("%d were made beside 85, want 4", made)
	}
	all, err := h.APIKeys(t.Context(), ada, headykey.Mark{}, 1)
	check(t, err)
	check(t, h.RevokeAPIKey(t.Context(), ada, all[0].ID))
	if _, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{}); err != nil {
		t.Errorf("after one was revoked: %v", err)
	}
	eve := h.person(t, "eve@example.com", headykey.RoleUser)
	if _, err := h.CreateAPIKey(t.Context(), eve, account.KeyWish{}); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

func TestARevokedKeyIsGoneForGood(t *testing.T) {
	h := build(t)
	ada, admin := h.person(t, "ada@example.com", headykey.RoleUser), h.person(t, "root@example.com", headykey.RoleAdmin)
	k, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{})
	check(t, err)
	check(t, h.RevokeAPIKey(t.Context(), admin, k.Record.ID))
	for name, f := range map[string]func() error{
		"revoke":         func() error { return h.RevokeAPIKey(t.Context(), ada, k.Record.ID) },
		"rotate":         func() error { _, err := h.RotateAPIKey(t.Context(), ada, k.Record.ID); return err },
		"an unknown one": func() error { return h.RevokeAPIKey(t.Context(), admin, headykey.NewID()) },
	} {
		if err := f(); !errors.Is(err, headykey.ErrNotFound) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if all, err := h.APIKeys(t.Context(), ada, headykey.Mark{}, 5); err != nil || len(all) != 0 {
		t.Errorf("listed: %+v, %v", all, err)
	}
	if got := h.types(t, ada.User); !reflect.DeepEqual(got, []string{"api_key.created", "api_key.revoked"}) {
		t.Errorf("its receipts are %v", got)
	}
}

func TestARotatedKeyLives34HoursMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		ada := h.person(t, "ada@example.com", headykey.RoleUser)
		old, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{Description: "laptop", Scopes: []string{"a"}})
		check(t, err)
		time.Sleep(time.Hour)
		fresh, err := h.RotateAPIKey(t.Context(), ada, old.Record.ID)
		check(t, err)
		if fresh.Key == old.Key || fresh.Record.Description != "laptop" || !reflect.DeepEqual(fresh.Record.Scopes, []string{"a"}) || !fresh.Record.Expires.IsZero() {
			t.Errorf("got %+v", fresh.Record)
		}
		h.update(t, func(tx *store.Tx) error {
			k, err := tx.APIKey(old.Record.ID)
			if want := time.Now().Add(34 * time.Hour).UTC(); err != nil || !k.Expires.Equal(want) {
				t.Errorf("the old one ends %v, %v, want %v", k.Expires, err, want)
			}
			return nil
		})
		if got := h.types(t, ada.User); !reflect.DeepEqual(got, []string{"api_key.created", "api_key.rotated", "api_key.created"}) {
			t.Errorf("its receipts are %v", got)
		}
		if got := h.details(t, "api_key.created")["replaces"]; got != "key_"+string(old.Record.ID) {
			t.Errorf("it replaces %v", got)
		}
		time.Sleep(34 * time.Hour)
		if _, err := h.RotateAPIKey(t.Context(), ada, old.Record.ID); !errors.Is(err, headykey.ErrNotFound) {
			t.Errorf("after the grace: %v", err)
		}
	})
}

func TestRotationGivesNothingThatTheCallerHasNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		ada := h.person(t, "ada@example.com", headykey.RoleOperator)
		high, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{})
		check(t, err)
		low := ada
		low.Role = headykey.RoleUser
		if _, err := h.RotateAPIKey(t.Context(), low, high.Record.ID); !errors.Is(err, headykey.ErrRoleEscalation) {
			t.Errorf("a key above the caller: got %v", err)
		}
		narrow, err := h.RotateAPIKey(t.Context(), narrowed(ada, "api_keys.write"), high.Record.ID)
		if err != nil || !reflect.DeepEqual(narrow.Record.Scopes, []string{"api_keys.write"}) {
			t.Errorf("a wide key by a narrow one: got %+v, %v", narrow.Record, err)
		}
		day, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{Expires: time.Now().Add(24 * time.Hour).UTC()})
		check(t, err)
		time.Sleep(time.Hour)
		next, err := h.RotateAPIKey(t.Context(), ada, day.Record.ID)
		if want := time.Now().Add(24 * time.Hour).UTC(); err != nil || !next.Record.Expires.Equal(want) {
			t.Errorf("a key of a day: its successor ends %v, %v, want %v", next.Record.Expires, err, want)
		}
		h.update(t, func(tx *store.Tx) error {
			if k, err := tx.APIKey(day.Record.ID); err != nil || !k.Expires.Equal(day.Record.Expires) {
				t.Errorf("its own end was put off to %v, %v", k.Expires, err)
			}
			return nil
		})
	})
}
