package supabase

import "net/http"

// What this server does not offer is said in the words that apps know.
var (
	errSAMLDisabled    = &failure{status: 404, code: "saml_provider_disabled", text: "SAML 2.0 is disabled"}
	errPasskeyDisabled = &failure{status: 404, code: "passkey_disabled", text: "Passkey authentication is disabled"}
	errFactorNotFound  = &failure{status: 404, code: "mfa_factor_not_found", text: "MFA factor not found"}
)

// enrollments are the failures to enroll a second factor, by its type.
var enrollments = map[string]*failure{
	"totp":     {status: 422, code: "mfa_totp_enroll_not_enabled", text: "MFA enroll is disabled for TOTP"},
	"phone":    {status: 422, code: "mfa_phone_enroll_not_enabled", text: "MFA enroll is disabled for Phone"},
	"webauthn": {status: 422, code: "mfa_webauthn_enroll_not_enabled", text: "MFA enroll is disabled for WebAuthn"},
}

// off is an address that answers one failure.
type off struct {
	method, path string
	who          proof
	why          *failure
}

// offs are all of them.
var offs = []off{
	{"POST", "/factors/{id}/challenge", person, errFactorNotFound},
	{"POST", "/factors/{id}/verify", person, errFactorNotFound},
	{"DELETE", "/factors/{id}", person, errFactorNotFound},
	{"GET", "/passkeys", anybody, errPasskeyDisabled},
	{"PATCH", "/passkeys/{id}", anybody, errPasskeyDisabled},
	{"DELETE", "/passkeys/{id}", anybody, errPasskeyDisabled},
	{"POST", "/passkeys/registration/options", anybody, errPasskeyDisabled},
	{"POST", "/passkeys/registration/verify", anybody, errPasskeyDisabled},
	{"POST", "/passkeys/authentication/options", anybody, errPasskeyDisabled},
	{"POST", "/passkeys/authentication/verify", anybody, errPasskeyDisabled},
	{"POST", "/sso", anybody, errSAMLDisabled},
	{"GET", "/admin/sso/providers", admin, errSAMLDisabled},
	{"POST", "/admin/sso/providers", admin, errSAMLDisabled},
	{"GET", "/admin/sso/providers/{id}", admin, errSAMLDisabled},
	{"PUT", "/admin/sso/providers/{id}", admin, errSAMLDisabled},
	{"DELETE", "/admin/sso/providers/{id}", admin, errSAMLDisabled},
}

// mountOff hangs what this server does not offer. Browsers come to the addresses of
// SAML without a project key.
func (d *Door) mountOff(add func(method, path string, h http.Handler)) {
	add("POST", "/factors", d.keyed(serve(d, person, http.StatusOK, d.enroll)))
	for _, o := range offs {
		add(o.method, o.path, d.keyed(d.off(o.who, o.why)))
	}
	add("GET", "/sso/saml/metadata", d.off(anybody, errSAMLDisabled))
	add("POST", "/sso/saml/acs", d.off(anybody, errSAMLDisabled))
}

func (d *Door) off(who proof, why *failure) http.Handler {
	return d.handle(who, func(http.ResponseWriter, *call) error { return why })
}

// person must be signed in, and not anonymously.
func person(d *Door, c *call) error {
	if err := someone(d, c); err != nil {
		return err
	}
	if c.account.Anonymous {
		return errNoAuthorization.with(http.StatusForbidden).saying("Anonymous user not allowed to perform these actions")
	}
	return nil
}

type factorRequest struct {
	Type string `json:"factor_type"`
}

// enroll serves POST /auth/v1/factors.
func (d *Door) enroll(_ *call, in factorRequest) (struct{}, error) {
	if why, ok := enrollments[in.Type]; ok {
		return struct{}{}, why
	}
	return struct{}{}, errValidation.saying("factor_type needs to be totp, phone, or webauthn")
}
