package headykey

// A Role is one of four levels; a higher one may do all that a lower one may.
// The zero Role belongs to nobody.
type Role uint8

// The roles. Their numbers are the levels of the public API.
const (
	RoleGuest Role = iota + 1
	RoleUser
	RoleOperator
	RoleAdmin
)

var roleNames = [...]string{RoleGuest: "guest", RoleUser: "user", RoleOperator: "operator", RoleAdmin: "admin"}

// String returns the wire spelling, or "" for the zero Role.
func (r Role) String() string {
	if int(r) >= len(roleNames) {
		return ""
	}
	return roleNames[r]
}

// ParseRole returns the role spelled s, or ErrInvalid about "role".
func ParseRole(s string) (Role, error) {
	for r := RoleGuest; r <= RoleAdmin; r++ {
		if roleNames[r] == s {
			return r, nil
		}
	}
	return 0, ErrInvalid.Saying("A role is guest, user, operator or admin.").About("role")
}
