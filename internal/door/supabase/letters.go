package supabase

import (
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/web"
)

type letterRequest struct {
	Type     string         `json:"type"`
	Email    string         `json:"email"`
	Phone    string         `json:"phone"`
	Create   *bool          `json:"create_user"`
	Data     jsontext.Value `json:"data"`
	Security security       `json:"gotrue_meta_security"`
	pkce
}

// knock asks for a letter. The answer is the same for all addresses.
func (d *Door) knock(c *call, in letterRequest, wish string) (struct{}, error) {
	app, err := d.asking(c, in.pkce)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, d.Auth.Knock(c.Context(), auth.Knock{
		Wish: wish, Email: headykey.Fold(in.Email), Create: in.Create == nil || *in.Create, Data: in.Data,
		App: app, From: c.by.From, Audience: c.audience(),
	})
}

// otp serves POST /auth/v1/otp and /auth/v1/magiclink.
func (d *Door) otp(c *call, in letterRequest) (struct{}, error) {
	switch {
	case in.Email != "" && in.Phone != "":
		return struct{}{}, errValidation.saying("Only an email address or phone number should be provided")
	case in.Phone != "":
		return struct{}{}, errPhoneDisabled
	case in.Email == "":
		return struct{}{}, errValidation.saying("One of email or phone must be set")
	}
	return d.knock(c, in, auth.KnockSignIn)
}

// recover serves POST /auth/v1/recover.
func (d *Door) recover(c *call, in letterRequest) (struct{}, error) {
	if in.Email == "" {
		return struct{}{}, errValidation.saying("Password recovery requires an email")
	}
	return d.knock(c, in, auth.KnockRecovery)
}

// resent are the letters that can be sent once more.
var resent = map[string]string{"signup": auth.KnockSignUp, "email_change": auth.KnockMove}

// resend serves POST /auth/v1/resend.
func (d *Door) resend(c *call, in letterRequest) (struct{}, error) {
	wish, ok := resent[in.Type]
	switch {
	case in.Type == "sms" || in.Type == "phone_change":
		return struct{}{}, errPhoneDisabled
	case !ok:
		return struct{}{}, errValidation.saying("Missing one of these types: signup, email_change, sms, phone_change")
	case in.Email == "":
		return struct{}{}, errValidation.saying("Type provided requires an email address")
	}
	return d.knock(c, in, wish)
}

type verifyRequest struct {
	Type   string `json:"type"`
	Token  string `json:"token"`
	Hash   string `json:"token_hash"`
	Email  string `json:"email"`
	Phone  string `json:"phone"`
	Target string `json:"redirect_to"`
}

// halfway answers the first of the two letters that change an address.
type halfway struct {
	Message string `json:"msg"`
	Code    string `json:"code"`
}

const halfwayText = "Confirmation link accepted. Please proceed to confirm link sent to the other email"

// verify serves POST /auth/v1/verify of apps.
func (d *Door) verify(c *call, in verifyRequest) (any, error) {
	out := auth.Redemption{Type: in.Type, Token: in.Hash, Code: in.Token, Email: in.Email, From: c.by.From}
	if in.Hash == "" {
		out.Audience = c.audience()
	}
	switch {
	case in.Type == "":
		return nil, errValidation.saying("Verify requires a verification type")
	case in.Hash != "" && (in.Email != "" || in.Phone != "" || in.Target != ""):
		return nil, errValidation.saying("Only the token_hash and type should be provided")
	case in.Hash == "" && in.Token == "":
		return nil, errValidation.saying("Verify requires a token or a token hash")
	case in.Hash == "" && in.Phone != "":
		return nil, errPhoneDisabled
	case in.Hash == "" && in.Email == "":
		return nil, errValidation.saying("Only an email address or phone number should be provided on verify")
	}
	r, err := d.Auth.Redeem(c.Context(), out)
	switch {
	case headykey.Explain(err).Is(headykey.ErrAccountDisabled):
		return nil, &failure{status: http.StatusForbidden, code: "user_banned", text: "User is banned"}
	case err != nil:
		return nil, err
	case r.Half:
		return halfway{halfwayText, "200"}, nil
	}
	return d.spellSession(c, r.Grant), nil
}

// letterLink serves GET /auth/v1/verify: a page, whose form spends the link. What scans
// mail spends nothing.
func (d *Door) letterLink(w http.ResponseWriter, c *call) error {
	query := c.URL.Query()
	switch {
	case query.Get("token") == "":
		return errValidation.saying("Verify requires a token or a token hash")
	case query.Get("type") == "":
		return errValidation.saying("Verify requires a verification type")
	}
	query.Set("redirect_to", d.Targets.Choose(c.Request))
	r := c.Request.Clone(c.Context())
	r.URL.RawQuery = query.Encode()
	d.LetterLink.ServeHTTP(w, r)
	return nil
}

// verified serves POST /auth/v1/verify of the page that a letter's link leads to: it
// sends the browser on to the app, with the outcome in the address.
func (d *Door) verified(w http.ResponseWriter, c *call) error {
	form, err := web.DecodeForm(w, c.Request)
	if err != nil {
		return err
	}
	target := d.Targets.Accept(form.Get("redirect_to"))
	r, err := d.Auth.Redeem(c.Context(), auth.Redemption{
		Type: form.Get("type"), Token: form.Get("token"), From: c.by.From, Visitor: true,
	})
	var to string
	switch {
	case err != nil:
		to = withFailure(target, explain(c.Context(), err))
	case r.Half:
		to = withFragment(target, url.Values{"message": {halfwayText}})
	case r.Code != "":
		to = withQuery(target, url.Values{"code": {r.Code}})
	default:
		to = withFragment(target, d.fragment(d.spellSession(c, r.Grant), form.Get("type")))
	}
	http.Redirect(w, c.Request, to, http.StatusSeeOther)
	return nil
}
