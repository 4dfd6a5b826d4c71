package heady

import (
	"net/http"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// adminOnly is a rule that people may use on their own things, at the address
// where administrators use it on anybody's.
func (d door) adminOnly(h func(*http.Request, headykey.Caller, struct{}) (doneReply, error)) func(*http.Request, headykey.Caller, struct{}) (doneReply, error) {
	return func(r *http.Request, by headykey.Caller, in struct{}) (doneReply, error) {
		if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
			return doneReply{}, err
		}
		return h(r, by, in)
	}
}

// adminUser is an account as an operator sees it.
type adminUser struct {
	profile    `json:",inline"`
	Disabled   bool       `json:"disabled"`
	LastSignIn *time.Time `json:"last_sign_in_at"`
}

func spellUser(u *headykey.User) adminUser {
	return adminUser{spellProfile(u), !u.Disabled.IsZero(), orNull(u.LastSignIn)}
}

type usersReply struct {
	Users []adminUser `json:"users"`
	Next  string      `json:"next,omitempty"`
}

// users serves GET /api/admin/users?q=&role=&status=&limit=&cursor=.
func (d door) users(r *http.Request, by headykey.Caller, _ struct{}) (usersReply, error) {
	page, err := d.page(r, "users")
	if err != nil {
		return usersReply{}, err
	}
	query := r.URL.Query()
	f := headykey.UserFilter{Query: headykey.Fold(query.Get("q")), Before: page.before, Limit: page.limit + 1}
	if text := query.Get("role"); text != "" {
		if f.Role, err = headykey.ParseRole(text); err != nil {
			return usersReply{}, err
		}
	}
	switch status := query.Get("status"); status {
	case "":
	case "active", "disabled":
		disabled := status == "disabled"
		f.Disabled = &disabled
	default:
		return usersReply{}, headykey.ErrInvalid.Saying("A status is active or disabled.").About("status")
	}
	all, err := d.Directory.Users(r.Context(), by, f)
	if err != nil {
		return usersReply{}, err
	}
	all, next := cut(d, page, all, func(u *headykey.User) headykey.Mark { return headykey.Mark{At: u.Created, ID: u.ID} })
	out := usersReply{Next: next}
	for _, u := range all {
		out.Users = append(out.Users, spellUser(u))
	}
	return out, nil
}

type userReply struct {
	User adminUser `json:"user"`
}

type createUserRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Name     string `json:"name"`
	Role     string `json:"role"`
}

// createUser serves POST /api/admin/users.
func (d door) createUser(r *http.Request, by headykey.Caller, in createUserRequest) (userReply, error) {
	wish := auth.NewUser{Email: in.Email, Password: in.Password, Name: in.Name, Role: headykey.RoleUser}
	if err := by.Need(headykey.RoleAdmin, "admin.write"); err != nil {
		return userReply{}, err
	}
	if in.Email == "" {
		return userReply{}, headykey.ErrMissingField.About("email")
	}
	if in.Role != "" {
		var err error
		if wish.Role, err = headykey.ParseRole(in.Role); err != nil {
			return userReply{}, err
		}
	}
	user, err := d.Auth.CreateUser(r.Context(), by, wish)
	if err != nil {
		return userReply{}, err
	}
	return userReply{spellUser(user)}, nil
}

// user serves GET /api/admin/users/{id}.
func (d door) user(r *http.Request, by headykey.Caller, _ struct{}) (userReply, error) {
	id, err := idIn(r)
	if err != nil {
		return userReply{}, err
	}
	user, err := d.Directory.User(r.Context(), by, id)
	if err != nil {
		return userReply{}, err
	}
	return userReply{spellUser(user)}, nil
}

type changeUserRequest struct {
	Name     *string `json:"name"`
	Role     *string `json:"role"`
	Disabled *bool   `json:"disabled"`
}

// changeUser serves PATCH /api/admin/users/{id}.
func (d door) changeUser(r *http.Request, by headykey.Caller, in changeUserRequest) (userReply, error) {
	id, err := idIn(r)
	if err != nil {
		return userReply{}, err
	}
	c := headykey.UserChange{Name: in.Name, Disabled: in.Disabled}
	if in.Role != nil {
		role, err := headykey.ParseRole(*in.Role)
		if err != nil {
			return userReply{}, err
		}
		c.Role = &role
	}
	user, err := d.Directory.ChangeUser(r.Context(), by, id, c)
	if err != nil {
		return userReply{}, err
	}
	return userReply{spellUser(user)}, nil
}

