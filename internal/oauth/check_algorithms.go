package oauth

import (
	"slices"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
)

// checkAlgorithms looks at what we are to sign with, and what requests are to be
// signed with. None of it may be none, nor made with a secret.
func checkAlgorithms(c *headykey.Client) error {
	d := &c.Details
	for _, one := range []struct {
		field, alg string
		known      []string
	}{
		{"id_token_signed_response_alg", d.IDTokenAlg, SigningAlgorithms},
		{"userinfo_signed_response_alg", d.UserinfoAlg, SigningAlgorithms},
		{"authorization_signed_response_alg", d.AnswerAlg, SigningAlgorithms},
		{"introspection_signed_response_alg", d.IntrospectAlg, SigningAlgorithms},
		{"request_object_signing_alg", d.RequestAlg, jose.ForeignAlgorithms},
		{"backchannel_authentication_request_signing_alg", d.CIBARequestAlg, jose.ForeignAlgorithms},
	} {
		if one.alg != "" && !slices.Contains(one.known, one.alg) {
			return invalid(one.field, "This algorithm is not one that may be used here.")
		}
		if one.alg == jose.RS256 && c.Profile == headykey.ProfileFAPI2 { // FAPI 2.0 §5.4.1
			return invalid(one.field, "A client of FAPI 2.0 uses PS256, ES256 or EdDSA.")
		}
	}
	return nil
}

// checkEncryption looks at what we are to encrypt with: to keys of the client.
func checkEncryption(c *headykey.Client) error {
	d := &c.Details
	for _, one := range []struct{ what, alg, enc string }{
		{"id_token", d.IDTokenKeyAlg, d.IDTokenEnc},
		{"userinfo", d.UserinfoKeyAlg, d.UserinfoEnc},
		{"authorization", d.AnswerKeyAlg, d.AnswerEnc},
	} {
		algField, encField := one.what+"_encrypted_response_alg", one.what+"_encrypted_response_enc"
		switch {
		case one.alg == "" && one.enc != "":
			return invalid(encField, "It means nothing without "+algField+".")
		case one.alg == "":
			continue
		case !slices.Contains(jose.EncryptionAlgorithms, one.alg):
			return invalid(algField, "This algorithm does not exist here.")
		case one.enc != "" && !slices.Contains(jose.ContentEncryptions, one.enc):
			return invalid(encField, "This algorithm does not exist here.")
		case len(d.JWKS) == 0 && d.JWKSURI == "":
			return invalid(algField, "Encryption needs a key of the client, in jwks or at jwks_uri.")
		}
	}
	return nil
}
