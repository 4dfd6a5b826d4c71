package server

import (
	"context"
	"path/filepath"

	"headykey.com/headykey/internal/door/heady"
	"headykey.com/headykey/internal/door/pages"
	"headykey.com/headykey/internal/store"
)

// engineNames are the databases as people write them.
var engineNames = map[string]string{"sqlite": "SQLite", "postgres": "PostgreSQL"}

// pages is what the pages stand on: the same parts as the API's.
func (s *Server) pages(p heady.Parts) pages.Deps {
	return pages.Deps{
		Auth: p.Auth, OAuth: p.OAuth, CORS: p.CORS, Limiter: p.Limiter, Proxies: p.Proxies, Secure: p.Secure,
		MAC: s.Core.sealer.MAC, Seal: s.Core.sealer.Seal, Open: s.Core.sealer.Open,
		BaseURL: s.Base, Version: Version, Database: engineNames[s.Core.DB.Name()], Mailbox: s.Core.Mailbox,
		Facts: s.facts,
	}
}

// facts are what the pages tell of this server, looked up when they are asked.
func (s *Server) facts(ctx context.Context) (pages.Facts, error) {
	f := pages.Facts{OwnURL: s.config.URL != "", MailServer: s.config.Mail.SMTP, Data: s.config.Data}
	if len(s.config.MasterKey) == 0 {
		f.MasterKey = filepath.Join(s.config.Data, MasterKeyFile)
	}
	err := s.Core.DB.View(ctx, func(tx *store.Tx) error {
		admin, key, err := tx.Beginnings()
		f.Admin, f.APIKey = admin, key
		return err
	})
	return f, err
}
