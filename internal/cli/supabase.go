package cli

import (
	"context"
	"fmt"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/server"
)

type supabaseKeysCommand struct{}

// A supabaseKeysReply is what an app of the Supabase API is made with.
type supabaseKeysReply struct {
	Anon        string `json:"anon"`
	ServiceRole string `json:"service_role"`
	Publishable string `json:"publishable"`
	Secret      string `json:"secret"`
}

// String returns a key per line.
func (r supabaseKeysReply) String() string {
	return fmt.Sprintf("anon\n  %s\nservice_role\n  %s\npublishable\n  %s\nsecret\n  %s\n\n%s", r.Anon, r.ServiceRole, r.Publishable, r.Secret,
		wrap("anon and publishable may be part of an app. Whoever has service_role or secret is an administrator of the Supabase API: keep them on servers."))
}

// Run prints the keys, the same each time until they are rotated.
func (supabaseKeysCommand) Run(c *console) error {
	return c.with(func(_ context.Context, core *server.Core) (fmt.Stringer, error) {
		k, err := core.Auth.ProjectKeys(headykey.System)
		return supabaseKeysReply{Anon: k.Anon, ServiceRole: k.ServiceRole, Publishable: k.Publishable, Secret: k.Secret}, err
	})
}
