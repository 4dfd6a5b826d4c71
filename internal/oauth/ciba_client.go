package oauth

import (
	"slices"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

// The ways in which a client learns of an answer (CIBA Core §5).
const (
	deliverByPoll = "poll"
	deliverByPing = "ping"
)

// CIBADeliveries lists the ways that exist here. Tokens are never pushed: who gets
// them must prove itself first.
var CIBADeliveries = []string{deliverByPoll, deliverByPing}

// CIBARequestAlgorithms lists what signed requests may be signed with (FAPI-CIBA
// §5.2.2, FAPI 1.0 Advanced §8.6).
var CIBARequestAlgorithms = []string{jose.ES256, jose.PS256, jose.EdDSA, jose.Ed25519}

// checkCIBA returns nil if what c is registered with for CIBA can be kept (CIBA Core
// §4).
func (s *Service) checkCIBA(c *headykey.Client) error {
	d := &c.Details
	switch {
	case c.May(cibaGrant) && c.Origin == headykey.Dynamic && !c.Vouched(): // each question is a letter from us, to whom they like
		return invalid("grant_types", "A client that registered itself may ask people who are elsewhere only once an administrator has verified it.")
	case c.May(cibaGrant) && c.Public():
		return invalid("grant_types", "A public client may not ask people who are elsewhere.")
	case d.CIBADelivery != "" && !slices.Contains(CIBADeliveries, d.CIBADelivery):
		return invalid("backchannel_token_delivery_mode", "This way to deliver does not exist here.")
	case d.CIBADelivery == deliverByPing && (d.CIBANotify == "" || s.Fetch.Check(d.CIBANotify) != nil):
		return invalid("backchannel_client_notification_endpoint", "A client that is pinged needs a public https address for it.")
	case d.CIBARequestAlg != "" && !slices.Contains(CIBARequestAlgorithms, d.CIBARequestAlg):
		return invalid("backchannel_authentication_request_signing_alg", "Requests are signed with ES256, PS256 or EdDSA.")
	case d.CIBAUserCode:
		return invalid("backchannel_user_code_parameter", "There are no user codes here.")
	}
	return nil
}
