package supabase

import "slices"

// healthReply names the API that clients look for.
type healthReply struct {
	Version     string `json:"version"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// health serves GET /auth/v1/health.
func (d *Door) health(*call, struct{}) (healthReply, error) {
	return healthReply{d.Version, "GoTrue", "HeadyKey, which answers as GoTrue does"}, nil
}

// externals are the providers that apps look for in the settings.
var externals = []string{
	"apple", "azure", "bitbucket", "discord", "facebook", "snapchat", "figma", "fly", "github", "gitlab", "google",
	"keycloak", "kakao", "linkedin", "linkedin_oidc", "notion", "spotify", "slack", "slack_oidc", "workos", "twitch",
	"twitter", "zoom",
}

type settingsReply struct {
	External         map[string]bool `json:"external"`
	DisableSignup    bool            `json:"disable_signup"`
	AutoConfirm      bool            `json:"mailer_autoconfirm"`
	PhoneAutoConfirm bool            `json:"phone_autoconfirm"`
	SMS              string          `json:"sms_provider"`
	SAML             bool            `json:"saml_enabled"`
	SAMLNextKey      bool            `json:"saml_private_key_next_configured"`
	Passkeys         bool            `json:"passkeys_enabled"`
}

// settings serves GET /auth/v1/settings.
func (d *Door) settings(*call, struct{}) (settingsReply, error) {
	out := settingsReply{
		External:      map[string]bool{"email": true, "phone": false, "anonymous_users": d.Settings.Anonymous},
		DisableSignup: d.Settings.Closed, AutoConfirm: d.Settings.AutoConfirm,
	}
	for _, name := range externals {
		out.External[name] = slices.Contains(d.Settings.Providers, name)
	}
	return out, nil
}
