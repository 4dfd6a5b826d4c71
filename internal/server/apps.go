package server

import (
	"cmp"

	"headykey.com/headykey/internal/captcha"
	"headykey.com/headykey/internal/door/heady"
	"headykey.com/headykey/internal/door/pages"
	"headykey.com/headykey/internal/door/supabase"
	"headykey.com/headykey/internal/web"
)

// apps is the door of apps that know the API of Supabase Auth: over the same parts as
// the API's.
func (s *Server) apps(p heady.Parts, front pages.Front) (*supabase.Door, error) {
	c := s.config.Supabase
	targets, err := web.NewTargets(cmp.Or(c.SiteURL, s.Base), c.Redirects)
	if err != nil {
		return nil, err
	}
	var puzzle *captcha.Checker // nil checks nothing
	if s.config.Captcha.Provider != "" {
		if puzzle, err = captcha.New(s.Core.Fetch, s.config.Captcha); err != nil {
			return nil, err
		}
	}
	return supabase.New(supabase.Parts{
		Auth: p.Auth, Account: p.Account, Directory: p.Directory, OAuth: p.OAuth, Proxies: p.Proxies, Limiter: p.Limiter,
		Targets: targets, LetterLink: front.LetterLink, DemandKey: c.DemandKey, Version: Version, BaseURL: s.Base, ConsentPath: c.ConsentPath,
		Captcha: puzzle, Settings: appSettings(s.config),
	}), nil
}

// appSettings are what apps are told of a server that runs by c.
func appSettings(c *Config) supabase.Settings {
	out := supabase.Settings{
		NoPasswords: !c.Supabase.Passwords, AutoConfirm: !c.ConfirmEmail, Closed: !c.SignUp, Anonymous: c.Supabase.Anonymous,
	}
	for _, i := range c.IDTokenIssuers {
		out.Providers = append(out.Providers, i.Provider)
	}
	return out
}
