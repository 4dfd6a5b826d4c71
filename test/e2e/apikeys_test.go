package e2e

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"
)

const keysPath = "/api/auth/api-keys"

// A key is an API key as it was shown once.
type key struct{ id, secret, prefix string }

func (s *server) createKey(t *testing.T, p person, wish obj) key {
	t.Helper()
	return readKey(t, s.as(p).post(t, keysPath, wish).want(t, http.StatusCreated))
}

func readKey(t *testing.T, a answer) key {
	t.Helper()
	return key{a.text(t, "id"), a.text(t, "key"), a.text(t, "prefix")}
}

// checksum returns the CRC-32 that ends a key's hex digits, computed here.
func checksum(t *testing.T, digits string) string {
	t.Helper()
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(raw)))
}

func TestAPIKeyForm(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		k := s.createKey(t, jane, obj{"description": "CI"})
		digits, ok := strings.CutPrefix(k.secret, "hdy_")
		if !ok || len(digits) != 68 || strings.ToLower(digits) != digits {
			t.Fatalf("a key is hdy_ and 68 hex digits, got %d characters", len(k.secret))
		}
		if sum := checksum(t, digits[:60]); sum != digits[60:] {
			t.Errorf("the key ends in %s, want the CRC-32 %s", digits[60:], sum)
		}
		if k.prefix != k.secret[:12] {
			t.Errorf("prefix %q, want the first 12 characters", k.prefix)
		}
		s.nobody().apiKey(k.secret).get(t, mePath).want(t, http.StatusOK)
		for _, c := range []client{s.as(jane), s.nobody().apiKey(k.secret)} {
			if list := string(c.get(t, keysPath).body); strings.Contains(list, digits[8:]) {
				t.Error("the list shows the key itself")
			}
		}
	})
}

// otherDigit returns a hex digit that is not c.
func otherDigit(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

func TestAPIKeyRefusals(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		k := s.createKey(t, s.register(t, "jane"), obj{})
		digits := k.secret[4:]
		other := strings.Repeat("0", 60)
		bad := map[string]string{
			"a wrong checksum":      "hdy_" + digits[:67] + otherDigit(digits[67]),
			"well formed, not ours": "hdy_" + other + checksum(t, other), "truncated": k.secret[:71], "longer": k.secret + "0",
			"upper case": "hdy_" + strings.ToUpper(digits), "no prefix": digits, "nonsense": "x",
		}
		for name, secret := range bad {
			t.Run(name, func(t *testing.T) {
				s.nobody().apiKey(secret).get(t, mePath).refused(t, http.StatusUnauthorized, "invalid_api_key")
			})
		}
		s.nobody().apiKey(k.secret).get(t, mePath).want(t, http.StatusOK)
	})
}

func TestAPIKeyLifetimes(t *testing.T) {
	in := time.Now().Add(72 * time.Hour).UTC().Truncate(time.Second)
	tests := []struct {
		name string
		wish obj
		life time.Duration // 0: never ends
	}{
		{"none", obj{}, 0},
		{"seconds", obj{"ttl": 3600}, time.Hour},
		{"hours", obj{"ttl": "8h"}, 8 * time.Hour},
		{"days", obj{"ttl": "30d"}, 30 * 24 * time.Hour},
		{"a time", obj{"expiresAt": in.Format(time.RFC3339)}, time.Until(in)},
	}
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				made := s.as(jane).post(t, keysPath, tt.wish).want(t, http.StatusCreated).object(t)
				checkLife(t, made, tt.life)
			})
		}
	})
}

func checkLife(t *testing.T, made obj, life time.Duration) {
	t.Helper()
	if life == 0 {
		if made["expires_at"] != nil {
			t.Errorf("expires_at = %v, want null", made["expires_at"])
		}
		return
	}
	ends, err := time.Parse(time.RFC3339, fmt.Sprint(made["expires_at"]))
	if err != nil {
		t.Fatal(err)
	}
	created, err := time.Parse(time.RFC3339, fmt.Sprint(made["created_at"]))
	if err != nil {
		t.Fatal(err)
	}
	if got := ends.Sub(created); got < life-10*time.Second || got > life+10*time.Second {
		t.Errorf("the key lives %v, want %v", got, life)
	}
}

func TestAPIKeyRefusesUnusableWishes(t *testing.T) {
	tests := map[string]obj{
		"zero seconds": {"ttl": 0}, "negative": {"ttl": -5}, "no unit known": {"ttl": "5 moons"}, "empty": {"ttl": ""},
		"beyond all time": {"ttl": "999999999999d"}, "a fraction": {"ttl": 1.5}, "negative hours": {"ttl": "-8h"},
		"a time gone by": {"expiresAt": "2001-01-01T00:00:00Z"}, "no time": {"expiresAt": "tomorrow"},
		"both": {"ttl": "8h", "expiresAt": "2999-01-01T00:00:00Z"}, "no such role": {"role": "emperor"},
		"a long description": {"description": strings.Repeat("x", 5000)}, "an empty scope": {"scopes": []string{""}},
	}
	serving(t, config{}, func(t *testing.T, s *server) {
		jane := s.register(t, "jane")
		for name, wish := range tests {
			t.Run(name, func(t *testing.T) { s.as(jane).post(t, keysPath, wish).refused(t, http.StatusBadRequest) })
		}
		if keys := s.as(jane).get(t, keysPath).list(t, "keys"); len(keys) != 0 {
			t.Errorf("a refused wish left %d keys", len(keys))
		}
	})
}

func TestAPIKeyRoles(t *testing.T) {
	roles := []string{"guest", "user", "operator", "admin"}
	serving(t, config{}, func(t *testing.T, s *server) {
		for level, role := range roles[1:] {
			p := s.member(t, role, role)
			for want, wish := range roles {
				a := s.as(p).post(t, keysPath, obj{"role": wish})
				if want > level+1 {
					a.refused(t, http.StatusForbidden, "role_escalation")
					continue
				}
				k := readKey(t, a.want(t, http.StatusCreated))
				if got := s.nobody().apiKey(k.secret).get(t, "/api/auth/verify").text(t, "role"); got != wish {
					t.Errorf("a key for %s speaks as %q", wish, got)
				}
			}
		}
	})
}

func TestAPIKeyCannotMakeAStrongerOne(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin := s.member(t, "admin", "admin")
		weak := s.createKey(t, admin, obj{"role": "user"})
		s.nobody().apiKey(weak.secret).post(t, keysPath, obj{"role": "admin"}).refused(t, http.StatusForbidden, "role_escalation")
		s.nobody().apiKey(weak.secret).get(t, "/api/admin/users").refused(t, http.StatusForbidden, "insufficient_role")
	})
}

// A key never outranks its owner as they are now.
func TestAPIKeyFollowsItsOwnersRole(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		admin, op := s.member(t, "admin", "admin"), s.member(t, "op", "operator")
		k := s.createKey(t, op, obj{"role": "operator"})
		s.nobody().apiKey(k.secret).get(t, "/api/admin/users").want(t, http.StatusOK)
		s.as(admin).patch(t, "/api/admin/users/"+op.id, obj{"role": "user"}).want(t, http.StatusOK)
		s.nobody().apiKey(k.secret).get(t, "/api/admin/users").refused(t, http.StatusForbidden, "insufficient_role")
		if got := s.nobody().apiKey(k.secret).get(t, "/api/auth/verify").text(t, "role"); got != "user" {
			t.Errorf("the key speaks as %q, want user", got)
		}
	})
}
