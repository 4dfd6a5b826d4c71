package supabase

import (
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

type inviteRequest struct {
	Email string         `json:"email"`
	Data  jsontext.Value `json:"data"`
}

// invite serves POST /auth/v1/invite.
func (d *Door) invite(c *call, in inviteRequest) (user, error) {
	a, err := d.Auth.Invite(c.Context(), c.by, headykey.Fold(in.Email), in.Data, auth.Asking{Target: d.Targets.Choose(c.Request)})
	if err != nil {
		return user{}, err
	}
	return d.spellUser(a), nil
}

type linkRequest struct {
	Type     string         `json:"type"`
	Email    string         `json:"email"`
	NewEmail string         `json:"new_email"`
	Password string         `json:"password"`
	Data     jsontext.Value `json:"data"`
	Target   string         `json:"redirect_to"`
}

// linkReply is the user, and what a letter to them would hold.
type linkReply struct {
	user   `json:",inline"`
	Link   string `json:"action_link"`
	Code   string `json:"email_otp"`
	Token  string `json:"hashed_token"`
	Kind   string `json:"verification_type"`
	Target string `json:"redirect_to"`
}

// makeLink serves POST /auth/v1/admin/generate_link.
func (d *Door) makeLink(c *call, in linkRequest) (linkReply, error) {
	if len(in.Password) > maxPassword {
		return linkReply{}, errValidation.saying("Password cannot be longer than 72 characters")
	}
	target := d.Targets.Choose(c.Request)
	if in.Target != "" {
		target = d.Targets.Accept(in.Target)
	}
	m, err := d.Auth.MakeLink(c.Context(), c.by, auth.LinkWish{
		Kind: in.Type, Email: headykey.Fold(in.Email), NewEmail: headykey.Fold(in.NewEmail), Password: in.Password,
		Data: in.Data, App: auth.Asking{Target: target},
	})
	if headykey.Explain(err).Is(headykey.ErrNotFound) {
		return linkReply{}, errUserNotFound.saying("User with this email not found")
	}
	if err != nil {
		return linkReply{}, err
	}
	return linkReply{d.spellUser(m.Account), m.URL, m.Code, m.Token, m.Kind, target}, nil
}
