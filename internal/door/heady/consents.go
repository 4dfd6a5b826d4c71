package heady

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

// consentLine is what a person allowed a client to have again without being asked.
type consentLine struct {
	Client    headykey.ID    `json:"client_id"`
	Name      string         `json:"client_name"`
	URI       *string        `json:"client_uri"`
	Verified  bool           `json:"client_verified"` // an administrator vouches for it
	Scopes    []string       `json:"scopes"`
	Resources []string       `json:"resources"`
	Details   jsontext.Value `json:"authorization_details"` // RFC 9396, an array
	Created   time.Time      `json:"created_at"`
	Updated   time.Time      `json:"updated_at"`
	Expires   *time.Time     `json:"expires_at"` // null: when it is withdrawn
}

type consentsReply struct {
	Consents []consentLine `json:"consents"`
}

func (d door) consentsOf(r *http.Request, by headykey.Caller, user headykey.ID) (consentsReply, error) {
	all, err := d.OAuth.Consents(r.Context(), by, user)
	if err != nil {
		return consentsReply{}, err
	}
	out := consentsReply{}
	for _, one := range all {
		given, client := one.Consent, one.Client
		details := given.Details
		if len(details) == 0 {
			details = jsontext.Value("[]")
		}
		out.Consents = append(out.Consents, consentLine{
			Client: client.ID, Name: client.Name, URI: textOrNull(client.Details.URI), Verified: !client.Verified.IsZero(),
			Scopes: given.Scopes, Resources: given.Resources, Details: details,
			Created: given.Created, Updated: given.Updated, Expires: orNull(given.Expires),
		})
	}
	return out, nil
}

func (d door) withdraw(r *http.Request, by headykey.Caller, user headykey.ID) (doneReply, error) {
	client, err := headykey.ParseID(r.PathValue("clientId"))
	if err != nil {
		return doneReply{}, headykey.ErrNotFound
	}
	return doneReply{Status: "withdrawn", ID: client}, d.OAuth.Withdraw(r.Context(), by, user, client)
}

// consents serves GET /api/auth/consents.
func (d door) consents(r *http.Request, by headykey.Caller, _ struct{}) (consentsReply, error) {
	return d.consentsOf(r, by, by.User)
}

// withdrawConsent serves DELETE /api/auth/consents/{clientId}.
func (d door) withdrawConsent(r *http.Request, by headykey.Caller, _ struct{}) (doneReply, error) {
	return d.withdraw(r, by, by.User)
}

// userConsents serves GET /api/admin/users/{id}/consents.
func (d door) userConsents(r *http.Request, by headykey.Caller, _ struct{}) (consentsReply, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return consentsReply{}, err
	}
	user, err := idIn(r)
	if err != nil {
		return consentsReply{}, err
	}
	return d.consentsOf(r, by, user)
}

// withdrawUserConsent serves DELETE /api/admin/users/{id}/consents/{clientId}, for
// administrators alone: see adminOnly.
func (d door) withdrawUserConsent(r *http.Request, by headykey.Caller, _ struct{}) (doneReply, error) {
	user, err := idIn(r)
	if err != nil {
		return doneReply{}, err
	}
	return d.withdraw(r, by, user)
}