// eraseUser serves DELETE /api/admin/users/{id}.
func (d door) eraseUser(r *http.Request, by headykey.Caller, _ struct{}) (doneReply, error) {
	id, err := idIn(r)
	if err != nil {
		return doneReply{}, err
	}
	return doneReply{Status: "erased", ID: id}, d.Directory.EraseUser(r.Context(), by, id)
}

// allKeys serves GET /api/admin/api-keys?owner=.
func (d door) allKeys(r *http.Request, by headykey.Caller, _ struct{}) (keysReply, error) {
	page, err := d.page(r, "all-api-keys")
	if err != nil {
		return keysReply{}, err
	}
	owner, err := idOf(r, "owner")
	if err != nil {
		return keysReply{}, err
	}
	all, err := d.Directory.APIKeys(r.Context(), by, owner, page.before, page.limit+1)
	if err != nil {
		return keysReply{}, err
	}
	all, next := cut(d, page, all, markOfKey)
	out := keysReply{Next: next}
	for _, k := range all {
		line := spellKey(k)
		line.User = k.User
		out.Keys = append(out.Keys, line)
	}
	return out, nil
}

type adminSession struct {
	ID       headykey.ID `json:"id"`
	User     headykey.ID `json:"user_id"`
	Email    string      `json:"email"`
	Device   string      `json:"device"`
	IP       *string     `json:"ip"`
	Place    *string     `json:"place"`
	Created  time.Time   `json:"created_at"`
	LastUsed time.Time   `json:"last_used_at"`
	Expires  time.Time   `json:"expires_at"`
}

type adminSessionsReply struct {
	Sessions []adminSession `json:"sessions"`
	Next     string         `json:"next,omitempty"`
}

// allSessions serves GET /api/admin/sessions?user=.
func (d door) allSessions(r *http.Request, by headykey.Caller, _ struct{}) (adminSessionsReply, error) {
	page, err := d.page(r, "all-sessions")
	if err != nil {
		return adminSessionsReply{}, err
	}
	user, err := idOf(r, "user")
	if err != nil {
		return adminSessionsReply{}, err
	}
	all, err := d.Directory.Sessions(r.Context(), by, user, page.before, page.limit+1)
	if err != nil {
		return adminSessionsReply{}, err
	}
	all, next := cut(d, page, all, markOfSession)
	out := adminSessionsReply{Next: next}
	for _, p := range all {
		s := spellSession(&p.Session, "")
		out.Sessions = append(out.Sessions, adminSession{
			ID: s.ID, User: p.User.ID, Email: p.User.Email, Device: s.Device, IP: s.IP, Place: s.Place,
			Created: s.Created, LastUsed: s.LastUsed, Expires: s.Expires,
		})
	}
	return out, nil
}

type statsReply struct {
	Users       int64 `json:"users"`
	Disabled    int64 `json:"disabled"`
	Admins      int64 `json:"admins"`
	Sessions    int64 `json:"sessions"`
	APIKeys     int64 `json:"api_keys"`
	Receipts    int64 `json:"receipts"`
	MailWaiting int64 `json:"mail_waiting"`
	MailDead    int64 `json:"mail_dead"`
}

// stats serves GET /api/admin/stats.
func (d door) stats(r *http.Request, by headykey.Caller, _ struct{}) (statsReply, error) {
	stats, err := d.Directory.Stats(r.Context(), by)
	return statsReply(stats), err
}

type signingKeyReply struct {
	Use       string     `json:"use"`
	ID        string     `json:"keyId"`
	Algorithm string     `json:"algorithm"`
	NotBefore *time.Time `json:"notBefore"` // null: it waits, or comes from the configuration
	NotAfter  *time.Time `json:"notAfter"`  // null: it signs, or will
}

type signingKeysReply struct {
	Keys []signingKeyReply `json:"keys"`
}

// signingKeys serves GET /api/admin/keys.
func (d door) signingKeys(_ *http.Request, by headykey.Caller, _ struct{}) (signingKeysReply, error) {
	all, err := d.Directory.SigningKeys(by)
	out := signingKeysReply{}
	for _, k := range all {
		out.Keys = append(out.Keys, signingKeyReply{k.Use, k.ID, k.Algorithm, orNull(k.Active), orNull(k.Retired)})
	}
	return out, err
}

type rotateKeyRequest struct {
	Use string `json:"use"`
}

type rotateKeyReply struct {
	Status string `json:"status"`
	Use    string `json:"use"`
	ID     string `json:"keyId"`
}

// rotateSigningKey serves POST /api/admin/keys/rotate.
func (d door) rotateSigningKey(r *http.Request, by headykey.Caller, in rotateKeyRequest) (rotateKeyReply, error) {
	k, err := d.Directory.RotateKey(r.Context(), by, in.Use)
	return rotateKeyReply{"rotated", in.Use, k.ID}, err
}
