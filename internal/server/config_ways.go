package server

import (
	"slices"
	"strings"

	"headykey.com/headykey/internal/captcha"
)

// checkIssuers looks at whose ID tokens count. People are known by provider and
// subject, so that one provider is one issuer.
func (c *Config) checkIssuers(f *Faults) {
	const setting = "id_token.issuers"
	issuerOf := map[string]string{}
	for _, i := range c.IDTokenIssuers {
		fault := i.Fault()
		f.need(fault == "", setting, "each %s", fault)
		for _, address := range []string{i.Issuer, i.DiscoveryURL, i.KeysURL} {
			f.need(c.mayFetch(address), setting, "must have https:// URLs alone, not %q", address)
		}
		before, there := issuerOf[i.Provider]
		f.need(!there || before == i.Issuer, setting, "must not give the provider %s two issuers", i.Provider)
		issuerOf[i.Provider] = i.Issuer
	}
}

// mayFetch reports whether address is one that we could fetch: https, or http where
// fetch_allow has hosts at all. "" is none.
func (c *Config) mayFetch(address string) bool {
	return !strings.HasPrefix(strings.ToLower(address), "http:") || len(c.FetchAllow) > 0
}

func (c *Config) checkCaptcha(f *Faults) {
	on := c.Captcha.Provider != ""
	f.need(!on || slices.Contains(captcha.Providers(), c.Captcha.Provider), "captcha.provider",
		"must be one of %s, not %q", strings.Join(captcha.Providers(), ", "), c.Captcha.Provider)
	f.need(on == (c.Captcha.Secret != ""), "captcha.secret", "and captcha.provider must be set together")
	f.need(on || c.Captcha.URL == "", "captcha.url", "needs captcha.provider")
	f.need(c.Captcha.URL == "" || strings.HasPrefix(c.Captcha.URL, "https://") || len(c.FetchAllow) > 0 && strings.HasPrefix(c.Captcha.URL, "http://"),
		"captcha.url", "must be an https:// URL, not %q", c.Captcha.URL)
}
