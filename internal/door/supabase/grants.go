package supabase

import (
	"errors"
	"net/http"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

var errNoConsent = &failure{status: http.StatusNotFound, code: "oauth_consent_not_found", text: "No active grant found for this client"}

// A clientGrant is what a person allowed a client.
type clientGrant struct {
	Client clientLine `json:"client"`
	Scopes []string   `json:"scopes"`
	At     time.Time  `json:"granted_at"`
}

// clientGrants serves GET /auth/v1/user/oauth/grants.
func (d *Door) clientGrants(c *call, _ struct{}) ([]clientGrant, error) {
	all, err := d.OAuth.Consents(c.Context(), c.by, c.by.User)
	if err != nil {
		return nil, err
	}
	out := []clientGrant{}
	for _, one := range all {
		if one.Consent.Live(time.Now()) {
			out = append(out, clientGrant{spellClientLine(one.Client), one.Consent.Scopes, one.Consent.Updated})
		}
	}
	return out, nil
}

// withdrawGrant serves DELETE /auth/v1/user/oauth/grants?client_id=.
func (d *Door) withdrawGrant(w http.ResponseWriter, c *call) error {
	client, err := headykey.ParseID(c.URL.Query().Get("client_id"))
	if err != nil {
		return errValidation.saying("client_id must be the UUID of a client")
	}
	err = d.OAuth.Withdraw(c.Context(), c.by, c.by.User, client)
	if errors.Is(err, headykey.ErrNotFound) {
		return errNoConsent
	}
	if err != nil {
		return err
	}
	web.Reply(w, http.StatusNoContent, nil)
	return nil
}
