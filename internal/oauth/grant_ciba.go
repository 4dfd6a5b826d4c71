package oauth

import (
	"context"

	"headykey.com/headykey"
)

// cibaGrant is the grant type of clients that asked a person on their own device
// (CIBA Core §10.1).
const cibaGrant = "urn:openid:params:grant-type:ciba"

// redeemCIBA gives a client the tokens that a person allowed it elsewhere.
func redeemCIBA(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error) {
	if c.Public() {
		return Permit{}, headykey.ErrGrantNotAllowed // it proved nothing
	}
	id := req.Form.Get("auth_req_id")
	if id == "" {
		return Permit{}, headykey.ErrMissingField.About("auth_req_id")
	}
	return s.redeemPoll(ctx, c, req, kindCIBA, id)
}
