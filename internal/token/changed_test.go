package token_test

import (
	"maps"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/token"
)

// claimsOf returns what a session token of the house's person says, changed: nil takes
// a claim away.
func claimsOf(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": base, "sub": "5f0c2a4e-6d3b-4f1e-9a70-0b6f3c1d2e4f", "aud": "authenticated", "exp": now + 3600, "iat": now,
		"email": "ada@example.com", "phone": "", "role": "authenticated", "aal": "aal1", "session_id": "01a2069e-e1ba-75d0-9a2e-99eaf6c09f0b",
		"amr": []any{map[string]any{"method": "password", "timestamp": now}}, "is_anonymous": false, "identity_type": "agent",
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims, json.Deterministic(true))
	check(t, err)
	return text
}

func TestWhatMayBeChangedInAToken(t *testing.T) {
	now := time.Now().Unix()
	tests := []struct {
		name    string
		changes map[string]any
		sooner  time.Duration
		fault   string
	}{
		{"nothing", nil, 0, ""},
		{"more is said", map[string]any{"plan": "gold", "Sub": "x"}, 0, ""},
		{"less is said", map[string]any{"user_metadata": nil, "amr": nil}, 0, ""},
		{"another role", map[string]any{"role": "editor"}, 0, ""},
		{"a sooner end", map[string]any{"exp": now + 3000}, 10 * time.Minute, ""},
		{"a later end", map[string]any{"exp": now + 3700}, 0, "claims: exp must not be changed to that"},
		{"an end in the past", map[string]any{"exp": now}, 0, "claims: exp must not be changed to that"},
		{"no end", map[string]any{"exp": nil}, 0, "claims: exp must not be changed to that"},
		{"a later beginning", map[string]any{"iat": now + 3700}, 0, "claims: iat must not be changed to that"},
		{"another person", map[string]any{"sub": string(headykey.NewID())}, 0, "claims: sub must not be changed to that"},
		{"nobody", map[string]any{"sub": nil}, 0, "claims: sub must not be changed to that"},
		{"another session", map[string]any{"session_id": string(headykey.NewID())}, 0, "claims: session_id must not be changed to that"},
		{"a better proof", map[string]any{"aal": "aal3"}, 0, "claims: aal must not be changed to that"},
		{"another audience", map[string]any{"aud": "x"}, 0, "claims: aud must not be changed to that"},
		{"another issuer", map[string]any{"iss": base + "/auth/v1"}, 0, "claims: iss must not be changed to that"},
		{"no issuer", map[string]any{"iss": nil}, 0, "claims: iss must not be changed to that"},
		{"a person, not an agent", map[string]any{"identity_type": nil}, 0, "claims: identity_type must not be changed to that"},
		{"no role", map[string]any{"role": nil}, 0, "claims: role must not be changed to that"},
		{"a number for an address", map[string]any{"email": 7}, 0, "claims: one is of another kind than it must be"},
		{"words for methods", map[string]any{"amr": []string{"password"}}, 0, "claims: one is of another kind than it must be"},
		{"many audiences", map[string]any{"aud": []string{"authenticated"}}, 0, "claims: one is of another kind than it must be"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fault := ""
			sooner, err := token.CheckChanged(claimsOf(t, map[string]any{"exp": now + 3600, "iat": now}), claimsOf(t, tt.changes))
			if err != nil {
				fault = err.Error()
			}
			if fault != tt.fault || tt.fault == "" && (sooner < tt.sooner-time.Minute || sooner > tt.sooner+time.Minute) {
				t.Errorf("got %v, %q; want %v, %q", sooner, fault, tt.sooner, tt.fault)
			}
		})
	}
}

// Whatever comes back, what passes is of the same person and session.
func FuzzCheckChanged(f *testing.F) {
	for _, changes := range []map[string]any{nil, {"plan": "gold"}, {"sub": "x"}, {"aud": []string{"a"}}, {"exp": 1e300}} {
		f.Add(claimsOf(f, changes))
	}
	f.Add([]byte(`{"sub":"a","sub":"b"}`))
	f.Add([]byte(`[]`))
	made := claimsOf(f, nil)
	var want token.SessionAccess
	check(f, json.Unmarshal(made, &want))
	f.Fuzz(func(t *testing.T, changed []byte) {
		if _, err := token.CheckChanged(made, changed); err != nil {
			return
		}
		var got token.SessionAccess
		check(t, json.Unmarshal(changed, &got))
		if got.Subject != want.Subject || got.Session != want.Session || got.AAL != want.AAL || got.Expires > want.Expires || got.Type != want.Type {
			t.Errorf("%s passes", changed)
		}
	})
}
