package oauth_test

import (
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// Each thing that lives for a while: good a millisecond before its end, and no more at
// its end.
func TestWhatRunsOutRunsOutOnTime(t *testing.T) {
	tests := []struct {
		name string
		life time.Duration
		make func(t *testing.T, h *house, c oauth.NewClient, by headykey.Caller) (use func() error)
		want error
	}{
		{"a code", 55 * time.Second, func(t *testing.T, h *house, c oauth.NewClient, by headykey.Caller) func() error {
			answer := h.allow(t, by, asking(c, nil))
			return func() error { _, err := h.redeem(t, c, answer); return err }
		}, headykey.ErrGrantSpent},
		{"a pushed request", 89 * time.Second, func(t *testing.T, h *house, c oauth.NewClient, _ headykey.Caller) func() error {
			pushed, err := h.Push(t.Context(), &c.Record, asking(c, nil), "")
			check(t, err)
			return func() error {
				_, err := h.Begin(t.Context(), url.Values{"client_id": {string(c.Record.ID)}, "request_uri": {pushed.URI}})
				return err
			}
		}, headykey.ErrBadRequestURI},
		{"a request whose person is at a page", 34 * time.Minute, func(t *testing.T, h *house, c oauth.NewClient, _ headykey.Caller) func() error {
			p, err := h.Begin(t.Context(), asking(c, nil))
			check(t, err)
			id, err := h.Hold(t.Context(), p, "browser")
			check(t, err)
			return func() error { _, err := h.Resume(t.Context(), id, "browser"); return err }
		}, headykey.ErrBadRequestURI},
		{"a request whose person is at a page of an app", 10 * time.Minute, func(t *testing.T, h *house, c oauth.NewClient, by headykey.Caller) func() error {
			id := h.shown(t, c, nil)
			return func() error { _, _, err := h.OpenForApp(t.Context(), by, id); return err }
		}, headykey.ErrNotFound},
		{"a refresh token that is not used", time.Hour + 55*time.Second, func(t *testing.T, h *house, c oauth.NewClient, by headykey.Caller) func() error {
			given := h.allowed(t, c, by, nil)
			return func() error { _, err := h.refresh(t, c, given.Refresh); return err }
		}, headykey.ErrGrantSpent},
		{"a spent refresh token whose answer was lost", 34*time.Second + time.Millisecond, func(t *testing.T, h *house, c oauth.NewClient, by headykey.Caller) func() error {
			given := h.allowed(t, c, by, nil)
			_, err := h.refresh(t, c, given.Refresh)
			check(t, err)
			return func() error { _, err := h.refresh(t, c, given.Refresh); return err }
		}, headykey.ErrGrantSpent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, late := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					h := build(t)
					use := tt.make(t, h, h.codeApp(t, oauth.ClientWish{}), h.signedIn(t))
					wait, want := tt.life-time.Millisecond, error(nil)
					if late {
						wait, want = tt.life, tt.want
					}
					time.Sleep(wait)
					if err := use(); !errors.Is(err, want) {
						t.Errorf("after %v: got %v, want %v", wait, err, want)
					}
				})
			}
		})
	}
}
