package supabase

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/web"
)

// me serves GET /auth/v1/user: see Door.User.
func (d *Door) me(c *call, _ struct{}) (user, error) {
	if asked := c.Header.Get("X-Jwt-Aud"); asked != "" && asked != c.account.Profile.Audience {
		return user{}, errValidation.saying("Token audience doesn't match request audience")
	}
	u := d.spellUser(c.account)
	u.Subject = u.ID
	return u, nil
}

type userChange struct {
	Email    string         `json:"email"`
	Phone    string         `json:"phone"`
	Password *string        `json:"password"`
	Current  string         `json:"current_password"`
	Nonce    string         `json:"nonce"`
	Data     jsontext.Value `json:"data"`
	AppData  jsontext.Value `json:"app_metadata"`
	pkce
}

// changeMe serves PUT /auth/v1/user.
func (d *Door) changeMe(c *call, in userChange) (user, error) {
	app, err := d.asking(c, in.pkce)
	change := auth.AccountChange{Email: headykey.Fold(in.Email), Current: in.Current, Code: in.Nonce, Data: in.Data, App: app, From: c.by.From}
	if in.Password != nil {
		change.Password = *in.Password
	}
	switch {
	case err != nil:
		return user{}, err
	case in.Password != nil && *in.Password == "":
		return user{}, errNoPassword
	case len(in.AppData) > 0 && in.AppData.Kind() != 'n':
		return user{}, errNotAdmin.saying("Updating app_metadata requires admin privileges")
	case in.Phone != "" && in.Phone != c.account.Profile.Phone:
		return user{}, errPhoneDisabled.with(http.StatusUnprocessableEntity)
	case len(change.Password) > maxPassword:
		return user{}, errValidation.saying("Password cannot be longer than 72 characters")
	}
	a, err := d.Auth.ChangeAccount(c.Context(), c.by, change)
	if f := headykey.Explain(err); f.Is(headykey.ErrInvalid) && len(f.Fields) > 0 && f.Fields[0].Name == "email" {
		return user{}, errValidation.with(http.StatusUnprocessableEntity).saying(f.Text)
	}
	if err != nil {
		return user{}, err
	}
	return d.spellUser(a), nil
}

// reauthenticate serves GET /auth/v1/reauthenticate.
func (d *Door) reauthenticate(c *call, _ struct{}) (struct{}, error) {
	err := d.Auth.SendCode(c.Context(), c.by)
	if headykey.Explain(err).Is(headykey.ErrEmailNotConfirmed) {
		return struct{}{}, &failure{status: http.StatusUnprocessableEntity, code: "email_not_confirmed", text: "Please verify your email first."}
	}
	return struct{}{}, err
}

// logout serves POST /auth/v1/logout.
func (d *Door) logout(w http.ResponseWriter, c *call) error {
	scope := c.URL.Query().Get("scope")
	if scope == "" {
		scope = auth.Global
	}
	if _, err := d.Auth.Logout(c.Context(), c.by, scope); err != nil {
		return err
	}
	web.Reply(w, http.StatusNoContent, nil)
	return nil
}
