package supabase

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

type usersReply struct {
	Users    []user `json:"users"`
	Audience string `json:"aud"`
}

// users serves GET /auth/v1/admin/users?page=&per_page=&filter=&sort=.
func (d *Door) users(c *call, _ struct{}) (usersReply, error) {
	p, err := pageOf(c.Request)
	if err != nil {
		return usersReply{}, err
	}
	query := c.URL.Query()
	oldest, err := oldestFirst(query["sort"])
	if err != nil {
		return usersReply{}, err
	}
	all, total, err := d.Directory.Accounts(c.Context(), c.by, headykey.UserFilter{
		Query: headykey.Fold(query.Get("filter")), Oldest: oldest, Offset: p.offset(), Limit: p.size,
	})
	if err != nil {
		return usersReply{}, err
	}
	p.tell(c, total)
	out := usersReply{Audience: headykey.Authenticated}
	for _, a := range all {
		out.Users = append(out.Users, d.spellUser(a))
	}
	return out, nil
}

// oldestFirst reads "FIELD DIRECTION". There is one field to sort by.
func oldestFirst(sort []string) (bool, error) {
	if len(sort) == 0 {
		return false, nil
	}
	field, direction, _ := strings.Cut(sort[0], " ")
	switch {
	case field != "created_at":
		return false, errValidation.saying("Bad Sort Parameters: users are sorted by created_at alone")
	case strings.EqualFold(direction, "asc"):
		return true, nil
	case direction == "", strings.EqualFold(direction, "desc"):
		return false, nil
	}
	return false, errValidation.saying("Bad Sort Parameters: a direction is asc or desc")
}

// idIn returns the id in the path of c that is called name.
func idIn(c *call, name string) (headykey.ID, error) {
	id, err := headykey.ParseID(strings.ToLower(c.PathValue(name)))
	if err != nil {
		return "", errValidation.with(http.StatusNotFound).saying("The id in the path must be an UUID")
	}
	return id, nil
}

// aboutUser spells that there is no such user.
func aboutUser(err error) error {
	if headykey.Explain(err).Is(headykey.ErrNotFound) {
		return errUserNotFound
	}
	return err
}

// found returns the account that the path of c names.
func (d *Door) found(c *call) (*headykey.Account, error) {
	id, err := idIn(c, "id")
	if err != nil {
		return nil, err
	}
	a, err := d.Directory.Account(c.Context(), c.by, id)
	return a, aboutUser(err)
}

// oneUser serves GET /auth/v1/admin/users/{id}.
func (d *Door) oneUser(c *call, _ struct{}) (user, error) {
	a, err := d.found(c)
	if err != nil {
		return user{}, err
	}
	return d.spellUser(a), nil
}

type userWish struct {
	ID           string         `json:"id"`
	Audience     string         `json:"aud"`
	Role         string         `json:"role"`
	Email        string         `json:"email"`
	Phone        string         `json:"phone"`
	Password     string         `json:"password"`
	Hash         string         `json:"password_hash"`
	EmailConfirm bool           `json:"email_confirm"`
	PhoneConfirm bool           `json:"phone_confirm"`
	UserData     jsontext.Value `json:"user_metadata"`
	AppData      jsontext.Value `json:"app_metadata"`
	Ban          string         `json:"ban_duration"`
}

// read returns what the rules know in wishes.
func (in *userWish) read() (auth.AccountWish, error) {
	w := auth.AccountWish{
		Email: headykey.Fold(in.Email), Phone: in.Phone, Password: in.Password, PasswordHash: in.Hash,
		Verified: in.EmailConfirm, PhoneVerified: in.PhoneConfirm, UserData: in.UserData, AppData: in.AppData,
		TokenRole: in.Role, Audience: in.Audience,
	}
	if len(in.Password) > maxPassword {
		return w, errValidation.saying("Password cannot be longer than 72 characters")
	}
	var err error
	w.Ban, err = readBan(in.Ban)
	return w, err
}

// readBan returns how long a ban is; nil: nothing is said of it, zero: there is none.
func readBan(text string) (*time.Duration, error) {
	switch text {
	case "":
		return nil, nil
	case "none":
		return new(time.Duration), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, errValidation.saying(`invalid format for ban duration: write it as "24h", or "none"`)
	}
	return &d, nil
}

// createUser serves POST /auth/v1/admin/users.
func (d *Door) createUser(c *call, in userWish) (user, error) {
	w, err := in.read()
	if err != nil {
		return user{}, err
	}
	if in.ID != "" {
		w.ID, err = headykey.ParseID(strings.ToLower(in.ID))
		if err != nil || strings.Trim(in.ID, "0-") == "" {
			return user{}, errValidation.saying("ID must be a valid UUID")
		}
	}
	a, err := d.Auth.CreateAccount(c.Context(), c.by, w)
	if err != nil {
		return user{}, err
	}
	return d.spellUser(a), nil
}

// changeUser serves PUT /auth/v1/admin/users/{id}.
func (d *Door) changeUser(c *call, in userWish) (user, error) {
	id, err := idIn(c, "id")
	if err != nil {
		return user{}, err
	}
	w, err := in.read()
	if err != nil {
		return user{}, err
	}
	a, err := d.Auth.AmendAccount(c.Context(), c.by, id, w)
	if err != nil {
		return user{}, aboutUser(err)
	}
	return d.spellUser(a), nil
}

type deletion struct {
	Soft bool `json:"should_soft_delete"`
}

// deleteUser serves DELETE /auth/v1/admin/users/{id}.
func (d *Door) deleteUser(c *call, in deletion) (struct{}, error) {
	id, err := idIn(c, "id")
	if err != nil {
		return struct{}{}, err
	}
	if in.Soft {
		return struct{}{}, aboutUser(d.Directory.HideUser(c.Context(), c.by, id))
	}
	return struct{}{}, aboutUser(d.Directory.EraseUser(c.Context(), c.by, id))
}

// factors serves GET /auth/v1/admin/users/{id}/factors: nobody has one.
func (d *Door) factors(c *call, _ struct{}) ([]struct{}, error) {
	_, err := d.found(c)
	return nil, err
}

// factor serves PUT and DELETE of /auth/v1/admin/users/{id}/factors/{factor}.
func (d *Door) factor(c *call, _ struct{}) (struct{}, error) {
	return d.missing(c, "factor", &failure{status: http.StatusNotFound, code: "mfa_factor_not_found", text: "Factor not found"})
}

// passkeys serves GET /auth/v1/admin/users/{id}/passkeys: nobody has one.
func (d *Door) passkeys(c *call, _ struct{}) ([]struct{}, error) {
	_, err := d.found(c)
	return nil, err
}

// passkey serves DELETE /auth/v1/admin/users/{id}/passkeys/{passkey}.
func (d *Door) passkey(c *call, _ struct{}) (struct{}, error) {
	return d.missing(c, "passkey", &failure{status: http.StatusNotFound, code: "webauthn_credential_not_found", text: "Passkey not found"})
}

// missing answers for a thing of a user that does not exist.
func (d *Door) missing(c *call, name string, f *failure) (struct{}, error) {
	if _, err := d.found(c); err != nil {
		return struct{}{}, err
	}
	if _, err := idIn(c, name); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, f
}
