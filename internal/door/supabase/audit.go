package supabase

import (
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/receipt"
)

// audited are the receipts that apps know, and what they call them. The others are
// shown elsewhere.
var audited = []struct{ kind, action, group string }{
	{"account.created", "user_signedup", "team"},
	{"account.invited", "user_invited", "team"},
	{"account.deleted", "user_deleted", "team"},
	{"account.erased", "user_deleted", "team"},
	{"account.changed", "user_modified", "user"},
	{"account.disabled", "user_modified", "user"},
	{"account.enabled", "user_modified", "user"},
	{"role.changed", "user_modified", "user"},
	{"email.change_asked", "user_modified", "user"},
	{"email.changed", "user_modified", "user"},
	{"email.confirmed", "user_modified", "user"},
	{"password.changed", "user_updated_password", "user"},
	{"session.started", "login", "account"},
	{"session.renewed", "login", "account"},
	{"session.ended", "logout", "account"},
	{"token.issued", "token_refreshed", "token"},
	{"refresh_token.reused", "token_revoked", "token"},
}

type auditEntry struct {
	ID      headykey.ID  `json:"id"`
	Payload auditPayload `json:"payload"`
	Created time.Time    `json:"created_at"`
	Address string       `json:"ip_address"` // empty: receipts tell none that can be read
}

type auditPayload struct {
	Actor    headykey.ID       `json:"actor_id"`
	Username string            `json:"actor_username"`
	Name     string            `json:"actor_name,omitempty"`
	SSO      bool              `json:"actor_via_sso"`
	Action   string            `json:"action"`
	Group    string            `json:"log_type"`
	Traits   map[string]string `json:"traits,omitempty"`
}

// noUser is the id of an actor that is no account.
const noUser headykey.ID = "00000000-0000-0000-0000-000000000000"

// audit serves GET /auth/v1/admin/audit?query=author|action|type:text&page=&per_page=.
func (d *Door) audit(c *call, _ struct{}) ([]auditEntry, error) {
	p, err := pageOf(c.Request)
	if err != nil {
		return nil, err
	}
	f, err := auditFilter(c.URL.Query().Get("query"))
	if err != nil {
		return nil, err
	}
	f.Offset, f.Limit = p.offset(), p.size
	var all []directory.Audited
	var total int64
	if len(f.Types) > 0 {
		if all, total, err = d.Directory.Audit(c.Context(), c.by, f); err != nil {
			return nil, err
		}
	}
	p.tell(c, total)
	var out []auditEntry
	for _, one := range all {
		out = append(out, spellAudited(one))
	}
	return out, nil
}

// auditFilter reads SCOPE:TEXT.
func auditFilter(query string) (f directory.AuditFilter, err error) {
	scope, text, found := strings.Cut(query, ":")
	text = strings.ToLower(text)
	if query != "" && (!found || scope != "author" && scope != "action" && scope != "type") {
		return f, errValidation.saying("Invalid query scope: write author, action or type, a colon, and what to look for")
	}
	if scope == "author" {
		f.Author = text
	}
	for _, row := range audited {
		if scope == "action" && !strings.Contains(row.action, text) || scope == "type" && !strings.Contains(row.group, text) {
			continue
		}
		f.Types = append(f.Types, row.kind)
	}
	return f, nil
}

func spellAudited(one directory.Audited) auditEntry {
	r := one.Receipt
	out := auditEntry{ID: r.ID, Created: r.At, Payload: auditPayload{Actor: noUser, Username: one.Actor.ID}}
	if id := receipt.UserIn(one.Actor); id != "" {
		out.Payload.Actor, out.Payload.Username = id, ""
	}
	if u := one.User; u != nil {
		out.Payload.Username, out.Payload.Name = u.Email, u.Name
	}
	for _, row := range audited {
		if row.kind == r.Type {
			out.Payload.Action, out.Payload.Group = row.action, row.group
		}
	}
	if r.Subject != "" && r.Subject != out.Payload.Actor {
		out.Payload.Traits = map[string]string{"user_id": string(r.Subject)}
	}
	return out
}
