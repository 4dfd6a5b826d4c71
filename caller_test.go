package headykey_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"headykey.com/headykey"
)

func TestNeed(t *testing.T) {
	key := func(role headykey.Role, scopes ...string) headykey.Caller {
		return headykey.Caller{User: "u", Key: "k", Method: headykey.ByAPIKey, Role: role, Scopes: scopes}
	}
	person := headykey.Caller{User: "u", Session: "s", Method: headykey.ByToken, Role: headykey.RoleUser}
	tests := []struct {
		name   string
		by     headykey.Caller
		least  headykey.Role
		scopes []string
		want   error
	}{
		{"a stranger", headykey.Caller{}, headykey.RoleGuest, nil, headykey.ErrNotSignedIn},
		{"a stranger who claims a role", headykey.Caller{Role: headykey.RoleAdmin}, headykey.RoleGuest, nil, headykey.ErrNotSignedIn},
		{"a person", person, headykey.RoleUser, []string{"a"}, nil},
		{"a person below", person, headykey.RoleOperator, nil, headykey.ErrInsufficientRole},
		{"a caller without a role", headykey.Caller{Method: headykey.ByToken}, headykey.RoleGuest, nil, headykey.ErrInsufficientRole},
		{"a wide key", key(headykey.RoleUser), headykey.RoleUser, []string{"a"}, nil},
		{"a wide key below", key(headykey.RoleUser), headykey.RoleAdmin, []string{"a"}, headykey.ErrInsufficientRole},
		{"a narrow key with the scope", key(headykey.RoleUser, "b", "a"), headykey.RoleUser, []string{"a"}, nil},
		{"a narrow key with one of two", key(headykey.RoleUser, "b"), headykey.RoleUser, []string{"a", "b"}, nil},
		{"a narrow key without it", key(headykey.RoleUser, "b"), headykey.RoleUser, []string{"a"}, headykey.ErrInsufficientScope},
		{"a narrow key where no scope is enough", key(headykey.RoleUser, "b"), headykey.RoleUser, nil, headykey.ErrInsufficientScope},
		{"a narrow key below", key(headykey.RoleUser, "a"), headykey.RoleAdmin, []string{"a"}, headykey.ErrInsufficientRole},
		{"half a scope's name", key(headykey.RoleUser, "admin"), headykey.RoleUser, []string{"admin.read"}, headykey.ErrInsufficientScope},
		{"the system", headykey.System, headykey.RoleAdmin, []string{"a"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.by.Need(tt.least, tt.scopes...); !errors.Is(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRolesAreLevelsWithNames(t *testing.T) {
	for name, level := range map[string]headykey.Role{"guest": 1, "user": 2, "operator": 3, "admin": 4} {
		if got, err := headykey.ParseRole(name); err != nil || got != level || got.String() != name {
			t.Errorf("%s: got %d (%s), %v, want %d", name, got, got, err, level)
		}
	}
	for _, name := range []string{"", "Admin", "admin ", "root", "0", "4"} {
		got, err := headykey.ParseRole(name)
		if e := headykey.Explain(err); got != 0 || !errors.Is(err, headykey.ErrInvalid) || e.Fields[0].Name != "role" {
			t.Errorf("%q: got %d, %v, want ErrInvalid about role", name, got, err)
		}
	}
	for _, nobody := range []headykey.Role{0, 5, 255} {
		if nobody.String() != "" {
			t.Errorf("role %d is called %q", nobody, nobody)
		}
	}
}

func TestAContextCarriesARequestIDAndNothingElse(t *testing.T) {
	if got := headykey.RequestID(context.Background()); got != "" {
		t.Errorf("got %q from an empty context", got)
	}
	if got := headykey.RequestID(headykey.WithRequestID(context.Background(), "r1")); got != "r1" {
		t.Errorf("got %q, want r1", got)
	}
}

func TestASessionLivesUntilItsEnd(t *testing.T) {
	end := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		session headykey.Session
		now     time.Time
		live    bool
	}{
		{"a microsecond early", headykey.Session{Ends: end}, end.Add(-time.Microsecond), true},
		{"on time", headykey.Session{Ends: end}, end, false},
		{"ended before", headykey.Session{Ends: end, Ended: end.Add(-time.Hour)}, end.Add(-time.Minute), false},
	}
	for _, tt := range tests {
		if got := tt.session.Live(tt.now); got != tt.live {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.live)
		}
	}
}
