package oauth

import (
	"context"

	"headykey.com/headykey"
)

// deviceGrant is the grant type of devices that are hard to type on (RFC 8628 §3.4).
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// redeemDevice gives a device its tokens, once its person said yes.
func redeemDevice(ctx context.Context, s *Service, c *headykey.Client, req Request) (Permit, error) {
	code := req.Form.Get("device_code")
	if code == "" {
		return Permit{}, headykey.ErrMissingField.About("device_code")
	}
	return s.redeemPoll(ctx, c, req, kindDevice, code)
}
