package supabase

import (
	"net/http"

	"headykey.com/headykey"
)

// linkByBrowser serves GET /auth/v1/user/identities/authorize: people link by ID token
// here.
func (d *Door) linkByBrowser(*call, struct{}) (struct{}, error) {
	return struct{}{}, &failure{status: http.StatusNotFound, code: "manual_linking_disabled", text: "Manual linking is disabled"}
}

// unlink serves DELETE /auth/v1/user/identities/{id}.
func (d *Door) unlink(c *call, _ struct{}) (struct{}, error) {
	id, err := headykey.ParseID(c.PathValue("id"))
	if err != nil {
		return struct{}{}, errValidation.with(http.StatusNotFound).saying("identity_id must be an UUID")
	}
	err = d.Auth.Unlink(c.Context(), c.by, id)
	switch e := headykey.Explain(err); {
	case err == nil:
		return struct{}{}, nil
	case e.Is(headykey.ErrNotFound):
		return struct{}{}, &failure{status: http.StatusUnprocessableEntity, code: "identity_not_found", text: "Identity doesn't exist"}
	case e.Is(headykey.ErrEmailTaken):
		return struct{}{}, &failure{
			status: http.StatusUnprocessableEntity, code: "email_conflict_identity_not_deletable",
			text: "The address that would be left is another account's.",
		}
	}
	return struct{}{}, err
}
