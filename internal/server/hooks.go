package server

import (
	"crypto/x509"
	"fmt"
	"log/slog"

	"headykey.com/headykey/internal/hook"
)

// Hooks are the endpoints of the operator's own that the server asks; a zero
// hook.Config is none.
type Hooks struct {
	CustomAccessToken           hook.Config // what goes into a session token
	SendEmail                   hook.Config // sends the letters that apps ask for
	PasswordVerificationAttempt hook.Config // what follows from a password that was tried
	BeforeUserCreated           hook.Config // may an account be made
	AfterUserCreated            hook.Config // is told of one that was
}

// A namedHook is a hook with its table in headykey.toml.
type namedHook struct {
	table string
	name  hook.Name
	hook.Config
}

func (h Hooks) all() []namedHook {
	return []namedHook{
		{"hooks.custom_access_token", hook.CustomAccessToken, h.CustomAccessToken},
		{"hooks.send_email", hook.SendEmail, h.SendEmail},
		{"hooks.password_verification_attempt", hook.PasswordVerificationAttempt, h.PasswordVerificationAttempt},
		{"hooks.before_user_created", hook.BeforeUserCreated, h.BeforeUserCreated},
		{"hooks.after_user_created", hook.AfterUserCreated, h.AfterUserCreated},
	}
}

func (h Hooks) check(f *Faults) {
	for _, one := range h.all() {
		err := one.Check()
		f.need(err == nil, one.table+".uri", "%v", err)
		f.need(one.URI != "" || len(one.Secrets) == 0, one.table+".uri", "must be set, because %s.secrets is", one.table)
	}
}

// openHooks returns the hooks of c. Roots are whom to trust; nil: the system's roots.
func openHooks(c *Config, roots *x509.CertPool, log *slog.Logger) (*hook.Hooks, error) {
	configs := map[hook.Name]hook.Config{}
	for _, one := range c.Hooks.all() {
		configs[one.name] = one.Config
	}
	return hook.New(configs, roots, log)
}

// openRoots returns the system's roots and those of ExtraCA; nil: the system's alone.
func openRoots(c *Config) (*x509.CertPool, error) {
	if c.ExtraCA == "" {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's roots cannot be read: %w", err)
	}
	return roots, addRoots(roots, "extra_ca", c.ExtraCA)
}
