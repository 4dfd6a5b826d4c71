package supabase

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// maxPassword is the longest password that this API takes, in bytes.
const maxPassword = 72

type signUpRequest struct {
	Email    string         `json:"email"`
	Phone    string         `json:"phone"`
	Password string         `json:"password"`
	Data     jsontext.Value `json:"data"`
	Security security       `json:"gotrue_meta_security"`
	pkce
}

// pkce are the fields by which an app binds the outcome to itself.
type pkce struct {
	Challenge string `json:"code_challenge"`
	Method    string `json:"code_challenge_method"`
}

// asking returns the app that c is of, as far as letters need to know.
func (d *Door) asking(c *call, p pkce) (auth.Asking, error) {
	challenge, err := auth.ParseChallenge(p.Challenge, p.Method)
	return auth.Asking{Target: d.Targets.Choose(c.Request), Challenge: challenge}, err
}

// signUp serves POST /auth/v1/signup: a session, or a user who waits for a letter.
func (d *Door) signUp(c *call, in signUpRequest) (any, error) {
	if in.Email == "" && in.Phone == "" {
		return d.signUpAnonymously(c, in)
	}
	app, err := d.asking(c, in.pkce)
	switch {
	case err != nil:
		return nil, err
	case c.audience() != headykey.Authenticated:
		return nil, errAudience
	case in.Email != "" && in.Phone != "":
		return nil, errValidation.saying("Only an email address or phone number should be provided on signup.")
	case in.Phone != "" && app.Challenge != "":
		return nil, errValidation.saying("PKCE not supported for phone signups")
	case in.Phone != "":
		return nil, errPhoneDisabled
	case in.Password == "":
		return nil, errValidation.saying("Signup requires a valid password")
	case len(in.Password) > maxPassword:
		return nil, errValidation.saying("Password cannot be longer than 72 characters")
	}
	g, account, err := d.Auth.SignUp(c.Context(), auth.Registration{
		Email: headykey.Fold(in.Email), Password: in.Password, Data: in.Data, App: &app, From: c.by.From, Surface: auth.AppSurface,
	})
	switch {
	case headykey.Explain(err).Is(headykey.ErrEmailTaken):
		return nil, &failure{status: http.StatusUnprocessableEntity, code: "user_already_exists", text: "User already registered"}
	case err != nil:
		return nil, err
	case g == nil:
		return d.spellUser(account), nil
	}
	return d.spellSession(c, g), nil
}

func (d *Door) signUpAnonymously(c *call, in signUpRequest) (any, error) {
	if c.audience() != headykey.Authenticated {
		return nil, errAudience
	}
	g, err := d.Auth.SignUpAnonymously(c.Context(), in.Data, c.by.From)
	if headykey.Explain(err).Is(headykey.ErrFeatureOff) {
		return nil, &failure{status: http.StatusUnprocessableEntity, code: "anonymous_provider_disabled", text: "Anonymous sign-ins are disabled"}
	}
	if err != nil {
		return nil, err
	}
	return d.spellSession(c, g), nil
}
