package server

import (
	"cmp"

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
	return supabase.New(supabase.Parts{
		Auth: p.Auth, Account: p.Account, Directory: p.Directory, OAuth: p.OAuth, Proxies: p.Proxies, Limiter: p.Limiter,
		Targets: targets, LetterLink: front.LetterLink, DemandKey: c.DemandKey, Version: Version, BaseURL: s.Base, ConsentPath: c.ConsentPath,
		Settings: supabase.Settings{AutoConfirm: !s.config.ConfirmEmail, Closed: !s.config.SignUp, Anonymous: c.Anonymous},
	}), nil
}
